/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>
#include <wchar.h>

#include "text.h"

#define REPLACEMENT 0xFFFD

/* Decodes one character of UTF-8; what isn't one gives REPLACEMENT and takes one byte. */
static uint32_t
next_char(const uint8_t **at, const uint8_t *end)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	const uint8_t *p = *at;
	int more = p[0] < 0x80             ? 0
		   : (p[0] & 0xe0) == 0xc0 ? 1
		   : (p[0] & 0xf0) == 0xe0 ? 2
		   : (p[0] & 0xf8) == 0xf0 ? 3
					   : -1;
	uint32_t c = more <= 0 ? p[0] : p[0] & (0x3fU >> more);

	*at = p + 1;
	if (more < 0 || end - p <= more)
		return more == 0 ? c : REPLACEMENT;
	for (int i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return REPLACEMENT;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[more] || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
		return REPLACEMENT;
	*at = p + 1 + more;
	return c;
}

/* Controls could drive the terminal, bidi marks could make text lie about its order. */
static uint32_t
harmless(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0))
		return ' ';
	if (c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
		(c >= 0x2066 && c <= 0x2069) || c == 0x2028 || c == 0x2029 || c == 0xfeff)
		return REPLACEMENT;
	return c;
}

static void
put_char(FILE *out, uint32_t c)
{
	if (c < 0x80) {
		(void)putc((int)c, out);
	} else if (c < 0x800) {
		(void)putc((int)(0xc0 | c >> 6), out);
		(void)putc((int)(0x80 | (c & 0x3f)), out);
	} else if (c < 0x10000) {
		(void)putc((int)(0xe0 | c >> 12), out);
		(void)putc((int)(0x80 | (c >> 6 & 0x3f)), out);
		(void)putc((int)(0x80 | (c & 0x3f)), out);
	} else {
		(void)putc((int)(0xf0 | c >> 18), out);
		(void)putc((int)(0x80 | (c >> 12 & 0x3f)), out);
		(void)putc((int)(0x80 | (c >> 6 & 0x3f)), out);
		(void)putc((int)(0x80 | (c & 0x3f)), out);
	}
}

static size_t
columns_of(uint32_t c)
{
	int columns = wcwidth((wchar_t)c);

	/* The C locale knows no width for anything but ASCII: one column is the best guess then. */
	return columns < 0 ? 1 : (size_t)columns;
}

void
text_print(FILE *out, const char *text, size_t width)
{
	const uint8_t *at = (const uint8_t *)text, *end = at + strlen(text);
	size_t used = 0;

	while (at < end) {
		uint32_t c = harmless(next_char(&at, end));
		size_t columns = columns_of(c);

		if (width > 0 && used + columns > width)
			break;
		put_char(out, c);
		used += columns;
	}
	for (; used < width; used++)
		(void)putc(' ', out);
}

void
text_print_block(FILE *out, const char *text, size_t size)
{
	const uint8_t *at = (const uint8_t *)text, *end = at + size;

	while (at < end) {
		uint32_t c = next_char(&at, end);

		if (c == '\r')
			continue;
		put_char(out, c == '\n' || c == '\t' ? c : harmless(c));
	}
}

void
text_size(unsigned long long bytes, char *out)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double v = (double)bytes;
	size_t unit = 0;

	while (v >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
		v /= 1024;
		unit++;
	}
	(void)snprintf(out, 16, unit == 0 ? "%.0f %s" : "%.1f %s", v, units[unit]);
}
