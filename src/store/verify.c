/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verify: walks the segments from the first frame to the last commit the index has, and checks what
 * the level asks for. It goes on behind each damaged place. Reads only what a writer beside it will
 * never change.
 *
 * Between two segments it can stop, and go on later: all that frames behind the border are measured
 * by is in struct store_verify_position. Damage in front of it was told; it isn't told again.
 */
#include <string.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "index_cut.h"
#include "verify.h"

#define PROGRESS_STEP ((uint64_t)8 << 20)

static struct store_loc
loc_of(struct place at)
{
	return (struct store_loc){ .segment = at.segment, .offset = at.offset };
}

void
verify_report(struct verify *v, const struct store_damage *damage)
{
	v->result.damaged++;
	v->rows_unsure = v->rows_unsure || damage->first <= damage->last;
	v->options->damaged(v->options->ctx, damage);
}

void
verify_report_frame(struct verify *v, const struct scan_frame *f, enum verify_loss loss,
	const struct exa_error *what)
{
	const struct store_damage damage = {
		.at = loc_of(f->at),
		.end = { .segment = f->at.segment, .offset = f->at.offset + frame_span(&f->head) },
		.first = loss == VERIFY_FRAME_LOST ? f->head.sequence : 1,
		.last = loss == VERIFY_FRAME_LOST ? f->head.sequence : 0,
		.what = *what,
	};

	verify_report(v, &damage);
}

/* Of FROM up to the one in front of SEGMENT. */
static uint64_t
bytes_between(const struct verify *v, uint32_t from, uint32_t segment)
{
	uint64_t total = 0;

	for (uint32_t n = from; n < segment; n++) {
		struct exa_error ignored;
		uint64_t size = 0;

		if (segdir_size(&v->store->files, n, &size, &ignored))
			total += size;
	}
	return total;
}

uint64_t
verify_bytes_before(const struct verify *v, uint32_t segment)
{
	return bytes_between(v, 1, segment);
}

static void
tell_progress(struct verify *v)
{
	if (v->options->progress == NULL || v->done - v->told < PROGRESS_STEP)
		return;
	v->told = v->done;
	v->options->progress(v->options->ctx, v->done, v->total);
}

/* ---- from segment to segment ---- */

/* SEQUENCE: the one the segment's first frame should have. */
static void
keep_position(struct verify *v, uint32_t segment, uint64_t sequence)
{
	struct store_verify_position p;

	v->passed_bytes += bytes_between(v, v->passed, segment);
	v->passed = segment;
	p = (struct store_verify_position){
		.segment = segment,
		.gap = v->gap,
		.sequence = sequence,
		.commit = v->last_commit,
		.objects_matched = v->rows_matched,
		.bytes_before = v->rows_unsure ? 0 : v->passed_bytes,
	};

	memcpy(p.uuid, v->store->format.uuid, UUID_SIZE);
	memcpy(p.chain, v->last_chain, SHA256_SIZE);
	memcpy(p.commit_head, v->last_head, FRAME_HEAD_SIZE);
	memcpy(p.seal_head, v->seal_head, FRAME_HEAD_SIZE);
	v->result.next = p;
	if (v->options->reached != NULL)
		v->options->reached(v->options->ctx, &p);
}

static void
enter_segment(struct verify *v, uint32_t segment, uint64_t sequence)
{
	uint8_t head[SEGMENT_HEAD_SIZE] = { 0 };
	struct exa_error ignored;

	if (segment == v->segment)
		return;
	if (!v->sealed || segment != v->segment + 1)
		memset(v->seal_head, 0, sizeof v->seal_head);
	keep_position(v, segment, sequence);
	v->segment = segment;
	v->segment_gap = v->scan.head_bad || v->scan.fd < 0 ||
			 !fs_pread_all(v->scan.fd, head, sizeof head, 0, "the file", &ignored);
	v->result.segments += v->scan.fd >= 0;
	v->sealed = false;
	cut_check_begin(&v->cut);
	sha256_begin(&v->heads);
	sha256_add(&v->heads, head, sizeof head);
	buf_reset(&v->table);
}

/* What later frames are measured by. */
static void
note_frame(struct verify *v, const struct scan_frame *f)
{
	uint8_t entry[SEAL_ENTRY_SIZE];

	v->result.frames++;
	v->result.stored_bytes += f->head.stored;
	v->done += frame_span(&f->head);
	seal_entry_put(&f->head, f->at.offset, entry);
	buf_add(&v->table, entry, sizeof entry);
	sha256_add(&v->heads, f->raw_head, HEAD_CHAINED);
	if (f->tomb != NULL && f->head.kind != FRAME_TOMB && f->head.kind != FRAME_COMMIT)
		cut_check_add(&v->cut, f->raw_head);
	if (f->tomb == NULL && f->head.kind != FRAME_COMMIT)
		chain_add(&v->chain, f->raw_head);
	if (f->head.kind == FRAME_SEAL) {
		v->sealed = true;
		memcpy(v->seal_head, f->raw_head, FRAME_HEAD_SIZE);
	}
}

