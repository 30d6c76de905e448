/* SPDX-License-Identifier: Apache-2.0 */
/* On a terminal (a pty): what stands there, and what is left behind. */
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture.h"

static const struct report_options plain = { .no_colour = true };
static const struct report_options coloured = { .no_colour = false };
static const struct report_options dumb = { .dumb_terminal = true };

struct terminal {
	int master;
	FILE *talk, *out;
	struct report *r;
	char said[65536];
};

static void
terminal_begin(struct terminal *t, unsigned short columns, const struct report_options *how)
{
	struct report_options options = *how;
	const struct winsize size = { .ws_row = 24, .ws_col = columns };
	int slave;

	assert_int_equal(openpty(&t->master, &slave, NULL, NULL, &size), 0);
	t->talk = fdopen(slave, "w");
	t->out = tmpfile();
	options.out = t->out;
	options.talk = t->talk;
	t->r = report_new(&options);
}

static void
terminal_end(struct terminal *t)
{
	size_t size = 0;
	ssize_t n;

	report_free(t->r);
	assert_int_equal(fcntl(t->master, F_SETFL, O_NONBLOCK), 0);
	while ((n = read(t->master, t->said + size, sizeof t->said - 1 - size)) > 0)
		size += (size_t)n;
	t->said[size] = '\0';
	(void)fclose(t->talk);
	(void)fclose(t->out);
	(void)close(t->master);
}

static bool
ends_with(const char *text, const char *end)
{
	size_t a = strlen(text), b = strlen(end);

	return a >= b && strcmp(text + a - b, end) == 0;
}

static void
the_status_is_redrawn_in_place_and_cleared_at_the_end(void **state)
{
	static struct terminal t;

	(void)state;
	terminal_begin(&t, 120, &plain);
	report_plan(t.r, 20);
	terminal_end(&t);
	assert_non_null(strstr(t.said, "\r0/20 mailboxes"));
	assert_non_null(strstr(t.said, "0 in flight\x1b[K"));
	assert_true(ends_with(t.said, "\r\x1b[K"));
	assert_null(strchr(t.said, '\n'));
}

static void
the_status_fits_the_width(void **state)
{
	static struct terminal t;
	char *save = NULL;

	(void)state;
	terminal_begin(&t, 30, &plain);
	report_plan(t.r, 1);
	report_expect(t.r, 1000000);
	report_archived(t.r, 1000, 1 << 20);
	terminal_end(&t);
	assert_non_null(strstr(t.said, "/1,000,000 items"));
	for (char *line = strtok_r(t.said, "\r\n", &save); line != NULL;
		line = strtok_r(NULL, "\r\n", &save)) {
		char *escape = strstr(line, "\x1b[K");

		assert_non_null(escape);
		assert_true(escape - line < 30);
	}
}

static void
problems_stand_above_the_status(void **state)
{
	struct exa_error why = an_error(EXA_DENIED, "", "access is denied");
	static struct terminal t;
	const char *problem;

	(void)state;
	terminal_begin(&t, 120, &plain);
	report_plan(t.r, 20);
	report_problem(t.r, &(struct report_problem){ .mailbox = "anna@x", .why = &why });
	terminal_end(&t);
	problem = strstr(t.said, "\r\x1b[Kproblem: anna@x: access is denied\r\n");
	assert_non_null(problem);
	assert_non_null(strstr(problem, "\n\r0/20 mailboxes"));
	assert_null(strstr(t.said, "\x1b[1"));
	assert_true(ends_with(t.said, "\r\x1b[K"));
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
	assert_non_null(strstr(t.said, "\x1b[1;31mproblem:\x1b[0m anna@x: access is denied"));
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
	assert_non_null(strstr(t.said, "Z  problem: anna@x: access is denied\r\n"));
	assert_null(strchr(t.said, '\x1b'));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_status_is_redrawn_in_place_and_cleared_at_the_end),
		cmocka_unit_test(the_status_fits_the_width),
		cmocka_unit_test(problems_stand_above_the_status),
		cmocka_unit_test(colours_are_used_unless_they_are_unwanted),
		cmocka_unit_test(a_dumb_terminal_gets_plain_lines),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
