/* SPDX-License-Identifier: Apache-2.0 */
#include "exarch/clock.h"
#include "exarch/retain.h"
#include "walk.h"

struct counting {
	const struct catalog_holds *holds;
	size_t index;
	uint64_t items;
};

static bool
enter_folder(void *ctx, const struct walk_folder *f)
{
	const struct counting *c = ctx;

	return walk_is_held(c->holds, c->index, f);
}

static enum walk_next
take_row(void *ctx, const struct catalog_row *row, struct exa_error *err)
{
	struct counting *c = ctx;

	(void)err;
	c->items += catalog_hold_spans(catalog_holds_at(c->holds, c->index), row->received_ns);
	return WALK_ON;
}

bool
retain_count_held(struct catalog *c, const struct catalog_holds *holds, size_t index,
	uint64_t *items_out, struct exa_error *err)
{
	struct counting counting = { .holds = holds, .index = index };
	const struct walk walk = { .enter = enter_folder, .row = take_row, .ctx = &counting };

	if (!walk_archive(c, &walk, err))
		return false;
	*items_out = counting.items;
	return true;
}
