/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every open for writing does first: brings the index up to the last COMMIT the segments hold,
 * and puts away what was never committed.
 *
 * Frames behind the index's last commit are read strictly: headers, payloads, sequence, chain. The
 * first that fails ends the good part. Is it a torn write or damage? The writer begins nothing
 * after a COMMIT frame before its fdatasync has returned. So if behind the failing place there is a
 * COMMIT and any good frame behind that, or a COMMIT whose epoch began later, the place had been
 * durable and is damaged: nothing is cut, the open is refused. Otherwise it was never acknowledged
 * to anyone, and is cut.
 *
 * A segment with an unclean tail is never appended to: the next one is begun first, and only then
 * is the tail cut off (a copy stays aside as .torn). So after a crash at any point in here the next
 * recovery finds either the tail, or a new segment to go on in.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "handle.h"

#define COPY_STEP ((size_t)256 * 1024)

struct recovering {
	struct store *s;
	enum recovery how;
	struct scan scan;
	struct epoch epoch;
	struct codec *codec;
	struct buf scratch;
	struct watermark mark;
	bool damaged; /* something of this epoch was stepped over (RECOVER_ALL only) */
};

/* ---- the index's last commit ---- */

static bool
read_commit(int fd, struct place at, const struct frame_head *head, struct commit *out,
	struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf payload = { 0 };
	struct store_id id;

	if (!frame_read_payload(fd, at, head, &payload, err))
		return false;
	hash_id(HASH_FRAME, buf_bytes(&payload), &id);
	if (!id_equal(&id, &head->id))
		return exa_fail(err, EXA_CORRUPT, "a COMMIT doesn't match its id");
	return commit_get(buf_bytes(&payload), out, err);
}

/* The highest COMMIT number in the segments, for people who must decide; 0 = none was found. */
static uint64_t
last_commit_in_segments(const struct segdir *files)
{
	struct exa_error ignored;
	uint64_t last = 0;
	uint32_t segment;

	if (!segdir_highest(files, &segment, &ignored))
		return 0;
	for (; segment > 0 && last == 0; segment--) {
		EXA_AUTO(fs_closep) int fd = -1;
		struct place at = { segment, SEGMENT_HEAD_SIZE };
		struct frame_head head;
		struct commit c;

		if (!segdir_open(files, segment, O_RDONLY, &fd, &ignored))
			continue;
		while (frame_read_head(fd, at, &head, NULL, &ignored)) {
			if (head.kind == FRAME_COMMIT && read_commit(fd, at, &head, &c, &ignored))
				last = c.number;
			at.offset += frame_span(&head);
		}
	}
	return last;
}

static bool
not_there(struct place at, const char *what, struct exa_error *err)
{
	(void)exa_fail(err, EXA_CORRUPT, "%s", what);
	return place_while(err, at);
}

static bool
find_watermark(
	const struct store *s, const struct watermark *w, uint8_t *raw_head, struct exa_error *err)
{
	EXA_AUTO(fs_closep) int fd = -1;
	struct frame_head head;
	struct commit c;
	uint64_t size;

	if (!segdir_open(&s->files, w->commit_at.segment, O_RDONLY, &fd, err) ||
		!segdir_size(&s->files, w->commit_at.segment, &size, err) ||
		!frame_read_head(fd, w->commit_at, &head, raw_head, err))
		return false;
	if (size < w->end)
		return not_there(w->commit_at, "the file ends within the frame", err);
	if (head.kind != FRAME_COMMIT || head.sequence != w->sequence)
		return not_there(w->commit_at, "another frame stands in its place", err);
	if (!read_commit(fd, w->commit_at, &head, &c, err))
		return false;
	if (c.number != w->commit || memcmp(c.chain, w->chain, SHA256_SIZE) != 0)
		return not_there(w->commit_at, "another COMMIT stands in its place", err);
	return true;
}

/* Reads s->watermark; RAW_HEAD gets the COMMIT's header if there is one. */
static bool
load_watermark(struct store *s, uint8_t *raw_head, struct exa_error *err)
{
	MDB_txn *txn;
	bool good;

	if (!index_read_begin(&s->index, &txn, err))
		return false;
	good = index_get_watermark(&s->index, txn, &s->watermark, err);
	index_read_end(&s->index, txn);
	if (!good || s->watermark.commit == 0 || find_watermark(s, &s->watermark, raw_head, err))
		return good;
	if (err->code != EXA_CORRUPT)
		return false;
	return exa_while(err,
		"the segments don't hold commit %llu, which the index has (their last is %llu): "
		"they "
		"were damaged or come from an older copy; `exarch rebuild` fits the index to them, "
		"and what was archived in the commits they lack is archived again by the next run",
		(unsigned long long)s->watermark.commit,
		(unsigned long long)last_commit_in_segments(&s->files));
}

