/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "capture.h"

static size_t
lines(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

static void
the_table_leaves_out_columns_that_are_zero_everywhere(void **state)
{
	static const char expected[] =
		"mailbox             new    bytes   known  failed  pending  unexplained\n"
		"anna@contoso.com  1,204  1.1 GiB  20,001       0        0            0\n"
		"bob@x                 0      0 B       7       2       10            0\n"
		"total             1,204  1.1 GiB  20,008       2       10            0\n";
	struct report_totals totals;
	struct capture c = { 0 };

	(void)state;
	capture_begin(&c, REPORT_AUTO);
	report_mailbox_done(
		c.r, &(struct report_mailbox){
			     .mailbox = "bob@x", .known = 7, .failed = 2, .pending = 10 });
	report_mailbox_done(c.r, &(struct report_mailbox){ .mailbox = "anna@contoso.com",
					 .archived = 1204,
					 .bytes = UINT64_C(1181116006),
					 .known = 20001,
					 .complete = true });
	report_stored(c.r, UINT64_C(10) << 30, (UINT64_C(10) << 30) + UINT64_C(590558003));
	report_traffic(c.r, 1203, 5 << 20);
	report_finish(c.r, 4, "the time allowed is over", &totals);
	capture_end(&c);
	assert_memory_equal(c.out, expected, strlen(expected));
	assert_non_null(strstr(c.out, "\n1,204 new items, 1.1 GiB in "));
	assert_non_null(strstr(c.out, "\n1,203 requests, 5.0 MiB received\n"));
	assert_non_null(strstr(c.out, "\narchive: 10.0 GiB before, 10.5 GiB now; the new items "
				      "take 0.50 of their size\n"));
	assert_non_null(strstr(
		c.out, "\nstopped early: the time allowed is over; a rerun continues from here\n"));
	assert_non_null(strstr(
		c.out, "\nnot complete: 1 mailbox incomplete, 2 items failed, 10 items pending\n"));
	assert_non_null(strstr(c.out, "\nexit status 4\n"));
	assert_int_equal(totals.mailboxes_incomplete, 1);
	capture_done(&c);
}

static void
a_failed_mailbox_says_why(void **state)
{
	struct report_totals totals;
	struct capture c = { 0 };

	(void)state;
	capture_begin(&c, REPORT_AUTO);
	report_mailbox_done(c.r,
		&(struct report_mailbox){ .mailbox = "anna@x",
			.error = an_error(EXA_DENIED, "ErrorAccessDenied", "not\nimpersonated") });
	report_finish(c.r, 3, NULL, &totals);
	capture_end(&c);
	assert_non_null(strstr(c.out, "\nanna@x was not finished: not impersonated\n"));
	assert_int_equal(totals.mailboxes_failed, 1);
	assert_int_equal(totals.mailboxes_incomplete, 0);
	capture_done(&c);
}

static void
of_many_mailboxes_only_those_with_something_to_tell_are_listed(void **state)
{
	struct report_totals totals;
	struct capture c = { 0 };
	char name[32];

	(void)state;
	capture_begin(&c, REPORT_AUTO);
	for (int i = 0; i < 5000; i++) {
		(void)snprintf(name, sizeof name, "user%04d@x", i);
		report_mailbox_done(c.r, &(struct report_mailbox){ .mailbox = name,
						 .archived = 2,
						 .native_only = i % 2 == 0 ? 1 : 0,
						 .failed = i == 3 || i == 4999,
						 .complete = true });
	}
	report_finish(c.r, 3, NULL, &totals);
	capture_end(&c);
	assert_non_null(strstr(c.out, "\nuser0003@x "));
	assert_non_null(strstr(c.out, "\nuser4999@x "));
	assert_null(strstr(c.out, "user0004@x"));
	assert_non_null(strstr(c.out, "\n... and 4,998 more mailboxes with nothing to report\n"));
	assert_non_null(strstr(c.out, "\ntotal       10,000 "));
	assert_non_null(strstr(c.out, "\n2,500 of them as native stream only"));
	capture_done(&c);
}

static void
forty_mailboxes_are_all_listed(void **state)
{
	struct report_totals totals;
	struct capture c = { 0 };
	char name[32];

	(void)state;
	capture_begin(&c, REPORT_AUTO);
	for (int i = 0; i < 40; i++) {
		(void)snprintf(name, sizeof name, "user%02d@x", i);
		report_mailbox_done(
			c.r, &(struct report_mailbox){ .mailbox = name, .complete = true });
	}
	report_finish(c.r, 0, NULL, &totals);
	capture_end(&c);
	assert_non_null(strstr(c.out, "\nuser00@x "));
	assert_non_null(strstr(c.out, "\nuser39@x "));
	assert_null(strstr(c.out, "more mailboxes"));
	capture_done(&c);
}

static void
a_thousand_troubled_mailboxes_are_the_most_that_are_listed(void **state)
{
	struct report_totals totals;
	struct capture c = { 0 };

	(void)state;
	capture_begin(&c, REPORT_AUTO);
	for (int i = 0; i < 1500; i++)
		report_mailbox_done(c.r, &(struct report_mailbox){ .mailbox = "m@x", .failed = 1 });
	report_finish(c.r, 3, NULL, &totals);
	capture_end(&c);
	assert_non_null(strstr(c.out, "\n... and 500 more mailboxes with something to report\n"));
	assert_true(lines(c.out) < 1020);
	assert_int_equal(totals.sum.failed, 1500);
	capture_done(&c);
}

static void
a_long_or_hostile_address_does_not_break_the_table(void **state)
{
	struct report_totals totals;
	struct capture c = { 0 };
	char name[200];
	const char *row;

	(void)state;
	for (size_t i = 0; i + 2 < sizeof name; i += 2) {
		name[i] = '\xc3';
		name[i + 1] = '\xa9';
	}
	name[sizeof name - 2] = '\0';
	capture_begin(&c, REPORT_AUTO);
	report_mailbox_done(c.r, &(struct report_mailbox){ .mailbox = name, .complete = true });
	report_mailbox_done(
		c.r, &(struct report_mailbox){ .mailbox = "a\x1b[2J@x", .complete = true });
	report_finish(c.r, 0, NULL, &totals);
	capture_end(&c);
	assert_null(strchr(c.out, '\x1b'));
	row = strstr(c.out, "\xc3\xa9");
	assert_non_null(row);
	/* 45 characters and the mark: 48 columns. */
	assert_memory_equal(row + 45 * 2, "...  ", 5);
	capture_done(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_leaves_out_columns_that_are_zero_everywhere),
		cmocka_unit_test(a_failed_mailbox_says_why),
		cmocka_unit_test(of_many_mailboxes_only_those_with_something_to_tell_are_listed),
		cmocka_unit_test(forty_mailboxes_are_all_listed),
		cmocka_unit_test(a_thousand_troubled_mailboxes_are_the_most_that_are_listed),
		cmocka_unit_test(a_long_or_hostile_address_does_not_break_the_table),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
