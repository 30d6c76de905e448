/* SPDX-License-Identifier: Apache-2.0 */
#include "exarch/bench.h"

#define US_PER_MS 1000.0

static const char *
plural(uint32_t n)
{
	return n == 1 ? "" : "s";
}

static double
throttled_percent(const struct bench_point *p)
{
	return p->requests > 0 ? 100.0 * (double)p->throttled / (double)p->requests : 0;
}

/* Against the fewest threads. */
static void
say_gain(const struct bench_point *points, size_t at, struct buf *out)
{
	const struct bench_point *first = &points[0], *p = &points[at];

	buf_printf(
		out, "%u thread%s: %.0f items/s", p->threads, plural(p->threads), p->items_per_s);
	if (at > 0 && first->items_per_s > 0)
		buf_printf(out, ", %.1f times the rate of %u", p->items_per_s / first->items_per_s,
			first->threads);
	buf_add_string(out, ".");
}

/* The first point beyond it where the server said that it is busy. */
static void
say_throttled(const struct bench_point *points, size_t count, size_t at, struct buf *out)
{
	for (size_t i = at + 1; i < count; i++) {
		const double percent = throttled_percent(&points[i]);

		if (percent <= 100 * BENCH_THROTTLED_SHARE)
			continue;
		buf_printf(out,
			" With %u the server is busy (%.0f %% of the requests): throttled, the "
			"figure is the tenant's limit, not exarch's.",
			points[i].threads, percent);
		return;
	}
}

static void
say_next(const struct bench_point *points, size_t count, size_t at, struct buf *out)
{
	const struct bench_point *p = &points[at], *next = &points[at + 1];
	double percent;

	if (at + 1 >= count || p->items_per_s <= 0)
		return;
	percent = 100 * (next->items_per_s / p->items_per_s - 1);
	buf_printf(out, " %u threads bring %.0f %% %s", next->threads,
		percent < 0 ? -percent : percent, percent < 0 ? "less" : "more");
}

void
bench_explain(const struct bench_point *points, size_t count, const struct bench_advice *a,
	struct buf *out)
{
	const struct bench_point *p = &points[a->at];

	say_gain(points, a->at, out);
	switch (a->limit) {
	case BENCH_LIMIT_NOT_REACHED:
		buf_printf(out,
			" The limit isn't in sight: requests take %.0f ms and more of them at a "
			"time still help; try more threads.",
			(double)p->median_us / US_PER_MS);
		break;
	case BENCH_LIMIT_TENANT:
		if (a->all_throttled)
			buf_printf(out,
				" Throttled with every number of threads (%.0f %% of the requests "
				"here): the figures are the tenant's limit, not exarch's.",
				throttled_percent(p));
		else
			say_throttled(points, count, a->at, out);
		break;
	case BENCH_LIMIT_SERVER:
		say_next(points, count, a->at, out);
		buf_printf(out,
			", while a request takes %.0f ms instead of %.0f: the server or the line "
			"is at its limit.",
			(double)points[a->at + 1].median_us / US_PER_MS,
			(double)p->median_us / US_PER_MS);
		break;
	case BENCH_LIMIT_MACHINE:
		say_next(points, count, a->at, out);
		buf_add_string(out, a->at + 1 < count ? ": this" : " This");
		buf_printf(out, " machine's processors are busy (%.1f of them).",
			points[a->at + 1 < count ? a->at + 1 : a->at].cpu_cores);
		break;
	case BENCH_LIMIT_OTHER:
		say_next(points, count, a->at, out);
		buf_add_string(out, a->at + 1 < count ? "." : " More threads bring little.");
		break;
	}
	if (a->too_few)
		buf_printf(out,
			" Only %.0f requests a thread: give --items more for figures to rely on.",
			p->requests_per_thread);
}
