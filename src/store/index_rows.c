/* SPDX-License-Identifier: Apache-2.0 */
/* The index's own rows. */
#include <string.h>

#include "index.h"

#define WATERMARK_SIZE 80

MDB_val
index_value(const void *data, size_t size)
{
	MDB_val v = { .mv_size = size };

	memcpy(&v.mv_data, &data, sizeof v.mv_data);
	return v;
}

static bool
change_once(struct index *x, index_change_fn *fn, void *ctx, struct exa_error *err)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(x->env, NULL, 0, &txn);

	if (rc != 0)
		return index_fail(x, err, rc, "beginning to write");
	if (!fn(x, txn, ctx, err)) {
		mdb_txn_abort(txn);
		return false;
	}
	return index_commit(x, txn, "writing a change", err) && index_stretch(x, err);
}

bool
index_change(struct index *x, index_change_fn *fn, void *ctx, struct exa_error *err)
{
	x->full = false;
	while (!change_once(x, fn, ctx, err)) {
		if (!x->full)
			return false;
		x->full = false;
		if (!index_grow(x, err))
			return false;
	}
	return true;
}

bool
index_get_watermark(struct index *x, MDB_txn *txn, struct watermark *out, struct exa_error *err)
{
	MDB_val key = index_value("watermark", 9);
	MDB_val value;
	const uint8_t *p;
	int rc = mdb_get(txn, x->meta, &key, &value);

	if (rc == MDB_NOTFOUND) {
		*out = (struct watermark){ 0 };
		return true;
	}
	if (rc != 0 || value.mv_size != WATERMARK_SIZE)
		return index_fail(x, err, rc != 0 ? rc : MDB_CORRUPTED, "reading the last commit");
	p = value.mv_data;
	out->commit_at.segment = get_le32(p);
	out->commit_at.offset = get_le64(p + 8);
	out->end = get_le64(p + 16);
	out->sequence = get_le64(p + 24);
	out->commit = get_le64(p + 32);
	memcpy(out->chain, p + 40, SHA256_SIZE);
	out->object_bytes = get_le64(p + 72);
	return true;
}

bool
index_set_watermark(struct index *x, MDB_txn *txn, const struct watermark *w, struct exa_error *err)
{
	uint8_t p[WATERMARK_SIZE] = { 0 };
	MDB_val key = index_value("watermark", 9);
	MDB_val value = index_value(p, sizeof p);
	int rc;

	put_le32(p, w->commit_at.segment);
	put_le64(p + 8, w->commit_at.offset);
	put_le64(p + 16, w->end);
	put_le64(p + 24, w->sequence);
	put_le64(p + 32, w->commit);
	memcpy(p + 40, w->chain, SHA256_SIZE);
	put_le64(p + 72, w->object_bytes);
	rc = mdb_put(txn, x->meta, &key, &value, 0);
	return rc == 0 || index_fail(x, err, rc, "noting the last commit");
}

bool
object_row_get(struct bytes key, struct bytes value, struct object_row *out, struct exa_error *err)
{
	struct object_row row = { 0 };
	struct reader r = reader_of(value);
	uint64_t segment = read_varint(&r), offset = read_varint(&r), slot = read_varint(&r),
		 raw = read_varint(&r);

	row.kind = read_u8(&r);
	if (key.size != OBJECT_KEY_SIZE || !reader_at_end(&r) || segment > UINT32_MAX ||
		slot > UINT16_MAX || raw > UINT32_MAX)
		return exa_fail(err, EXA_CORRUPT,
			"the index is damaged: an object's row is malformed; `exarch rebuild` "
			"makes it again");
	memcpy(row.id.bytes, key.data, OBJECT_KEY_SIZE);
	row.at = (struct place){ (uint32_t)segment, offset };
	row.slot = (uint16_t)slot;
	row.raw = (uint32_t)raw;
	*out = row;
	return true;
}

void
object_row_put(const struct object_row *row, struct buf *out)
{
	buf_add_varint(out, row->at.segment);
	buf_add_varint(out, row->at.offset);
	buf_add_varint(out, row->slot);
	buf_add_varint(out, row->raw);
	buf_add_byte(out, row->kind);
}

bool
index_get_object(struct index *x, MDB_txn *txn, const struct store_id *id, bool *found_out,
	struct object_row *out, struct exa_error *err)
{
	MDB_val key = index_value(id->bytes, OBJECT_KEY_SIZE);
	MDB_val value;
	int rc = mdb_get(txn, x->obj, &key, &value);

	if (rc != 0 && rc != MDB_NOTFOUND)
		return index_fail(x, err, rc, "looking for an object");
	if (rc == 0 && !object_row_get(bytes_of(id->bytes, OBJECT_KEY_SIZE),
			       bytes_of(value.mv_data, value.mv_size), out, err))
		return false;
	*found_out = rc == 0;
	return true;
}

bool
index_add_object(struct index *x, MDB_txn *txn, const struct object_row *row, bool *new_out,
	struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf bytes = { 0 };
	MDB_val key = index_value(row->id.bytes, OBJECT_KEY_SIZE);
	MDB_val value;
	int rc;

	object_row_put(row, &bytes);
	value = index_value(bytes.data, bytes.size);
	rc = mdb_put(txn, x->obj, &key, &value, MDB_NOOVERWRITE);
	*new_out = rc == 0;
	if (rc == MDB_KEYEXIST) {
		value = index_value(bytes.data, bytes.size);
		rc = mdb_put(txn, x->obj, &key, &value, 0);
	}
	return rc == 0 || index_fail(x, err, rc, "adding an object");
}

bool
index_object_known(
	struct index *x, const struct store_id *id, bool *known_out, struct exa_error *err)
{
	struct object_row row;
	MDB_txn *txn;
	bool good;

	if (!index_read_begin(x, &txn, err))
		return false;
	good = index_get_object(x, txn, id, known_out, &row, err);
	index_read_end(x, txn);
	return good;
}
