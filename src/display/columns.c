/* SPDX-License-Identifier: Apache-2.0 */
/* How wide text is on a terminal. By Unicode's tables, not by the locale: who runs from a C locale
 * has a terminal that shows UTF-8 all the same. */
#include <glib.h>

#include "exarch/display.h"

/* The character at the start of TEXT, of clean UTF-8 (a broken one counts as one byte, one column). */
static size_t
char_size(struct bytes text, size_t *columns_out)
{
	const gunichar c = g_utf8_get_char_validated((const char *)text.data, (gssize)text.size);

	if (c == (gunichar)-1 || c == (gunichar)-2) {
		*columns_out = 1;
		return 1;
	}
	*columns_out = g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
	return (size_t)g_unichar_to_utf8(c, NULL);
}

size_t
display_fit(struct bytes text, size_t columns)
{
	size_t fits = 0, size, wide;

	for (; fits < text.size; fits += size) {
		size = char_size(bytes_skip(text, fits), &wide);
		if (wide > columns)
			break;
		columns -= wide;
	}
	return fits;
}

size_t
display_columns(struct bytes text)
{
	size_t columns = 0, size, wide;

	for (; text.size > 0; text = bytes_skip(text, size)) {
		size = char_size(text, &wide);
		columns += wide;
	}
	return columns;
}
