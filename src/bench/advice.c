/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which number of threads to take. The knee is the fewest threads that give nearly the best rate:
 * what lies beyond costs the tenant's budget, and the mailboxes' owners, for little. Where the
 * server throttles, the rate is what it allows and says nothing of exarch, so such points are no
 * candidates as long as there are others.
 */
#include "exarch/bench.h"

/* A busy machine: this share of its processors. */
#define MACHINE_BUSY 0.85
/* Requests that take so many times as long are waiting somewhere. */
#define LATENCY_GROWN 1.5
/* Below it the first and last requests of each thread make the figure. */
#define REQUESTS_PER_THREAD_LEAST 8.0
/* What another step must bring for the end not to be in sight. */
#define STILL_RISING 1.1

static bool
is_throttled(const struct bench_point *p)
{
	return (double)p->throttled > (double)p->requests * BENCH_THROTTLED_SHARE;
}

static double
best_rate(const struct bench_point *points, size_t count, bool all)
{
	double best = 0;

	for (size_t i = 0; i < count; i++) {
		if ((all || !is_throttled(&points[i])) && points[i].items_per_s > best)
			best = points[i].items_per_s;
	}
	return best;
}

static bool
is_machine_busy(const struct bench_point *p, unsigned cores)
{
	return p->cpu_cores >= (double)cores * MACHINE_BUSY;
}

/* What keeps the next point from being better. */
static enum bench_limit
limit_behind(const struct bench_point *points, size_t count, size_t at, unsigned cores)
{
	const struct bench_point *p = &points[at], *next = &points[at + 1];

	for (size_t i = at + 1; i < count; i++) {
		if (is_throttled(&points[i]))
			return BENCH_LIMIT_TENANT;
	}
	if (at + 1 == count) {
		if (is_machine_busy(p, cores))
			return BENCH_LIMIT_MACHINE;
		return at == 0 || p->items_per_s >= points[at - 1].items_per_s * STILL_RISING
			       ? BENCH_LIMIT_NOT_REACHED
			       : BENCH_LIMIT_OTHER;
	}
	if (is_machine_busy(next, cores))
		return BENCH_LIMIT_MACHINE;
	if ((double)next->median_us >= (double)p->median_us * LATENCY_GROWN)
		return BENCH_LIMIT_SERVER;
	return BENCH_LIMIT_OTHER;
}

void
bench_advise(
	const struct bench_point *points, size_t count, unsigned cores, struct bench_advice *out)
{
	struct bench_advice a = { .all_throttled = true };
	double best;

	for (size_t i = 0; i < count; i++)
		a.all_throttled = a.all_throttled && is_throttled(&points[i]);
	best = best_rate(points, count, a.all_throttled);
	while (a.at + 1 < count && ((!a.all_throttled && is_throttled(&points[a.at])) ||
					   points[a.at].items_per_s < best * BENCH_KNEE_SHARE))
		a.at++;
	a.threads = points[a.at].threads;
	a.too_few = points[a.at].requests_per_thread < REQUESTS_PER_THREAD_LEAST;
	a.limit = a.all_throttled ? BENCH_LIMIT_TENANT : limit_behind(points, count, a.at, cores);
	*out = a;
}

const char *
bench_limit_name(enum bench_limit limit)
{
	switch (limit) {
	case BENCH_LIMIT_NOT_REACHED:
		return "not-reached";
	case BENCH_LIMIT_TENANT:
		return "tenant";
	case BENCH_LIMIT_SERVER:
		return "server";
	case BENCH_LIMIT_MACHINE:
		return "machine";
	case BENCH_LIMIT_OTHER:
		return "other";
	}
	return "other";
}
