/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture.h"

static size_t
times(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)) != NULL; text += strlen(what))
		n++;
	return n;
}

static void
problems_of_a_kind_are_shown_three_times_and_then_counted(void **state)
{
	struct exa_error corrupt =
		an_error(EXA_UNREADABLE, "ErrorItemCorrupt", "the item can't be rendered");
	struct exa_error denied = an_error(EXA_DENIED, "ErrorAccessDenied", "access is denied");
	struct report_totals totals;
	struct capture c = { 0 };

	(void)state;
	capture_begin(&c, REPORT_AUTO);
	for (int i = 0; i < 217; i++)
		report_problem(c.r, &(struct report_problem){
					    .mailbox = "anna@x", .item = "i", .why = &corrupt });
	report_problem(
		c.r, &(struct report_problem){ .mailbox = "bob@x", .item = "i", .why = &corrupt });
	report_problem(c.r, &(struct report_problem){ .mailbox = "anna@x", .why = &denied });
	report_finish(c.r, 3, NULL, &totals);
	capture_end(&c);
	assert_int_equal(times(c.talk, "problem: anna@x item i: the item can't be rendered"), 3);
	assert_int_equal(times(c.talk, "problem: bob@x item i: the item can't be rendered"), 1);
	assert_int_equal(times(c.talk, "problem: anna@x: access is denied"), 1);
	assert_int_equal(times(c.talk, "anna@x: ErrorItemCorrupt: and 214 more of the same"), 1);
	assert_int_equal(times(c.talk, "more of the same"), 1);
	capture_done(&c);
}

static void
a_deletion_is_told_with_what_keeps_the_rest(void **state)
{
	struct report_totals totals;
	struct capture c = { 0 };

	(void)state;
	capture_begin(&c, REPORT_AUTO);
	report_deletion(c.r, &(struct report_deletion){ .mailbox = "anna@x",
				     .deleted = 1,
				     .bytes = 2048,
				     .undeleted = 2,
				     .younger = 3000,
				     .flagged = 4 });
	report_deletion(
		c.r, &(struct report_deletion){ .mailbox = "bert@x", .dry_run = true, .held = 5 });
	report_deletion(c.r, &(struct report_deletion){ .mailbox = "carl@x", .younger = 6 });
	report_deletion(c.r,
		&(struct report_deletion){ .mailbox = "dora@x", .left_out = "it isn't whole" });
	report_finish(c.r, 3, NULL, &totals);
	capture_end(&c);
	assert_int_equal(times(c.talk, "anna@x: 1 item (2.0 KiB) was deleted at the server, "
				       "2 items could not be; kept: 3,000 too young, 4 flagged\n"),
		1);
	assert_int_equal(times(c.talk, "bert@x: 0 items (0 B) would be deleted at the server; "
				       "kept: 5 on hold\n"),
		1);
	assert_int_equal(times(c.talk, "carl@x"), 0); /* nothing happened */
	assert_int_equal(
		times(c.talk, "dora@x: nothing is deleted at the server: it isn't whole\n"), 1);
	capture_done(&c);
}

static void
a_problem_is_one_line_without_control_characters(void **state)
{
	struct exa_error hostile = an_error(EXA_FAILED, "",
		"bad\r\nproblem: forged\x1b]0;title\x07 \x80 \xe2\x80\xae moc.live");
	struct report_totals totals;
	struct capture c = { 0 };

	(void)state;
	capture_begin(&c, REPORT_AUTO);
	report_problem(
		c.r, &(struct report_problem){
			     .mailbox = "a\nb@x", .folder = "/In\tbox\x9b", .why = &hostile });
	report_finish(c.r, 3, NULL, &totals);
	capture_end(&c);
	assert_int_equal(times(c.talk, "\n"), 2); /* the title's and the problem's */
	assert_null(strpbrk(c.talk, "\x1b\x07\r\t\x80\x9b"));
	assert_null(strstr(c.talk, "\xe2\x80\xae"));
	assert_non_null(strstr(c.talk, "a b@x /In box"));
	assert_non_null(strstr(c.talk, "bad problem: forged ]0;title"));
	capture_done(&c);
}

static void
quiet_says_nothing_at_all_when_all_is_well(void **state)
{
	struct exa_error passing = an_error(EXA_NET, "", "mended by a later try");
	struct report_totals totals;
	struct capture c = { 0 };

	(void)state;
	capture_begin(&c, REPORT_QUIET);
	report_mailbox_open(c.r, "anna@x");
	report_archived(c.r, 5, 500);
	report_note(c.r, "a remark");
	report_problem(c.r, &(struct report_problem){ .mailbox = "anna@x", .why = &passing });
	report_mailbox_done(c.r,
		&(struct report_mailbox){ .mailbox = "anna@x", .archived = 5, .complete = true });
	report_finish(c.r, 0, NULL, &totals);
	capture_end(&c);
	assert_string_equal(c.out, "");
	assert_string_equal(c.talk, "");
	assert_int_equal(totals.sum.archived, 5);
	capture_done(&c);
}

