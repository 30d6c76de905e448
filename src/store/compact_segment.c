/* SPDX-License-Identifier: Apache-2.0 */
/* One segment: move what lives, commit, cut, drop. See compact.c for the order and why. */
#include <string.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "compact.h"
#include "index_cut.h"
#include "pack.h"
#include "writer.h"

struct cutting {
	struct compaction *c;
	struct store *s;
	uint32_t segment;
	struct survey survey;
	struct cut_writer cut;
	struct unpacker unpacker;
	struct buf raw, fates;
	struct buf keep, again; /* of one record */
	struct store_batch batch;
	struct buf moved, dead; /* ids */
	uint64_t dead_bytes;
};

enum fate {
	FATE_LIVE,   /* needed, and the index names it here: to be moved */
	FATE_DEAD,   /* the index names it here, and nobody needs it */
	FATE_COPY,   /* the index names another copy, or it isn't an object that counts */
	FATE_RECORD, /* carried */
};

static bool
fate_of(struct cutting *k, struct store_txn *txn, const struct store_id *id, struct place at,
	uint16_t slot, enum fate *out, struct exa_error *err)
{
	struct object_row row;
	bool needed = marks_have(&k->c->marks, id);
	bool found;

	if (!index_get_object(&k->s->index, txn->txn, id, &found, &row, err))
		return false;
	if (!found && needed) {
		(void)exa_fail(
			err, EXA_CORRUPT, "the index lacks an object (`exarch rebuild` helps)");
		return place_while(err, at);
	}
	*out = FATE_COPY;
	if (found && row.at.segment == at.segment && row.at.offset == at.offset && row.slot == slot)
		*out = needed ? FATE_LIVE : FATE_DEAD;
	if (*out == FATE_LIVE)
		buf_add(&k->moved, id->bytes, STORE_ID_SIZE);
	if (*out == FATE_DEAD) {
		buf_add(&k->dead, id->bytes, STORE_ID_SIZE);
		k->dead_bytes += row.raw;
	}
	return true;
}

/* The payload just unpacked at another place: what was packed once isn't packed again. */
static bool
move_frame(struct cutting *k, const struct scan_frame *f, struct object_row *rows, size_t row_count,
	struct exa_error *err)
{
	struct frame_head head = { .kind = f->head.kind,
		.codec = f->head.codec,
		.flags = f->head.flags, /* enciphered anew where it is appended */
		.raw = f->head.raw,
		.id = f->head.id };
	EXA_AUTO(buf_done) struct buf frame = { 0 };

	frame_begin(&frame);
	buf_add_bytes(&frame, buf_bytes(&k->unpacker.stored));
	frame_end(&frame, &head);
	return writer_add_frame(k->s, &head, &frame, rows, row_count, err);
}

static bool
move_object(struct cutting *k, const struct scan_frame *f, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct object_row *row;
	enum fate fate;

	if (!store_read_begin(k->s, &txn, err) ||
		!fate_of(k, txn, &f->head.id, f->at, 0, &fate, err))
		return false;
	store_read_endp(&txn);
	txn = NULL;
	if (fate != FATE_LIVE)
		return true;
	buf_reset(&k->raw);
	if (!unpack_frame(&k->unpacker, f->fd, f->at, &f->head, &k->raw, err))
		return false;
	if (!crypt_check_id(&k->s->crypt, (uint8_t)frame_object_kind(&f->head), buf_bytes(&k->raw),
		    &f->head.id)) {
		(void)exa_fail(err, EXA_CORRUPT, "the object's content doesn't match its id");
		return place_while(err, f->at);
	}
	row = exa_alloc(sizeof *row);
	*row = (struct object_row){
		.id = f->head.id, .raw = f->head.raw, .kind = (uint8_t)frame_object_kind(&f->head)
	};
	return move_frame(k, f, row, 1, err);
}

static bool
carry(struct cutting *k, struct store_txn *txn, struct place at, const struct pack_entry *entry,
	struct exa_error *err)
{
	struct store_loc loc = { at.segment, at.offset, entry->slot };

