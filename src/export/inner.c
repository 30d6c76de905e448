/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include <gmime/gmime.h>

#include "exarch/message.h"

#include "inner.h"
#include "name.h"

bool
inner_is_wanted(const char *item_class)
{
	static const char *const classes[] = { "IPM.Appointment", "IPM.Schedule.Meeting",
		"IPM.Task", "IPM.Contact", "IPM.DistList" };

	for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
		size_t size = strlen(classes[i]);

		if (strncasecmp(item_class, classes[i], size) == 0 &&
			(item_class[size] == '\0' || item_class[size] == '.'))
			return true;
	}
	return false;
}

static const char *
extension_of(GMimeObject *part)
{
	static const char *const types[][3] = {
		{ "text", "calendar", NAME_ICS },
		{ "application", "ics", NAME_ICS },
		{ "text", "vcard", NAME_VCF },
		{ "text", "x-vcard", NAME_VCF },
		{ "text", "directory", NAME_VCF },
	};
	GMimeContentType *type = g_mime_object_get_content_type(part);

	for (size_t i = 0; type != NULL && i < sizeof types / sizeof types[0]; i++) {
		if (g_mime_content_type_is_type(type, types[i][0], types[i][1]))
			return types[i][2];
	}
	return NULL;
}

static bool
is_utf8(GMimeObject *part)
{
	const char *charset = g_mime_object_get_content_type_parameter(part, "charset");

	return charset == NULL || strcasecmp(charset, "utf-8") == 0 ||
	       strcasecmp(charset, "us-ascii") == 0;
}

static void
add_decoded(GMimeObject *part, struct buf *out)
{
	GMimeDataWrapper *content = g_mime_part_get_content(GMIME_PART(part));
	GMimeStream *stream;
	GByteArray *bytes;
	char *text = NULL;

	if (GMIME_IS_TEXT_PART(part) && !is_utf8(part))
		text = g_mime_text_part_get_text(GMIME_TEXT_PART(part));
	if (text != NULL) {
		buf_add_string(out, text);
		g_free(text);
		return;
	}
	if (content == NULL)
		return;
	stream = g_mime_stream_mem_new();
	(void)g_mime_data_wrapper_write_to_stream(content, stream);
	bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
	buf_add(out, bytes->data, bytes->len);
	g_object_unref(stream);
}

/* Attached messages aren't looked into: a forwarded invitation is no appointment of one's own. */
static GMimeObject *
find_part(GMimeObject *object, bool cut)
{
	GMimeObject *found = NULL;
	int count, i;

	if (GMIME_IS_PART(object))
		return extension_of(object) != NULL && !cut ? object : NULL;
	if (!GMIME_IS_MULTIPART(object))
		return NULL;
	count = g_mime_multipart_get_count(GMIME_MULTIPART(object));
	/* Of a message without its end the last part may be half there. */
	for (i = 0; i < count && found == NULL; i++)
		found = find_part(g_mime_multipart_get_part(GMIME_MULTIPART(object), i),
			cut && i == count - 1);
	return found;
}

const char *
inner_parse(struct bytes message, bool cut, struct buf *out)
{
	const char *extension = NULL;
	GMimeMessage *parsed;
	GMimeStream *stream;
	GMimeParser *parser;
	GMimeObject *part = NULL;

	message_gmime_ready();
	stream = g_mime_stream_mem_new_with_buffer((const char *)message.data, message.size);
	parser = g_mime_parser_new_with_stream(stream);
	parsed = g_mime_parser_construct_message(parser, NULL);
	if (parsed != NULL && g_mime_message_get_mime_part(parsed) != NULL)
		part = find_part(g_mime_message_get_mime_part(parsed), cut);
	if (part != NULL) {
		extension = extension_of(part);
		add_decoded(part, out);
	}
	if (parsed != NULL)
		g_object_unref(parsed);
	g_object_unref(parser);
	g_object_unref(stream);
	return extension;
}

struct source {
	struct buf text;
	bool cut;
};

static bool
take(void *ctx, struct bytes data, struct exa_error *err)
{
	struct source *s = ctx;

	buf_add_bytes(&s->text, bytes_take(data, INNER_SOURCE_MAX - s->text.size));
	s->cut = s->text.size == INNER_SOURCE_MAX;
	return !s->cut || exa_fail(err, EXA_LIMIT, "enough");
}

bool
inner_find(struct store_reader *r, const struct catalog_item *item, struct buf *out,
	const char **extension_out, struct exa_error *err)
{
	struct source s = { .cut = false };
	const struct recipe_sink sink = { .write = take, .ctx = &s };
	uint8_t sha256[CATALOG_SHA256_SIZE];
	uint64_t size;
	bool good = recipe_play(r, &item->recipe, &sink, &size, sha256, err) || s.cut;

	if (good)
		*extension_out = inner_parse(buf_bytes(&s.text), s.cut, out);
	buf_done(&s.text);
	return good;
}
