/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

static struct meter_sample *
sample(struct meter *m, size_t i)
{
	return &m->samples[(m->first + i) % METER_SAMPLES];
}

static void
keep(struct meter *m, const struct meter_sample *now)
{
	if (m->count > 0 && now->at_ns - sample(m, m->count - 1)->at_ns < METER_SPACING_NS)
		return;
	if (m->count == METER_SAMPLES) {
		m->first = (m->first + 1) % METER_SAMPLES;
		m->count--;
	}
	*sample(m, m->count) = *now;
	m->count++;
}

/* Status lines come a minute apart where there is no terminal: what is older than the window goes,
 * but one sample to compare with stays. */
static void
forget(struct meter *m, int64_t now_ns)
{
	const int64_t window_ns = (int64_t)METER_SAMPLES * METER_SPACING_NS;

	while (m->count > 1 && now_ns - sample(m, 0)->at_ns > window_ns) {
		m->first = (m->first + 1) % METER_SAMPLES;
		m->count--;
	}
}

struct meter_rates
meter_add(struct meter *m, const struct meter_sample *now)
{
	struct meter_rates rates = { 0 };
	const struct meter_sample *from;
	double seconds;

	forget(m, now->at_ns);
	if (m->count > 0 && now->at_ns > sample(m, 0)->at_ns) {
		from = sample(m, 0);
		seconds = (double)(now->at_ns - from->at_ns) / 1e9;
		rates.items_per_s = (double)(now->items - from->items) / seconds;
		rates.bytes_per_s = (double)(now->bytes - from->bytes) / seconds;
		rates.progress_per_s = (double)(now->progress - from->progress) / seconds;
	}
	keep(m, now);
	return rates;
}
