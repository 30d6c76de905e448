/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "gen_encode.h"

#define QP_LINE_MAX 76
#define ENCODED_WORD_BYTES 42 /* 56 characters of base64: a word of at most 75 */

size_t
gen_base64_lines(const uint8_t *in, size_t size, unsigned width, uint8_t *out)
{
	size_t per_line = width / 4 * 3;
	uint8_t *begin = out;

	while (size > 0) {
		size_t n = size < per_line ? size : per_line;

		out += b64_encode(in, n, out);
		*out++ = '\r';
		*out++ = '\n';
		in += n;
		size -= n;
	}
	return (size_t)(out - begin);
}

void
gen_add_base64_lines(struct buf *out, struct bytes in, unsigned width)
{
	size_t lines = in.size / (width / 4 * 3) + 1;

	buf_reserve(out, B64_SIZE(in.size) + 2 * lines + 4);
	out->size += gen_base64_lines(in.data, in.size, width, out->data + out->size);
}

void
gen_add_quoted_printable(struct buf *out, struct bytes in)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t column = 0;
	uint8_t *p;

	buf_reserve(out, in.size * 3 + in.size / 20 + 16);
	p = out->data + out->size;
	for (size_t i = 0; i < in.size; i++) {
		uint8_t c = in.data[i];
		bool at_end = i + 1 < in.size && in.data[i + 1] == '\r';
		bool plain =
			(c >= 33 && c <= 126 && c != '=') || ((c == ' ' || c == '\t') && !at_end);

		if (c == '\r' || c == '\n') {
			*p++ = c;
			column = 0;
			continue;
		}
		if (column + (plain ? 1U : 3U) > QP_LINE_MAX - 1) {
			memcpy(p, "=\r\n", 3);
			p += 3;
			column = 0;
		}
		if (plain) {
			*p++ = c;
			column++;
		} else {
			*p++ = '=';
			*p++ = (uint8_t)digits[c >> 4];
			*p++ = (uint8_t)digits[c & 15];
			column += 3;
		}
	}
	out->size = (size_t)(p - out->data);
}

static bool
is_ascii(const char *text)
{
	while (*text != '\0' && (uint8_t)*text < 0x80)
		text++;
	return *text == '\0';
}

void
gen_add_header_text(struct buf *out, const char *text)
{
	size_t left = strlen(text);
	bool first = true;

	if (is_ascii(text)) {
		buf_add_string(out, text);
		return;
	}
	while (left > 0) {
		size_t n = left < ENCODED_WORD_BYTES ? left : ENCODED_WORD_BYTES;

		while (n < left && n > 1 && ((uint8_t)text[n] & 0xc0) == 0x80)
			n--; /* not within a character */
		buf_add_string(out, first ? "=?utf-8?B?" : "\r\n =?utf-8?B?");
		buf_add_base64(out, bytes_of(text, n));
		buf_add_string(out, "?=");
		text += n;
		left -= n;
		first = false;
	}
}
