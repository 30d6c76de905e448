/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exarch/clock.h"

static void
dates_are_read_in_the_forms_people_and_servers_write(void **state)
{
	static const struct {
		const char *text;
		const char *same_as;
	} cases[] = {
		{ "2026-07-22", "2026-07-22T00:00:00Z" },
		{ "2026-07-22T10:11:12Z", "2026-07-22T10:11:12Z" },
		{ "2026-07-22T10:11:12.750Z", "2026-07-22T10:11:12Z" },
		{ "2026-07-22T10:11:12+02:00", "2026-07-22T08:11:12Z" },
		{ "2026-07-22T10:11:12", "2026-07-22T10:11:12Z" },
		{ "1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z" },
		{ "2024-02-29T00:00:00-05:30", "2024-02-29T05:30:00Z" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[CLOCK_TEXT_MAX];
		struct exa_error err;
		int64_t moment;

		assert_true(clock_parse(cases[i].text, &moment, &err));
		clock_format(moment, text);
		assert_string_equal(text, cases[i].same_as);
	}
}

static void
nonsense_is_not_a_date(void **state)
{
	static const char *const cases[] = { "", "yesterday", "2026-13-01", "2026-07-22T10",
		"2026-07-22Tab:cd:ef", "2026-07-22T10:00:00Q", "22.07.2026" };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct exa_error err;
		int64_t moment;

		assert_false(clock_parse(cases[i], &moment, &err));
		assert_int_equal(err.code, EXA_USAGE);
	}
}

static void
months_count_in_the_calendar(void **state)
{
	static const struct {
		const char *now, *span, *then;
	} cases[] = {
		{ "2026-03-31T12:00:00Z", "1 month", "2026-02-28T12:00:00Z" },
		{ "2024-03-31T12:00:00Z", "1 month", "2024-02-29T12:00:00Z" },
		{ "2026-01-15T00:00:00Z", "3 months", "2025-10-15T00:00:00Z" },
		{ "2024-02-29T00:00:00Z", "1 year", "2023-02-28T00:00:00Z" },
		{ "2026-01-15T00:00:00Z", "10 days", "2026-01-05T00:00:00Z" },
		{ "2026-01-15T00:00:00Z", "2h", "2026-01-14T22:00:00Z" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[CLOCK_TEXT_MAX];
		struct exa_error err;
		int64_t now, then;

		assert_true(clock_parse(cases[i].now, &now, &err));
		assert_true(clock_before(cases[i].span, now, &then, &err));
		clock_format(then, text);
		assert_string_equal(text, cases[i].then);
	}
}

static void
spans_without_number_or_known_unit_are_refused(void **state)
{
	static const char *const cases[] = { "", "months", "3", "3 moons", "-3 days",
		"99999999999 days" };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct exa_error err;
		int64_t out;

		assert_false(clock_before(cases[i], 0, &out, &err));
		assert_int_equal(err.code, EXA_USAGE);
	}
}

static void
people_write_moments_as_dates_months_or_spans(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "2026-07-22", "2026-07-22T00:00:00Z" },
		{ "2026-07-22T10:00:00Z", "2026-07-22T10:00:00Z" },
		{ "2026-07", "2026-07-01T00:00:00Z" },
		{ "2026", "2026-01-01T00:00:00Z" },
		{ "today", "2026-03-31T00:00:00Z" },
		{ "Yesterday", "2026-03-30T00:00:00Z" },
		{ "30d", "2026-03-01T12:00:00Z" },
		{ "2w", "2026-03-17T12:00:00Z" },
		{ "1 month", "2026-02-28T12:00:00Z" },
	};
	const char *const bad[] = { "", "soon", "2026-", "2026-13", "20261", "-3d", "3", "2026-7" };
	struct exa_error err;
	int64_t now, then;

	(void)state;
	assert_true(clock_parse("2026-03-31T12:00:00Z", &now, &err));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[CLOCK_TEXT_MAX];

		assert_true(clock_parse_moment(cases[i].text, now, &then, &err));
		clock_format(then, text);
		assert_string_equal(text, cases[i].expected);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_false(clock_parse_moment(bad[i], now, &then, &err));
		assert_int_equal(err.code, EXA_USAGE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_are_read_in_the_forms_people_and_servers_write),
		cmocka_unit_test(nonsense_is_not_a_date),
		cmocka_unit_test(months_count_in_the_calendar),
		cmocka_unit_test(spans_without_number_or_known_unit_are_refused),
		cmocka_unit_test(people_write_moments_as_dates_months_or_spans),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
