/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Index against segments. Each object found in a frame is looked up; then the rows are counted, so
 * that one which names a place with no such object shows too.
 */
#include <string.h>

#include "verify.h"

#define ROWS_A_TRANSACTION 10000 /* a read transaction pins pages: not for the whole index */

bool
verify_compares(const struct verify *v)
{
	return v->options->level == STORE_VERIFY_BLOBS && v->options->sample <= 0 &&
	       v->store->index.env != NULL;
}

static bool
is_before(struct place a, uint16_t a_slot, struct place b, uint16_t b_slot)
{
	if (a.segment != b.segment)
		return a.segment < b.segment;
	return a.offset != b.offset ? a.offset < b.offset : a_slot < b_slot;
}

/* Told at the end, once: an index that is wrong as a whole is one damage, not a million. */
static void
note_wrong(struct verify *v, const struct object_row *row, const char *how)
{
	if (v->rows_wrong++ > 0)
		return;
	(void)exa_fail(&v->first_wrong, EXA_CORRUPT, "the index %s object %u here", how, row->slot);
	(void)place_while(&v->first_wrong, row->at);
}

/* Of an object that was stored twice the index names the last. */
bool
verify_row(struct verify *v, const struct object_row *row, struct exa_error *err)
{
	struct index *x = &v->store->index;
	struct object_row indexed;
	MDB_txn *txn;
	bool found = false;
	bool good;

	if (!verify_compares(v))
		return true;
	if (!index_read_begin(x, &txn, err))
		return false;
	good = index_get_object(x, txn, &row->id, &found, &indexed, err);
	index_read_end(x, txn);
	if (!good)
		return false;
	if (found && v->cutting != 0 && indexed.at.segment == v->cutting)
		return true;
	if (!found) {
		note_wrong(v, row, "lacks");
	} else if (is_before(indexed.at, indexed.slot, row->at, row->slot)) {
		note_wrong(v, row, "is wrong on");
	} else if (!is_before(row->at, row->slot, indexed.at, indexed.slot)) {
		v->rows_matched++;
		if (indexed.raw != row->raw || indexed.kind != row->kind)
			note_wrong(v, row, "is wrong on");
	}
	return true;
}

static bool
is_within(const struct verify *v, const struct object_row *row)
{
	if (v->cutting != 0 && row->at.segment == v->cutting)
		return false;
	if (row->at.segment != v->end.commit_at.segment)
		return row->at.segment < v->end.commit_at.segment;
	return row->at.offset < v->end.end;
}

/* Counts rows from *KEY on, in one short transaction; *KEY becomes the next to begin with. */
static bool
count_some_rows(
	struct verify *v, struct store_id *key, uint64_t *count, bool *end, struct exa_error *err)
{
	MDB_val k = { .mv_size = OBJECT_KEY_SIZE, .mv_data = key->bytes };
	MDB_val value;
	MDB_txn *txn;
	MDB_cursor *cursor;
	struct object_row row;
	bool good = true;
	int rc;

	if (!index_read_begin(&v->store->index, &txn, err))
		return false;
	rc = mdb_cursor_open(txn, v->store->index.obj, &cursor);
	if (rc != 0) {
		index_read_end(&v->store->index, txn);
		return index_fail(&v->store->index, err, rc, "counting objects");
	}
	rc = mdb_cursor_get(cursor, &k, &value, MDB_SET_RANGE);
	for (int i = 0; rc == 0 && good && i < ROWS_A_TRANSACTION; i++) {
		good = object_row_get(bytes_of(k.mv_data, k.mv_size),
			bytes_of(value.mv_data, value.mv_size), &row, err);
		*count += good && is_within(v, &row);
		rc = mdb_cursor_get(cursor, &k, &value, MDB_NEXT);
	}
	*end = rc == MDB_NOTFOUND;
	if (rc == 0 && k.mv_size == OBJECT_KEY_SIZE)
		memcpy(key->bytes, k.mv_data, OBJECT_KEY_SIZE);
	mdb_cursor_close(cursor);
	index_read_end(&v->store->index, txn);
	if (good && rc != 0 && !*end)
		return index_fail(&v->store->index, err, rc, "counting objects");
	return good;
}

/* Has any segment changed its size since it was walked, the rows were moved meanwhile. */
static bool
is_as_it_was(const struct verify *v)
{
	return verify_bytes_before(v, v->end.commit_at.segment) == v->bytes_at_begin;
}

static bool
compare_counts(struct verify *v, struct exa_error *err)
{
	struct store_damage damage = { .first = 1 };
	struct store_id key = { 0 };
	uint64_t count = 0;
	bool end = false;

	while (!end) {
		if (!count_some_rows(v, &key, &count, &end, err))
			return false;
	}
	if (count == v->rows_matched || !is_as_it_was(v))
		return true;
	(void)exa_fail(&damage.what, EXA_CORRUPT,
		"the index names %llu objects, the segments hold %llu of them where it says; "
		"`exarch rebuild` makes it again",
		(unsigned long long)count, (unsigned long long)v->rows_matched);
	verify_report(v, &damage);
	return true;
}

bool
verify_rows_end(struct verify *v, struct exa_error *err)
{
	struct store_damage damage = { .first = 1 };

	if (v->rows_wrong > 0) {
		(void)exa_fail(&damage.what, EXA_CORRUPT,
			"%s (%llu objects in all); `exarch rebuild` makes the index again",
			v->first_wrong.text, (unsigned long long)v->rows_wrong);
		verify_report(v, &damage);
		return true;
	}
	return !v->result.finished || v->rows_unsure || !verify_compares(v) ||
	       compare_counts(v, err);
}
