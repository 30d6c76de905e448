/* SPDX-License-Identifier: Apache-2.0 */
/* What any thread counts: atomics, looked at by the redraw thread. */
#include "exarch/clock.h"
#include "internal.h"

void
report_plan(struct report *r, uint64_t mailboxes)
{
	atomic_store(&r->counters.mailboxes_planned, mailboxes);
}

void
report_expect(struct report *r, struct report_active *a, uint64_t items)
{
	if (a != NULL)
		(void)atomic_fetch_add(&a->expected, items);
	(void)atomic_fetch_add(&r->counters.expected, items);
	(void)atomic_fetch_add(&r->counters.counted, 1);
}

void
report_listed(struct report *r, uint64_t items)
{
	(void)atomic_fetch_add(&r->counters.listed, items);
}

void
report_known(struct report *r, struct report_active *a, uint64_t items)
{
	if (a != NULL)
		(void)atomic_fetch_add(&a->done, items);
	(void)atomic_fetch_add(&r->counters.known, items);
}

void
report_fetched(struct report *r, struct report_active *a, uint64_t items, uint64_t bytes)
{
	if (a != NULL) {
		(void)atomic_fetch_add(&a->done, items);
		(void)atomic_fetch_add(&a->bytes, bytes);
	}
	(void)atomic_fetch_add(&r->counters.fetched, items);
	(void)atomic_fetch_add(&r->counters.fetched_bytes, bytes);
}

void
report_archived(struct report *r, uint64_t items, uint64_t bytes)
{
	(void)atomic_fetch_add(&r->counters.archived, items);
	(void)atomic_fetch_add(&r->counters.archived_bytes, bytes);
}

void
report_requests(struct report *r, int in_flight_change)
{
	(void)atomic_fetch_add(&r->counters.in_flight, in_flight_change);
}

void
report_waiting(struct report *r, uint32_t ms)
{
	_Atomic int_least64_t *until = &r->counters.waiting_until_ns;
	int_least64_t new = clock_mono_ns() + (int64_t)ms *EXA_NS_PER_MS;
	int_least64_t old = atomic_load(until);

	while (old < new && !atomic_compare_exchange_weak(until, &old, new))
		;
}

void
report_traffic(struct report *r, uint64_t requests, uint64_t received_bytes)
{
	(void)atomic_fetch_add(&r->counters.requests, requests);
	(void)atomic_fetch_add(&r->counters.received_bytes, received_bytes);
}

void
report_stored(struct report *r, uint64_t bytes_before, uint64_t bytes_after)
{
	atomic_store(&r->counters.stored_before, bytes_before);
	atomic_store(&r->counters.stored_after, bytes_after);
}
