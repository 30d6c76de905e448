/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving room back, the catalog's part: every recipe of an item that hasn't expired is needed, and
 * every object such a recipe names. One that can't be read ends it: what it names would be taken
 * for garbage.
 */
#include "internal.h"
#include "record.h"

struct marking {
	struct store_reader *reader;
	struct store_marks *marks;
	struct cancel *cancel;
	struct buf scratch;
};

static bool
mark_object(void *ctx, const struct store_id *id, struct exa_error *err)
{
	struct marking *m = ctx;

	(void)err;
	store_mark(m->marks, id);
	return true;
}

static bool
mark_recipe(struct marking *m, const struct store_id *id, bool is_there, struct exa_error *err)
{
	if (!is_there)
		return true;
	store_mark(m->marks, id);
	return recipe_uses(m->reader, id, mark_object, m, err);
}

static bool
mark_row(struct marking *m, const struct catalog_row *row, struct exa_error *err)
{
	struct catalog_item item;

	if (!catalog_item_read(m->reader, row, &m->scratch, &item, err))
		return false;
	return (mark_recipe(m, &item.recipe, catalog_item_has_mime(&item), err) &&
		       mark_recipe(m, &item.native_recipe, catalog_item_has_native(&item), err)) ||
	       exa_while(err, "the recipe of item %llu", (unsigned long long)row->number);
}

static bool
mark_entry(void *ctx, struct bytes key, struct bytes value, struct exa_error *err)
{
	struct marking *m = ctx;
	struct catalog_row row;
	uint64_t number, alias;

	if (cancel_raised(m->cancel))
		return exa_fail(err, EXA_CANCELLED, "stopped while looking for what is needed");
	if (!parse_key_number(key, &number))
		return exa_fail(
			err, EXA_CORRUPT, "index: an item key is malformed; run `exarch rebuild`");
	if (!row_decode(number, value, &row, &alias, err))
		return false;
	return alias != 0 || row.state == ITEM_EXPIRED || mark_row(m, &row, err);
}

struct compaction {
	struct catalog *catalog;
	const struct store_compact_options *asked;
};

static bool
mark(void *ctx, struct store_txn *txn, struct store_marks *marks, struct exa_error *err)
{
	struct compaction *compaction = ctx;
	struct marking m = { .marks = marks, .cancel = compaction->asked->cancel };
	struct bytes all = { 0 };
	bool good = store_reader_new(compaction->catalog->store, &m.reader, err) &&
		    walk_table(txn, TABLE_ITEM, all, all, mark_entry, &m, err);

	store_reader_free(m.reader);
	buf_done(&m.scratch);
	return good || exa_while(err, "nothing was given back");
}

static bool
begins(void *ctx, uint64_t segments, struct exa_error *err)
{
	struct compaction *compaction = ctx;

	return compaction->asked->begins(compaction->asked->ctx, segments, err);
}

static void
progress(void *ctx, uint64_t done_bytes, uint64_t total_bytes)
{
	struct compaction *compaction = ctx;

	compaction->asked->progress(compaction->asked->ctx, done_bytes, total_bytes);
}

bool
catalog_compact(struct catalog *c, const struct store_compact_options *options,
	struct store_compact_result *out, struct exa_error *err)
{
	struct compaction compaction = { .catalog = c, .asked = options };
	struct store_compact_options mine = *options;

	mine.mark = mark;
	mine.carry = catalog_carry;
	mine.begins = options->begins != NULL ? begins : NULL;
	mine.progress = options->progress != NULL ? progress : NULL;
	mine.ctx = &compaction;
	return store_compact(c->store, &mine, out, err);
}