static void
quiet_gives_its_warnings_when_all_is_well(void **state)
{
	struct report_totals totals;
	struct capture c = { 0 };

	(void)state;
	capture_begin(&c, REPORT_QUIET);
	report_note(c.r, "a remark");
	report_warning(c.r, "it ends in %d days", 20);
	report_finish(c.r, 0, NULL, &totals);
	capture_end(&c);
	assert_string_equal(c.out, "");
	assert_string_equal(c.talk, "warning: it ends in 20 days\n");
	capture_done(&c);
}

static void
quiet_says_what_failed_and_nothing_on_stdout(void **state)
{
	struct exa_error why = an_error(EXA_UNREADABLE, "", "can't be rendered");
	struct report_totals totals;
	struct capture c = { 0 };

	(void)state;
	capture_begin(&c, REPORT_QUIET);
	report_problem(c.r, &(struct report_problem){ .mailbox = "anna@x", .why = &why });
	report_mailbox_done(c.r,
		&(struct report_mailbox){ .mailbox = "anna@x", .failed = 1, .complete = true });
	report_finish(c.r, 3, NULL, &totals);
	capture_end(&c);
	assert_string_equal(c.out, "");
	assert_string_equal(c.talk, "problem: anna@x: can't be rendered\n"
				    "not complete: 1 item failed\n");
	capture_done(&c);
}

static void
quiet_gives_its_problems_when_the_run_never_finishes(void **state)
{
	struct exa_error why = an_error(EXA_AUTH, "", "sign-in failed");
	struct capture c = { 0 };

	(void)state;
	capture_begin(&c, REPORT_QUIET);
	report_problem(c.r, &(struct report_problem){ .why = &why });
	capture_end(&c);
	assert_string_equal(c.talk, "problem: sign-in failed\n");
	capture_done(&c);
}

static struct report *poked;

static void
poke(int signal)
{
	(void)signal;
	report_poke(poked);
}

static void
a_signal_prints_where_things_stand_in_every_style(void **state)
{
	static const enum report_style styles[] = { REPORT_AUTO, REPORT_QUIET, REPORT_JSON };

	(void)state;
	(void)signal(SIGUSR1, poke);
	for (size_t i = 0; i < sizeof styles / sizeof styles[0]; i++) {
		struct capture c = { 0 };

		poked = capture_begin(&c, styles[i]);
		report_plan(c.r, 20);
		report_archived(c.r, 7, 7 * 1024);
		assert_int_equal(raise(SIGUSR1), 0);
		capture_end(&c);
		assert_non_null(strstr(c.talk, "0/20 mailboxes"));
		assert_non_null(strstr(c.talk, "7.0 KiB"));
		capture_done(&c);
	}
}

static void
without_a_terminal_a_status_line_comes_each_interval(void **state)
{
	struct report_totals totals;
	struct report *r;
	char line[256];
	FILE *out, *talk, *end;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	end = fdopen(fds[0], "r");
	talk = fdopen(fds[1], "w");
	out = tmpfile();
	r = report_new(
		&(struct report_options){ .out = out, .talk = talk, .status_interval_s = 1 });
	report_plan(r, 3);
	assert_non_null(fgets(line, sizeof line, end));
	assert_non_null(strstr(line, "Z  0/3 mailboxes"));
	assert_non_null(fgets(line, sizeof line, end));
	assert_non_null(strstr(line, "Z  0/3 mailboxes"));
	report_finish(r, 0, NULL, &totals);
	report_free(r);
	(void)fclose(out);
	(void)fclose(talk);
	(void)fclose(end);
}

#define THREADS 8
#define ROUNDS 500

static void *
worker(void *arg)
{
	struct exa_error why = an_error(EXA_UNREADABLE, "ErrorItemCorrupt", "can't be rendered");
	struct report *r = arg;

	for (int i = 0; i < ROUNDS; i++) {
		report_requests(r, 1);
		report_expect(r, NULL, 3);
		report_listed(r, 3);
		report_known(r, NULL, 1);
		report_fetched(r, NULL, 1, 10);
		report_archived(r, 1, 10);
		report_waiting(r, 1);
		if (i % 50 == 0)
			report_poke(r);
		report_problem(r,
			&(struct report_problem){ .mailbox = "anna@x", .item = "i", .why = &why });
		report_mailbox_done(r, &(struct report_mailbox){ .mailbox = "m@x",
					       .archived = 1,
					       .bytes = 10,
					       .known = 1,
					       .failed = 1,
					       .complete = i % 2 == 0 });
		report_requests(r, -1);
	}
	return NULL;
}

