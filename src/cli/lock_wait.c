/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock is looked at, not taken: whoever waits keeps nobody out. A blocking fcntl would hold a
 * descriptor of the archive for hours and could not be told to stop. This is the one place outside
 * of src/work that waits; what it waits for is no server.
 */
#include <time.h>

#include "exarch/clock.h"
#include "exarch/store.h"

#include "lock_wait.h"

#define LOOK_AGAIN_MS 200

bool
lock_wait(const char *archive, int64_t deadline_ns, struct cancel *cancel, struct exa_error *err)
{
	const struct timespec pause = { .tv_nsec = LOOK_AGAIN_MS * EXA_NS_PER_MS };
	EXA_AUTO(buf_done) struct buf owner = { 0 };

	while (store_is_locked(archive, &owner) && clock_mono_ns() < deadline_ns) {
		if (cancel_raised(cancel))
			return exa_fail(
				err, EXA_CANCELLED, "stopped while waiting for %s", archive);
		buf_reset(&owner);
		(void)nanosleep(&pause, NULL);
	}
	return true;
}
