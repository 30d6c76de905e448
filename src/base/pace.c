/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "exarch/clock.h"
#include "exarch/pace.h"

#define STEP_MS 100 /* so soon a cancel is noticed */

void
pace_begin(struct pace *p, uint64_t bytes_per_s)
{
	*p = (struct pace){ .bytes_per_s = bytes_per_s, .free_ns = clock_mono_ns() };
}

/* A signal ends it early: then the caller looks at the cancel flag so much sooner. */
static void
sleep_ns(int64_t span_ns)
{
	int64_t step = span_ns < STEP_MS * EXA_NS_PER_MS ? span_ns : STEP_MS * EXA_NS_PER_MS;
	struct timespec t = { .tv_sec = step / EXA_NS_PER_S, .tv_nsec = step % EXA_NS_PER_S };

	(void)nanosleep(&t, NULL);
}

void
pace_take(struct pace *p, uint64_t bytes, struct cancel *cancel)
{
	int64_t now;

	if (p->bytes_per_s == 0)
		return;
	while ((now = clock_mono_ns()) < p->free_ns && !cancel_raised(cancel))
		sleep_ns(p->free_ns - now);
	if (p->free_ns < now - PACE_BURST_MS * EXA_NS_PER_MS)
		p->free_ns = now - PACE_BURST_MS * EXA_NS_PER_MS;
	p->free_ns += (int64_t)((double)bytes / (double)p->bytes_per_s * (double)EXA_NS_PER_S);
}
