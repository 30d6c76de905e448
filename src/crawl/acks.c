/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing is called archived before it is durable (design promise 1). An item that was submitted
 * waits here for its epoch; when the store says that the epoch is committed, it is counted and
 * shown.
 */
#include "internal.h"

struct acks {
	pthread_mutex_t mu;
	/* under mu: */
	struct ack *waiting;
	size_t count, capacity;
	uint64_t committed;
	struct report *report;
};

struct acks *
acks_new(void)
{
	struct acks *a = exa_alloc(sizeof *a);

	(void)pthread_mutex_init(&a->mu, NULL);
	return a;
}

void
acks_free(struct acks *a)
{
	if (a == NULL)
		return;
	(void)pthread_mutex_destroy(&a->mu);
	exa_free(a->waiting);
	exa_free(a);
}

void
acks_attach(struct acks *a, struct report *report)
{
	(void)pthread_mutex_lock(&a->mu);
	a->report = report;
	if (report == NULL)
		a->count = 0;
	(void)pthread_mutex_unlock(&a->mu);
}

static void
count_locked(struct acks *a, const struct ack *ack)
{
	(void)atomic_fetch_add(&ack->mailbox->archived, 1);
	(void)atomic_fetch_add(&ack->mailbox->archived_bytes, ack->bytes);
	(void)atomic_fetch_add(&ack->mailbox->native_only, ack->native_only);
	if (a->report != NULL)
		report_archived(a->report, 1, ack->bytes);
}

void
acks_add(struct acks *a, const struct ack *ack)
{
	(void)pthread_mutex_lock(&a->mu);
	if (ack->epoch <= a->committed) {
		count_locked(a, ack);
	} else {
		if (a->count == a->capacity) {
			a->capacity = a->capacity > 0 ? a->capacity * 2 : 1024;
			a->waiting = exa_realloc_array(a->waiting, a->capacity, sizeof *a->waiting);
		}
		a->waiting[a->count++] = *ack;
	}
	(void)pthread_mutex_unlock(&a->mu);
}

void
acks_committed(void *ctx, uint64_t epoch)
{
	struct acks *a = ctx;
	size_t kept = 0;

	(void)pthread_mutex_lock(&a->mu);
	a->committed = epoch;
	for (size_t i = 0; i < a->count; i++) {
		if (a->waiting[i].epoch <= epoch)
			count_locked(a, &a->waiting[i]);
		else
			a->waiting[kept++] = a->waiting[i];
	}
	a->count = kept;
	(void)pthread_mutex_unlock(&a->mu);
}
