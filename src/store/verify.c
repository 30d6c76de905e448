/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verify: walks the segments from the first frame to the last commit the index has, and checks what
 * the level asks for. It goes on behind each damaged place. Reads only what a writer beside it will
 * never change.
 */
#include <string.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "cut.h"
#include "handle.h"
#include "index_cut.h"
#include "pack.h"

#define PROGRESS_STEP ((uint64_t)8 << 20)
#define ROWS_A_TRANSACTION 10000 /* a read transaction pins pages: not for the whole index */

struct verify {
	struct store *store;
	const struct store_verify_options *options;
	struct store_verify_result result;
	struct watermark end;
	struct scan scan;
	struct unpacker unpacker;
	struct buf raw;
	struct chain chain;
	bool gap; /* something was stepped over since the last COMMIT: its chain can't fit */
	uint64_t last_commit;
	/* The SEAL's view of the segment being walked. */
	uint32_t segment;
	bool segment_gap;
	struct sha256 heads;
	struct buf table;
	uint32_t table_count;
	struct cut_check cut; /* of the cut segment being walked */
	uint8_t last_chain[SHA256_SIZE];
	struct store_id last_seal; /* that of the segment before, or zeros */
	uint32_t seal_segment;
	uint32_t cutting; /* rows that name it may be of objects that are gone */
	uint64_t rows_matched;
	uint64_t done, total, told;
};

static void
report(struct verify *v, const struct exa_error *what)
{
	const struct store_damage damage = { .first = 1, .what = *what };

	v->result.damaged++;
	v->options->damaged(v->options->ctx, &damage);
}

static void
report_at(struct verify *v, struct place at, struct exa_error *what)
{
	(void)place_while(what, at);
	report(v, what);
}

/* ---- what each kind of frame promises ---- */

static bool
check_commit(struct verify *v, const struct scan_frame *f, struct exa_error *err)
{
	uint8_t chain[SHA256_SIZE];
	struct commit c;
	bool gap = v->gap;

	v->result.commits++;
	v->gap = false;
	chain_value(&v->chain, chain);
	if (!commit_get(buf_bytes(&v->raw), &c, err))
		return false;
	memcpy(v->last_chain, c.chain, SHA256_SIZE);
	if (f->tomb != NULL) {
		v->last_commit = f->tomb->last_commit;
		chain_commit(&v->chain, c.chain, f->raw_head);
		cut_check_add(&v->cut, f->raw_head);
		if (c.number != f->tomb->last_commit)
			return exa_fail(err, EXA_CORRUPT,
				"commit %llu ends a segment that was cut behind commit %llu",
				(unsigned long long)c.number,
				(unsigned long long)f->tomb->last_commit);
		return gap || cut_check_end(&v->cut, f->tomb, err);
	}
	if (!gap && memcmp(chain, c.chain, SHA256_SIZE) != 0)
		(void)exa_fail(err, EXA_CORRUPT, "the chain of commit %llu is broken",
			(unsigned long long)c.number);
	else if (!gap && c.number != v->last_commit + 1)
		(void)exa_fail(err, EXA_CORRUPT, "commit %llu follows commit %llu",
			(unsigned long long)c.number, (unsigned long long)v->last_commit);
	else
		gap = true;
	v->last_commit = c.number;
	chain_commit(&v->chain, c.chain, f->raw_head);
	return gap;
}

static bool
check_tomb(struct verify *v, const struct scan_frame *f, struct exa_error *err)
{
	if (v->gap)
		return true; /* reported already */
	if (f->tomb->first_commit != v->last_commit + 1 ||
		memcmp(f->tomb->chain, v->last_chain, SHA256_SIZE) != 0 ||
		!id_equal(&f->tomb->previous, &v->last_seal))
		return exa_fail(
			err, EXA_CORRUPT, "a cut segment doesn't fit the segments before it");
	return true;
}