	buf_reset(&k->keep);
	buf_reset(&k->again);
	if (!k->c->options->carry(
		    k->c->options->ctx, txn, &loc, entry->data, &k->keep, &k->again, err)) {
		(void)exa_while(err, "carrying record %u over", entry->slot);
		return place_while(err, at);
	}
	if (k->keep.size > entry->data.size)
		return exa_fail(err, EXA_FAILED, "a record grew to %zu bytes where it stands",
			k->keep.size);
	if (k->again.size > 0)
		store_batch_record(&k->batch, buf_bytes(&k->again));
	return k->keep.size == 0 || cut_keep(&k->cut, buf_bytes(&k->keep), err);
}

/* The look at the index is over before anything is handed to the writer: it may have to wait for
 * readers to end. */
static bool
sort_entries(
	struct cutting *k, const struct scan_frame *f, bool *all_live_out, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct pack_walk w;
	struct pack_entry entry;

	buf_reset(&k->fates);
	*all_live_out = true;
	if (!pack_walk_begin(buf_bytes(&k->raw), &w, err))
		return place_while(err, f->at);
	if (!store_read_begin(k->s, &txn, err))
		return false;
	while (pack_walk_next(&w, &entry)) {
		enum fate fate = FATE_RECORD;

		if (entry.kind == PACK_RECORD
				? !carry(k, txn, f->at, &entry, err)
				: !fate_of(k, txn, &entry.id, f->at, entry.slot, &fate, err))
			return false;
		*all_live_out = *all_live_out && fate == FATE_LIVE;
		buf_add_byte(&k->fates, (uint8_t)fate);
	}
	return true;
}

static bool
move_entries(struct cutting *k, struct exa_error *err)
{
	struct pack_walk w;
	struct pack_entry entry;

	if (!pack_walk_begin(buf_bytes(&k->raw), &w, err))
		return false;
	while (pack_walk_next(&w, &entry)) {
		if (k->fates.data[entry.slot] == FATE_LIVE &&
			!writer_put_again(
				k->s, (enum store_kind)entry.kind, &entry.id, entry.data, err))
			return false;
	}
	return true;
}

static bool
move_pack(struct cutting *k, const struct scan_frame *f, struct exa_error *err)
{
	struct object_row *rows;
	size_t row_count;
	uint64_t epoch;
	bool all_live;

	buf_reset(&k->raw);
	if (!unpack_proven(&k->unpacker, f->fd, f->at, &f->head, &k->raw, err) ||
		!sort_entries(k, f, &all_live, err))
		return false;
	if (!all_live) {
		if (!move_entries(k, err))
			return false;
	} else if (!epoch_rows_of_pack(buf_bytes(&k->raw), &rows, &row_count, err) ||
		   !move_frame(k, f, rows, row_count, err)) {
		return false;
	}
	return k->batch.count == 0 || store_submit(k->s, &k->batch, &epoch, err);
}

static bool
move_all(struct cutting *k, struct exa_error *err)
{
	struct place from = { k->segment, SEGMENT_HEAD_SIZE };
	enum scan_result r = SCAN_FRAME;
	bool good = true;
	struct scan scan;
	struct scan_frame f;

	scan_begin(&scan, &k->s->files, from, k->survey.tomb.first);
	scan.stop = (struct place){ k->segment + 1, SEGMENT_HEAD_SIZE };
	while (good && (r = scan_next(&scan, &f, err)) == SCAN_FRAME) {
		if (frame_is_object(&f.head))
			good = move_object(k, &f, err);
		else if (f.head.kind == FRAME_PACK_D || f.head.kind == FRAME_PACK_M)
			good = move_pack(k, &f, err);
	}
	scan_done(&scan);
	return good && r == SCAN_END;
}

/* C1. The index named so many objects here, each has been met, and none that lives is named here
 * any more. */
