/* SPDX-License-Identifier: Apache-2.0 */
/* Text forms of bytes: hex and base64 for short things (ids, tokens). Mail has its own decoder in
 * src/mime. */
#include <string.h>

#include "exarch/bytes.h"

void
hex_encode(struct bytes in, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < in.size; i++) {
		*out++ = digits[in.data[i] >> 4];
		*out++ = digits[in.data[i] & 15];
	}
	*out = '\0';
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
hex_decode(const char *in, uint8_t *out, size_t size)
{
	if (strlen(in) != size * 2)
		return false;
	for (size_t i = 0; i < size; i++) {
		int high = hex_digit(in[2 * i]), low = hex_digit(in[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static void
add_base64(struct buf *b, struct bytes in, const char *alphabet, bool pad)
{
	for (size_t i = 0; i < in.size; i += 3) {
		size_t left = in.size - i;
		uint32_t v = (uint32_t)in.data[i] << 16;

		if (left > 1)
			v |= (uint32_t)in.data[i + 1] << 8;
		if (left > 2)
			v |= in.data[i + 2];
		buf_add_byte(b, (uint8_t)alphabet[v >> 18]);
		buf_add_byte(b, (uint8_t)alphabet[v >> 12 & 63]);
		if (left > 1)
			buf_add_byte(b, (uint8_t)alphabet[v >> 6 & 63]);
		else if (pad)
			buf_add_byte(b, '=');
		if (left > 2)
			buf_add_byte(b, (uint8_t)alphabet[v & 63]);
		else if (pad)
			buf_add_byte(b, '=');
	}
}

void
buf_add_base64url(struct buf *b, struct bytes in)
{
	add_base64(
		b, in, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", false);
}

void
buf_add_base64(struct buf *b, struct bytes in)
{
	add_base64(b, in, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", true);
}

static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return -1;
}

bool
buf_decode_base64(struct buf *b, const char *text)
{
	uint32_t bits = 0;
	unsigned count = 0;
	bool ended = false;

	for (; *text != '\0'; text++) {
		int v = base64_value(*text);

		if (*text == '\r' || *text == '\n' || *text == ' ' || *text == '\t')
			continue;
		if (*text == '=') {
			ended = true;
			continue;
		}
		if (v < 0 || ended)
			return false;
		bits = bits << 6 | (uint32_t)v;
		if (++count == 4) {
			buf_add_byte(b, (uint8_t)(bits >> 16));
			buf_add_byte(b, (uint8_t)(bits >> 8));
			buf_add_byte(b, (uint8_t)bits);
			bits = 0;
			count = 0;
		}
	}
	if (count == 1)
		return false;
	if (count >= 2)
		buf_add_byte(b, (uint8_t)(count == 2 ? bits >> 4 : bits >> 10));
	if (count == 3)
		buf_add_byte(b, (uint8_t)(bits >> 2));
	return true;
}
