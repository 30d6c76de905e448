/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include <cmocka.h>

#include "screen.h"

static void
draw(struct display *d, const char *above, const char *lines)
{
	display_draw(d, bytes_of_string(above), bytes_of_string(lines));
}

static void
a_frame_takes_the_place_of_the_one_before(void **state)
{
	static struct screen s;
	struct display *d;

	(void)state;
	screen_begin(&s, 80);
	d = display_new(s.file);
	draw(d, "", "one\ntwo is long\nthree\n");
	draw(d, "", "ONE\nTWO\n");
	screen_read(&s);
	assert_row(&s, 0, "ONE");
	assert_row(&s, 1, "TWO");
	assert_row(&s, 2, "");
	assert_int_equal(s.row, 2);
	display_free(d);
	screen_read(&s);
	assert_row(&s, 0, "");
	assert_row(&s, 1, "");
	assert_int_equal(s.row, 0);
	screen_end(&s);
}

static void
text_goes_above_and_stays(void **state)
{
	static struct screen s;
	struct display *d;

	(void)state;
	screen_begin(&s, 80);
	d = display_new(s.file);
	draw(d, "first\n", "status\nmore\n");
	draw(d, "second\nthird\n", "status\n");
	display_free(d);
	screen_read(&s);
	assert_row(&s, 0, "first");
	assert_row(&s, 1, "second");
	assert_row(&s, 2, "third");
	assert_row(&s, 3, "");
	assert_int_equal(s.row, 3);
	screen_end(&s);
}

static void
between_frames_the_cursor_is_shown_below_the_lines(void **state)
{
	static struct screen s;
	struct display *d;

	(void)state;
	screen_begin(&s, 80);
	d = display_new(s.file);
	for (int i = 0; i < 5; i++) {
		draw(d, i % 2 == 0 ? "text\n" : "", i % 2 == 0 ? "a\nb\n" : "c\n");
		screen_read(&s);
		assert_false(s.cursor_hidden);
		assert_int_equal(s.column, 0);
		assert_row(&s, s.row - 1, i % 2 == 0 ? "b" : "c");
	}
	display_free(d);
	screen_end(&s);
}

static void
without_a_change_nothing_is_written(void **state)
{
	static struct screen s;
	struct display *d;
	size_t before;

	(void)state;
	screen_begin(&s, 80);
	d = display_new(s.file);
	draw(d, "", "the same\n");
	screen_read(&s);
	before = s.size;
	draw(d, "", "the same\n");
	screen_read(&s);
	assert_int_equal(s.size, before);
	screen_resize(&s, 60); /* the terminal may have moved things */
	draw(d, "", "the same\n");
	screen_read(&s);
	assert_true(s.size > before);
	display_free(d);
	screen_end(&s);
}

static void
lines_that_a_narrower_terminal_has_wrapped_are_all_taken_away(void **state)
{
	static struct screen s;
	struct display *d;
	size_t before;

	(void)state;
	screen_begin(&s, 80);
	d = display_new(s.file);
	draw(d, "", "0123456789 0123456789 0123456789\n0123456789\nx\n");
	screen_read(&s);
	before = s.size;
	screen_resize(&s, 11); /* three rows, one, one */
	draw(d, "", "new\n");
	screen_read(&s);
	assert_non_null(strstr(s.said + before, "\r\x1b[5Anew"));
	display_free(d);
	screen_end(&s);
}

static void
after_a_stop_the_next_frame_begins_where_the_cursor_is(void **state)
{
	static struct screen s;
	struct display *d;

	(void)state;
	screen_begin(&s, 80);
	d = display_new(s.file);
	draw(d, "", "before\n");
	assert_true(fputs("[1]+  Stopped\n", s.file) >= 0 && fflush(s.file) == 0);
	display_resumed();
	draw(d, "", "after\n");
	screen_read(&s);
	assert_row(&s, 0, "before");
	assert_row(&s, 1, "[1]+  Stopped");
	assert_row(&s, 2, "after");
	display_free(d);
	screen_end(&s);
}

/* Nobody reads the terminal: this ends all the same. */
static void
a_terminal_that_takes_nothing_holds_up_nobody(void **state)
{
	static struct screen s;
	struct display *d;
	char line[1001];

	(void)state;
	memset(line, 'x', sizeof line);
	line[sizeof line - 2] = '\n';
	line[sizeof line - 1] = '\0';
	screen_begin(&s, 80);
	d = display_new(s.file);
	for (int i = 0; i < 500; i++)
		draw(d, line, i % 2 == 0 ? "even\n" : "odd\n");
	draw(d, "the last\n", "status\n");
	for (int i = 0; i < 10000 && strstr(s.said, "status") == NULL; i++) {
		ssize_t n = read(s.master, s.said + s.size, sizeof s.said - 1 - s.size);

		s.size += n > 0 ? (size_t)n : 0;
		s.said[s.size] = '\0';
		draw(d, "", "status\n");
	}
	assert_non_null(strstr(s.said, " lines are left out: the terminal was too slow"));
	assert_non_null(strstr(s.said, "status"));
	display_free(d);
	screen_end(&s);
}

static void
text_is_as_wide_as_its_characters(void **state)
{
	static const struct {
		const char *text;
		size_t columns, fits_in_3; /* bytes */
	} cases[] = {
		{ "", 0, 0 }, { "abcd", 4, 3 }, { "\xc3\xa9t\xc3\xa9s", 4, 5 }, /* étés */
		{ "e\xcc\x81te", 3, 5 },              /* combining acute */
		{ "\xe6\x97\xa5\xe6\x9c\xac", 4, 3 }, /* 日本: the second half a column short */
		{ "a\xf0\x9f\x98\x80z", 4, 5 },       /* an emoji is wide */
		{ "\xff\xff\xff\xff", 4, 3 },         /* not UTF-8 */
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct bytes text = bytes_of_string(cases[i].text);

		assert_int_equal(display_columns(text), cases[i].columns);
		assert_int_equal(display_fit(text, 3), cases[i].fits_in_3);
		assert_int_equal(display_fit(text, 100), text.size);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_takes_the_place_of_the_one_before),
		cmocka_unit_test(text_goes_above_and_stays),
		cmocka_unit_test(between_frames_the_cursor_is_shown_below_the_lines),
		cmocka_unit_test(without_a_change_nothing_is_written),
		cmocka_unit_test(lines_that_a_narrower_terminal_has_wrapped_are_all_taken_away),
		cmocka_unit_test(after_a_stop_the_next_frame_begins_where_the_cursor_is),
		cmocka_unit_test(a_terminal_that_takes_nothing_holds_up_nobody),
		cmocka_unit_test(text_is_as_wide_as_its_characters),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
