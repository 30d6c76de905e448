/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What compaction changes in the index: rows of objects that went with their segment. They go after
 * the cut segment is in its place, not before: so the index never lacks an object that the segments
 * hold. Rows that name a cut segment in between are of dead objects. `cutting` in `meta` says that
 * there may be such rows and of which segment; the next open for writing drops them before anybody
 * can take one of those objects for known.
 */
#include <string.h>

#include "index_cut.h"

#define ROWS_A_TRANSACTION 1000 /* LMDB keeps about a page of memory for each that changes */
#define ROWS_A_LOOK 10000       /* a read transaction pins pages: not for the whole index */

/* ---- changing ---- */

static bool
put_cutting(struct index *x, MDB_txn *txn, void *ctx, struct exa_error *err)
{
	const uint32_t *segment = ctx;
	uint8_t bytes[4];
	MDB_val key = index_value("cutting", 7);
	MDB_val value = index_value(bytes, sizeof bytes);
	int rc;

	put_le32(bytes, *segment);
	rc = *segment == 0 ? mdb_del(txn, x->meta, &key, NULL)
			   : mdb_put(txn, x->meta, &key, &value, 0);
	return rc == 0 || rc == MDB_NOTFOUND ||
	       index_fail(x, err, rc, "noting which segment is being cut");
}

bool
index_set_cutting(struct index *x, uint32_t segment, struct exa_error *err)
{
	return index_change(x, put_cutting, &segment, err);
}

struct dropping {
	const struct store_id *ids;
	size_t count;
	const struct watermark *before;
	struct watermark after;
	index_stale_fn *is_stale;
	void *ctx;
};

static bool
drop_some(struct index *x, MDB_txn *txn, void *ctx, struct exa_error *err)
{
	struct dropping *d = ctx;

	d->after = *d->before;
	for (size_t i = 0; i < d->count; i++) {
		MDB_val key = index_value(d->ids[i].bytes, OBJECT_KEY_SIZE);
		struct object_row row;
		bool found;
		int rc;

		if (!index_get_object(x, txn, &d->ids[i], &found, &row, err))
			return false;
		if (!found || !d->is_stale(d->ctx, &row))
			continue;
		rc = mdb_del(txn, x->obj, &key, NULL);
		if (rc != 0)
			return index_fail(x, err, rc, "dropping an object");
		d->after.object_bytes -= row.raw;
	}
	return d->after.commit == 0 || index_set_watermark(x, txn, &d->after, err);
}

bool
index_drop_objects(struct index *x, const struct store_id *ids, size_t count,
	index_stale_fn *is_stale, void *ctx, struct watermark *w, struct exa_error *err)
{
	for (size_t done = 0; done < count;) {
		struct dropping d = { .ids = ids + done,
			.count = count - done < ROWS_A_TRANSACTION ? count - done
								   : ROWS_A_TRANSACTION,
			.before = w,
			.is_stale = is_stale,
			.ctx = ctx };

		if (!index_change(x, drop_some, &d, err))
			return false;
		*w = d.after;
		done += d.count;
	}
	return true;
}

/* ---- looking ---- */

bool
index_get_cutting(struct index *x, uint32_t *segment_out, struct exa_error *err)
{
	MDB_val key = index_value("cutting", 7);
	MDB_val value;
	MDB_txn *txn;
	int rc;

	if (!index_read_begin(x, &txn, err))
		return false;
	rc = mdb_get(txn, x->meta, &key, &value);
	if (rc == 0 && value.mv_size == 4)
		*segment_out = get_le32(value.mv_data);
	else if (rc == 0)
		rc = MDB_CORRUPTED;
	else if (rc == MDB_NOTFOUND)
		*segment_out = 0;
	index_read_end(x, txn);
	return rc == 0 || rc == MDB_NOTFOUND ||
	       index_fail(x, err, rc, "reading which segment is being cut");
}

/* Rows from *FROM on, in one short transaction; *FROM becomes the next to begin with. */
static bool
walk_some(struct index *x, struct store_id *from, bool *end_out, index_row_fn *fn, void *ctx,
	struct exa_error *err)
{
	MDB_val key = index_value(from->bytes, OBJECT_KEY_SIZE);
	MDB_val value;
	MDB_cursor *cursor;
	MDB_txn *txn;
	bool good = true;
	int rc;

	if (!index_read_begin(x, &txn, err))
		return false;
	rc = mdb_cursor_open(txn, x->obj, &cursor);
	if (rc != 0) {
		index_read_end(x, txn);
		return index_fail(x, err, rc, "walking the objects");
	}
	rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	for (int i = 0; rc == 0 && good && i < ROWS_A_LOOK; i++) {
		struct object_row row;

		good = object_row_get(bytes_of(key.mv_data, key.mv_size),
			bytes_of(value.mv_data, value.mv_size), &row, err);
		if (good)
			fn(ctx, &row);
		rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	*end_out = rc == MDB_NOTFOUND;
	if (rc == 0 && key.mv_size == OBJECT_KEY_SIZE)
		memcpy(from->bytes, key.mv_data, OBJECT_KEY_SIZE);
	mdb_cursor_close(cursor);
	index_read_end(x, txn);
	if (good && rc != 0 && rc != MDB_NOTFOUND)
		return index_fail(x, err, rc, "walking the objects");
	return good;
}

bool
index_walk_objects(struct index *x, index_row_fn *fn, void *ctx, struct exa_error *err)
{
	struct store_id from = { 0 };
	bool end = false;

	while (!end) {
		if (!walk_some(x, &from, &end, fn, ctx, err))
			return false;
	}
	return true;
}