bool
check_watermark(struct store *s, struct exa_error *err)
{
	uint8_t raw_head[FRAME_HEAD_SIZE];

	return load_watermark(s, raw_head, err);
}

/* ---- reading forward ---- */

/* Whether COMMIT F closes an epoch that began behind SEQUENCE: then all up to there had been
 * durable. A COMMIT that is damaged itself tells nothing. */
static bool
begins_behind(
	const struct scan_frame *f, uint64_t sequence, bool *behind_out, struct exa_error *err)
{
	struct commit c;

	*behind_out = false;
	if (f->head.kind != FRAME_COMMIT)
		return true;
	if (!read_commit(f->fd, f->at, &f->head, &c, err))
		return err->code != EXA_IO;
	*behind_out = c.first_sequence > sequence;
	return true;
}

/*
 * Whether something durable lies behind the bad place, where SEQUENCE should stand: a COMMIT and,
 * after it, any good frame; or a COMMIT whose own epoch began later. False when that can't be told
 * because a file can't be read: then nothing may be cut.
 */
static bool
look_behind(const struct segdir *files, struct place at, uint64_t sequence, bool *durable_out,
	struct exa_error *err)
{
	struct scan probe;
	struct scan_frame f;
	bool commit_seen = false;
	bool proven = false;
	bool readable = true;
	enum scan_result r = SCAN_FRAME;

	scan_begin(&probe, files, at, sequence);
	while (readable && !proven && r == SCAN_FRAME) {
		r = scan_next(&probe, &f, err);
		if (r == SCAN_BAD) {
			r = scan_skip(&probe, err);
		} else if (r == SCAN_FRAME) {
			readable = begins_behind(&f, sequence, &proven, err);
			proven = proven || commit_seen;
			commit_seen = commit_seen || f.head.kind == FRAME_COMMIT;
		}
	}
	scan_done(&probe);
	*durable_out = proven;
	return readable && r != SCAN_FAILED;
}

static bool
commit_fits(const struct recovering *r, const struct scan_frame *f, const struct commit *c)
{
	uint8_t chain[SHA256_SIZE];

	if (r->damaged)
		return c->number > r->mark.commit;
	chain_value(&r->s->appender.chain, chain);
	return memcmp(chain, c->chain, SHA256_SIZE) == 0 && c->number == r->mark.commit + 1 &&
	       c->last_sequence + 1 == f->head.sequence &&
	       c->first_sequence == r->mark.sequence + 1;
}

/* Applies what was gathered. */
static bool
take_commit(struct recovering *r, const struct scan_frame *f, struct exa_error *err)
{
	struct commit c;

	if (!read_commit(f->fd, f->at, &f->head, &c, err))
		return place_while(err, f->at);
	if (!commit_fits(r, f, &c)) {
		(void)exa_fail(err, EXA_CORRUPT, "a COMMIT doesn't fit the frames before it");
		return place_while(err, f->at);
	}
	r->mark.commit_at = f->at;
	r->mark.end = r->scan.at.offset;
	r->mark.sequence = f->head.sequence;
	r->mark.commit = c.number;
	memcpy(r->mark.chain, c.chain, SHA256_SIZE);
	if (!epoch_apply(&r->epoch, &r->s->index, &r->s->schema, &r->mark, err))
		return false;
	chain_commit(&r->s->appender.chain, c.chain, f->raw_head);
	epoch_reset(&r->epoch);
	r->damaged = false;
	return true;
}

/* False with EXA_OK: what follows was never committed, stop here. */
static bool
step_over_damage(struct recovering *r, struct place at, uint64_t sequence, struct exa_error *err)
{
	struct exa_error why = *err;
	bool damage;

	if (err->code != EXA_CORRUPT || !look_behind(&r->s->files, at, sequence, &damage, err))
		return false;
	*err = why;
	if (!damage) {
		exa_error_clear(err);
		return false;
	}
	if (r->how == RECOVER_TAIL)
		return exa_while(err,
			"the archive is damaged behind commit %llu (`exarch rebuild` makes the "
			"index "
			"from everything that is still good)",
			(unsigned long long)r->mark.commit);
	r->damaged = true;
	return true;
}

