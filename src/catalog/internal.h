/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CATALOG_INTERNAL_H
#define CATALOG_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "exarch/catalog.h"

struct catalog {
	struct store *store;
	struct catalog_listener listener;
	_Atomic uint64_t next_item;
	pthread_mutex_t mu;
	/* under mu: */
	uint32_t next_mailbox;
	uint32_t *next_folder; /* by mailbox number; 0 = not looked up yet */
	size_t next_folder_count;
};

/* The next number under NAME in the state table, 1 when none was given yet. */
bool state_next(struct store_txn *txn, struct bytes name, uint64_t *next_out,
	struct exa_error *err) EXA_CHECK;

/* Submits the batch and waits until it is durable. */
bool batch_settle(struct catalog *c, struct catalog_batch *b, struct exa_error *err) EXA_CHECK;

#endif
