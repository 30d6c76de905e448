/* SPDX-License-Identifier: Apache-2.0 */
#include "exarch/bench.h"
#include "exarch/mem.h"

#define NS_PER_S 1e9

static double
per_second(uint64_t count, const struct bench_run *r)
{
	return r->elapsed_ns > 0 ? (double)count / ((double)r->elapsed_ns / NS_PER_S) : 0;
}

static double
rate(const struct bench_run *r)
{
	return per_second(r->items, r);
}

static int
by_rate(const void *a, const void *b)
{
	const struct bench_run *const *x = a, *const *y = b;

	return (rate(*x) > rate(*y)) - (rate(*x) < rate(*y));
}

static void
take_median(const struct bench_run *r, struct bench_point *p)
{
	const double cpu_s = (double)(r->user_ns + r->system_ns) / NS_PER_S;

	p->threads = r->threads;
	p->items = r->items;
	p->items_per_s = rate(r);
	p->bytes_per_s = per_second(r->bytes, r);
	p->requests_per_s = per_second(r->requests, r);
	p->requests_per_thread = (double)r->requests / (r->threads > 0 ? r->threads : 1);
	p->cpu_s = cpu_s;
	p->cpu_cores = r->elapsed_ns > 0 ? cpu_s / ((double)r->elapsed_ns / NS_PER_S) : 0;
}

void
bench_gather(const struct bench_run *runs, size_t count, struct bench_point *out)
{
	const struct bench_run **sorted = exa_alloc_array(count, sizeof *sorted);
	struct bench_latency all = { 0 };
	struct bench_point p = { .rounds = count };

	for (size_t i = 0; i < count; i++) {
		const struct bench_run *r = &runs[i];

		sorted[i] = r;
		bench_latency_merge(&all, &r->latency);
		p.requests += r->requests;
		p.throttled += r->throttled;
		p.failed += r->failed;
		p.rss_bytes = r->rss_bytes > p.rss_bytes ? r->rss_bytes : p.rss_bytes;
		p.cut_short = p.cut_short || r->cut_short;
	}
	exa_sort((void *)sorted, count, sizeof(struct bench_run *), by_rate);
	take_median(sorted[(count - 1) / 2], &p);
	p.items_per_s_least = rate(sorted[0]);
	p.items_per_s_most = rate(sorted[count - 1]);
	p.median_us = bench_latency_us(&all, 0.5);
	p.p95_us = bench_latency_us(&all, 0.95);
	*out = p;
	exa_free((void *)sorted);
}
