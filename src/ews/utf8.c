/* SPDX-License-Identifier: Apache-2.0 */
#include "utf8.h"

size_t
utf8_length(uint8_t lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead < 0xe0)
		return 2;
	if (lead >= 0xe0 && lead < 0xf0)
		return 3;
	return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

size_t
utf8_read(struct bytes b, uint32_t *character_out)
{
	static const uint32_t least[UTF8_MAX + 1] = { 0, 0, 0x80, 0x800, 0x10000 };
	static const uint8_t lead_bits[UTF8_MAX + 1] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	size_t length = b.size == 0 ? 0 : utf8_length(b.data[0]);
	uint32_t character;

	if (length == 0 || length > b.size)
		return 0;
	character = b.data[0] & lead_bits[length];
	for (size_t i = 1; i < length; i++) {
		if ((b.data[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (b.data[i] & 0x3f);
	}
	if (character < least[length] || character > 0x10ffff ||
		(character >= 0xd800 && character < 0xe000))
		return 0;
	*character_out = character;
	return length;
}

size_t
utf8_write(uint32_t character, uint8_t out[UTF8_MAX])
{
	if (character < 0x80) {
		out[0] = (uint8_t)character;
		return 1;
	}
	if (character < 0x800) {
		out[0] = (uint8_t)(0xc0 | character >> 6);
		out[1] = (uint8_t)(0x80 | (character & 0x3f));
		return 2;
	}
	if (character < 0x10000) {
		out[0] = (uint8_t)(0xe0 | character >> 12);
		out[1] = (uint8_t)(0x80 | (character >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (character & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | character >> 18);
	out[1] = (uint8_t)(0x80 | (character >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (character >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (character & 0x3f));
	return 4;
}

bool
xml_allows(uint32_t character)
{
	if (character < 0x20)
		return character == '\t' || character == '\n' || character == '\r';
	if (character >= 0xd800 && character < 0xe000)
		return false;
	return character != 0xfffe && character != 0xffff && character <= 0x10ffff;
}

struct bytes
utf8_take(struct bytes b, size_t max)
{
	size_t size = max;

	if (b.size <= max)
		return b;
	while (size > 0 && max - size < UTF8_MAX && (b.data[size] & 0xc0) == 0x80)
		size--;
	return bytes_take(b, size);
}