/* One frame, good by itself: gathered, or closing an epoch. */
static bool
take_frame(struct recovering *r, const struct scan_frame *f, struct exa_error *err)
{
	if (f->head.kind == FRAME_COMMIT)
		return take_commit(r, f, err);
	chain_add(&r->s->appender.chain, f->raw_head);
	return epoch_add_scanned(&r->epoch, f, r->codec, &r->scratch, err);
}

static bool
read_forward(struct recovering *r, struct exa_error *err)
{
	uint32_t highest;

	if (!segdir_highest(&r->s->files, &highest, err))
		return false;
	for (;;) {
		struct scan_frame f;
		struct place at = r->scan.at;
		uint64_t sequence = r->scan.sequence;
		enum scan_result result;

		/* A rebuild needn't read large objects, where no torn write can be. */
		r->scan.check_payloads = r->how == RECOVER_TAIL || at.segment + 1 >= highest;
		result = scan_next(&r->scan, &f, err);
		if (result == SCAN_END)
			return true;
		if (result == SCAN_FRAME && take_frame(r, &f, err))
			continue;
		if (result == SCAN_FAILED || !step_over_damage(r, at, sequence, err))
			return result != SCAN_FAILED && err->code == EXA_OK;
		if (result == SCAN_BAD)
			result = scan_skip(&r->scan, err);
		if (result != SCAN_FRAME)
			return result == SCAN_END;
	}
}

/* ---- the tail ---- */

static bool
is_zero(const uint8_t *p, size_t size)
{
	return size == 0 || (p[0] == 0 && memcmp(p, p + 1, size - 1) == 0);
}

