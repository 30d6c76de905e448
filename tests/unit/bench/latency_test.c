/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exarch/bench.h"
#include "exarch/mem.h"

static void
assert_near(uint64_t value, uint64_t expected)
{
	if (value < expected || value > expected + expected / 32)
		fail_msg("%llu, should be %llu or up to 1/32 more", (unsigned long long)value,
			(unsigned long long)expected);
}

static void
nothing_has_no_latency(void **state)
{
	const struct bench_latency l = { 0 };

	(void)state;
	assert_int_equal(bench_latency_us(&l, 0.5), 0);
}

static void
percentiles_are_those_of_the_values(void **state)
{
	struct bench_latency l = { 0 };

	(void)state;
	for (uint64_t i = 100; i > 0; i--)
		bench_latency_add(&l, i * 1000);
	assert_int_equal(l.count, 100);
	assert_near(bench_latency_us(&l, 0), 1000);
	assert_near(bench_latency_us(&l, 0.5), 50000);
	assert_near(bench_latency_us(&l, 0.95), 95000);
	assert_near(bench_latency_us(&l, 1), 100000);
}

/* Of two values the median is the lower: half of them didn't exceed it. */
static void
short_times_are_exact(void **state)
{
	(void)state;
	for (uint64_t us = 0; us < 64; us++) {
		struct bench_latency l = { 0 };

		bench_latency_add(&l, us);
		bench_latency_add(&l, 1000000);
		assert_int_equal(bench_latency_us(&l, 0.5), us);
	}
}

static void
any_time_is_within_a_thirty_second(void **state)
{
	(void)state;
	for (uint64_t us = 1; us < UINT64_C(1) << 36; us = us * 7 / 5 + 1) {
		struct bench_latency l = { 0 };

		bench_latency_add(&l, us);
		assert_near(bench_latency_us(&l, 0.5), us);
	}
}

static void
endless_times_are_counted(void **state)
{
	struct bench_latency l = { 0 };

	(void)state;
	bench_latency_add(&l, UINT64_MAX);
	assert_int_equal(l.count, 1);
	assert_true(bench_latency_us(&l, 0.5) >= (UINT64_C(1) << 36) - 1);
}

static void
merging_is_as_if_one_had_counted_all(void **state)
{
	struct bench_latency a = { 0 }, b = { 0 }, all = { 0 };

	(void)state;
	for (uint64_t i = 1; i < 2000; i += 3) {
		bench_latency_add(i % 2 ? &a : &b, i * i);
		bench_latency_add(&all, i * i);
	}
	bench_latency_merge(&a, &b);
	assert_memory_equal(&a, &all, sizeof a);
}

static struct bench_run
run_of(uint64_t items, uint64_t seconds)
{
	struct bench_run r = { .threads = 4,
		.items = items,
		.bytes = items * 1000,
		.requests = 10,
		.throttled = 1,
		.elapsed_ns = seconds * UINT64_C(1000000000),
		.user_ns = seconds * UINT64_C(500000000),
		.rss_bytes = items };

	bench_latency_add(&r.latency, seconds);
	return r;
}

static void
a_point_is_the_median_round_with_its_spread(void **state)
{
	const struct bench_run runs[] = { run_of(100, 1), run_of(100, 4), run_of(100, 2) };
	struct bench_point p;

	(void)state;
	bench_gather(runs, 3, &p);
	assert_int_equal(p.rounds, 3);
	assert_float_equal(p.items_per_s, 50, 1e-6);
	assert_float_equal(p.items_per_s_least, 25, 1e-6);
	assert_float_equal(p.items_per_s_most, 100, 1e-6);
	assert_float_equal(p.bytes_per_s, 50000, 1e-3);
	assert_float_equal(p.cpu_cores, 0.5, 1e-6);
	assert_float_equal(p.cpu_s, 1, 1e-6);
	assert_int_equal(p.requests, 30);
	assert_int_equal(p.throttled, 3);
	assert_int_equal(p.median_us, 2);
	bench_gather(runs, 2, &p);
	assert_float_equal(p.items_per_s, 25, 1e-6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_has_no_latency),
		cmocka_unit_test(percentiles_are_those_of_the_values),
		cmocka_unit_test(short_times_are_exact),
		cmocka_unit_test(any_time_is_within_a_thirty_second),
		cmocka_unit_test(endless_times_are_counted),
		cmocka_unit_test(merging_is_as_if_one_had_counted_all),
		cmocka_unit_test(a_point_is_the_median_round_with_its_spread),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
