/* SPDX-License-Identifier: Apache-2.0 */
#include "exarch/bench.h"

#define STEPS ((uint64_t)BENCH_LATENCY_STEPS)
#define STEP_BITS 5

/* Values below 2 * STEPS have a bucket each; then STEPS of them for each power of two. */
static size_t
bucket_of(uint64_t us)
{
	uint64_t shift = 0;
	size_t bucket;

	while ((us >> shift) >= 2 * STEPS)
		shift++;
	bucket = (size_t)(shift * STEPS + (us >> shift));
	return bucket < BENCH_LATENCY_BUCKETS ? bucket : BENCH_LATENCY_BUCKETS - 1;
}

/* The largest value of the bucket. */
static uint64_t
top_of(size_t bucket)
{
	const uint64_t shift = bucket < 2 * STEPS ? 0 : bucket / STEPS - 1;

	return ((bucket - shift * STEPS + 1) << shift) - 1;
}

void
bench_latency_add(struct bench_latency *l, uint64_t us)
{
	l->buckets[bucket_of(us)]++;
	l->count++;
}

void
bench_latency_merge(struct bench_latency *into, const struct bench_latency *add)
{
	for (size_t i = 0; i < BENCH_LATENCY_BUCKETS; i++)
		into->buckets[i] += add->buckets[i];
	into->count += add->count;
}

uint64_t
bench_latency_us(const struct bench_latency *l, double share)
{
	uint64_t wanted = (uint64_t)(share * (double)l->count), seen = 0;

	if ((double)wanted < share * (double)l->count || wanted == 0)
		wanted++;
	for (size_t i = 0; i < BENCH_LATENCY_BUCKETS; i++) {
		seen += l->buckets[i];
		if (l->buckets[i] > 0 && (seen >= wanted || seen == l->count))
			return top_of(i);
	}
	return 0;
}
