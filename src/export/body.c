/* SPDX-License-Identifier: Apache-2.0 */
/* What a person reads of a message. GMime finds the parts and decodes charsets; libxml2 reads HTML.
 */
#include <stdio.h>
#include <string.h>

#include <gmime/gmime.h>
#include <libxml/HTMLparser.h>

#include "exarch/export.h"
#include "exarch/mem.h"
#include "gmime_once.h"

/* HTML nested deeper than this is cut off: the walk recurses. */
#define HTML_DEPTH_MAX 256
/* So many messages within messages are looked into for a text. */
#define MESSAGE_DEPTH_MAX 20

/* ---- the message's bytes ---- */

struct source {
	struct buf bytes;
	bool cut;
};

static bool
source_write(void *ctx, struct bytes data, struct exa_error *err)
{
	struct source *s = ctx;
	size_t room = MESSAGE_TEXT_SOURCE_MAX - s->bytes.size;

	buf_add_bytes(&s->bytes, bytes_take(data, room));
	if (data.size <= room)
		return true;
	s->cut = true;
	return exa_fail(err, EXA_LIMIT, "enough was read");
}

static bool
source_read(struct store_reader *r, const struct store_id *recipe, struct source *s,
	struct exa_error *err)
{
	const struct recipe_sink sink = { .write = source_write, .ctx = s };
	uint8_t hash[CATALOG_SHA256_SIZE];
	uint64_t bytes;

	return recipe_play(r, recipe, &sink, &bytes, hash, err) || s->cut;
}

/* ---- HTML ---- */

static bool
is_block(const xmlChar *name)
{
	static const char *const blocks[] = { "p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4",
		"h5", "h6", "table", "blockquote", "pre", "hr" };

	for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
		if (xmlStrcasecmp(name, (const xmlChar *)blocks[i]) == 0)
			return true;
	}
	return false;
}

static bool
is_unseen(const xmlChar *name)
{
	return xmlStrcasecmp(name, (const xmlChar *)"script") == 0 ||
	       xmlStrcasecmp(name, (const xmlChar *)"style") == 0 ||
	       xmlStrcasecmp(name, (const xmlChar *)"head") == 0 ||
	       xmlStrcasecmp(name, (const xmlChar *)"title") == 0;
}

/* White space runs become one space, as a browser shows them. */
static void
add_html_text(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		bool space = strchr(" \t\r\n", *text) != NULL;

		if (!space)
			buf_add_byte(out, (uint8_t)*text);
		else if (out->size > 0 && strchr(" \n", out->data[out->size - 1]) == NULL)
			buf_add_byte(out, ' ');
	}
}

static void
add_html_node(struct buf *out, const xmlNode *node, int depth)
{
	for (; node != NULL && depth < HTML_DEPTH_MAX; node = node->next) {
		if (node->type == XML_TEXT_NODE && node->content != NULL)
			add_html_text(out, (const char *)node->content);
		if (node->type != XML_ELEMENT_NODE || is_unseen(node->name))
			continue;
		add_html_node(out, node->children, depth + 1);
		if (is_block(node->name) && out->size > 0 && out->data[out->size - 1] != '\n')
			buf_add_byte(out, '\n');
	}
}

static char *
html_to_text(const char *html)
{
	const int options =
		HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET;
	struct buf out = { 0 };
	size_t size = strlen(html);
	htmlDocPtr doc = size > MESSAGE_TEXT_SOURCE_MAX
				 ? NULL
				 : htmlReadMemory(html, (int)size, NULL, "UTF-8", options);

	if (doc != NULL)
		add_html_node(&out, xmlDocGetRootElement(doc), 0);
	xmlFreeDoc(doc);
	return buf_steal(&out);
}

/* ---- parts ---- */

struct parts {
	char *plain, *html;
	int depth; /* messages within messages */
	struct message_text *out;
};

