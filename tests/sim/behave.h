/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Misbehaviour, the deciding half: a running scenario, its counters and its chance. Each request is
 * shown here once it is known what it is about; the verdict says what shall become of it, and act.c
 * carries that out. Nothing else in the simulator knows of scenarios.
 *
 * Any thread. A scenario can be put in another's place while requests are under way: they end by
 * the one they began with.
 */
#ifndef SIM_BEHAVE_H
#define SIM_BEHAVE_H

#include "scenario.h"
#include "targets.h"
#include "throttle.h"

#define VERDICT_FAULTS_MAX 8
#define NO_PAGE_LIMIT SIZE_MAX

struct behaviour;
struct running;

/* What is known of a request. */
struct request_facts {
	const char *operation;
	const char *mailbox; /* "": it is for none */
	struct view *view;   /* NULL: none */
	bool wants_mime;
	const struct targets *targets; /* NULL: none */
};

struct verdict {
	struct running *running; /* held until behave_end */
	struct throttle_seen seen;
	enum throttle_answer limits;
	uint32_t back_off_ms; /* when limits says no */
	/* The faults that hit the request as a whole, in the scenario's order. */
	const struct scenario_fault *faults[VERDICT_FAULTS_MAX];
	size_t fault_count;
	/* For each target the fault that hits it alone, or NULL; NULL as a whole: none does. */
	const struct scenario_fault **on_targets;
	unsigned wait_ms;
	size_t page_max;
	unsigned bandwidth;
	bool gzip;
	bool told_to_stay_away; /* set by act */
};

struct behaviour *behave_new(struct scenario *s);             /* takes it; NULL: nothing special */
void behave_free(struct behaviour *b);                        /* NULL is fine */
void behave_replace(struct behaviour *b, struct scenario *s); /* takes it */

/* The request is here: it counts as open until behave_end. */
void behave_begin(struct behaviour *b, const struct request_facts *f, struct verdict *out);
/* The changes that must be made before it; up to MAX, as many as are returned. */
size_t behave_changes(struct behaviour *b, const struct request_facts *f, struct verdict *v,
	const struct scenario_change **out, size_t max);
/* Which faults hit it. ARENA: for the verdict's table. */
void behave_judge(
	struct behaviour *b, const struct request_facts *f, struct arena *arena, struct verdict *v);
/* MAILBOX: of a request that is for none its operation; sign-in and directory have their own times. */
void behave_end(struct behaviour *b, const char *mailbox, struct verdict *v);

/* The mailbox is told to stay away from now on. */
void behave_back_off(struct behaviour *b, const char *mailbox, uint32_t ms);

/* Counters as a JSON object: requests by operation, faults by name, peaks. exa_alloc'ed. */
char *behave_stats(struct behaviour *b);

const struct scenario *verdict_scenario(const struct verdict *v);

#endif
