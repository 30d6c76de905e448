/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "bench.h"
#include "text.h"

#define MIB ((double)(1 << 20))
#define NS_PER_S 1e9
#define US_PER_MS 1000.0

static bool
wants_json(const struct args *args)
{
	return args->value[OPT_JSON] != NULL;
}

static void
add_threads(struct buf *out, const uint32_t *threads, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_printf(out, "%s%u", i > 0 ? ", " : "", threads[i]);
}

static void
start_json(const struct bench_choice *choice, const uint32_t *threads, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		(void)json_array_append_new(list, json_integer(threads[i]));
	text_json(json_pack("{s:s, s:I, s:I, s:I, s:I, s:o}", "event", "start", "items",
		(json_int_t)choice->items, "mailboxes", (json_int_t)choice->count,
		"estimated_bytes", (json_int_t)choice->estimated_bytes, "mailboxes_refused",
		(json_int_t)choice->refused, "threads", list));
}

void
bench_tell_start(const struct args *args, const struct bench_choice *choice,
	const uint32_t *threads, size_t count)
{
	EXA_AUTO(buf_done) struct buf list = { 0 };

	if (wants_json(args)) {
		start_json(choice, threads, count);
		return;
	}
	if (args->value[OPT_QUIET] != NULL)
		return;
	add_threads(&list, threads, count);
	(void)fprintf(stderr,
		"bench: the same %llu items of %zu mailbox%s (some %.0f MiB) with %s threads.\n"
		"Every request counts against the tenant's budget, as a run's do. Nothing is "
		"written at the server.\n",
		(unsigned long long)choice->items, choice->count, choice->count == 1 ? "" : "es",
		(double)choice->estimated_bytes / MIB, buf_string(&list));
	if (choice->refused > 0)
		(void)fprintf(stderr, "%zu mailboxes can't be had; `exarch archive` says why.\n",
			choice->refused);
}

static void
run_json(const struct bench_outcome *o, size_t round)
{
	const struct bench_run *r = &o->run;

	text_json(json_pack(
		"{s:s, s:I, s:I, s:I, s:I, s:f, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:I, "
		"s:I, s:I, s:b}",
		"event", "run", "round", (json_int_t)round, "threads", (json_int_t)r->threads,
		"items", (json_int_t)r->items, "bytes", (json_int_t)r->bytes, "seconds",
		(double)r->elapsed_ns / NS_PER_S, "requests", (json_int_t)r->requests, "throttled",
		(json_int_t)r->throttled, "failed", (json_int_t)r->failed, "median_ms",
		(double)bench_latency_us(&r->latency, 0.5) / US_PER_MS, "p95_ms",
		(double)bench_latency_us(&r->latency, 0.95) / US_PER_MS, "user_s",
		(double)r->user_ns / NS_PER_S, "system_s", (double)r->system_ns / NS_PER_S,
		"peak_rss_bytes", (json_int_t)r->rss_bytes, "items_failed",
		(json_int_t)o->items_failed, "mailboxes_failed", (json_int_t)o->mailboxes_failed,
		"cut_short", (int)r->cut_short));
}

void
bench_tell_run(const struct args *args, const struct bench_outcome *o, size_t round, size_t rounds)
{
	const struct bench_run *r = &o->run;

	if (wants_json(args)) {
		run_json(o, round);
		return;
	}
	if (args->value[OPT_QUIET] != NULL)
		return;
	(void)fprintf(stderr, "round %zu of %zu, threads %u: %llu items in %.1f s%s", round, rounds,
		r->threads, (unsigned long long)r->items, (double)r->elapsed_ns / NS_PER_S,
		r->cut_short ? ", stopped by --duration" : "");
	if (o->items_failed + o->mailboxes_failed > 0)
		(void)fprintf(stderr, "; %llu items and %llu mailboxes failed",
			(unsigned long long)o->items_failed,
			(unsigned long long)o->mailboxes_failed);
	(void)fprintf(stderr, "\n");
}

static void
print_point(const struct bench_point *p)
{
	(void)printf(
		"%7u  %8llu  %8.1f  ", p->threads, (unsigned long long)p->items, p->items_per_s);
	if (p->rounds > 1)
		(void)printf("%7.1f-%-7.1f  ", p->items_per_s_least, p->items_per_s_most);
	(void)printf("%7.2f  %10.1f  %9.1f  %8.1f  %9llu  %6llu  %7.2f  %8.1f%s\n",
		p->bytes_per_s / MIB, p->requests_per_s, (double)p->median_us / US_PER_MS,
		(double)p->p95_us / US_PER_MS, (unsigned long long)p->throttled,
		(unsigned long long)p->failed, p->cpu_s, (double)p->rss_bytes / MIB,
		p->cut_short ? "  (stopped by --duration)" : "");
}

static void
point_json(const struct bench_point *p)
{
	text_json(json_pack(
		"{s:s, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:I, "
		"s:f, s:f, s:I, s:b}",
		"event", "point", "threads", (json_int_t)p->threads, "rounds",
		(json_int_t)p->rounds, "items", (json_int_t)p->items, "items_per_s", p->items_per_s,
		"items_per_s_least", p->items_per_s_least, "items_per_s_most", p->items_per_s_most,
		"bytes_per_s", p->bytes_per_s, "requests_per_s", p->requests_per_s, "median_ms",
		(double)p->median_us / US_PER_MS, "p95_ms", (double)p->p95_us / US_PER_MS,
		"requests", (json_int_t)p->requests, "throttled", (json_int_t)p->throttled,
		"failed", (json_int_t)p->failed, "cpu_s", p->cpu_s, "cpu_cores", p->cpu_cores,
		"peak_rss_bytes", (json_int_t)p->rss_bytes, "cut_short", (int)p->cut_short));
}

void
bench_tell_points(const struct args *args, const struct bench_point *points, size_t count)
{
	if (!wants_json(args))
		(void)printf("%7s  %8s  %8s  %s%7s  %10s  %9s  %8s  %9s  %6s  %7s  %8s\n",
			"threads", "items", "items/s",
			count > 0 && points[0].rounds > 1 ? "least    most    " : "", "MiB/s",
			"requests/s", "median ms", "95 % ms", "throttled", "failed", "CPU s",
			"peak MiB");
	for (size_t i = 0; i < count; i++) {
		if (wants_json(args))
			point_json(&points[i]);
		else
			print_point(&points[i]);
	}
}

void
bench_tell_advice(const struct args *args, const struct bench_point *points, size_t count,
	const struct bench_advice *advice)
{
	EXA_AUTO(buf_done) struct buf words = { 0 };

	bench_explain(points, count, advice, &words);
	if (wants_json(args))
		text_json(json_pack("{s:s, s:I, s:s, s:b, s:s}", "event", "advice", "threads",
			(json_int_t)advice->threads, "limit", bench_limit_name(advice->limit),
			"throttled_always", (int)advice->all_throttled, "why", buf_string(&words)));
	else
		(void)printf("\nrun.threads: %u\n%s\n", advice->threads, buf_string(&words));
}
