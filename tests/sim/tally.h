/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts by key: how often a fault's condition was met, for each mailbox or item. Not locked.
 */
#ifndef SIM_TALLY_H
#define SIM_TALLY_H

#include <stddef.h>
#include <stdint.h>

struct tally {
	struct tally_row {
		uint64_t key, count; /* count 0: free */
	} * rows;
	size_t room, used;
};

uint64_t tally_add(struct tally *t, uint64_t key); /* the new count, from 1 */
void tally_done(struct tally *t);

#endif
