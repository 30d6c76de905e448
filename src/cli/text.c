/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <jansson.h>

#include "exarch/bytes.h"
#include "exarch/display.h"
#include "exarch/report.h"

#include "text.h"

/* Longer than anything that is shown in a line. */
#define LINE_BYTES_MAX ((size_t)64 * 1024)

void
text_print(FILE *out, const char *text, size_t width)
{
	EXA_AUTO(buf_done) struct buf clean = { 0 };
	struct bytes shown;

	report_clean(&clean, text, LINE_BYTES_MAX);
	shown = buf_bytes(&clean);
	if (width > 0)
		shown = bytes_take(shown, display_fit(shown, width));
	(void)fwrite(shown.data, 1, shown.size, out);
	for (size_t used = display_columns(shown); used < width; used++)
		(void)putc(' ', out);
}

void
text_mailbox(FILE *out, const struct catalog_mailbox *m, size_t width)
{
	EXA_AUTO(buf_done) struct buf label = { 0 };

	buf_printf(&label, "%s%s", m->smtp, catalog_part_suffix(m->part));
	text_print(out, buf_string(&label), width);
}

/* Words are cleaned, what stands between them stays: bodies have indented lines and columns. */
void
text_print_block(FILE *out, const char *text)
{
	EXA_AUTO(buf_done) struct buf word = { 0 };
	EXA_AUTO(buf_done) struct buf clean = { 0 };

	while (*text != '\0') {
		size_t space = strspn(text, " \t\n\r"), size = strcspn(text + space, " \t\n\r");

		for (size_t i = 0; i < space; i++) {
			if (text[i] != '\r')
				(void)putc(text[i], out);
		}
		buf_reset(&word);
		buf_reset(&clean);
		buf_add(&word, text + space, size);
		report_clean(&clean, buf_string(&word), SIZE_MAX);
		(void)fwrite(clean.data, 1, clean.size, out);
		text += space + size;
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

void
text_json(struct json_t *line)
{
	if (line != NULL) {
		(void)json_dumpf(line, stdout, JSON_COMPACT);
		(void)putchar('\n');
	}
	json_decref(line);
}

/* Texts of servers may be anything; JSON must be UTF-8. */
struct json_t *
text_value(const char *text)
{
	json_t *s = json_string(text);

	return s != NULL ? s : json_null();
}
