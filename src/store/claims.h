/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids of objects that were put but that the index doesn't show yet (and a while longer). A plain
 * open-addressing set; the caller holds the lock.
 */
#ifndef STORE_CLAIMS_H
#define STORE_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/store.h"

struct claim {
	struct store_id id;
	uint64_t epoch; /* 0 = free */
};

struct claims {
	struct claim *slots;
	size_t capacity, count; /* capacity is a power of 2, or 0 */
};

bool claims_have(const struct claims *c, const struct store_id *id);
void claims_add(struct claims *c, const struct store_id *id, uint64_t epoch);
void claims_drop(struct claims *c, uint64_t up_to_epoch);
void claims_done(struct claims *c);

#endif