static void
note_attachment(struct message_text *t, GMimePart *part, const GMimeContentType *type)
{
	const char *name = g_mime_part_get_filename(part);
	EXA_AUTO(exa_freep) char *kind = NULL;
	gchar *mime_type;

	if (t->attachment_count == MESSAGE_ATTACHMENTS_MAX) {
		t->cut = true;
		return;
	}
	mime_type = g_mime_content_type_get_mime_type((GMimeContentType *)(uintptr_t)type);
	kind = exa_strdup(mime_type);
	g_free(mime_type);
	t->attachments =
		exa_realloc_array(t->attachments, t->attachment_count + 1, sizeof *t->attachments);
	t->attachments[t->attachment_count++] =
		exa_asprintf("%s (%s)", name != NULL ? name : "without a name", kind);
}

static void look_at_part(GMimeObject *parent, GMimeObject *object, gpointer ctx);

/* A message that only passes another on has that one's text. */
static void
look_into_message(GMimeMessagePart *part, struct parts *p)
{
	GMimeMessage *inner = g_mime_message_part_get_message(part);

	if (inner == NULL || p->depth == MESSAGE_DEPTH_MAX)
		return;
	p->depth++;
	g_mime_message_foreach(inner, look_at_part, p);
	p->depth--;
}

static void
look_at_part(GMimeObject *parent, GMimeObject *object, gpointer ctx)
{
	struct parts *p = ctx;
	GMimeContentType *type = g_mime_object_get_content_type(object);
	gchar *text;
	char **place;

	(void)parent;
	if (GMIME_IS_MESSAGE_PART(object))
		look_into_message(GMIME_MESSAGE_PART(object), p);
	if (!GMIME_IS_PART(object))
		return;
	if (!GMIME_IS_TEXT_PART(object) || g_mime_part_is_attachment(GMIME_PART(object))) {
		note_attachment(p->out, GMIME_PART(object), type);
		return;
	}
	place = g_mime_content_type_is_type(type, "text", "html") ? &p->html : &p->plain;
	if (*place != NULL)
		return;
	text = g_mime_text_part_get_text(GMIME_TEXT_PART(object));
	if (text != NULL)
		*place = exa_strdup(text);
	g_free(text);
}

/* Cut so that no character of UTF-8 is split. */
static char *
limited(const char *text, bool *cut)
{
	size_t size = strlen(text);

	if (size > MESSAGE_TEXT_MAX) {
		*cut = true;
		for (size = MESSAGE_TEXT_MAX; size > 0 && ((uint8_t)text[size] & 0xc0) == 0x80;
			size--)
			;
	}
	return exa_strndup(text, size);
}

static void
read_parts(struct bytes source, struct message_text *out)
{
	GMimeStream *stream =
		g_mime_stream_mem_new_with_buffer((const char *)source.data, source.size);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
	struct parts parts = { .out = out };
	EXA_AUTO(exa_freep) char *made = NULL;

	if (message != NULL)
		g_mime_message_foreach(message, look_at_part, &parts);
	if (parts.plain == NULL && parts.html != NULL)
		made = html_to_text(parts.html);
	out->body = limited(parts.plain != NULL ? parts.plain
			    : made != NULL      ? made
						: "",
		&out->cut);
	exa_free(parts.plain);
	exa_free(parts.html);
	if (message != NULL)
		g_object_unref(message);
	g_object_unref(parser);
	g_object_unref(stream);
}

bool
message_text_read(struct store_reader *r, const struct store_id *recipe, struct message_text *out,
	struct exa_error *err)
{
	struct source source = { 0 };
	bool good = source_read(r, recipe, &source, err);

	if (good) {
		*out = (struct message_text){ .cut = source.cut };
		gmime_once();
		read_parts(buf_bytes(&source.bytes), out);
	}
	buf_done(&source.bytes);
	return good;
}

void
message_text_done(struct message_text *t)
{
	exa_free(t->body);
	for (size_t i = 0; i < t->attachment_count; i++)
		exa_free(t->attachments[i]);
	exa_free(t->attachments);
	*t = (struct message_text){ 0 };
}
