/* SPDX-License-Identifier: Apache-2.0 */
/* What stands on a terminal, from where things stand and its size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "internal.h"

static const struct progress_mailbox mailboxes[] = {
	{ "anna@contoso.com", "/Inbox", 1204, 2500, UINT64_C(327155712) },
	{ "bob@contoso.com (archive)", "/2019/Projects", 7, 1020, 1258291 },
	{ "carl@contoso.com", "", 0, 0, 0 },
};

static struct progress
busy(void)
{
	return (struct progress){
		.status = { .mailboxes_done = 12,
			.mailboxes_planned = 20,
			.items_done = 8412,
			.items_expected = 20000,
			.bytes_archived = UINT64_C(1181116006),
			.items_per_s = 312.2,
			.bytes_per_s = 24.0 * 1024 * 1024,
			.eta_s = 42,
			.in_flight = 8,
			.problems = 2 },
		.mailboxes = mailboxes,
		.count = 3,
	};
}

static void
assert_lines(const struct progress *p, size_t columns, size_t rows, const char *expected)
{
	EXA_AUTO(buf_done) struct buf b = { 0 };

	progress_lines(p, (struct display_size){ .columns = columns, .rows = rows }, &b);
	assert_string_equal(buf_string(&b), expected);
}

static void
the_totals_come_first_and_then_a_line_for_each_mailbox(void **state)
{
	const struct progress p = busy();

	(void)state;
	assert_lines(&p, 120, 23,
		"[########------------]  42 %  8,412/20,000 items  1.1 GiB  ETA 0:42\n"
		"12/20 mailboxes  312 items/s  24.0 MiB/s  8 in flight  2 failed\n"
		"  anna@contoso.com           [####------]  48 %  1,204/2,500  312.0 MiB  /Inbox\n"
		"  bob@contoso.com (archive)  [----------]   0 %      7/1,020    1.2 MiB  "
		"/2019/Projects\n"
		"  carl@contoso.com           [----------]   0 %            0        0 B\n");
}

static void
throttling_is_told(void **state)
{
	EXA_AUTO(buf_done) struct buf b = { 0 };
	struct progress p = busy();

	(void)state;
	p.status.waiting_ms = 61500;
	progress_lines(&p, (struct display_size){ .columns = 120, .rows = 23 }, &b);
	assert_non_null(strstr(buf_string(&b), "  server asks to wait 1:02  "));
}

static void
what_does_not_fit_is_counted(void **state)
{
	struct progress p = busy();

	(void)state;
	p.more = 9;
	assert_lines(&p, 79, 4,
		"[########------------]  42 %  8,412/20,000 items  1.1 GiB  ETA 0:42\n"
		"12/20 mailboxes  312 items/s  24.0 MiB/s  8 in flight  2 failed\n"
		"  anna@contoso.com  [####------]  48 %  1,204/2,500  312.0 MiB  /Inbox\n"
		"  and 11 more\n");
	assert_lines(&p, 79, 3,
		"[########------------]  42 %  8,412/20,000 items  1.1 GiB  ETA 0:42\n"
		"12/20 mailboxes  312 items/s  24.0 MiB/s  8 in flight  2 failed\n"
		"  and 12 more\n");
	p.more = 0;
	p.count = 2;
	assert_lines(&p, 60, 2,
		"12/20 mailboxes  8,412/20,000 items  ETA 0:42  2 failed\n"
		"  and 2 more\n");
	assert_lines(&p, 60, 1, "12/20 mailboxes  8,412/20,000 items  ETA 0:42  2 failed\n");
}

static void
a_narrow_terminal_keeps_the_name_and_the_count(void **state)
{
	const struct progress p = busy();

	(void)state;
	assert_lines(&p, 40, 23,
		"8,412/20,000 items  1.1 GiB  ETA 0:42\n"
		"12/20 mailboxes  312 items/s  2 failed\n"
		"  anna@conto...  1,204/2,500  /Inbox\n"
		"  bob@contos...      7/1,020  /2019/P...\n"
		"  carl@conto...            0\n");
}

/* By columns, whatever the characters are. */
static void
no_line_is_wider_than_the_terminal_nor_are_there_more(void **state)
{
	static const struct progress_mailbox wide[] = {
		{ "\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac@example.jp",
			"/\xe5\x8f\x97\xe4\xbf\xa1\xe3\x83\x88\xe3\x83\xac\xe3\x82\xa4/"
			"e\xcc\x81\xcc\x81\xcc\x81/\xf0\x9f\x98\x80\xf0\x9f\x98\x80",
			UINT64_MAX, UINT64_MAX, UINT64_MAX },
		{ "a@b", "/Inbox", 1, 2, 3 },
	};
	struct progress p = busy();

	(void)state;
	p.mailboxes = wide;
	p.count = 2;
	p.more = 1;
	for (size_t columns = 1; columns < 200; columns++) {
		for (size_t rows = 1; rows < 8; rows++) {
			EXA_AUTO(buf_done) struct buf b = { 0 };
			size_t lines = 0;

			progress_lines(
				&p, (struct display_size){ .columns = columns, .rows = rows }, &b);
			for (const char *at = buf_string(&b), *end; *at != '\0'; at = end + 1) {
				end = strchr(at, '\n');
				assert_non_null(end);
				assert_true(display_columns(bytes_of(at, (size_t)(end - at))) <=
					    columns);
				lines++;
			}
			assert_true(lines <= rows);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_totals_come_first_and_then_a_line_for_each_mailbox),
		cmocka_unit_test(throttling_is_told),
		cmocka_unit_test(what_does_not_fit_is_counted),
		cmocka_unit_test(a_narrow_terminal_keeps_the_name_and_the_count),
		cmocka_unit_test(no_line_is_wider_than_the_terminal_nor_are_there_more),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
