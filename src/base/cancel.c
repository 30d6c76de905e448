/* SPDX-License-Identifier: Apache-2.0 */
#include "exarch/cancel.h"
#include "exarch/clock.h"

void
cancel_raise(struct cancel *c, enum cancel_reason reason)
{
	int none = CANCEL_NONE;

	(void)atomic_compare_exchange_strong(&c->reason, &none, (int)reason);
}

bool
cancel_raised(struct cancel *c)
{
	return cancel_why(c) != CANCEL_NONE;
}

enum cancel_reason
cancel_why(struct cancel *c)
{
	if (c == NULL)
		return CANCEL_NONE;
	if (c->deadline_mono_ns != 0 && clock_mono_ns() >= c->deadline_mono_ns)
		cancel_raise(c, CANCEL_DEADLINE);
	return (enum cancel_reason)atomic_load(&c->reason);
}