static bool
check_seal(struct verify *v, struct exa_error *err)
{
	uint8_t heads[SHA256_SIZE];
	struct seal seal;

	if (!seal_get(buf_bytes(&v->raw), &seal, err))
		return false;
	if (v->segment_gap)
		return true; /* reported already */
	sha256_value(&v->heads, heads);
	if (memcmp(heads, seal.heads_sha256, SHA256_SIZE) != 0 ||
		!bytes_equal(seal.entries, buf_bytes(&v->table)))
		return exa_fail(err, EXA_CORRUPT, "the SEAL doesn't fit the segment's frames");
	return true;
}

/* Index against segments. Of an object that was stored twice the index names the last. */
static bool
check_row(struct verify *v, const struct object_row *row, struct exa_error *err)
{
	struct object_row indexed;
	MDB_txn *txn;
	bool found = false;
	bool good;

	if (v->store->access == STORE_SEGMENTS)
		return true;
	if (!index_read_begin(&v->store->index, &txn, err))
		return false;
	good = index_get_object(&v->store->index, txn, &row->id, &found, &indexed, err);
	index_read_end(&v->store->index, txn);
	if (!good)
		return false;
	if (!found)
		return exa_fail(
			err, EXA_CORRUPT, "the index lacks an object (`exarch rebuild` helps)");
	if (v->cutting != 0 && indexed.at.segment == v->cutting)
		return true;
	if (indexed.at.segment == row->at.segment && indexed.at.offset == row->at.offset &&
		indexed.slot == row->slot) {
		v->rows_matched++;
		if (indexed.raw == row->raw && indexed.kind == row->kind &&
			indexed.codec == row->codec)
			return true;
	} else if (indexed.at.segment > row->at.segment ||
		   (indexed.at.segment == row->at.segment && indexed.at.offset >= row->at.offset)) {
		return true;
	}
	return exa_fail(
		err, EXA_CORRUPT, "the index is wrong on an object (`exarch rebuild` helps)");
}

static bool
check_entry(struct verify *v, const struct scan_frame *f, const struct pack_entry *entry,
	struct exa_error *err)
{
	struct object_row row = {
		.id = entry->id,
		.at = f->at,
		.raw = (uint32_t)entry->data.size,
		.slot = entry->slot,
		.kind = entry->kind,
		.codec = f->head.codec,
	};

	if (entry->kind == PACK_RECORD)
		return true;
	v->result.objects++;
	if (!crypt_check_id(&v->store->crypt, entry->kind, entry->data, &entry->id))
		return exa_fail(err, EXA_CORRUPT, "object %u of the pack doesn't match its id",
			entry->slot);
	return check_row(v, &row, err);
}

static bool
check_pack(struct verify *v, const struct scan_frame *f, struct exa_error *err)
{
	struct pack_walk w;
	struct pack_entry entry;

	if (!pack_walk_begin(buf_bytes(&v->raw), &w, err))
		return false;
	while (pack_walk_next(&w, &entry)) {
		if (check_entry(v, f, &entry, err))
			continue;
		if (err->code != EXA_CORRUPT)
			return false;
		report_at(v, f->at, err);
	}
	return true;
}

/* The whole content of a frame, which is in v->raw. */
static bool
check_content(struct verify *v, const struct scan_frame *f, struct exa_error *err)
{
	struct pack_entry object = { .kind = (uint8_t)frame_object_kind(&f->head),
		.id = f->head.id,
		.data = buf_bytes(&v->raw) };

	if (frame_is_object(&f->head))
		return check_entry(v, f, &object, err);
	if (!crypt_check_id(&v->store->crypt, HASH_FRAME, buf_bytes(&v->raw), &f->head.id))
		return exa_fail(err, EXA_CORRUPT, "the frame's content doesn't match its id");
	if (f->head.kind == FRAME_COMMIT)
		return check_commit(v, f, err);
	if (f->head.kind == FRAME_SEAL)
		return check_seal(v, err);
	if (f->head.kind == FRAME_TOMB)
		return check_tomb(v, f, err);
	return check_pack(v, f, err);
}

