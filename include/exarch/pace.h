/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pace to read at: so many bytes a second and no more, so that a check running beside other work
 * leaves the disk to it. One thread.
 */
#ifndef EXARCH_PACE_H
#define EXARCH_PACE_H

#include <stdint.h>

#include "exarch/cancel.h"

struct pace {
	uint64_t bytes_per_s; /* 0 = as fast as can be */
	int64_t free_ns;      /* when the bytes taken so far are paid for */
};

void pace_begin(struct pace *p, uint64_t bytes_per_s);

/*
 * Before BYTES are read: waits until those before are paid for. What wasn't used for a while isn't
 * saved up, but for PACE_BURST_MS. Gives up waiting when CANCEL (may be NULL) is raised.
 */
#define PACE_BURST_MS 250
void pace_take(struct pace *p, uint64_t bytes, struct cancel *cancel);

#endif
