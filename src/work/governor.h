/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many requests may be on the way at a time, to one mailbox and in total: additive increase,
 * multiplicative decrease. Exchange's limits can't be asked for, and what a mailbox's owner uses of
 * them changes by the minute; so the cap creeps up while answers are good and is halved when the
 * server says it is busy (EWS.md 5: "grow slowly and halve on busy").
 *
 * Numbers only: no clock, no lock. The caller sees to it that one back-off halves once, however
 * many requests were refused by it.
 */
#ifndef WORK_GOVERNOR_H
#define WORK_GOVERNOR_H

#include <stdint.h>

struct governor {
	uint32_t most; /* never above this */
	uint32_t cap;  /* at least 1 */
	uint32_t good; /* answers since the cap last changed */
};

void governor_begin(struct governor *g, uint32_t start, uint32_t most);
void governor_good(struct governor *g); /* as many good answers as the cap raise it by one */
void governor_busy(struct governor *g);

#endif