/* Only for people to look at: if there is no room for it, it isn't kept. */
static void
keep_copy(const struct segdir *files, uint32_t segment, int fd, uint64_t from)
{
	EXA_AUTO(exa_freep) char *path = segdir_path(files, segment, "torn");
	EXA_AUTO(fs_closep) int out = -1;
	EXA_AUTO(buf_done) struct buf step = { 0 };
	uint64_t done = 0;
	bool zero = true;
	ssize_t n;

	buf_reserve(&step, COPY_STEP);
	while ((n = pread(fd, step.data, COPY_STEP, (off_t)(from + done))) > 0) {
		struct exa_error ignored;

		zero = zero && is_zero(step.data, (size_t)n);
		if (!zero && out < 0)
			out = files->io->open(
				files->io->ctx, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		if (!zero &&
			(out < 0 || !seg_io_write(files->io, out, bytes_of(step.data, (size_t)n),
					    done, path, &ignored))) {
			(void)files->io->unlink(files->io->ctx, path);
			return;
		}
		done += (uint64_t)n;
	}
}

static bool
cut_segment(const struct segdir *files, uint32_t segment, uint64_t end, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *path = segdir_path(files, segment, "xseg");
	EXA_AUTO(fs_closep) int fd = -1;
	uint64_t size;

	if (!segdir_size(files, segment, &size, err))
		return false;
	if (size == end)
		return true;
	if (!segdir_open(files, segment, O_RDWR, &fd, err))
		return false;
	keep_copy(files, segment, fd, end);
	if (files->io->ftruncate(files->io->ctx, fd, (off_t)end) != 0)
		return exa_fail_errno(err, errno, "can't cut the unfinished end of %s", path);
	return seg_io_sync(files->io, fd, path, err);
}

/* A segment whose making was cut short has no good header: away with it. */
static bool
drop_unborn(const struct segdir *files, uint32_t *highest, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *path = segdir_path(files, *highest, "xseg");
	EXA_AUTO(exa_freep) char *aside = segdir_path(files, *highest, "torn");
	EXA_AUTO(exa_freep) char *folder = fs_dir_of(path);
	EXA_AUTO(fs_closep) int fd = -1;

	if (segdir_open(files, *highest, O_RDONLY, &fd, err))
		return true;
	if (err->code != EXA_CORRUPT)
		return false;
	if (files->io->rename(files->io->ctx, path, aside) != 0)
		return exa_fail_errno(err, errno, "can't put %s aside", path);
	(*highest)--;
	return seg_io_sync_dir(files->io, folder, err);
}

static uint64_t
good_end(uint32_t segment, struct place end)
{
	return segment == end.segment ? end.offset : SEGMENT_HEAD_SIZE;
}

static bool
find_unclean(const struct segdir *files, struct place end, uint32_t highest, bool *unclean_out,
	struct exa_error *err)
{
	*unclean_out = false;
	for (uint32_t n = end.segment; n <= highest; n++) {
		uint64_t size;

		if (!segdir_exists(files, n))
			return exa_fail(err, EXA_CORRUPT,
				"segment %08x is missing, but later ones are there", n);
		if (!segdir_size(files, n, &size, err))
			return false;
		*unclean_out = *unclean_out || size != good_end(n, end);
	}
	return true;
}

/* Where the new frames go: a segment begun after the unclean one. */
static bool
begin_after(const struct segdir *files, struct place end, uint32_t *highest, struct exa_error *err)
{
	EXA_AUTO(fs_closep) int fd = -1;
	struct segment_head head;
	uint8_t raw[SEGMENT_HEAD_SIZE];
	uint64_t size;

	if (*highest > end.segment) {
		if (!segdir_size(files, *highest, &size, err))
			return false;
		if (size == SEGMENT_HEAD_SIZE)
			return true;
	}
	(*highest)++;
	return segdir_create(files, *highest, &fd, &head, raw, err);
}

/* END: behind the last COMMIT. Gives the place of the next frame. */
static bool
put_tail_away(
	const struct segdir *files, struct place end, struct place *next_out, struct exa_error *err)
{
	uint32_t highest;
	uint32_t last;
	bool unclean;

	if (!segdir_highest(files, &highest, err))
		return false;
	last = highest;
	if ((highest > end.segment || (highest == 1 && end.offset == SEGMENT_HEAD_SIZE)) &&
		!drop_unborn(files, &highest, err))
		return false;
	if (!find_unclean(files, end, highest, &unclean, err))
		return false;
	if (unclean) {
		last = highest;
		if (!begin_after(files, end, &highest, err))
			return false;
		for (uint32_t n = end.segment; n <= last && n < highest; n++) {
			if (!cut_segment(files, n, good_end(n, end), err))
				return false;
		}
	}
	*next_out = (struct place){ highest, highest == 0 ? 0 : good_end(highest, end) };
	return true;
}

/* ---- all of it ---- */

static bool
begin_reading(struct recovering *r, struct exa_error *err)
{
	struct store *s = r->s;
	uint8_t raw_head[FRAME_HEAD_SIZE];
	struct place from = { 1, SEGMENT_HEAD_SIZE };

	if (!load_watermark(s, raw_head, err))
		return false;
	r->mark = s->watermark;
	if (r->mark.commit == 0) {
		chain_begin(&s->appender.chain);
	} else {
		chain_commit(&s->appender.chain, r->mark.chain, raw_head);
		from = (struct place){ r->mark.commit_at.segment, r->mark.end };
	}
	scan_begin(&r->scan, &s->files, from, r->mark.sequence + 1);
	return true;
}

/* The chain as it stood at the last COMMIT: what was read behind it doesn't count. */
static bool
ready_appender(struct recovering *r, struct exa_error *err)
{
	struct store *s = r->s;
	struct place end = { 1, SEGMENT_HEAD_SIZE };
	uint8_t raw_head[FRAME_HEAD_SIZE];
	struct place next;

	s->watermark = r->mark;
	if (r->mark.commit == 0) {
		chain_begin(&s->appender.chain);
	} else {
		end = (struct place){ r->mark.commit_at.segment, r->mark.end };
		if (!find_watermark(s, &r->mark, raw_head, err))
			return false;
		chain_commit(&s->appender.chain, r->mark.chain, raw_head);
	}
	if (!put_tail_away(&s->files, end, &next, err))
		return false;
	appender_begin(
		&s->appender, &s->files, s->format.segment_bytes, next, r->mark.sequence + 1);
	return true;
}

bool
recover(struct store *s, enum recovery how, struct exa_error *err)
{
	struct recovering r = { .s = s, .how = how, .scan = { .fd = -1 } };
	bool good;

	r.codec = codec_new();
	good = begin_reading(&r, err) && read_forward(&r, err) && ready_appender(&r, err);
	scan_done(&r.scan);
	epoch_done(&r.epoch);
	codec_free(r.codec);
	buf_done(&r.scratch);
	return good;
}
