/* SPDX-License-Identifier: Apache-2.0 */
#include "exarch/mem.h"

#include "gen_rng.h"
#include "tally.h"

#define ROOM_LEAST 64

static struct tally_row *
place_of(const struct tally *t, uint64_t key)
{
	size_t i = (size_t)gen_mix(key) & (t->room - 1);

	while (t->rows[i].count > 0 && t->rows[i].key != key)
		i = (i + 1) & (t->room - 1);
	return &t->rows[i];
}

static void
grow(struct tally *t)
{
	struct tally bigger = { .room = t->room == 0 ? ROOM_LEAST : t->room * 2, .used = t->used };

	bigger.rows = exa_alloc_array(bigger.room, sizeof *bigger.rows);
	for (size_t i = 0; i < t->room; i++) {
		if (t->rows[i].count > 0)
			*place_of(&bigger, t->rows[i].key) = t->rows[i];
	}
	exa_free(t->rows);
	*t = bigger;
}

uint64_t
tally_add(struct tally *t, uint64_t key)
{
	struct tally_row *row;

	if (t->used * 2 >= t->room)
		grow(t);
	row = place_of(t, key);
	t->used += row->count == 0;
	row->key = key;
	return ++row->count;
}

void
tally_done(struct tally *t)
{
	exa_free(t->rows);
	*t = (struct tally){ 0 };
}
