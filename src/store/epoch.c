/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "exarch/mem.h"

#include "epoch.h"
#include "pack.h"

#define LOG_RECORD ((uint8_t)'B')
#define LOG_NOTE ((uint8_t)'N')

void
epoch_reset(struct epoch *e)
{
	e->row_count = 0;
	e->pack_count = 0;
	e->frames = 0;
	e->object_bytes = 0;
	e->records = 0;
	buf_reset(&e->log);
}

void
epoch_done(struct epoch *e)
{
	exa_free(e->rows);
	exa_free(e->packs);
	buf_done(&e->log);
	*e = (struct epoch){ 0 };
}

static size_t
grown(size_t capacity)
{
	return capacity == 0 ? 64 : capacity * 2;
}

void
epoch_add_row(struct epoch *e, const struct object_row *row)
{
	if (e->row_count == e->row_capacity) {
		e->row_capacity = grown(e->row_capacity);
		e->rows = exa_realloc_array(e->rows, e->row_capacity, sizeof *e->rows);
	}
	e->rows[e->row_count++] = *row;
	e->object_bytes += row->raw;
}

void
epoch_add_pack(struct epoch *e, struct place at)
{
	if (e->pack_count == e->pack_capacity) {
		e->pack_capacity = grown(e->pack_capacity);
		e->packs = exa_realloc_array(e->packs, e->pack_capacity, sizeof *e->packs);
	}
	e->packs[e->pack_count++] = at;
}

void
epoch_log_record(struct buf *log, uint32_t pack, uint16_t slot, struct bytes record)
{
	buf_add_byte(log, LOG_RECORD);
	buf_add_le32(log, pack);
	buf_add_le16(log, slot);
	buf_add_sized(log, record);
}

void
epoch_log_note(struct buf *log, struct bytes note)
{
	buf_add_byte(log, LOG_NOTE);
	buf_add_sized(log, note);
}

static struct object_row
row_of_entry(const struct pack_entry *entry)
{
	return (struct object_row){
		.id = entry->id,
		.raw = (uint32_t)entry->data.size,
		.slot = entry->slot,
		.kind = entry->kind,
	};
}

bool
epoch_rows_of_pack(
	struct bytes raw, struct object_row **rows_out, size_t *count_out, struct exa_error *err)
{
	struct pack_walk w;
	struct pack_entry entry;
	struct object_row *rows;
	size_t count = 0;

	if (!pack_walk_begin(raw, &w, err))
		return false;
	rows = exa_alloc_array(w.count, sizeof *rows);
	while (pack_walk_next(&w, &entry)) {
		if (entry.kind != PACK_RECORD)
			rows[count++] = row_of_entry(&entry);
	}
	*rows_out = rows;
	*count_out = count;
	return true;
}

static bool
add_pack(struct epoch *e, const struct scan_frame *f, struct bytes raw, struct exa_error *err)
{
	struct pack_walk w;
	struct pack_entry entry;

	if (!pack_walk_begin(raw, &w, err))
		return place_while(err, f->at);
	if (f->head.kind == FRAME_PACK_M)
		epoch_add_pack(e, f->at);
	while (pack_walk_next(&w, &entry)) {
		struct object_row row = row_of_entry(&entry);

		row.at = f->at;
		if (entry.kind != PACK_RECORD)
			epoch_add_row(e, &row);
		else if (f->head.kind == FRAME_PACK_M)
			epoch_log_record(
				&e->log, (uint32_t)e->pack_count - 1, entry.slot, entry.data);
	}
	return true;
}

bool
epoch_add_scanned(struct epoch *e, const struct scan_frame *f, struct unpacker *unpacker,
	struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf raw = { 0 };

	if (frame_is_object(&f->head)) {
		struct object_row row = {
			.id = f->head.id,
			.at = f->at,
			.raw = f->head.raw,
			.kind = (uint8_t)frame_object_kind(&f->head),
		};

		epoch_add_row(e, &row);
	} else if (f->head.kind == FRAME_PACK_D || f->head.kind == FRAME_PACK_M) {
		if (!unpack_proven(unpacker, f->fd, f->at, &f->head, &raw, err) ||
			!add_pack(e, f, buf_bytes(&raw), err))
			return false;
	}
	e->frames++;
	return true;
}

static int
compare_rows(const void *a, const void *b)
{
	const struct object_row *x = a;
	const struct object_row *y = b;
	int order = memcmp(x->id.bytes, y->id.bytes, STORE_ID_SIZE);

	if (order != 0)
		return order;
	/* The same object twice: the last one written counts, as when it is replayed. */
	if (x->at.segment != y->at.segment)
		return x->at.segment < y->at.segment ? -1 : 1;
	if (x->at.offset != y->at.offset)
		return x->at.offset < y->at.offset ? -1 : 1;
	return x->slot < y->slot ? -1 : x->slot > y->slot;
}

static bool
apply_rows(const struct epoch *e, struct index *x, MDB_txn *txn, struct watermark *w,
	struct exa_error *err)
{
	for (size_t i = 0; i < e->row_count; i++) {
		bool is_new;

		if (!index_add_object(x, txn, &e->rows[i], &is_new, err))
			return false;
		if (is_new)
			w->object_bytes += e->rows[i].raw;
	}
	return true;
}

static bool
apply_log(const struct epoch *e, const struct store_schema *schema, struct store_txn *txn,
	struct exa_error *err)
{
	struct reader r = reader_of(buf_bytes(&e->log));

	while (r.rest.size > 0) {
		bool logged = read_u8(&r) == LOG_RECORD;
		uint32_t pack = logged ? read_le32(&r) : 0;
		struct store_loc loc = { .slot = logged ? read_le16(&r) : 0 };
		struct bytes entry = read_sized(&r);

		if (r.failed || (logged && pack >= e->pack_count))
			return exa_fail(err, EXA_CORRUPT, "the log of an epoch can't be read");
		if (logged) {
			loc.segment = e->packs[pack].segment;
			loc.offset = e->packs[pack].offset;
		}
		if (!schema->apply(schema->ctx, txn, logged ? &loc : NULL, entry, err))
			return exa_while(err, "applying a record to the index");
	}
	return true;
}

struct applying {
	const struct epoch *epoch;
	const struct store_schema *schema;
	const struct watermark *before;
	struct watermark after;
};

static bool
apply_all(struct index *x, MDB_txn *txn, void *ctx, struct exa_error *err)
{
	struct applying *a = ctx;
	struct store_txn tables;
	bool good;

	a->after = *a->before;
	txn_init(&tables, x, txn, TXN_WRITES);
	good = apply_rows(a->epoch, x, txn, &a->after, err) &&
	       apply_log(a->epoch, a->schema, &tables, err) &&
	       index_set_watermark(x, txn, &a->after, err);
	txn_done(&tables);
	return good;
}

bool
epoch_apply(struct epoch *e, struct index *x, const struct store_schema *schema,
	struct watermark *w, struct exa_error *err)
{
	struct applying a = { .epoch = e, .schema = schema, .before = w };

	if (e->row_count > 1)
		exa_sort(e->rows, e->row_count, sizeof *e->rows, compare_rows);
	if (!index_change(x, apply_all, &a, err))
		return false;
	*w = a.after;
	return true;
}
