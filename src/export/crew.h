/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A crew: threads that take jobs from a bounded queue, roughly in the order given. Jobs of one lane
 * are done one after the other, in order; jobs without a lane whenever somebody is free.
 */
#ifndef EXPORT_CREW_H
#define EXPORT_CREW_H

#include <stdbool.h>

#include "exarch/error.h"

struct crew;

struct crew_options {
	unsigned threads;
	/* On thread WORKER, 0, 1, ...; takes the job. False ends the crew's work with its err. */
	bool (*run)(void *ctx, unsigned worker, void *job, struct exa_error *err);
	void (*drop)(void *job); /* a job that nobody took any more */
	void *ctx;
};

/* EXA_FAILED: no thread can be started. */
bool crew_new(
	const struct crew_options *options, struct crew **out, struct exa_error *err) EXA_CHECK;
/* Gives JOB, with its lane or NULL; waits while the queue is full. False: the work has ended early
 * (the job is dropped); crew_end tells why. */
bool crew_give(struct crew *c, void *job, const void *lane);
/* Waits until all is done, or with STOP only for what is begun. False: with the first error of a
 * job. The crew is gone in any case. */
bool crew_end(struct crew *c, bool stop, struct exa_error *err) EXA_CHECK;

#endif
