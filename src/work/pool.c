/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool: one list of jobs for each rank, one lock, one condition.
 *
 *     work_add ─► [ fetch ]  [ list ]  [ open ] ─► pick: first job, by rank, ──► a thread runs it
 *                     ▲                            that may run now                     │
 *                     │                            (time come? target admits it?        │
 *                     │                            room for another open target?)       │
 *                     └─────────────────────── work_again ◄─────────────────────────────┘
 *
 * A job that may not run now is passed over, not waited for. Threads wait on the condition until
 * something changes or the earliest time of a waiting job comes. The run ends when no job is queued
 * and none is running.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "exarch/clock.h"
#include "exarch/mem.h"
#include "exarch/work.h"

#include "governor.h"

/* Requests to one mailbox to begin with; more when it answers well. */
#define TARGET_START 4

/* Cancel flags are raised by signal handlers, which can't signal a condition: so every wait ends
 * after this at the latest. */
#define WAIT_MOST_NS (200 * EXA_NS_PER_MS)

struct work_target {
	struct work_target *next;
	uint32_t running;
	uint32_t open; /* opened so often more than closed */
	bool probing;  /* backed off: the next job goes alone */
	struct governor cap;
	int64_t not_before_mono_ns;
};

struct job_list {
	struct job *first;
	struct job **last;
};

struct work {
	struct work_options options;
	pthread_mutex_t mu;
	pthread_cond_t changed;
	/* under mu: */
	struct job_list jobs[WORK_RANK_COUNT];
	struct work_target *targets;
	uint32_t running;
	uint32_t open_targets;
	uint32_t next_thread;
	uint32_t random;
	int64_t all_not_before_mono_ns;
	struct governor cap;  /* of all jobs that have a target */
	uint32_t unreachable; /* failures to connect since the last good answer */
	bool reached;         /* there was a good answer in this run */
	bool stopped;
	struct exa_error stop_error;
};

