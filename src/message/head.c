/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message heads for people. GMime decodes encoded words and guesses charsets of raw 8-bit text;
 * what it gives is then made safe for a terminal, since subjects are written by strangers.
 */
#include <string.h>

#include <gmime/gmime.h>

#include "exarch/mem.h"
#include "exarch/message.h"
#include "exarch/report.h"
#include "join.h"

/* The header block up to its empty line, so that no body is ever parsed here. */
static struct bytes
header_block(struct bytes source)
{
	const uint8_t *p = source.data;

	source = bytes_take(source, MESSAGE_HEAD_SOURCE_MAX);
	for (size_t i = 0; i + 1 < source.size; i++) {
		if (p[i] != '\n')
			continue;
		if (p[i + 1] == '\n' ||
			(i + 2 < source.size && p[i + 1] == '\r' && p[i + 2] == '\n'))
			return bytes_take(source, i + 1);
	}
	return source;
}

/* Raw 8-bit text in headers is UTF-8 or, from older senders, nearly always Windows' Latin 1. */
static GMimeParserOptions *
parser_options(void)
{
	const char *charsets[] = { "utf-8", "windows-1252", NULL };
	GMimeParserOptions *options = g_mime_parser_options_new();

	g_mime_parser_options_set_fallback_charsets(options, charsets);
	return options;
}

/* The first header of that name decides when there are several. */
static char *
field(GMimeHeaderList *headers, GMimeParserOptions *options, const char *name)
{
	GMimeHeader *header = headers == NULL ? NULL : g_mime_header_list_get_header(headers, name);
	const char *raw = header == NULL ? NULL : g_mime_header_get_raw_value(header);
	EXA_AUTO(buf_done) struct buf joined = { 0 };
	struct buf text = { 0 };
	gchar *value;

	if (raw == NULL)
		return exa_strdup("");
	value = g_mime_utils_header_unfold(raw);
	words_join(&joined, value);
	g_free(value);
	value = g_mime_utils_header_decode_text(options, buf_string(&joined));
	report_clean(&text, value, MESSAGE_HEAD_TEXT_MAX);
	g_free(value);
	return buf_steal(&text);
}

void
message_head_parse(struct bytes source, struct message_head *out)
{
	EXA_AUTO(buf_done) struct buf block = { 0 };
	GMimeParserOptions *options;
	GMimeStream *stream;
	GMimeParser *parser;
	GMimeMessage *message;
	GMimeHeaderList *headers;

	message_gmime_ready();
	buf_add_bytes(&block, header_block(source));
	buf_add_string(&block, "\r\n");
	options = parser_options();
	stream = g_mime_stream_mem_new_with_buffer((const char *)block.data, block.size);
	parser = g_mime_parser_new_with_stream(stream);
	message = g_mime_parser_construct_message(parser, options);
	headers = message == NULL ? NULL : g_mime_object_get_header_list(GMIME_OBJECT(message));
	out->subject = field(headers, options, "Subject");
	out->from = field(headers, options, "From");
	out->to = field(headers, options, "To");
	out->cc = field(headers, options, "Cc");
	out->bcc = field(headers, options, "Bcc");
	out->date = field(headers, options, "Date");
	out->message_id = field(headers, options, "Message-Id");
	if (message != NULL)
		g_object_unref(message);
	g_object_unref(parser);
	g_object_unref(stream);
	g_mime_parser_options_free(options);
}

bool
message_head_read(struct store_reader *r, const struct store_id *recipe, struct message_head *out,
	struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf source = { 0 };

	if (!recipe_head(r, recipe, MESSAGE_HEAD_SOURCE_MAX, &source, err))
		return false;
	message_head_parse(buf_bytes(&source), out);
	return true;
}

void
message_head_done(struct message_head *h)
{
	exa_free(h->subject);
	exa_free(h->from);
	exa_free(h->to);
	exa_free(h->cc);
	exa_free(h->bcc);
	exa_free(h->date);
	exa_free(h->message_id);
	*h = (struct message_head){ 0 };
}