static bool
check_moved(struct cutting *k, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	const struct segment_use *use = &k->c->use[k->segment];
	size_t count = k->moved.size / STORE_ID_SIZE;

	if (count != use->live || k->dead.size / STORE_ID_SIZE != use->dead)
		return exa_fail(err, EXA_CORRUPT,
			"the index names objects that segment %08x doesn't hold (`exarch rebuild` "
			"helps)",
			k->segment);
	if (!store_read_begin(k->s, &txn, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct object_row row;
		struct store_id id;
		bool found;

		memcpy(id.bytes, k->moved.data + i * STORE_ID_SIZE, STORE_ID_SIZE);
		if (!index_get_object(&k->s->index, txn->txn, &id, &found, &row, err))
			return false;
		if (!found || row.at.segment <= k->segment)
			return exa_fail(err, EXA_FAILED,
				"an object of segment %08x wasn't moved: the segment stays",
				k->segment);
	}
	return true;
}

/* ---- errands ---- */

static bool
note_cutting(struct store *s, void *ctx, struct exa_error *err)
{
	const struct cutting *k = ctx;

	return index_set_cutting(&s->index, k->segment, err);
}

static bool
is_in_segment(void *ctx, const struct object_row *row)
{
	const uint32_t *segment = ctx;

	return row->at.segment == *segment;
}

/* Whether the rename is durable can't be known when this fails: so it poisons. */
static bool
settle(struct store *s, void *ctx, struct exa_error *err)
{
	struct cutting *k = ctx;
	EXA_AUTO(exa_freep) char *path = segdir_path(&s->files, k->segment, "xseg");
	EXA_AUTO(exa_freep) char *folder = fs_dir_of(path);
	size_t count = k->dead.size / STORE_ID_SIZE;
	struct store_id *ids;
	bool good;

	if (!seg_io_sync_dir(s->files.io, folder, err))
		return false;
	ids = exa_alloc_array(count, sizeof *ids);
	for (size_t i = 0; i < count; i++)
		memcpy(ids[i].bytes, k->dead.data + i * STORE_ID_SIZE, STORE_ID_SIZE);
	good = index_drop_objects(
		       &s->index, ids, count, is_in_segment, &k->segment, &s->watermark, err) &&
	       index_set_cutting(&s->index, 0, err);
	exa_free(ids);
	return good;
}

/* ---- all of it ---- */

static bool
cut(struct cutting *k, struct exa_error *err)
{
	struct errand note = { .run = note_cutting, .ctx = k };
	struct errand drop = { .run = settle, .ctx = k };
	bool good;

	good = compact_survey(k->s, k->segment, &k->survey, err) && writer_run(k->s, &note, err) &&
	       cut_begin(&k->cut, &k->s->files, &k->s->crypt, k->segment, k->s->format.codec,
		       &k->survey.tomb, err) &&
	       move_all(k, err) && store_flush(k->s, err) && check_moved(k, err) &&
	       cut_end(&k->cut, &k->survey.commit_head, buf_bytes(&k->survey.commit), err) &&
	       cut_put_in_place(&k->cut, err);
	pack_cache_forget(&k->s->packs, k->segment);
	return good && writer_run(k->s, &drop, err);
}

bool
compact_segment(struct compaction *c, uint32_t segment, struct exa_error *err)
{
	struct cutting k = { .c = c, .s = c->store, .segment = segment, .cut = { .fd = -1 } };
	bool good;

	unpacker_init(&k.unpacker, &c->store->files, &c->store->crypt, &c->store->codecs);
	good = cut(&k, err);
	if (good) {
		c->result.objects_dropped += k.dead.size / STORE_ID_SIZE;
		c->result.object_bytes_dropped += k.dead_bytes;
	}
	unpacker_done(&k.unpacker);
	cut_done(&k.cut);
	survey_done(&k.survey);
	store_batch_done(&k.batch);

	buf_done(&k.raw);
	buf_done(&k.fates);
	buf_done(&k.keep);
	buf_done(&k.again);
	buf_done(&k.moved);
	buf_done(&k.dead);
	return good;
}