/* A SEAL that only a TOMB tells of. */
static void
note_told(struct verify *v, const struct scan_frame *f)
{
	chain_add(&v->chain, f->raw_head);
	v->sealed = true;
	memcpy(v->seal_head, f->raw_head, FRAME_HEAD_SIZE);
}

static bool
take_frame(struct verify *v, const struct scan_frame *f, struct exa_error *err)
{
	if (f->is_told) {
		note_told(v, f);
		return true;
	}
	pace_take(&v->pace, FRAME_HEAD_SIZE, v->options->cancel);
	if (v->sealed && f->at.segment == v->segment) {
		(void)exa_fail(err, EXA_CORRUPT, "a frame stands behind the SEAL");
		(void)place_while(err, f->at);
		verify_report_frame(v, f, VERIFY_NOTHING_LOST, err);
	}
	if (!verify_frame(v, f, err))
		return false;
	verify_index_take(v, f);
	note_frame(v, f);
	tell_progress(v);
	return true;
}

/* ---- damage ---- */

/* Goes to the next good frame. False: there is none (EXA_OK), or the files can't be read. */
static bool
step_over(struct verify *v, struct place bad, uint64_t sequence, struct exa_error *err)
{
	struct store_damage damage = {
		.at = loc_of(bad), .first = sequence, .last = v->end.sequence, .what = *err
	};
	enum scan_result r = scan_skip(&v->scan, err);

	if (r == SCAN_FAILED)
		return false;
	if (r == SCAN_FRAME) {
		damage.end = loc_of(v->scan.at);
		damage.last = v->scan.sequence - 1;
	}
	v->gap = true;
	v->segment_gap = true;
	verify_report(v, &damage);
	exa_error_clear(err);
	return r == SCAN_FRAME;
}

/* The segment's own header; its frames come next. */
static void
report_head(struct verify *v, const struct exa_error *what)
{
	const struct store_damage damage = { .at = { .segment = v->segment },
		.end = { .segment = v->segment, .offset = SEGMENT_HEAD_SIZE },
		.first = 1,
		.what = *what };

	verify_report(v, &damage);
}

/* ---- the walk ---- */

static bool
walk(struct verify *v, struct exa_error *err)
{
	while (!cancel_raised(v->options->cancel)) {
		uint64_t sequence = v->scan.sequence;
		struct scan_frame f;
		enum scan_result r = scan_next(&v->scan, &f, err);

		switch (r) {
		case SCAN_FRAME:
			enter_segment(v, f.at.segment, sequence);
			if (!take_frame(v, &f, err))
				return false;
			break;
		case SCAN_HEAD:
			enter_segment(v, v->scan.at.segment, sequence);
			report_head(v, err);
			break;
		case SCAN_BAD:
			enter_segment(v, v->scan.at.segment, sequence);
			if (!step_over(v, v->scan.at, sequence, err)) {
				v->result.finished = err->code == EXA_OK;
				return v->result.finished;
			}
			break;
		case SCAN_END:
			v->result.finished = true;
			return true;
		case SCAN_FAILED:
			return false;
		}
	}
	return true;
}

/* ---- where it begins and ends ---- */

/* The last COMMIT with a good header. What stands behind it never counted. */
static bool
find_last_commit(const struct segdir *files, struct watermark *out, struct exa_error *err)
{
	struct watermark w = { 0 };
	uint32_t segment;

	if (!segdir_highest(files, &segment, err))
		return false;
	for (; segment > 0 && w.end == 0; segment--) {
		struct scan scan;
		struct scan_frame f;
		enum scan_result r = SCAN_FRAME;

		scan_begin(&scan, files, (struct place){ segment, SEGMENT_HEAD_SIZE }, 0);
		scan.reads_on = true;
		while (r == SCAN_FRAME || r == SCAN_HEAD) {
			r = scan_next(&scan, &f, err);
			if (r == SCAN_BAD)
				r = scan_skip(&scan, err);
			else if (r == SCAN_FRAME && f.head.kind == FRAME_COMMIT)
				w = (struct watermark){ .commit_at = f.at,
					.end = scan.at.offset,
					.sequence = f.head.sequence };
		}
		scan_done(&scan);
		if (r == SCAN_FAILED)
			return false;
	}
	*out = w;
	return true;
}

