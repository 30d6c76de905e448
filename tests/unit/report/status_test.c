/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/clock.h"
#include "internal.h"

static const struct status busy = {
	.mailboxes_done = 12,
	.mailboxes_planned = 20,
	.items_done = 8412,
	.items_expected = 20000,
	.bytes_archived = UINT64_C(1181116006),
	.items_per_s = 312.2,
	.bytes_per_s = 24.0 * 1024 * 1024,
	.eta_s = 42,
	.in_flight = 8,
	.problems = 2,
};

static void
the_status_is_one_line_for_people(void **state)
{
	EXA_AUTO(buf_done) struct buf b = { 0 };

	(void)state;
	status_line(&busy, STATUS_WIDTH_ANY, &b);
	assert_string_equal(buf_string(&b),
		"12/20 mailboxes  8,412/20,000 items  1.1 GiB  312 items/s  24.0 MiB/s  ETA 0:42  "
		"8 in flight  2 failed");
}

static void
a_narrow_terminal_keeps_items_and_failures_longest(void **state)
{
	(void)state;
	for (size_t width = 1; width < 120; width++) {
		EXA_AUTO(buf_done) struct buf b = { 0 };

		status_line(&busy, width, &b);
		assert_true(b.size <= width);
		if (width >= strlen("8,412/20,000 items"))
			assert_non_null(strstr(buf_string(&b), "8,412/20,000 items"));
		if (width >= strlen("8,412/20,000 items  2 failed"))
			assert_non_null(strstr(buf_string(&b), "2 failed"));
	}
}

static void
what_is_not_known_is_left_out(void **state)
{
	EXA_AUTO(buf_done) struct buf b = { 0 };
	const struct status fresh = { .eta_s = -1 };

	(void)state;
	status_line(&fresh, STATUS_WIDTH_ANY, &b);
	assert_string_equal(
		buf_string(&b), "0 mailboxes  0 items  0 B  0 items/s  0 B/s  0 in flight");
}

static void
a_servers_wish_to_wait_is_shown(void **state)
{
	EXA_AUTO(buf_done) struct buf b = { 0 };
	const struct status waiting = { .eta_s = -1, .waiting_ms = 61500 };

	(void)state;
	status_line(&waiting, STATUS_WIDTH_ANY, &b);
	assert_non_null(strstr(buf_string(&b), "server asks to wait 1:02"));
}

static void
rates_are_those_of_the_last_half_minute(void **state)
{
	struct meter m = { 0 };
	struct meter_rates rates = { 0 };
	struct meter_sample now = { .at_ns = 5 * EXA_NS_PER_S };

	(void)state;
	rates = meter_add(&m, &now);
	assert_true(rates.items_per_s == 0);
	/* A minute of 100 items/s, five looks a second, then a minute of 10. */
	for (int i = 0; i < 300; i++) {
		now.at_ns += EXA_NS_PER_S / 5;
		now.items += 20;
		now.bytes += 2000;
		rates = meter_add(&m, &now);
		assert_true(rates.items_per_s > 99.9 && rates.items_per_s < 100.1);
		assert_true(rates.bytes_per_s > 9999 && rates.bytes_per_s < 10001);
	}
	for (int i = 0; i < 300; i++) {
		now.at_ns += EXA_NS_PER_S / 5;
		now.items += 2;
		rates = meter_add(&m, &now);
	}
	assert_true(rates.items_per_s > 9.9 && rates.items_per_s < 10.1);
}

static void
rates_work_when_looks_are_a_minute_apart(void **state)
{
	struct meter m = { 0 };
	struct meter_rates rates = { 0 };
	struct meter_sample now = { 0 };

	(void)state;
	for (int i = 0; i < 10; i++) {
		now.at_ns += 60 * EXA_NS_PER_S;
		now.items += i < 9 ? 60 : 600;
		rates = meter_add(&m, &now);
	}
	assert_true(rates.items_per_s > 9.9 && rates.items_per_s < 10.1);
}

static void
numbers_are_written_for_people(void **state)
{
	static const struct {
		uint64_t n;
		const char *count, *size, *span;
	} cases[] = {
		{ 0, "0", "0 B", "0:00" },
		{ 999, "999", "999 B", "16:39" },
		{ 1023, "1,023", "1023 B", "17:03" },
		{ 1024, "1,024", "1.0 KiB", "17:04" },
		{ 3723, "3,723", "3.6 KiB", "1:02:03" },
		{ 1048575, "1,048,575", "1.0 MiB", "12 d 03:16" },
		{ UINT64_C(1) << 40, "1,099,511,627,776", "1.0 TiB", "12725829 d 00:36" },
		{ UINT64_MAX, "18,446,744,073,709,551,615", "16.0 EiB", "213503982334601 d 07:00" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(buf_done) struct buf count = { 0 };
		EXA_AUTO(buf_done) struct buf size = { 0 };
		EXA_AUTO(buf_done) struct buf span = { 0 };

		add_count(&count, cases[i].n);
		add_size(&size, cases[i].n);
		add_span(&span, cases[i].n);
		assert_string_equal(buf_string(&count), cases[i].count);
		assert_string_equal(buf_string(&size), cases[i].size);
		assert_string_equal(buf_string(&span), cases[i].span);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_status_is_one_line_for_people),
		cmocka_unit_test(a_narrow_terminal_keeps_items_and_failures_longest),
		cmocka_unit_test(what_is_not_known_is_left_out),
		cmocka_unit_test(a_servers_wish_to_wait_is_shown),
		cmocka_unit_test(rates_are_those_of_the_last_half_minute),
		cmocka_unit_test(rates_work_when_looks_are_a_minute_apart),
		cmocka_unit_test(numbers_are_written_for_people),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
