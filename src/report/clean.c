/* SPDX-License-Identifier: Apache-2.0 */
/* Text from outside, made safe for a terminal. */
#include <string.h>

#include "exarch/report.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Decodes one character of UTF-8; its length, 0 when the bytes are none (overlong forms,
 * surrogates and beyond U+10FFFF included). */
static size_t
utf8_decode(const unsigned char *s, uint32_t *out)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t size = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	uint32_t c = size == 1 ? s[0] : s[0] & (0x7fu >> size);

	if (size == 0 || s[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < size; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[size] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*out = c;
	return size;
}

static bool
is_space_or_control(uint32_t c)
{
	return c <= 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0x2028 || c == 0x2029;
}

/* Characters that reorder or hide what stands beside them: bidi controls, zero width space, byte
 * order mark, invisible operators, tags, interlinear annotation. The joiners U+200C and U+200D
 * stay: Persian and emoji need them. */
static bool
is_deceptive(uint32_t c)
{
	return c == 0x061c || c == 0x180e || c == 0x200b || c == 0x200e || c == 0x200f ||
	       (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	       (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f);
}

void
report_clean(struct buf *out, const char *text, size_t limit)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t start = out->size;
	bool space = false;

	while (*s != '\0') {
		uint32_t c = 0;
		size_t size = utf8_decode(s, &c);
		bool bad = size == 0 || is_deceptive(c);
		size_t need = bad ? strlen(REPLACEMENT) : size;

		if (size > 0 && is_space_or_control(c)) {
			space = out->size > start;
		} else {
			if (out->size - start + need + (space ? 1 : 0) > limit)
				return;
			if (space)
				buf_add_byte(out, ' ');
			space = false;
			if (bad)
				buf_add_string(out, REPLACEMENT);
			else
				buf_add(out, s, size);
		}
		s += size > 0 ? size : 1;
	}
}
