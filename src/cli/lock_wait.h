/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for another run to let go of the archive. */
#ifndef CLI_LOCK_WAIT_H
#define CLI_LOCK_WAIT_H

#include "exarch/cancel.h"
#include "exarch/error.h"

/*
 * Waits until nobody writes to ARCHIVE, at most until DEADLINE_NS (monotonic). That it is over is
 * no failure: opening the archive says who has it. EXA_CANCELLED.
 */
bool lock_wait(const char *archive, int64_t deadline_ns, struct cancel *cancel,
	struct exa_error *err) EXA_CHECK;

#endif
