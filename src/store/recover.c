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

#include "cut.h"
#include "handle.h"

#define COPY_STEP ((size_t)256 * 1024)
#define PROGRESS_FRAMES 256 /* between two words on how far a rebuild is */
/* What is gathered at a time where COMMITs don't bound it: in a cut segment, which has but one
 * whatever is in it, and where COMMITs are damaged. About what an epoch may have. */
#define PART_LOG_BYTES ((size_t)1024 * 1024)
#define PART_ROWS ((size_t)4096)

struct recovering {
	struct store *s;
	enum recovery how;
	struct scan scan;
	struct epoch epoch;
	struct unpacker unpacker;
	struct watermark mark;
	bool damaged;              /* something of this epoch was stepped over (RECOVER_ALL only) */
	struct place commit_ahead; /* the last one that was looked for behind damage */
	bool no_commit_ahead;
	uint64_t frames;
	bool moved; /* a COMMIT was applied */
};

/* ---- the index's last commit ---- */

static bool
read_commit(const struct store *s, int fd, struct place at, const struct frame_head *head,
	struct commit *out, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf payload = { 0 };

	if (!frame_read_payload(fd, at, head, &payload, err))
		return false;
	if (!crypt_check_id(&s->crypt, HASH_FRAME, buf_bytes(&payload), &head->id))
		return exa_fail(err, EXA_CORRUPT, "a COMMIT doesn't match its id");
	return commit_get(buf_bytes(&payload), out, err);
}

