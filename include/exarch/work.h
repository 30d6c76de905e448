/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work: threads that take jobs, and the governor that decides when a job may run. A job asks one
 * server mailbox (its target) for something, and ends with a result; src/work/policy.c turns a
 * failure into what happens next. This is the only place of exarch that waits or retries.
 *
 *   rank      fetch before list before open: what was begun is finished first, so mailboxes end one
 *             after the other, queues stay short, and one huge mailbox still uses all threads.
 *   target    at most `target_max` jobs of one target run at a time, fewer after busy answers
 *             (governor.h); while a target is backing off none does, and the first one afterwards
 *             goes alone.
 *   wait      a failure that passes puts the job back with growing spacing; busy answers hold back
 *             the whole target.
 *
 * Jobs change owner when they are queued; nobody peeks. The thread that runs a job owns it until
 * its function returns.
 *
 * Threads: work_add and the questions are for any thread, before and during work_run; work_run is
 * called once, on the thread that made the pool.
 */
#ifndef EXARCH_WORK_H
#define EXARCH_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/attr.h"
#include "exarch/cancel.h"
#include "exarch/error.h"

enum work_rank { WORK_FETCH, WORK_LIST, WORK_OPEN, WORK_RANK_COUNT };

struct work;
struct work_target;

/* What policy advises after a failure. */
enum work_advice {
	WORK_RETRY,   /* again, after a wait */
	WORK_SMALLER, /* again with less: halve the batch; alone already = skip the item */
	WORK_SKIP_ITEM,
	WORK_SKIP_FOLDER,
	WORK_SKIP_MAILBOX,
	WORK_STOP, /* nothing will work: end the run */
	WORK_ADVICE_COUNT
};

/* What was being asked for: the same failure means different things for an item and for a mailbox.
 */
enum work_scope {
	WORK_SCOPE_ITEM,
	WORK_SCOPE_BATCH,
	WORK_SCOPE_FOLDER,
	WORK_SCOPE_MAILBOX,
	WORK_SCOPE_RUN
};

/* One table, no state. ATTEMPTS = how often this has failed so far, this failure included; when
 * they are used up, RETRY becomes a skip. */
enum work_advice work_advise(const struct exa_error *why, enum work_scope scope, uint32_t attempts);

/* How long to wait before the next try, with the server's own wish obeyed; JITTER 0..1023 spreads
 * it. */
uint32_t work_backoff_ms(const struct exa_error *why, uint32_t attempts, uint32_t jitter);

struct job {
	struct job *next; /* of the pool */
	enum work_rank rank;
	struct work_target *target; /* NULL = none */
	int64_t not_before_mono_ns; /* set by work_again */
	uint32_t attempts;          /* failures so far, kept by work_again */
	uint32_t throttled;         /* of these, how often the server was busy */
	/*
	 * Runs on a pool thread with that thread's context. May add jobs, its own again too
	 * (work_add or work_again), and owns the job: it frees or queues it.
	 */
	void (*run)(struct job *job, void *thread);
	/* Frees a job that is never run (the pool ends early). */
	void (*drop)(struct job *job);
};

/*
 * ATTEMPTS for work_advise if JOB has failed with WHY now. Busy answers are counted apart: a server
 * that was busy for an hour may have other trouble once without costing us the mailbox.
 */
uint32_t work_attempts(const struct job *job, const struct exa_error *why);
/* The job got on: its failures so far count no more. */
void work_forget_failures(struct job *job);
/* And so did the server: caps that busy answers lowered rise again, slowly. */
void work_got_on(struct work *w, struct job *job);

struct work_options {
	uint32_t threads;
	uint32_t target_max; /* jobs of one target at a time; 0 = no cap */
	/* Targets open at a time: a job of rank OPEN opens its target each time it is run,
	 * work_target_close closes it as often; jobs of rank OPEN wait while so many are open. 0 =
	 * no cap. */
	uint32_t open_max;
	struct cancel *cancel;
	/* Gives each thread its context (connection, parser, ...), on that thread; false ends the
	 * run with its error. */
	bool (*thread_begin)(void *ctx, uint32_t number, void **thread_out, struct exa_error *err);
	void (*thread_end)(void *ctx, void *thread);
	void (*waiting)(
		void *ctx, uint32_t ms); /* a back-off begins: for the report. May be NULL */
	void *ctx;
};

struct work *work_new(const struct work_options *options);
void work_free(struct work *w); /* drops jobs that were never run; no thread may be inside */
void work_freep(struct work **w);

/* Targets belong to the pool and live as long as it. */
struct work_target *work_target_new(struct work *w);
void work_target_close(
	struct work *w, struct work_target *t); /* one that isn't open may be closed too */

void work_add(struct work *w, struct job *job);
/*
 * Puts a failed job back: counts the failure, waits as work_backoff_ms says; a THROTTLED failure
 * holds back the whole target, and a job without a target everybody. UNREACHABLE holds back
 * everybody too, and is tried by one job at a time; after WORK_UNREACHABLE_MOST tries with no good
 * answer between them the run is stopped (WORK_UNREACHED_MOST when there was no good answer in it
 * at all: then it is more likely the profile that is wrong).
 */
#define WORK_UNREACHABLE_MOST 10 /* about a quarter of an hour */
#define WORK_UNREACHED_MOST 4    /* 14 seconds */
void work_again(struct work *w, struct job *job, const struct exa_error *why);

/* Ends the run: no further job is begun. The first error stays. */
void work_stop(struct work *w, const struct exa_error *why);

/*
 * Runs jobs until none is left, or cancelled, or stopped. True when everything was run.
 * Otherwise *err says why (EXA_CANCELLED, or what work_stop or thread_begin was given).
 */
bool work_run(struct work *w, struct exa_error *err) EXA_CHECK;

/* ---- waiting for something that isn't a server ---- */

/*
 * Asks IS_SO a few times a second until it says yes (true), or DEADLINE_NS (monotonic) is over or
 * CANCEL (may be NULL) is raised (false).
 */
bool work_wait_until(
	bool (*is_so)(void *ctx), void *ctx, int64_t deadline_ns, struct cancel *cancel);

#endif
