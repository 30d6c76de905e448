/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "exarch/mem.h"
#include "html.h"
#include "parts.h"

/* So many messages within messages are looked into. */
#define MESSAGE_DEPTH_MAX 20

struct walk {
	part_fn *fn;
	void *ctx;
	size_t attachments;
	int depth;
	bool ended;
};

static void look_at(GMimeObject *parent, GMimeObject *object, gpointer ctx);

static void
hand_over(struct walk *w, GMimeObject *object, enum part_kind kind)
{
	const struct part part = { .kind = kind,
		.number = kind == PART_FILE || kind == PART_MESSAGE ? ++w->attachments : 0,
		.depth = w->depth,
		.object = object };

	if (!w->fn(w->ctx, &part))
		w->ended = true;
}

static void
look_into_message(struct walk *w, GMimeMessagePart *part)
{
	GMimeMessage *inner = g_mime_message_part_get_message(part);

	if (inner == NULL || w->depth == MESSAGE_DEPTH_MAX || w->ended)
		return;
	w->depth++;
	g_mime_message_foreach(inner, look_at, w);
	w->depth--;
}

static void
look_at(GMimeObject *parent, GMimeObject *object, gpointer ctx)
{
	struct walk *w = ctx;
	GMimeContentType *type = g_mime_object_get_content_type(object);

	(void)parent;
	if (w->ended)
		return;
	if (GMIME_IS_MESSAGE_PART(object)) {
		hand_over(w, object, PART_MESSAGE);
		look_into_message(w, GMIME_MESSAGE_PART(object));
	} else if (GMIME_IS_PART(object)) {
		if (!GMIME_IS_TEXT_PART(object) || g_mime_part_is_attachment(GMIME_PART(object)))
			hand_over(w, object, PART_FILE);
		else
			hand_over(w, object,
				g_mime_content_type_is_type(type, "text", "html") ? PART_HTML
										  : PART_PLAIN);
	}
}

void
parts_walk(GMimeStream *source, part_fn *fn, void *ctx)
{
	struct walk w = { .fn = fn, .ctx = ctx };
	GMimeParser *parser;
	GMimeMessage *message;

	message_gmime_ready();
	parser = g_mime_parser_new_with_stream(source);
	message = g_mime_parser_construct_message(parser, NULL);
	if (message != NULL) {
		g_mime_message_foreach(message, look_at, &w);
		g_object_unref(message);
	}
	g_object_unref(parser);
}

void
parts_walk_bytes(struct bytes source, part_fn *fn, void *ctx)
{
	GMimeStream *stream;

	message_gmime_ready();
	stream = g_mime_stream_mem_new_with_buffer(
		source.size > 0 ? (const char *)source.data : "", source.size);
	parts_walk(stream, fn, ctx);
	g_object_unref(stream);
}

/* ---- of one part ---- */

static char *
valid_copy(const char *text)
{
	gchar *valid = g_utf8_make_valid(text != NULL ? text : "", -1);
	char *mine = exa_strdup(valid);

	g_free(valid);
	return mine;
}

static const char *
message_subject(GMimeObject *object)
{
	GMimeMessage *inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));

	return inner == NULL ? NULL : g_mime_message_get_subject(inner);
}

char *
part_name(const struct part *p)
{
	const char *name;

	if (GMIME_IS_PART(p->object))
		return valid_copy(g_mime_part_get_filename(GMIME_PART(p->object)));
	name = g_mime_object_get_content_disposition_parameter(p->object, "filename");
	if (name == NULL)
		name = g_mime_object_get_content_type_parameter(p->object, "name");
	return valid_copy(name != NULL ? name : message_subject(p->object));
}

char *
part_type(const struct part *p)
{
	gchar *type = g_mime_content_type_get_mime_type(g_mime_object_get_content_type(p->object));
	char *mine = valid_copy(type);

	g_free(type);
	return mine;
}

bool
part_write(const struct part *p, GMimeStream *to)
{
	GMimeDataWrapper *content;
	GMimeMessage *inner;

	if (GMIME_IS_MESSAGE_PART(p->object)) {
		inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(p->object));
		return inner == NULL ||
		       g_mime_object_write_to_stream(GMIME_OBJECT(inner), NULL, to) >= 0;
	}
	content = g_mime_part_get_content(GMIME_PART(p->object));
	return content == NULL || g_mime_data_wrapper_write_to_stream(content, to) >= 0;
}

uint64_t
part_size(const struct part *p)
{
	GMimeStream *none = g_mime_stream_null_new();
	gint64 size = 0;

	if (part_write(p, none))
		size = g_mime_stream_tell(none);
	g_object_unref(none);
	return size > 0 ? (uint64_t)size : 0;
}

/* Cut so that no character of UTF-8 is split. */
static size_t
whole_characters(const char *text, size_t size, size_t limit)
{
	if (size <= limit)
		return size;
	for (size = limit; size > 0 && ((uint8_t)text[size] & 0xc0) == 0x80; size--)
		;
	return size;
}

bool
part_add_text(const struct part *p, struct buf *out, size_t limit)
{
	GMimeContentType *type = g_mime_object_get_content_type(p->object);
	struct buf text = { 0 };
	size_t size;
	gchar *decoded, *valid;
	bool whole;

	if (!GMIME_IS_TEXT_PART(p->object))
		return false;
	decoded = g_mime_text_part_get_text(GMIME_TEXT_PART(p->object));
	valid = g_utf8_make_valid(decoded != NULL ? decoded : "", -1);
	g_free(decoded);
	if (g_mime_content_type_is_type(type, "text", "html"))
		html_add_text(&text, valid, limit + 1);
	else
		buf_add_string(&text, valid);
	g_free(valid);
	size = whole_characters(buf_string(&text), text.size, limit);
	whole = size == text.size;
	buf_add(out, text.data, size);
	buf_done(&text);
	return whole;
}

/* ---- the message's bytes ---- */

struct source {
	struct buf *bytes;
	bool cut;
};

static bool
source_write(void *ctx, struct bytes data, struct exa_error *err)
{
	struct source *s = ctx;
	size_t room = MESSAGE_TEXT_SOURCE_MAX - s->bytes->size;

	buf_add_bytes(s->bytes, bytes_take(data, room));
	if (data.size <= room)
		return true;
	s->cut = true;
	return exa_fail(err, EXA_LIMIT, "enough was read");
}

bool
source_read(struct store_reader *r, const struct store_id *recipe, struct buf *out, bool *cut_out,
	struct exa_error *err)
{
	struct source s = { .bytes = out };
	const struct recipe_sink sink = { .write = source_write, .ctx = &s };
	uint8_t hash[CATALOG_SHA256_SIZE];
	struct exa_error why;
	uint64_t bytes;

	if (!recipe_play(r, recipe, &sink, &bytes, hash, &why) && !s.cut) {
		*err = why;
		return false;
	}
	*cut_out = s.cut;
	return true;
}
