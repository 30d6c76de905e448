/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lenient on purpose: mail is full of fields that RFC 2045 forbids (bare boundaries with '=' or
 * '/', missing semicolons, quotes that never close). A field misread costs deduplication of one
 * message, never its bytes. Of fields given twice the first counts, as in most mail programs.
 */
#include <string.h>
#include <strings.h>

#include "header.h"

void
mime_header_begin(struct mime_header *h)
{
	buf_reset(&h->type);
	buf_reset(&h->encoding);
	h->field = NULL;
}

void
mime_header_done(struct mime_header *h)
{
	buf_done(&h->type);
	buf_done(&h->encoding);
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
equals(struct bytes b, const char *word)
{
	return b.size == strlen(word) && strncasecmp((const char *)b.data, word, b.size) == 0;
}

static bool
starts_with(struct bytes b, const char *word)
{
	return equals(bytes_take(b, strlen(word)), word);
}

static struct bytes
trim_end(struct bytes b)
{
	while (b.size > 0 && is_blank(b.data[b.size - 1]))
		b.size--;
	return b;
}

static void
field_add(struct buf *field, struct bytes text)
{
	buf_add_bytes(field, bytes_take(text, MIME_FIELD_MAX - field->size));
}

void
mime_header_line(struct mime_header *h, struct bytes line)
{
	const uint8_t *colon;
	struct bytes name;

	if (line.size > 0 && (line.data[0] == ' ' || line.data[0] == '\t')) {
		if (h->field != NULL)
			field_add(h->field, line);
		return;
	}
	h->field = NULL;
	colon = line.size > 0 ? memchr(line.data, ':', line.size) : NULL;
	if (colon == NULL)
		return;
	name = trim_end(bytes_of(line.data, (size_t)(colon - line.data)));
	if (equals(name, "Content-Type") && h->type.size == 0)
		h->field = &h->type;
	else if (equals(name, "Content-Transfer-Encoding") && h->encoding.size == 0)
		h->field = &h->encoding;
	if (h->field != NULL)
		field_add(h->field, bytes_skip(line, (size_t)(colon - line.data) + 1));
}

/* Skips white space and comments, which may stand between any two words. */
static void
skip_blanks(struct bytes *in)
{
	size_t depth = 0, i = 0;

	for (; i < in->size; i++) {
		uint8_t c = in->data[i];

		if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (c == '\\' && depth > 0)
			i++;
		else if (depth == 0 && !is_blank(c))
			break;
	}
	*in = bytes_skip(*in, i);
}

/* A word up to white space or one of STOPS. */
static struct bytes
take_word(struct bytes *in, const char *stops)
{
	size_t n = 0;
	struct bytes word;

	while (n < in->size && !is_blank(in->data[n]) &&
		(in->data[n] == 0 || strchr(stops, in->data[n]) == NULL))
		n++;
	word = bytes_take(*in, n);
	*in = bytes_skip(*in, n);
	return word;
}

/* A parameter's value, quoted or not, appended to VALUE (cut at MAX + 1 bytes). */
static void
take_value(struct bytes *in, size_t max, uint8_t *value, size_t *size)
{
	size_t i = 1;

	if (in->size == 0 || in->data[0] != '"') {
		struct bytes word = take_word(in, ";");

		word = bytes_take(word, max + 1 - *size);
		memcpy(value + *size, word.data, word.size);
		*size += word.size;
		return;
	}
	for (; i < in->size && in->data[i] != '"'; i++) {
		if (in->data[i] == '\\' && i + 1 < in->size)
			i++;
		if (in->data[i] != '\r' && in->data[i] != '\n' && *size <= max)
			value[(*size)++] = in->data[i];
	}
	*in = bytes_skip(*in, i + 1);
}

/* "boundary", or a piece of it in the manner of RFC 2231: "boundary*0". */
static bool
is_boundary_name(struct bytes name)
{
	struct bytes number = bytes_skip(name, strlen("boundary*"));

	if (equals(name, "boundary"))
		return true;
	if (!starts_with(name, "boundary*") || number.size == 0)
		return false;
	for (size_t i = 0; i < number.size; i++)
		if (number.data[i] < '0' || number.data[i] > '9')
			return false;
	return true;
}

/* Finds the boundary among the parameters; one that is empty or too long counts as none. */
static void
read_boundary(struct bytes in, struct mime_entity *e)
{
	uint8_t value[MIME_BOUNDARY_MAX + 1];
	size_t size = 0;

	for (;;) {
		struct bytes name;
		bool wanted;

		skip_blanks(&in);
		if (in.size == 0)
			break;
		name = take_word(&in, "=;(");
		wanted = is_boundary_name(name) && (size == 0 || !equals(name, "boundary"));
		skip_blanks(&in);
		if (in.size > 0 && in.data[0] == '=') {
			size_t ignored = 0;
			uint8_t nowhere[1];

			in = bytes_skip(in, 1);
			skip_blanks(&in);
			if (wanted)
				take_value(&in, MIME_BOUNDARY_MAX, value, &size);
			else
				take_value(&in, 0, nowhere, &ignored);
		} else if (in.size > 0 && (in.data[0] == ';' || name.size == 0)) {
			in = bytes_skip(in, 1);
		}
	}
	size = trim_end(bytes_of(value, size)).size;
	if (size == 0 || size > MIME_BOUNDARY_MAX)
		return;
	memcpy(e->boundary, value, size);
	e->boundary_size = size;
}

static bool
is_encoding(const struct mime_header *h, const char *name)
{
	struct bytes in = buf_bytes(&h->encoding);

	skip_blanks(&in);
	return equals(take_word(&in, ";("), name);
}

void
mime_header_end(const struct mime_header *h, bool in_digest, struct mime_entity *entity_out)
{
	struct bytes in = buf_bytes(&h->type), type, subtype = { 0 };
	bool as_it_is = !is_encoding(h, "base64") && !is_encoding(h, "quoted-printable");

	entity_out->kind = is_encoding(h, "base64") ? MIME_ENTITY_BASE64 : MIME_ENTITY_LEAF;
	entity_out->digest = false;
	entity_out->boundary_size = 0;
	skip_blanks(&in);
	type = take_word(&in, "/;(");
	skip_blanks(&in);
	if (in.size > 0 && in.data[0] == '/') {
		in = bytes_skip(in, 1);
		skip_blanks(&in);
		subtype = take_word(&in, ";(");
	}
	if (equals(type, "multipart")) {
		read_boundary(in, entity_out);
		if (entity_out->boundary_size > 0)
			entity_out->kind = MIME_ENTITY_MULTIPART;
		entity_out->digest = equals(subtype, "digest");
	} else if (as_it_is &&
		   ((type.size == 0 && in_digest) ||
			   (equals(type, "message") &&
				   (equals(subtype, "rfc822") || equals(subtype, "global") ||
					   equals(subtype, "news"))))) {
		entity_out->kind = MIME_ENTITY_MESSAGE;
	}
}
