/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "exarch/clock.h"
#include "exarch/work.h"

#define LOOK_AGAIN_MS 200

bool
work_wait_until(bool (*is_so)(void *ctx), void *ctx, int64_t deadline_ns, struct cancel *cancel)
{
	const struct timespec pause = { .tv_nsec = LOOK_AGAIN_MS * EXA_NS_PER_MS };

	while (!is_so(ctx)) {
		if (cancel_raised(cancel) || clock_mono_ns() >= deadline_ns)
			return false;
		(void)nanosleep(&pause, NULL);
	}
	return true;
}