static bool
needs_content(const struct verify *v, const struct frame_head *h)
{
	if (h->kind > FRAME_SEAL && h->kind != FRAME_TOMB)
		return false; /* a later version's, and not critical */
	return v->options->level == STORE_VERIFY_BLOBS || h->kind == FRAME_COMMIT ||
	       h->kind == FRAME_SEAL || h->kind == FRAME_TOMB;
}

static bool
load_content(struct verify *v, const struct scan_frame *f, struct exa_error *err)
{
	buf_reset(&v->raw);
	return unpack_frame(&v->unpacker, f->fd, f->at, &f->head, &v->raw, err);
}

/* ---- the walk ---- */

static void
enter_segment(struct verify *v, const struct scan_frame *f)
{
	uint8_t head[SEGMENT_HEAD_SIZE] = { 0 };
	struct exa_error ignored;

	if (v->seal_segment + 1 != f->at.segment)
		v->last_seal = (struct store_id){ 0 };
	if (f->tomb != NULL)
		cut_check_begin(&v->cut);
	v->segment = f->at.segment;
	v->segment_gap = v->scan.head_bad || f->at.offset != SEGMENT_HEAD_SIZE ||
			 !fs_pread_all(f->fd, head, sizeof head, 0, "the file", &ignored);
	sha256_begin(&v->heads);
	sha256_add(&v->heads, head, sizeof head);
	buf_reset(&v->table);
	v->table_count = 0;
	v->result.segments++;
}

static void
note_frame(struct verify *v, const struct scan_frame *f)
{
	uint8_t entry[SEAL_ENTRY_SIZE];

	seal_entry_put(&f->head, f->at.offset, entry);
	buf_add(&v->table, entry, sizeof entry);
	sha256_add(&v->heads, f->raw_head, HEAD_CHAINED);
	if (f->head.kind == FRAME_SEAL) {
		v->last_seal = f->head.id;
		v->seal_segment = f->at.segment;
	}
	if (f->tomb != NULL && !f->is_told) {
		if (f->head.kind != FRAME_TOMB && f->head.kind != FRAME_COMMIT)
			cut_check_add(&v->cut, f->raw_head);
	} else if (f->head.kind != FRAME_COMMIT) {
		chain_add(&v->chain, f->raw_head);
	}
}

static void
check_frame(struct verify *v, const struct scan_frame *f, struct exa_error *err)
{
	bool good = true;

	if (f->is_told) {
		note_frame(v, f);
		return;
	}
	v->result.frames++;
	v->result.stored_bytes += f->head.stored;
	if (f->at.segment != v->segment)
		enter_segment(v, f);
	if (needs_content(v, &f->head)) {
		if (!load_content(v, f, err)) {
			report(v, err);
			v->gap = v->gap || f->head.kind == FRAME_COMMIT;
		} else {
			good = check_content(v, f, err);
		}
	}
	if (!good)
		report_at(v, f->at, err);
	note_frame(v, f);
}

static void
tell_progress(struct verify *v, const struct scan_frame *f)
{
	v->done += frame_span(&f->head);
	if (v->options->progress == NULL || v->done - v->told < PROGRESS_STEP)
		return;
	v->told = v->done;
	v->options->progress(v->options->ctx, v->done, v->total);
}

static bool
walk(struct verify *v, struct exa_error *err)
{
	struct place first = { 1, SEGMENT_HEAD_SIZE };

	scan_begin(&v->scan, &v->store->files, first, 1);
	v->scan.stop = (struct place){ v->end.commit_at.segment, v->end.end };
	v->scan.check_payloads = v->options->level != STORE_VERIFY_HEADERS;
	for (;;) {
		struct scan_frame f;
		enum scan_result r = scan_next(&v->scan, &f, err);

		if (r == SCAN_FRAME) {
			check_frame(v, &f, err);
			tell_progress(v, &f);
		} else if (r == SCAN_HEAD) {
			report(v, err);
		} else if (r == SCAN_BAD) {
			report(v, err);
			v->gap = true;
			v->segment_gap = true;
			r = scan_skip(&v->scan, err);
			if (r != SCAN_FRAME)
				return r == SCAN_END;
		} else {
			return r == SCAN_END;
		}
	}
}

