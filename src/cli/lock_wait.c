/* SPDX-License-Identifier: Apache-2.0 */
/* The lock is looked at, not taken: whoever waits keeps nobody out, and can be told to stop. */
#include "exarch/store.h"
#include "exarch/work.h"

#include "lock_wait.h"

struct wanted {
	const char *archive;
	struct buf owner; /* scratch */
};

static bool
is_free(void *ctx)
{
	struct wanted *w = ctx;

	buf_reset(&w->owner);
	return !store_is_locked(w->archive, &w->owner);
}

bool
lock_wait(const char *archive, int64_t deadline_ns, struct cancel *cancel, struct exa_error *err)
{
	struct wanted wanted = { .archive = archive };
	bool came = work_wait_until(is_free, &wanted, deadline_ns, cancel);

	buf_done(&wanted.owner);
	return came || !cancel_raised(cancel) ||
	       exa_fail(err, EXA_CANCELLED, "stopped while waiting for the archive %s", archive);
}
