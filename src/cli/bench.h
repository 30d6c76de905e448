/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of `exarch bench`: what is read (bench_choose.c), where it goes (bench_scratch.c), one
 * run of it (bench_run.c), what is told of it (bench_tell.c). cmd_bench.c puts them together.
 */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "exarch/bench.h"
#include "session.h"

/* ---- what is read: the same for each run ---- */

struct bench_choice {
	struct crawl_mailbox *mailboxes; /* with items_max; texts are the plan's, labels owned */
	size_t count;
	uint64_t items;           /* in all */
	uint64_t estimated_bytes; /* as the server stores them */
	size_t refused;           /* mailboxes looked at that the server doesn't give */
};

/*
 * Spreads ITEMS evenly over as many mailboxes as a run works on at a time, twice; asks each for its
 * folders. The first mailboxes of the plan that hold something, so that each call chooses the same.
 * EXA_USAGE when there is nothing to read.
 */
bool bench_choose(struct session *s, const struct plan *plan, uint64_t items, struct cancel *cancel,
	struct bench_choice *out, struct exa_error *err) EXA_CHECK;
void bench_choice_done(struct bench_choice *c);

/* ---- where it goes ---- */

/* Makes a folder of our own in PLACE, readable by nobody else; EXA_IO when fewer than NEEDED bytes
 * are free there. */
bool scratch_make(
	const char *place, uint64_t needed, char **path_out, struct exa_error *err) EXA_CHECK;
/* Removes it with all it holds, by whomever it was put there. */
bool scratch_remove(const char *path, struct exa_error *err) EXA_CHECK;

/* ---- one run ---- */

struct bench_task {
	const struct session *session;
	const struct bench_choice *choice;
	struct cancel *cancel;
	const char *scratch; /* the run's archive is made in it, and removed */
	enum store_codec codec;
	bool encrypted; /* with a key that nobody gets to know */
	uint32_t threads;
	int64_t duration_ms;
};

struct bench_outcome {
	struct bench_run run;
	uint64_t items_failed, mailboxes_failed;
	int64_t busy_until_mono_ns; /* the server doesn't want to be asked before; 0 = it didn't say
				     */
};

/*
 * The ordinary crawl into a new archive, in a process of its own: so its processor time and memory
 * are its own, and whatever becomes of it, the caller goes on and can clean up. EXA_CANCELLED when
 * CANCEL was raised. No other thread may be running.
 */
bool bench_measure(
	const struct bench_task *task, struct bench_outcome *out, struct exa_error *err) EXA_CHECK;

/* For a signal handler: passes a signal on to the run that is under way, if there is one. */
void bench_signal_run(int signal_number);

/* ---- what is told ---- */

void bench_tell_start(const struct args *args, const struct bench_choice *choice,
	const uint32_t *threads, size_t count);
void bench_tell_run(
	const struct args *args, const struct bench_outcome *o, size_t round, size_t rounds);
void bench_tell_points(const struct args *args, const struct bench_point *points, size_t count);
void bench_tell_advice(const struct args *args, const struct bench_point *points, size_t count,
	const struct bench_advice *advice);

#endif
