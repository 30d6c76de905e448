/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens after a failure: the one table. A code says what kind of failure it is (error.h),
 * the scope what was being asked for. Waiting codes are tried again a limited number of times; what
 * they become then depends on the scope alone: the smallest thing that can be left out is left out,
 * so that one bad item costs one item, one bad folder one folder (design promise 4).
 */
#include "exarch/work.h"

#define BACKOFF_FIRST_MS UINT32_C(2000)
#define BACKOFF_MOST_MS UINT32_C(300000)
/* A busy answer that doesn't say how long: what other clients wait. */
#define THROTTLED_DEFAULT_MS UINT32_C(60000)
#define TRIES_MOST 6
/* What can't be understood may have been damaged on its way, or come from something in front of the
 * server; but who says it three times means it. */
#define TRIES_PROTOCOL_MOST 3
#define TRIES_THROTTLED_MOST 100

/* A larger thing that is skipped is the folder or the mailbox, whichever was asked for: skip_of().
 */
enum column { COLUMN_ITEM, COLUMN_BATCH, COLUMN_LARGER, COLUMN_COUNT };

/* clang-format off */
static const enum work_advice advice_of[EXA_CODE_COUNT][COLUMN_COUNT] = {
	/*                  an item           a batch        anything larger */
	[EXA_OK] = { WORK_RETRY, WORK_RETRY, WORK_RETRY },
	[EXA_FAILED] = { WORK_SKIP_ITEM, WORK_SMALLER, WORK_SKIP_FOLDER },
	[EXA_USAGE] = { WORK_STOP, WORK_STOP, WORK_STOP },
	[EXA_IO] = { WORK_STOP, WORK_STOP, WORK_STOP },
	[EXA_CORRUPT] = { WORK_STOP, WORK_STOP, WORK_STOP },
	[EXA_ABSENT] = { WORK_STOP, WORK_STOP, WORK_STOP },
	[EXA_LOCKED] = { WORK_STOP, WORK_STOP, WORK_STOP },
	[EXA_UNREACHABLE] = { WORK_RETRY, WORK_RETRY, WORK_RETRY }, /* the pool counts: see there */
	[EXA_NET] = { WORK_RETRY, WORK_RETRY, WORK_RETRY },
	[EXA_TIMEOUT] = { WORK_RETRY, WORK_SMALLER, WORK_RETRY },
	[EXA_THROTTLED] = { WORK_RETRY, WORK_RETRY, WORK_RETRY },
	[EXA_AUTH] = { WORK_STOP, WORK_STOP, WORK_STOP },
	[EXA_ASIDE] = { WORK_SKIP_MAILBOX, WORK_SKIP_MAILBOX, WORK_SKIP_MAILBOX },
	[EXA_DENIED] = { WORK_SKIP_ITEM, WORK_SMALLER, WORK_SKIP_FOLDER },
	[EXA_GONE] = { WORK_SKIP_ITEM, WORK_SMALLER, WORK_SKIP_FOLDER },
	[EXA_STALE] = { WORK_SKIP_ITEM, WORK_SMALLER, WORK_RETRY },
	[EXA_UNREADABLE] = { WORK_SKIP_ITEM, WORK_SMALLER, WORK_SKIP_FOLDER },
	[EXA_LIMIT] = { WORK_SKIP_ITEM, WORK_SMALLER, WORK_SKIP_FOLDER },
	[EXA_PROTOCOL] = { WORK_RETRY, WORK_SMALLER, WORK_RETRY },
	[EXA_CANCELLED] = { WORK_STOP, WORK_STOP, WORK_STOP },
};
/* clang-format on */

static enum work_advice
skip_of(enum work_scope scope)
{
	switch (scope) {
	case WORK_SCOPE_ITEM:
		return WORK_SKIP_ITEM;
	case WORK_SCOPE_BATCH:
		return WORK_SMALLER;
	case WORK_SCOPE_FOLDER:
		return WORK_SKIP_FOLDER;
	case WORK_SCOPE_MAILBOX:
		return WORK_SKIP_MAILBOX;
	case WORK_SCOPE_RUN:
		return WORK_STOP;
	}
	return WORK_STOP;
}

static uint32_t
tries_of(enum exa_code code)
{
	if (code == EXA_THROTTLED)
		return TRIES_THROTTLED_MOST;
	return code == EXA_PROTOCOL ? TRIES_PROTOCOL_MOST : TRIES_MOST;
}

enum work_advice
work_advise(const struct exa_error *why, enum work_scope scope, uint32_t attempts)
{
	enum column column = scope == WORK_SCOPE_ITEM    ? COLUMN_ITEM
			     : scope == WORK_SCOPE_BATCH ? COLUMN_BATCH
							 : COLUMN_LARGER;
	enum work_advice advice = advice_of[why->code][column];

	if (advice == WORK_STOP || advice == WORK_SKIP_MAILBOX || why->code == EXA_UNREACHABLE ||
		(advice == WORK_RETRY && attempts < tries_of(why->code)))
		return advice;
	return skip_of(scope);
}

uint32_t
work_backoff_ms(const struct exa_error *why, uint32_t attempts, uint32_t jitter)
{
	uint32_t ms = BACKOFF_FIRST_MS;

	if (why->retry_after_ms > 0)
		return why->retry_after_ms + jitter;
	if (why->code == EXA_THROTTLED)
		return THROTTLED_DEFAULT_MS + jitter;
	for (uint32_t i = 1; i < attempts && ms < BACKOFF_MOST_MS; i++)
		ms *= 2;
	return (ms < BACKOFF_MOST_MS ? ms : BACKOFF_MOST_MS) + jitter;
}
