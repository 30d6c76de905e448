/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bench: what runs with different numbers of threads came to, which number to take, and a picture
 * of it. Figures only: no server, no clock, no file. Who runs what is src/cli's business.
 *
 *     latency    the times of many requests, in a few KB: median, 95th percentile
 *     run        one run with so many threads
 *     point      the rounds of one number of threads, as one
 *     advice     the number of threads to take, and why
 *
 * Any thread; a struct belongs to one at a time.
 */
#ifndef EXARCH_BENCH_H
#define EXARCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/attr.h"
#include "exarch/bytes.h"

/* ---- latency ---- */

/*
 * A histogram whose buckets grow with the value: 32 for each power of two, so that a percentile is
 * exact below 64 us and within 1/32 (3 %) above; 2^36 us (19 hours) and more go to the last one.
 */
#define BENCH_LATENCY_STEPS 32
#define BENCH_LATENCY_BUCKETS ((36 - 5) * BENCH_LATENCY_STEPS + BENCH_LATENCY_STEPS)

struct bench_latency { /* zeros = empty */
	uint64_t count;
	uint32_t buckets[BENCH_LATENCY_BUCKETS];
};

void bench_latency_add(struct bench_latency *l, uint64_t us);
void bench_latency_merge(struct bench_latency *into, const struct bench_latency *add);
/* The smallest time that SHARE (0 to 1) of the requests didn't exceed; 0 when there were none. */
uint64_t bench_latency_us(const struct bench_latency *l, double share);

/* ---- runs ---- */

struct bench_run {
	uint32_t threads;
	uint64_t items, bytes; /* archived */
	uint64_t requests, throttled, failed;
	uint64_t elapsed_ns;
	uint64_t user_ns, system_ns; /* processor time */
	uint64_t rss_bytes;          /* at its peak */
	bool cut_short;              /* by the time limit */
	struct bench_latency latency;
};

/*
 * Rates are those of the median round by items per second (of an even number of rounds the slower
 * of the two in the middle); requests that were throttled or failed are summed, latencies are those
 * of all rounds.
 */
struct bench_point {
	uint32_t threads;
	size_t rounds;
	double items_per_s, items_per_s_least, items_per_s_most;
	double bytes_per_s, requests_per_s;
	uint64_t median_us, p95_us;
	uint64_t requests, throttled, failed; /* of all rounds */
	double cpu_s, cpu_cores;              /* of the median round; processors kept busy */
	uint64_t items;                       /* of the median round */
	uint64_t rss_bytes;                   /* the most of any round */
	double requests_per_thread;
	bool cut_short; /* any round */
};

/* COUNT rounds (at least one) of one number of threads. */
void bench_gather(const struct bench_run *runs, size_t count, struct bench_point *out);

/* ---- advice ---- */

/* A point is throttled when more than this share of its requests met a busy server: single busy
 * answers happen to everybody. */
#define BENCH_THROTTLED_SHARE 0.01
/* The knee: the fewest threads that give this share of the best rate. */
#define BENCH_KNEE_SHARE 0.9

enum bench_limit {
	BENCH_LIMIT_NOT_REACHED, /* the most threads tried are the best by far: try more */
	BENCH_LIMIT_TENANT,      /* more threads are throttled */
	BENCH_LIMIT_SERVER,      /* requests take longer as threads are added */
	BENCH_LIMIT_MACHINE,     /* this machine's processors are busy */
	BENCH_LIMIT_OTHER,       /* more threads bring little, for none of these reasons */
};
/* "not-reached", "tenant", ...: for JSON, never renamed. */
const char *bench_limit_name(enum bench_limit limit);

struct bench_advice {
	uint32_t threads;
	size_t at; /* the point it is */
	enum bench_limit limit;
	bool all_throttled; /* each number of threads was: no figure here is exarch's own */
	bool too_few;       /* so few requests a thread that the figures say little */
};

/* POINTS in the order of their threads, at least one. CORES: the machine's processors. */
void bench_advise(
	const struct bench_point *points, size_t count, unsigned cores, struct bench_advice *out);
/* The reasons, a sentence or more, in words for whoever sets run.threads. */
void bench_explain(const struct bench_point *points, size_t count, const struct bench_advice *a,
	struct buf *out);

/* ---- picture ---- */

/* A whole SVG document: items per second and latency by threads, the advised number marked. */
void bench_svg(const struct bench_point *points, size_t count, const struct bench_advice *a,
	const char *title, struct buf *out);

#endif
