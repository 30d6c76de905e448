/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cancel flag: raised once, by a signal handler, a deadline or a failure; looked at by
 * everybody who waits. Stopping is a state: take no new job, finish the batch, commit, report.
 *
 * cancel_raise is async-signal-safe; the rest is for any thread.
 */
#ifndef EXARCH_CANCEL_H
#define EXARCH_CANCEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct cancel {
	_Atomic int reason;       /* 0 = go on */
	int64_t deadline_mono_ns; /* set before threads start; 0 = none */
};

enum cancel_reason { CANCEL_NONE = 0, CANCEL_SIGNAL, CANCEL_DEADLINE, CANCEL_FAILURE };

void cancel_raise(struct cancel *c, enum cancel_reason reason); /* the first reason stays */
/* NULL is never cancelled. Notices a deadline that has passed. */
bool cancel_raised(struct cancel *c);
enum cancel_reason cancel_why(struct cancel *c);

#endif