static void
eight_threads_lose_no_count(void **state)
{
	pthread_t threads[THREADS];
	struct report_totals totals;
	struct capture c = { 0 };

	(void)state;
	capture_begin(&c, REPORT_AUTO);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, worker, c.r), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	report_traffic(c.r, 12, 34);
	report_stored(c.r, 100, 200);
	report_finish(c.r, 3, NULL, &totals);
	capture_end(&c);
	assert_int_equal(totals.mailboxes, THREADS * ROUNDS);
	assert_int_equal(totals.mailboxes_incomplete, THREADS * ROUNDS / 2);
	assert_int_equal(totals.mailboxes_failed, 0);
	assert_int_equal(totals.sum.archived, THREADS * ROUNDS);
	assert_int_equal(totals.sum.bytes, THREADS * ROUNDS * 10);
	assert_int_equal(totals.sum.failed, THREADS * ROUNDS);
	assert_int_equal(totals.requests, 12);
	assert_int_equal(totals.received_bytes, 34);
	assert_int_equal(totals.stored_bytes_after, 200);
	assert_non_null(strstr(c.talk, "and 3,997 more of the same"));
	capture_done(&c);
}

static void
the_totals_so_far_are_those_the_end_gives(void **state)
{
	struct report_totals so_far, end;
	struct capture c = { 0 };

	(void)state;
	capture_begin(&c, REPORT_AUTO);
	report_mailbox_done(
		c.r, &(struct report_mailbox){ .mailbox = "anna@x", .archived = 2, .failed = 1 });
	report_traffic(c.r, 12, 34);
	report_totals_so_far(c.r, &so_far);
	report_finish(c.r, 3, NULL, &end);
	capture_end(&c);
	assert_int_equal(so_far.sum.archived, 2);
	assert_int_equal(so_far.mailboxes_incomplete, 1);
	assert_int_equal(so_far.requests, 12);
	assert_true(end.elapsed_ms >= so_far.elapsed_ms);
	end.elapsed_ms = so_far.elapsed_ms;
	assert_memory_equal(&so_far.sum, &end.sum, sizeof end.sum);
	capture_done(&c);
}

static void
text_from_outside_becomes_one_safe_line(void **state)
{
	static const struct {
		const char *in, *out;
		size_t limit;
	} cases[] = {
		{ "plain", "plain", 100 },
		{ "  a \t\r\n b  ", "a b", 100 },
		{ "\x1b[31mred\x7f", "[31mred", 100 },
		{ "J\xc3\xbcrgen \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80",
			"J\xc3\xbcrgen \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80", 100 },
		{ "a\xc2\x9b"
		  "31m",
			"a 31m", 100 },                                          /* C1 CSI */
		{ "\xff\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 100 }, /* overlong '/' */
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 100 }, /* surrogate */
		{ "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 100 },
		{ "x\xe2\x80\xaey", "x\xef\xbf\xbdy", 100 },           /* U+202E */
		{ "x\xe2\x81\xa6y", "x\xef\xbf\xbdy", 100 },           /* U+2066 */
		{ "x\xe2\x80\xa8y", "x y", 100 },                      /* U+2028 */
		{ "\xc3\xa9\xc3\xa9\xc3\xa9", "\xc3\xa9\xc3\xa9", 5 }, /* not half a character */
		{ "ab cd", "ab", 3 },
		{ "cut \xe6\x97", "cut \xef\xbf\xbd\xef\xbf\xbd", 100 },
		{ "", "", 100 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(buf_done) struct buf b = { 0 };

		buf_add_byte(&b, '>');
		report_clean(&b, cases[i].in, cases[i].limit);
		assert_string_equal(buf_string(&b) + 1, cases[i].out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(problems_of_a_kind_are_shown_three_times_and_then_counted),
		cmocka_unit_test(a_deletion_is_told_with_what_keeps_the_rest),
		cmocka_unit_test(a_problem_is_one_line_without_control_characters),
		cmocka_unit_test(quiet_says_nothing_at_all_when_all_is_well),
		cmocka_unit_test(quiet_gives_its_warnings_when_all_is_well),
		cmocka_unit_test(quiet_says_what_failed_and_nothing_on_stdout),
		cmocka_unit_test(quiet_gives_its_problems_when_the_run_never_finishes),
		cmocka_unit_test(a_signal_prints_where_things_stand_in_every_style),
		cmocka_unit_test(without_a_terminal_a_status_line_comes_each_interval),
		cmocka_unit_test(eight_threads_lose_no_count),
		cmocka_unit_test(the_totals_so_far_are_those_the_end_gives),
		cmocka_unit_test(text_from_outside_becomes_one_safe_line),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
