/* SPDX-License-Identifier: Apache-2.0 */
/* On a terminal (a pty): what stands there, and what is left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

#include <cmocka.h>

#include "capture.h"
#include "screen.h"

static const struct report_options plain = { .no_colour = true };
static const struct report_options coloured = { .no_colour = false };
static const struct report_options dumb = { .dumb_terminal = true };

struct terminal {
	struct screen screen;
	FILE *out;
	struct report *r;
};

static void
terminal_begin(struct terminal *t, unsigned short columns, const struct report_options *how)
{
	struct report_options options = *how;

	screen_begin(&t->screen, columns);
	t->out = tmpfile();
	options.out = t->out;
	options.talk = t->screen.file;
	t->r = report_new(&options);
}

static void
terminal_end(struct terminal *t)
{
	report_free(t->r);
	screen_read(&t->screen);
	screen_end(&t->screen);
	(void)fclose(t->out);
}

/* What stands there once it has been drawn; read again and again, since another thread draws. */
static void
wait_for(struct terminal *t, const char *words)
{
	do {
		screen_read(&t->screen);
	} while (strstr(t->screen.said, words) == NULL);
}

static void
each_open_mailbox_has_a_line_until_it_is_done(void **state)
{
	static struct terminal t;
	struct report_active *anna;

	(void)state;
	terminal_begin(&t, 120, &plain);
	report_plan(t.r, 20);
	anna = report_mailbox_open(t.r, "anna@x");
	(void)report_mailbox_open(t.r, "bob\x1b[2J@x");
	report_expect(t.r, anna, 40);
	report_known(t.r, anna, 3);
	report_fetched(t.r, anna, 7, 2048);
	report_folder(t.r, anna, "/In\nbox");
	wait_for(&t, "/In box");
	assert_row(&t.screen, 2, "  anna@x     [##--------]  25 %  10/40    2.0 KiB  /In box");
	assert_row(&t.screen, 3, "  bob [2J@x  [----------]   0 %      0        0 B");
	report_mailbox_done(t.r, &(struct report_mailbox){ .mailbox = "anna@x" });
	wait_for(&t, "1/20 mailboxes");
	assert_row(&t.screen, 2, "  bob [2J@x  [----------]   0 %  0        0 B");
	assert_row(&t.screen, 3, "");
	terminal_end(&t);
	assert_row(&t.screen, 0, "");
	assert_int_equal(t.screen.row, 0);
	assert_false(t.screen.cursor_hidden);
}

static void
the_display_follows_the_terminals_width(void **state)
{
	static struct terminal t;

	(void)state;
	terminal_begin(&t, 120, &plain);
	report_plan(t.r, 1);
	report_expect(t.r, NULL, 1000000);
	report_archived(t.r, 1000, 1 << 20);
	wait_for(&t, "[--------------------]   0 %  0/1,000,000 items  1.0 MiB");
	screen_resize(&t.screen, 30);
	wait_for(&t, "\r\x1b[4A0/1,000,000 items");
	assert_row(&t.screen, 0, "0/1,000,000 items  1.0 MiB");
	terminal_end(&t);
}

static void
problems_stand_above_the_display(void **state)
{
	struct exa_error why = an_error(EXA_DENIED, "", "access is denied");
	static struct terminal t;

	(void)state;
	terminal_begin(&t, 120, &plain);
	report_plan(t.r, 20);
	wait_for(&t, "0/20 mailboxes");
	report_problem(t.r, &(struct report_problem){ .mailbox = "anna@x", .why = &why });
	wait_for(&t, "problem: anna@x: access is denied");
	assert_row(&t.screen, 0, "problem: anna@x: access is denied");
	assert_row(&t.screen, 1, "0 items  0 B");
	terminal_end(&t);
	assert_row(&t.screen, 0, "problem: anna@x: access is denied");
	assert_row(&t.screen, 1, "");
	assert_int_equal(t.screen.row, 1);
}

static void
colours_are_used_unless_they_are_unwanted(void **state)
{
	struct exa_error why = an_error(EXA_DENIED, "", "access is denied");
	static struct terminal t;

	(void)state;
	terminal_begin(&t, 120, &coloured);
	report_problem(t.r, &(struct report_problem){ .mailbox = "anna@x", .why = &why });
	terminal_end(&t);
	assert_non_null(
		strstr(t.screen.said, "\x1b[1;31mproblem:\x1b[0m anna@x: access is denied"));
}

static void
a_dumb_terminal_gets_plain_lines(void **state)
{
	struct exa_error why = an_error(EXA_DENIED, "", "access is denied");
	static struct terminal t;

	(void)state;
	terminal_begin(&t, 120, &dumb);
	report_problem(t.r, &(struct report_problem){ .mailbox = "anna@x", .why = &why });
	terminal_end(&t);
	assert_non_null(strstr(t.screen.said, "Z  problem: anna@x: access is denied\r\n"));
	assert_null(strchr(t.screen.said, '\x1b'));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_open_mailbox_has_a_line_until_it_is_done),
		cmocka_unit_test(the_display_follows_the_terminals_width),
		cmocka_unit_test(problems_stand_above_the_display),
		cmocka_unit_test(colours_are_used_unless_they_are_unwanted),
		cmocka_unit_test(a_dumb_terminal_gets_plain_lines),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
