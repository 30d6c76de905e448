/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of the records of a segment that is cut.
 *
 *     I, current record of a row that isn't expired     X stays in its place, C goes to the end
 *     I otherwise (its row expired or was updated)      X stays
 *     C, current record of its row                      C again at the end; nothing stays
 *     C otherwise                                       nothing stays
 *     everything else                                   stays as it is
 *
 * X does to the tables what I did, so order and states come out the same when the index is rebuilt;
 * the C behind it says where the full record is now. Expired items keep nothing but their X: no
 * subject, no id of the server, no address of anybody is in it.
 */
#include "record.h"

static bool
is_current(const struct catalog_row *row, const struct store_loc *loc)
{
	return row->state != ITEM_EXPIRED && row->loc.segment == loc->segment &&
	       row->loc.offset == loc->offset && row->loc.slot == loc->slot;
}

static bool
carry_item(struct store_txn *txn, const struct store_loc *loc, struct bytes record,
	struct buf *keep, struct buf *again, struct exa_error *err)
{
	struct catalog_item item;
	struct short_item facts;
	struct catalog_row row;
	bool found;

	if (!item_decode(record, &item, err) || !row_resolve(txn, item.number, &found, &row, err))
		return false;
	facts = short_of(&item);
	short_encode(keep, &facts);
	if (found && is_current(&row, loc))
		carried_encode(again, row.number, record);
	return true;
}

static bool
carry_carried(struct store_txn *txn, const struct store_loc *loc, struct bytes record,
	struct buf *again, struct exa_error *err)
{
	struct bytes item_record;
	struct catalog_row row;
	uint64_t number;
	bool found;

	if (!carried_decode(record, &number, &item_record, err) ||
		!catalog_row(txn, number, &found, &row, err))
		return false;
	if (found && is_current(&row, loc))
		buf_add_bytes(again, record);
	return true;
}

bool
catalog_carry(void *ctx, struct store_txn *txn, const struct store_loc *loc, struct bytes record,
	struct buf *keep, struct buf *again, struct exa_error *err)
{
	(void)ctx;
	if (record.size > 0 && record.data[0] == RECORD_ITEM)
		return carry_item(txn, loc, record, keep, again, err);
	if (record.size > 0 && record.data[0] == RECORD_CARRIED)
		return carry_carried(txn, loc, record, again, err);
	buf_add_bytes(keep, record);
	return true;
}
