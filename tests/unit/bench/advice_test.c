/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/bench.h"

#define POINTS_MOST 5

/* Numbers of threads double from 1. Rates 0 end a case; throttled in percent of 1000 requests. */
struct advice_case {
	const char *name;
	double rates[POINTS_MOST];
	uint64_t median_ms[POINTS_MOST]; /* 0 = as long as 1 thread's, or 100 */
	unsigned throttled[POINTS_MOST];
	double cores[POINTS_MOST];
	uint32_t threads;
	enum bench_limit limit;
	const char *words; /* in the explanation */
};

static const struct advice_case cases[] = {
	{ .name = "latency is all there is",
		.rates = { 10, 20, 40, 80 },
		.threads = 8,
		.limit = BENCH_LIMIT_NOT_REACHED,
		.words = "try more threads" },
	{ .name = "the curve bends",
		.rates = { 10, 20, 38, 40, 40 },
		.threads = 4,
		.limit = BENCH_LIMIT_OTHER,
		.words = "8 threads bring 5 % more" },
	{ .name = "the server gets slower",
		.rates = { 10, 20, 38, 40, 30 },
		.median_ms = { 100, 100, 110, 200, 500 },
		.threads = 4,
		.limit = BENCH_LIMIT_SERVER,
		.words = "200 ms instead of 110" },
	{ .name = "the machine is busy",
		.rates = { 100, 190, 195 },
		.cores = { 1, 1.9, 1.95 },
		.threads = 2,
		.limit = BENCH_LIMIT_MACHINE,
		.words = "processors are busy" },
	{ .name = "throttled beyond four",
		.rates = { 10, 20, 40, 60, 70 },
		.throttled = { 0, 0, 0, 5, 20 },
		.threads = 4,
		.limit = BENCH_LIMIT_TENANT,
		.words = "throttled, the figure is the tenant's limit, not exarch's" },
	{ .name = "throttled at once",
		.rates = { 10, 10, 9 },
		.throttled = { 5, 20, 40 },
		.threads = 1,
		.limit = BENCH_LIMIT_TENANT,
		.words = "with every number of threads" },
	{ .name = "one busy answer in a hundred doesn't count",
		.rates = { 10, 20, 40 },
		.throttled = { 0, 1, 1 },
		.threads = 4,
		.limit = BENCH_LIMIT_NOT_REACHED,
		.words = "4.0 times the rate of 1" },
	{ .name = "more threads do harm",
		.rates = { 40, 30, 20 },
		.threads = 1,
		.limit = BENCH_LIMIT_OTHER,
		.words = "2 threads bring 25 % less" },
	{ .name = "one number alone",
		.rates = { 40 },
		.threads = 1,
		.limit = BENCH_LIMIT_NOT_REACHED,
		.words = "40 items/s" },
	{ .name = "nothing was archived",
		.rates = { 0 },
		.threads = 1,
		.limit = BENCH_LIMIT_NOT_REACHED,
		.words = "0 items/s" },
};

static size_t
points_of(const struct advice_case *c, struct bench_point points[POINTS_MOST])
{
	size_t count = 0;

	do {
		const uint64_t ms = c->median_ms[count] > 0 ? c->median_ms[count] : 100;

		points[count] = (struct bench_point){ .threads = 1U << count,
			.rounds = 1,
			.items_per_s = c->rates[count],
			.requests = 1000,
			.throttled = c->throttled[count] * 10,
			.median_us = ms * 1000,
			.cpu_cores = c->cores[count],
			.requests_per_thread = 100 };
		count++;
	} while (count < POINTS_MOST && c->rates[count] > 0);
	return count;
}

static void
the_fewest_threads_that_give_nearly_the_best_rate_are_advised(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(buf_done) struct buf words = { 0 };
		struct bench_point points[POINTS_MOST];
		size_t count = points_of(&cases[i], points);
		struct bench_advice a;

		bench_advise(points, count, 2, &a);
		bench_explain(points, count, &a, &words);
		if (a.threads != cases[i].threads || a.limit != cases[i].limit ||
			strstr(buf_string(&words), cases[i].words) == NULL)
			fail_msg("%s: %u threads, limit %s: %s", cases[i].name, a.threads,
				bench_limit_name(a.limit), buf_string(&words));
		assert_int_equal(points[a.at].threads, a.threads);
	}
}

static void
few_requests_are_said_to_be_few(void **state)
{
	EXA_AUTO(buf_done) struct buf words = { 0 };
	struct bench_point point = { .threads = 16, .items_per_s = 3, .requests_per_thread = 2 };
	struct bench_advice a;

	(void)state;
	bench_advise(&point, 1, 2, &a);
	bench_explain(&point, 1, &a, &words);
	assert_true(a.too_few);
	assert_non_null(strstr(buf_string(&words), "--items"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_fewest_threads_that_give_nearly_the_best_rate_are_advised),
		cmocka_unit_test(few_requests_are_said_to_be_few),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
