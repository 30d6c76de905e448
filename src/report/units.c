/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "exarch/display.h"
#include "internal.h"

#define KIB 1024.0
#define CUT_MARK "..."

void
add_count(struct buf *b, uint64_t n)
{
	char digits[24];
	size_t size = (size_t)snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);

	for (size_t i = 0; i < size; i++) {
		if (i > 0 && (size - i) % 3 == 0)
			buf_add_byte(b, ',');
		buf_add_byte(b, (uint8_t)digits[i]);
	}
}

void
add_size(struct buf *b, uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)bytes;
	size_t unit = 0;

	/* 1023.95 would be shown as 1024.0 */
	while (value >= KIB - 0.05 && unit + 1 < sizeof units / sizeof units[0]) {
		value /= KIB;
		unit++;
	}
	buf_printf(b, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

void
add_span(struct buf *b, uint64_t seconds)
{
	unsigned long long days = seconds / 86400, hours = seconds / 3600 % 24,
			   minutes = seconds / 60 % 60, rest = seconds % 60;

	if (days > 0)
		buf_printf(b, "%llu d %02llu:%02llu", days, hours, minutes);
	else if (hours > 0)
		buf_printf(b, "%llu:%02llu:%02llu", hours, minutes, rest);
	else
		buf_printf(b, "%llu:%02llu", minutes, rest);
}

size_t
text_columns(const char *text)
{
	return display_columns(bytes_of_string(text));
}

void
add_padded(struct buf *b, const char *text, size_t columns, bool right)
{
	size_t have = text_columns(text), pad = have < columns ? columns - have : 0;

	if (!right)
		buf_add_string(b, text);
	for (size_t i = 0; i < pad; i++)
		buf_add_byte(b, ' ');
	if (right)
		buf_add_string(b, text);
}

void
add_cut(struct buf *b, const char *text, size_t columns)
{
	const struct bytes all = bytes_of_string(text);
	const size_t mark = strlen(CUT_MARK);

	if (display_columns(all) <= columns) {
		buf_add_bytes(b, all);
		return;
	}
	if (columns > mark)
		buf_add_bytes(b, bytes_take(all, display_fit(all, columns - mark)));
	buf_add_bytes(b, bytes_take(bytes_of_string(CUT_MARK), columns));
}

void
add_bar(struct buf *b, uint64_t done, uint64_t all, size_t columns)
{
	const double share = all > 0 && done < all ? (double)done / (double)all : 1;
	const size_t full = (size_t)(share * (double)columns);

	buf_add_byte(b, '[');
	for (size_t i = 0; i < columns; i++)
		buf_add_byte(b, i < full ? '#' : '-');
	buf_printf(b, "] %3d %%", (int)(share * 100));
}
