/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Throttling as a scenario wants it: open requests counted in all and for each mailbox, a token
 * bucket for each mailbox, and the time a mailbox was told to stay away. Counting goes on without
 * any limit too, for the log. Any thread.
 */
#ifndef SIM_THROTTLE_H
#define SIM_THROTTLE_H

#include "scenario.h"

struct throttle;

/* What the log says of a request's arrival. */
struct throttle_seen {
	unsigned open, mailbox_open; /* this one included */
	uint32_t early_ms; /* so long before the end of a back-off that it could know of; 0: not
			      early */
};

enum throttle_answer { THROTTLE_PASS, THROTTLE_TOO_MANY, THROTTLE_OVER_BUDGET, THROTTLE_EARLY };

struct throttle *throttle_new(void);
void throttle_free(struct throttle *l); /* NULL is fine */

/* A request arrives. Whatever the answer is, throttle_leave must follow. *back_off_ms_out: what is
 * left of the mailbox's back-off, when it isn't let pass. */
enum throttle_answer throttle_enter(struct throttle *l, const struct scenario *s,
	const char *mailbox, struct throttle_seen *seen_out, uint32_t *back_off_ms_out);
/* Its answer is complete. TOLD: with it the mailbox was told to stay away. */
void throttle_leave(struct throttle *l, const char *mailbox, bool told);

/* The mailbox was told to stay away for so long. */
void throttle_back_off(struct throttle *l, const char *mailbox, uint32_t ms);

struct throttle_peak {
	unsigned open, mailbox_open;
	uint64_t early;
};
struct throttle_peak throttle_peak(struct throttle *l);
/* Peaks from now on, and nobody is backing off: another scenario begins. */
void throttle_forget(struct throttle *l);

#endif