/* The highest COMMIT number in the segments, for people who must decide; 0 = none was found. */
static uint64_t
last_commit_in_segments(const struct store *s)
{
	struct exa_error ignored;
	uint64_t last = 0;
	uint32_t segment;

	if (!segdir_highest(&s->files, &segment, &ignored))
		return 0;
	for (; segment > 0 && last == 0; segment--) {
		EXA_AUTO(fs_closep) int fd = -1;
		struct place at = { segment, SEGMENT_HEAD_SIZE };
		struct frame_head head;
		struct commit c;

		if (!segdir_open(&s->files, segment, O_RDONLY, &fd, &ignored))
			continue;
		while (frame_read_head(fd, at, &head, NULL, &ignored)) {
			if (head.kind == FRAME_COMMIT &&
				read_commit(s, fd, at, &head, &c, &ignored))
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
	if (!read_commit(s, fd, w->commit_at, &head, &c, err))
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
		(unsigned long long)last_commit_in_segments(s));
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
begins_behind(const struct store *s, const struct scan_frame *f, uint64_t sequence,
	bool *behind_out, struct exa_error *err)
{
	struct commit c;

	*behind_out = false;
	if (f->head.kind != FRAME_COMMIT)
		return true;
	if (!read_commit(s, f->fd, f->at, &f->head, &c, err))
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
look_behind(const struct store *s, struct place at, uint64_t sequence, bool *durable_out,
	struct exa_error *err)
{
	struct scan probe;
	struct scan_frame f;
	bool commit_seen = false;
	bool proven = false;
	bool readable = true;
	enum scan_result r = SCAN_FRAME;

	scan_begin(&probe, &s->files, at, sequence);
	while (readable && !proven && (r == SCAN_FRAME || r == SCAN_HEAD)) {
		r = scan_next(&probe, &f, err);
		if (r == SCAN_BAD) {
			r = scan_skip(&probe, err);
		} else if (r == SCAN_FRAME) {
			readable = begins_behind(s, &f, sequence, &proven, err);
			proven = proven || commit_seen;
			commit_seen = commit_seen || f.head.kind == FRAME_COMMIT;
		}
	}
	scan_done(&probe);
	*durable_out = proven;
	return readable && r != SCAN_FAILED;
}

static bool
is_ahead(struct place place, struct place of)
{
	return place.segment != of.segment ? place.segment > of.segment : place.offset >= of.offset;
}

static bool
commit_fits(const struct recovering *r, const struct scan_frame *f, const struct commit *c)
{
	uint8_t chain[SHA256_SIZE];

	if (f->tomb != NULL) /* the frames it closed are gone; the TOMB has been compared */
		return c->number == f->tomb->last_commit && c->number > r->mark.commit;
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

	if (!read_commit(r->s, f->fd, f->at, &f->head, &c, err))
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
	r->moved = true;
	return true;
}

/* A cut segment begins where the last COMMIT left off. */
static bool
take_tomb(struct recovering *r, const struct scan_frame *f, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf payload = { 0 };

	if (!frame_read_payload(f->fd, f->at, &f->head, &payload, err))
		return false;
	if (!crypt_check_id(&r->s->crypt, HASH_FRAME, buf_bytes(&payload), &f->head.id))
		(void)exa_fail(err, EXA_CORRUPT, "a TOMB doesn't match its id");
	else if (!r->damaged && (f->tomb->first_commit != r->mark.commit + 1 ||
					memcmp(f->tomb->chain, r->mark.chain, SHA256_SIZE) != 0))
		(void)exa_fail(err, EXA_CORRUPT, "a TOMB doesn't fit the segments before it");
	else
		return true;
	return place_while(err, f->at);
}

/* Behind damage: is there a COMMIT ahead that will be taken, and with it what was gathered? */
static bool
look_for_commit(struct recovering *r, bool *ahead_out, struct exa_error *err)
{
	enum scan_result result = SCAN_FRAME;
	bool ahead = is_ahead(r->commit_ahead, r->scan.at);
	struct scan_frame f;
	struct scan probe;
	struct commit c;

	scan_begin(&probe, &r->s->files, r->scan.at, r->scan.sequence);
	while (!ahead && !r->no_commit_ahead && (result == SCAN_FRAME || result == SCAN_HEAD)) {
		result = scan_next(&probe, &f, err);
		if (result == SCAN_BAD)
			result = scan_skip(&probe, err);
		else if (result == SCAN_FRAME && f.head.kind == FRAME_COMMIT)
			ahead = read_commit(r->s, f.fd, f.at, &f.head, &c, err) &&
				commit_fits(r, &f, &c);
		if (ahead)
			r->commit_ahead = f.at;
	}
	scan_done(&probe);
	r->no_commit_ahead = !ahead;
	*ahead_out = ahead;
	return result != SCAN_FAILED;
}

/*
 * Applies what was gathered before its COMMIT, where it may be more than fits into memory. In a cut
 * segment that COMMIT is known to be there; behind damage it is looked for, and if none comes,
 * nothing that is gathered here will ever count.
 */
static bool
apply_part(struct recovering *r, bool is_cut, struct exa_error *err)
{
	bool counts = is_cut;

	if (r->epoch.log.size < PART_LOG_BYTES && r->epoch.row_count < PART_ROWS)
		return true;
	if (!is_cut && !look_for_commit(r, &counts, err))
		return false;
	if (counts && !epoch_apply(&r->epoch, &r->s->index, &r->s->schema, &r->mark, err))
		return false;
	epoch_reset(&r->epoch);
	return true;
}

/* False with EXA_OK: what follows was never committed, stop here. */
static bool
step_over_damage(struct recovering *r, struct place at, uint64_t sequence, struct exa_error *err)
{
	struct exa_error why = *err;
	bool damage;

	if (err->code != EXA_CORRUPT || !look_behind(r->s, at, sequence, &damage, err))
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
	if (f->head.kind == FRAME_TOMB)
		return take_tomb(r, f, err);
	chain_add(&r->s->appender.chain, f->raw_head);
	return epoch_add_scanned(&r->epoch, f, &r->unpacker, err) &&
	       ((f->tomb == NULL && !r->damaged) || apply_part(r, f->tomb != NULL, err));
}

/* On to the next good frame behind what was judged to be damage, which is told. BAD: none was good
 * here; else frame F was, but for its content. */
static enum scan_result
go_behind(struct recovering *r, bool bad, const struct scan_frame *f, uint64_t sequence,
	struct exa_error *err)
{
	struct exa_error why = *err;
	struct rebuild_gap gap = { .at = bad ? r->scan.at : f->at, .first = sequence, .why = &why };
	enum scan_result result = bad ? scan_skip(&r->scan, err) : SCAN_FRAME;

	if (result == SCAN_FRAME)
		gap.end = r->scan.at;
	gap.last = r->scan.sequence - 1;
	if (result != SCAN_FAILED)
		rebuild_tell(r->s, &gap);
	return result;
}

/* A segment's own header is damaged: nothing is lost by it. */
static void
tell_head(struct recovering *r, const struct exa_error *why)
{
	struct place at = { .segment = r->scan.at.segment };
	struct place end = { .segment = at.segment, .offset = SEGMENT_HEAD_SIZE };

	if (r->how == RECOVER_ALL)
		rebuild_tell(r->s,
			&(struct rebuild_gap){ .at = at, .end = end, .first = 1, .why = why });
}

static void
tell_progress(struct recovering *r)
{
	if (r->how == RECOVER_ALL && ++r->frames % PROGRESS_FRAMES == 0)
		rebuild_progress(r->s, r->scan.at);
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
		if (result == SCAN_HEAD) {
			tell_head(r, err);
			continue;
		}
		tell_progress(r);
		if (result == SCAN_FRAME && take_frame(r, &f, err))
			continue;
		if (result == SCAN_FAILED || !step_over_damage(r, at, sequence, err))
			return result != SCAN_FAILED && err->code == EXA_OK;
		result = go_behind(r, result == SCAN_BAD, &f, sequence, err);
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
	struct segment_head head;

	if (!segdir_open(files, *highest, O_RDONLY, &fd, err))
		return false;
	if (segdir_read_head(files, *highest, fd, &head, NULL, err))
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

/* END: behind the last COMMIT. Gives the place of the next frame, which is never in a cut segment.
 */
static bool
put_tail_away(const struct segdir *files, struct place end, bool is_cut, struct place *next_out,
	struct exa_error *err)
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
	if (unclean || (is_cut && highest == end.segment)) {
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

/* A TOMB that is damaged tells of no SEAL, here as when it is read. */
static bool
look_for_tomb(
	struct store *s, uint32_t segment, bool *cut_out, struct tomb *out, struct exa_error *err)
{
	*out = (struct tomb){ 0 };
	if (cut_look_in(&s->files, segment, cut_out, out, err))
		return true;
	*cut_out = true;
	return err->code == EXA_CORRUPT;
}

/* The chain as it stood at the last COMMIT: what was read behind it doesn't count. But for the SEAL
 * of a cut segment, should that be the last there is: its TOMB makes it part of what goes on. */
static bool
ready_appender(struct recovering *r, struct exa_error *err)
{
	struct store *s = r->s;
	struct place end = { 1, SEGMENT_HEAD_SIZE };
	uint8_t raw_head[FRAME_HEAD_SIZE];
	uint64_t sequence = r->mark.sequence + 1;
	struct frame_head seal;
	struct place next;
	struct tomb tomb;
	bool is_cut = false;

	s->watermark = r->mark;
	if (r->mark.commit == 0) {
		chain_begin(&s->appender.chain);
	} else {
		end = (struct place){ r->mark.commit_at.segment, r->mark.end };
		if (!find_watermark(s, &r->mark, raw_head, err) ||
			!look_for_tomb(s, end.segment, &is_cut, &tomb, err))
			return false;
		chain_commit(&s->appender.chain, r->mark.chain, raw_head);
	}
	if (is_cut && tomb_seal(&tomb, &seal)) {
		chain_add(&s->appender.chain, tomb.seal_head);
		sequence++;
	}
	if (!put_tail_away(&s->files, end, is_cut, &next, err))
		return false;
	appender_begin(&s->appender, &s->files, &s->crypt, s->format.segment_bytes, next, sequence);
	return true;
}

bool
recover(struct store *s, enum recovery how, struct exa_error *err)
{
	struct recovering r = { .s = s, .how = how, .scan = { .fd = -1 } };
	bool good;

	unpacker_init(&r.unpacker, &s->files, &s->crypt, &s->codecs);
	good = begin_reading(&r, err) && read_forward(&r, err) && ready_appender(&r, err) &&
	       compact_settle(s, how, r.moved, err);
	scan_done(&r.scan);
	epoch_done(&r.epoch);
	unpacker_done(&r.unpacker);
	return good;
}