static bool
find_end(struct verify *v, struct exa_error *err)
{
	struct index *x = &v->store->index;
	MDB_txn *txn;
	bool good;

	if (x->env == NULL)
		return find_last_commit(&v->store->files, &v->end, err);
	if (!index_read_begin(x, &txn, err))
		return false;
	good = index_get_watermark(x, txn, &v->end, err);
	index_read_end(x, txn);
	return good && index_get_cutting(x, &v->cutting, err);
}

/* Takes up the thread where an earlier part of the round let go of it. */
static bool
go_on_from(struct verify *v, const struct store_verify_position *p, struct exa_error *err)
{
	static const uint8_t none[FRAME_HEAD_SIZE];

	if (memcmp(p->uuid, v->store->format.uuid, UUID_SIZE) != 0)
		return exa_fail(err, EXA_USAGE, "the position to go on from is in another archive");
	if (p->segment > v->end.commit_at.segment || p->sequence == 0)
		return exa_fail(err, EXA_USAGE,
			"the position to go on from is segment %08x, the archive ends in %08x",
			p->segment, v->end.commit_at.segment);
	if (p->commit > 0)
		chain_commit(&v->chain, p->chain, p->commit_head);
	v->sealed = memcmp(p->seal_head, none, sizeof none) != 0;
	if (v->sealed)
		chain_add(&v->chain, p->seal_head);
	v->gap = p->gap;
	v->last_commit = p->commit;
	memcpy(v->last_chain, p->chain, SHA256_SIZE);
	memcpy(v->last_head, p->commit_head, FRAME_HEAD_SIZE);
	memcpy(v->seal_head, p->seal_head, FRAME_HEAD_SIZE);
	v->rows_matched = p->objects_matched;
	v->done = verify_bytes_before(v, p->segment);
	v->rows_unsure = v->done != p->bytes_before;
	v->passed = p->segment;
	v->passed_bytes = v->done;
	v->segment = p->segment - 1;
	scan_begin(&v->scan, &v->store->files, (struct place){ p->segment, SEGMENT_HEAD_SIZE },
		p->sequence);
	return true;
}

static bool
begin(struct verify *v, struct exa_error *err)
{
	struct exa_error ignored;
	uint64_t size = 0;

	scan_begin(&v->scan, &v->store->files, (struct place){ 1, SEGMENT_HEAD_SIZE }, 1);
	if (!find_end(v, err))
		return false;
	v->bytes_at_begin = verify_bytes_before(v, v->end.commit_at.segment);
	v->total = v->bytes_at_begin;
	if (v->end.end > 0 &&
		segdir_size(&v->store->files, v->end.commit_at.segment, &size, &ignored))
		v->total += size < v->end.end ? size : v->end.end;
	memcpy(v->result.next.uuid, v->store->format.uuid, UUID_SIZE);
	if (v->options->from.segment != 0 && !go_on_from(v, &v->options->from, err))
		return false;
	v->told = v->done;
	v->scan.stop = (struct place){ v->end.commit_at.segment, v->end.end };
	v->scan.reads_on = true;
	if (v->options->from.segment != 0)
		v->result.next = v->options->from;
	return true;
}

/* ---- all of it ---- */

static void
end(struct verify *v)
{
	verify_index_done(v);
	scan_done(&v->scan);
	unpacker_done(&v->unpacker);
	chain_done(&v->chain);
	sha256_done(&v->heads);
	cut_check_done(&v->cut);
	buf_done(&v->raw);
	buf_done(&v->table);
}

bool
store_verify(struct store *s, const struct store_verify_options *options,
	struct store_verify_result *out, struct exa_error *err)
{
	struct verify v = { .store = s, .options = options, .scan = { .fd = -1 }, .passed = 1 };
	bool good;

	unpacker_init(&v.unpacker, &s->files, &s->crypt, &s->codecs);
	chain_begin(&v.chain);
	pace_begin(&v.pace, options->bytes_per_s);
	verify_files(&v);
	good = begin(&v, err);
	if (good)
		verify_index_begin(&v);
	if (good && v.end.end > 0)
		good = walk(&v, err);
	else
		v.result.finished = true;
	good = good && verify_rows_end(&v, err);
	if (good)
		verify_index_end(&v);
	if (good && v.result.finished && options->progress != NULL)
		options->progress(options->ctx, v.total, v.total);
	end(&v);
	if (good)
		*out = v.result;
	return good;
}
