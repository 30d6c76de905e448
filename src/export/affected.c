/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From damaged places to the items that suffer. The catalog knows what each item needs, not who
 * needs an object: so all items are asked in turn where their parts stand, which takes their
 * records and recipes, and no memory that grows with the archive. Whoever has a part in a damaged
 * place is put together, to see: that settles every doubt, so the map of places may be coarse.
 */
#include "exarch/mem.h"

#include "damage.h"

/* Two places more make the map coarser, not larger: 24 bytes a place, 2.4 MB. */
#define MAP_RANGES_MAX ((size_t)50000)

struct range {
	struct store_loc at, end; /* end.segment 0 = everything behind */
};

struct damage_map {
	struct range *ranges; /* in the order of their beginnings */
	size_t count, capacity;
	bool everywhere; /* the index itself: nobody can be sure */
};

struct damage_map *
damage_map_new(void)
{
	return exa_alloc(sizeof(struct damage_map));
}

void
damage_map_free(struct damage_map *m)
{
	if (m == NULL)
		return;
	exa_free(m->ranges);
	exa_free(m);
}

bool
damage_map_any(const struct damage_map *m)
{
	return m->everywhere || m->count > 0;
}

static bool
is_before(const struct store_loc *a, const struct store_loc *b)
{
	return a->segment != b->segment ? a->segment < b->segment : a->offset < b->offset;
}

static bool
ends_before(const struct range *r, const struct store_loc *at)
{
	return r->end.segment != 0 && !is_before(at, &r->end);
}

static void
make_room(struct damage_map *m)
{
	if (m->count < m->capacity)
		return;
	m->capacity = m->capacity > 0 ? m->capacity * 2 : 64;
	m->ranges = exa_realloc_array(m->ranges, m->capacity, sizeof *m->ranges);
}

/* The walk tells of places in their order, but for those that overlap. */
void
damage_map_add(struct damage_map *m, const struct store_damage *damage)
{
	struct range *last = m->count > 0 ? &m->ranges[m->count - 1] : NULL;
	struct range r = { .at = damage->at, .end = damage->end };

	if (damage->at.segment == 0) {
		m->everywhere = true;
	} else if (damage->first > damage->last) {
		return; /* nothing is lost by it */
	} else if (last != NULL && (m->count >= MAP_RANGES_MAX || !ends_before(last, &r.at))) {
		if (is_before(&r.at, &last->at))
			last->at = r.at;
		if (r.end.segment == 0 || (last->end.segment != 0 && is_before(&last->end, &r.end)))
			last->end = r.end;
	} else {
		make_room(m);
		m->ranges[m->count++] = r;
	}
}

static bool
map_holds(const struct damage_map *m, const struct store_loc *at)
{
	size_t low = 0, high = m->count;

	/* The first range that ends behind AT. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ends_before(&m->ranges[middle], at))
			low = middle + 1;
		else
			high = middle;
	}
	return low < m->count && !is_before(at, &m->ranges[low].at);
}

/* ---- items ---- */

struct question {
	const struct damage_map *map;
	struct store_txn *txn;
};

/* False with EXA_CORRUPT: the item is in question. */
static bool
ask_object(void *ctx, const struct store_id *id, struct exa_error *err)
{
	const struct question *q = ctx;
	struct store_loc at;
	bool found;

	if (!store_locate(q->txn, id, &found, &at, err))
		return false;
	return (found && !map_holds(q->map, &at)) ||
	       exa_fail(err, EXA_CORRUPT, "an object stands in a damaged place");
}

static bool
ask_recipe(struct question *q, struct store_reader *reader, const struct store_id *recipe,
	struct exa_error *err)
{
	return ask_object(q, recipe, err) && recipe_uses(reader, recipe, ask_object, q, err);
}

bool
damage_map_clears(const struct damage_map *m, struct catalog *c, struct store_reader *reader,
	const struct catalog_row *row, struct buf *scratch)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct question q = { .map = m };
	struct catalog_item record;
	struct exa_error why;

	if (m->everywhere || map_holds(m, &row->loc) ||
		!store_read_begin(catalog_store(c), &txn, &why))
		return false;
	q.txn = txn;
	return catalog_item_read(reader, row, scratch, &record, &why) &&
	       (!catalog_item_has_mime(&record) || ask_recipe(&q, reader, &record.recipe, &why)) &&
	       (!catalog_item_has_native(&record) ||
		       ask_recipe(&q, reader, &record.native_recipe, &why));
}
