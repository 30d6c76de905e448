/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The set of objects that are still needed: of each id its first eight bytes, in a table with open
 * addresses, 11 to 21 bytes an object. Ids are hashes, so two that agree in eight bytes are made on
 * purpose or a wonder; all it does is that an object is kept for another's sake.
 */
#ifndef STORE_MARKS_H
#define STORE_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/store.h"

struct store_marks {
	uint64_t *slots; /* 0 = free */
	size_t capacity; /* a power of 2 */
	size_t count;
};

bool marks_have(const struct store_marks *m, const struct store_id *id);
void marks_done(struct store_marks *m);

#endif