struct work *
work_new(const struct work_options *options)
{
	struct work *w = exa_alloc(sizeof *w);
	pthread_condattr_t attr;

	w->options = *options;
	w->random = (uint32_t)clock_mono_ns();
	governor_begin(&w->cap, options->threads, options->threads);
	(void)pthread_mutex_init(&w->mu, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&w->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	for (int i = 0; i < WORK_RANK_COUNT; i++)
		w->jobs[i].last = &w->jobs[i].first;
	return w;
}

void
work_free(struct work *w)
{
	if (w == NULL)
		return;
	for (int i = 0; i < WORK_RANK_COUNT; i++) {
		struct job *job = w->jobs[i].first;

		while (job != NULL) {
			struct job *next = job->next;

			job->drop(job);
			job = next;
		}
	}
	while (w->targets != NULL) {
		struct work_target *next = w->targets->next;

		exa_free(w->targets);
		w->targets = next;
	}
	(void)pthread_cond_destroy(&w->changed);
	(void)pthread_mutex_destroy(&w->mu);
	exa_free(w);
}

void
work_freep(struct work **w)
{
	work_free(*w);
	*w = NULL;
}

struct work_target *
work_target_new(struct work *w)
{
	struct work_target *t = exa_alloc(sizeof *t);
	uint32_t most = w->options.target_max > 0 ? w->options.target_max : UINT32_MAX;

	governor_begin(&t->cap, TARGET_START, most);
	(void)pthread_mutex_lock(&w->mu);
	t->next = w->targets;
	w->targets = t;
	(void)pthread_mutex_unlock(&w->mu);
	return t;
}

void
work_target_close(struct work *w, struct work_target *t)
{
	(void)pthread_mutex_lock(&w->mu);
	if (t->open > 0 && --t->open == 0)
		w->open_targets--;
	(void)pthread_cond_broadcast(&w->changed);
	(void)pthread_mutex_unlock(&w->mu);
}

static void
push_locked(struct work *w, struct job *job)
{
	struct job_list *list = &w->jobs[job->rank];

	job->next = NULL;
	*list->last = job;
	list->last = &job->next;
	(void)pthread_cond_signal(&w->changed);
}

void
work_add(struct work *w, struct job *job)
{
	(void)pthread_mutex_lock(&w->mu);
	job->not_before_mono_ns = 0;
	push_locked(w, job);
	(void)pthread_mutex_unlock(&w->mu);
}

/* xorshift32: spreads retries, nothing more. */
static uint32_t
jitter_locked(struct work *w)
{
	uint32_t x = w->random != 0 ? w->random : 1;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	w->random = x;
	return x & 1023;
}

uint32_t
work_attempts(const struct job *job, const struct exa_error *why)
{
	return why->code == EXA_THROTTLED ? job->throttled + 1 : job->attempts - job->throttled + 1;
}

void
work_forget_failures(struct job *job)
{
	job->attempts = 0;
	job->throttled = 0;
}

void
work_got_on(struct work *w, struct job *job)
{
	work_forget_failures(job);
	(void)pthread_mutex_lock(&w->mu);
	w->unreachable = 0;
	w->reached = true;
	governor_good(&w->cap);
	if (job->target != NULL)
		governor_good(&job->target->cap);
	(void)pthread_mutex_unlock(&w->mu);
}

static bool
someone_else_is_busy_locked(const struct work *w, const struct work_target *except, int64_t now)
{
	for (const struct work_target *t = w->targets; t != NULL; t = t->next) {
		if (t != except && t->not_before_mono_ns > now)
			return true;
	}
	return false;
}

/* The server is busy for one mailbox; when it is for two at a time, it may be so for all. What was
 * refused by a back-off that is known already tells nothing new. */
static void
hold_target_locked(struct work *w, struct work_target *t, int64_t until)
{
	int64_t now = clock_mono_ns();

	if (t->not_before_mono_ns <= now) {
		governor_busy(&t->cap);
		if (someone_else_is_busy_locked(w, t, now))
			governor_busy(&w->cap);
	}
	t->probing = true;
	if (t->not_before_mono_ns < until)
		t->not_before_mono_ns = until;
}

static void
hold_all_locked(struct work *w, int64_t until)
{
	if (w->all_not_before_mono_ns < until)
		w->all_not_before_mono_ns = until;
}

static void
stop_locked(struct work *w, const struct exa_error *why)
{
	if (!w->stopped)
		w->stop_error = *why;
	w->stopped = true;
	(void)pthread_cond_broadcast(&w->changed);
}

/* How long, or the end of the run when it was too often. What failed beside the one that counted
 * tells nothing new. */
static void
wait_for_server_locked(struct work *w, const struct exa_error *why, int64_t *until)
{
	uint32_t most = w->reached ? WORK_UNREACHABLE_MOST : WORK_UNREACHED_MOST;
	int64_t now = clock_mono_ns();

	if (w->all_not_before_mono_ns > now) {
		*until = w->all_not_before_mono_ns;
		return;
	}
	if (++w->unreachable >= most)
		stop_locked(w, why);
	*until = now + (int64_t)work_backoff_ms(why, w->unreachable, 0) * EXA_NS_PER_MS;
	hold_all_locked(w, *until);
}

void
work_again(struct work *w, struct job *job, const struct exa_error *why)
{
	uint32_t ms;
	int64_t until;

	(void)pthread_mutex_lock(&w->mu);
	ms = work_backoff_ms(why, work_attempts(job, why), jitter_locked(w));
	job->attempts++;
	job->throttled += why->code == EXA_THROTTLED;
	until = clock_mono_ns() + (int64_t)ms * EXA_NS_PER_MS;
	if (why->code == EXA_UNREACHABLE)
		wait_for_server_locked(w, why, &until);
	else if (why->code == EXA_THROTTLED && job->target != NULL)
		hold_target_locked(w, job->target, until);
	else if (why->code == EXA_THROTTLED)
		hold_all_locked(w, until);
	job->not_before_mono_ns = until;
	push_locked(w, job);
	(void)pthread_mutex_unlock(&w->mu);
	if (w->options.waiting != NULL && why->code == EXA_THROTTLED)
		w->options.waiting(w->options.ctx, ms);
}

void
work_stop(struct work *w, const struct exa_error *why)
{
	(void)pthread_mutex_lock(&w->mu);
	stop_locked(w, why);
	(void)pthread_mutex_unlock(&w->mu);
}

/* When JOB may run: 0 = now, INT64_MAX = when something else changes. */
static int64_t
may_run_at_locked(const struct work *w, const struct job *job, int64_t now)
{
	const struct work_target *t = job->target;
	int64_t at = job->not_before_mono_ns;

	if (w->all_not_before_mono_ns > at)
		at = w->all_not_before_mono_ns;
	if (t != NULL) {
		if (t->not_before_mono_ns > at)
			at = t->not_before_mono_ns;
		if (t->running > 0 && (t->probing || t->running >= t->cap.cap))
			return INT64_MAX;
		if (w->running >= w->cap.cap || (w->unreachable > 0 && w->running > 0))
			return INT64_MAX;
	}
	if (job->rank == WORK_OPEN && w->options.open_max > 0 &&
		w->open_targets >= w->options.open_max && (t == NULL || t->open == 0))
		return INT64_MAX;
	return at > now ? at : 0;
}

/* Takes the first job that may run. NULL: none; *WAKE_OUT is when to look again. */
static struct job *
pick_locked(struct work *w, int64_t *wake_out)
{
	int64_t now = clock_mono_ns();

	*wake_out = now + WAIT_MOST_NS;
	for (int rank = 0; rank < WORK_RANK_COUNT; rank++) {
		struct job **link = &w->jobs[rank].first;

		for (; *link != NULL; link = &(*link)->next) {
			struct job *job = *link;
			int64_t at = may_run_at_locked(w, job, now);

			if (at == 0) {
				*link = job->next;
				if (job->next == NULL)
					w->jobs[rank].last = link;
				return job;
			}
			if (at < *wake_out)
				*wake_out = at;
			if (rank == WORK_OPEN && at == INT64_MAX)
				break;
		}
	}
	return NULL;
}

static bool
nothing_left_locked(const struct work *w)
{
	for (int rank = 0; rank < WORK_RANK_COUNT; rank++) {
		if (w->jobs[rank].first != NULL)
			return false;
	}
	return w->running == 0;
}

static void
run_one(struct work *w, struct job *job, void *thread)
{
	struct work_target *target = job->target;

	w->running++;
	if (target != NULL)
		target->running++;
	if (target != NULL && job->rank == WORK_OPEN && target->open++ == 0)
		w->open_targets++;
	(void)pthread_mutex_unlock(&w->mu);
	job->run(job, thread);
	(void)pthread_mutex_lock(&w->mu);
	w->running--;
	if (target != NULL) {
		target->running--;
		if (target->not_before_mono_ns <= clock_mono_ns())
			target->probing = false;
	}
	(void)pthread_cond_broadcast(&w->changed);
}

static void
thread_loop(struct work *w, void *thread)
{
	(void)pthread_mutex_lock(&w->mu);
	while (!w->stopped && !cancel_raised(w->options.cancel) && !nothing_left_locked(w)) {
		int64_t wake;
		struct job *job = pick_locked(w, &wake);

		if (job != NULL) {
			run_one(w, job, thread);
		} else {
			struct timespec until = { .tv_sec = (time_t)(wake / EXA_NS_PER_S),
				.tv_nsec = (long)(wake % EXA_NS_PER_S) };

			(void)pthread_cond_timedwait(&w->changed, &w->mu, &until);
		}
	}
	(void)pthread_cond_broadcast(&w->changed);
	(void)pthread_mutex_unlock(&w->mu);
}

static void *
thread_main(void *arg)
{
	struct work *w = arg;
	struct exa_error err;
	uint32_t number;
	void *thread = NULL;

	(void)pthread_mutex_lock(&w->mu);
	number = ++w->next_thread;
	(void)pthread_mutex_unlock(&w->mu);
	if (w->options.thread_begin != NULL &&
		!w->options.thread_begin(w->options.ctx, number, &thread, &err)) {
		work_stop(w, &err);
		return NULL;
	}
	thread_loop(w, thread);
	if (w->options.thread_end != NULL)
		w->options.thread_end(w->options.ctx, thread);
	return NULL;
}

bool
work_run(struct work *w, struct exa_error *err)
{
	pthread_t *threads = exa_alloc_array(w->options.threads, sizeof *threads);
	uint32_t started = 0;
	bool done;

	for (; started < w->options.threads; started++) {
		int reason = pthread_create(&threads[started], NULL, thread_main, w);

		if (reason != 0) {
			(void)exa_fail_errno(err, reason, "can't start thread %u of %u",
				started + 1, w->options.threads);
			work_stop(w, err);
			break;
		}
	}
	for (uint32_t i = 0; i < started; i++)
		(void)pthread_join(threads[i], NULL);
	exa_free(threads);
	(void)pthread_mutex_lock(&w->mu);
	done = nothing_left_locked(w) && !w->stopped;
	if (w->stopped)
		*err = w->stop_error;
	(void)pthread_mutex_unlock(&w->mu);
	if (done)
		return true;
	if (!w->stopped)
		return exa_fail(err, EXA_CANCELLED, "stopped early");
	return false;
}
