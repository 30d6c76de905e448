/* SPDX-License-Identifier: Apache-2.0 */
#include "exarch/mem.h"

#include "claims.h"
#include "hash.h"

#define FIRST_CAPACITY ((size_t)1024)

/* The slot of an id, or the free one where it would go. Ids are hashes: their bytes are random. */
static struct claim *
slot_of(const struct claims *c, const struct store_id *id)
{
	size_t i = (size_t)get_le64(id->bytes) & (c->capacity - 1);

	while (c->slots[i].epoch != 0 && !id_equal(&c->slots[i].id, id))
		i = (i + 1) & (c->capacity - 1);
	return &c->slots[i];
}

/* Into a new table those claims go that are younger than EPOCH. */
static void
remake(struct claims *c, size_t capacity, uint64_t epoch)
{
	struct claims old = *c;

	*c = (struct claims){ .slots = exa_alloc_array(capacity, sizeof *c->slots),
		.capacity = capacity };
	for (size_t i = 0; i < old.capacity; i++) {
		if (old.slots[i].epoch > epoch)
			claims_add(c, &old.slots[i].id, old.slots[i].epoch);
	}
	exa_free(old.slots);
}

bool
claims_have(const struct claims *c, const struct store_id *id)
{
	return c->count > 0 && slot_of(c, id)->epoch != 0;
}

void
claims_add(struct claims *c, const struct store_id *id, uint64_t epoch)
{
	struct claim *slot;

	if (2 * (c->count + 1) > c->capacity)
		remake(c, c->capacity == 0 ? FIRST_CAPACITY : 2 * c->capacity, 0);
	slot = slot_of(c, id);
	if (slot->epoch == 0)
		c->count++;
	slot->id = *id;
	slot->epoch = epoch;
}

void
claims_drop(struct claims *c, uint64_t up_to_epoch)
{
	if (c->count > 0)
		remake(c, c->capacity, up_to_epoch);
}

void
claims_done(struct claims *c)
{
	exa_free(c->slots);
	*c = (struct claims){ 0 };
}