/* ---- rows the segments don't have ---- */

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
	MDB_val k = { .mv_size = STORE_ID_SIZE, .mv_data = key->bytes };
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
	if (rc == 0 && k.mv_size == STORE_ID_SIZE)
		memcpy(key->bytes, k.mv_data, STORE_ID_SIZE);
	mdb_cursor_close(cursor);
	index_read_end(&v->store->index, txn);
	if (good && rc != 0 && !*end)
		return index_fail(&v->store->index, err, rc, "counting objects");
	return good;
}

static bool
check_row_count(struct verify *v, struct exa_error *err)
{
	struct store_id key = { 0 };
	uint64_t count = 0;
	bool end = false;

	while (!end) {
		if (!count_some_rows(v, &key, &count, &end, err))
			return false;
	}
	if (count == v->rows_matched)
		return true;
	(void)exa_fail(err, EXA_CORRUPT,
		"the index names %llu objects, the segments hold %llu of them where it says",
		(unsigned long long)count, (unsigned long long)v->rows_matched);
	report(v, err);
	return true;
}

/* ---- all of it ---- */

/* Without the index the last COMMIT in the segments ends what is looked at. */
static bool
find_end(struct verify *v, struct exa_error *err)
{
	EXA_AUTO(scan_done) struct scan scan;
	enum scan_result r = SCAN_FRAME;

	scan_begin(&scan, &v->store->files, (struct place){ 1, SEGMENT_HEAD_SIZE }, 1);
	while (r == SCAN_FRAME || r == SCAN_HEAD) {
		struct scan_frame f;

		r = scan_next(&scan, &f, err);
		if (r == SCAN_BAD) {
			r = scan_skip(&scan, err);
		} else if (r == SCAN_FRAME && f.head.kind == FRAME_COMMIT) {
			v->end.commit = 1;
			v->end.commit_at = f.at;
			v->end.end = scan.at.offset;
		}
	}
	return r != SCAN_FAILED;
}

static bool
begin(struct verify *v, struct exa_error *err)
{
	MDB_txn *txn;
	bool good;

	if (v->store->access == STORE_SEGMENTS) {
		good = find_end(v, err);
	} else {
		if (!index_read_begin(&v->store->index, &txn, err))
			return false;
		good = index_get_watermark(&v->store->index, txn, &v->end, err);
		index_read_end(&v->store->index, txn);
		good = good && index_get_cutting(&v->store->index, &v->cutting, err);
	}
	for (uint32_t n = 1; good && n <= v->end.commit_at.segment; n++) {
		struct exa_error ignored;
		uint64_t size = 0;

		if (segdir_size(&v->store->files, n, &size, &ignored))
			v->total += n == v->end.commit_at.segment && size > v->end.end ? v->end.end
										       : size;
	}
	return good;
}

bool
store_verify(struct store *s, const struct store_verify_options *options,
	struct store_verify_result *out, struct exa_error *err)
{
	struct verify v = { .store = s, .options = options, .scan = { .fd = -1 } };
	bool good = begin(&v, err);

	unpacker_init(&v.unpacker, &s->files, &s->crypt, &s->codecs);
	chain_begin(&v.chain);
	if (good && v.end.commit > 0)
		good = walk(&v, err);
	if (good && options->level == STORE_VERIFY_BLOBS && s->access != STORE_SEGMENTS)
		good = check_row_count(&v, err);
	if (good && options->progress != NULL)
		options->progress(options->ctx, v.total, v.total);
	scan_done(&v.scan);
	unpacker_done(&v.unpacker);
	chain_done(&v.chain);
	sha256_done(&v.heads);
	cut_check_done(&v.cut);
	buf_done(&v.raw);
	buf_done(&v.table);
	v.result.finished = true;
	if (good)
		*out = v.result;
	return good;
}
