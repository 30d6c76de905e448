/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "cut.h"
#include "scan.h"

#define SKIP_STEP ((size_t)64 * 1024)
#define UNREADABLE ((uint64_t)4096) /* what a disk, or the page cache, can't give at once */

void
scan_begin(struct scan *s, const struct segdir *files, struct place at, uint64_t sequence)
{
	*s = (struct scan){ .files = files, .fd = -1, .at = at, .sequence = sequence };
}

void
scan_done(struct scan *s)
{
	fs_closep(&s->fd);
}

static bool
is_past_stop(const struct scan *s)
{
	if (s->stop.segment == 0 || s->at.segment < s->stop.segment)
		return false;
	return s->at.segment > s->stop.segment || s->at.offset >= s->stop.offset;
}

/* Of the file that is open: a compaction may have put another in its place by now. A TOMB that is
 * damaged makes nothing of the segment; it is met as a frame. */
static bool
look_at_file(struct scan *s, struct exa_error *err)
{
	struct exa_error damage;
	struct stat st;

	if (fstat(s->fd, &st) != 0) {
		(void)exa_fail_errno(err, errno, "can't look at the file");
		return place_while(err, s->at);
	}
	s->size = (uint64_t)st.st_size;
	s->seal_told = false;
	if (!cut_look(s->fd, s->at.segment, &s->is_cut, &s->tomb, &damage))
		s->is_cut = false;
	return true;
}

static bool
open_segment(struct scan *s, struct exa_error *err)
{
	if (s->fd >= 0)
		return true;
	s->head_told = false;
	s->head_bad = false;
	return segdir_open(s->files, s->at.segment, O_RDONLY, &s->fd, err) && look_at_file(s, err);
}

/* Of what was opened. */
static enum scan_result
failure_kind(const struct scan *s, const struct exa_error *err)
{
	return err->code == EXA_IO && !s->reads_on ? SCAN_FAILED : SCAN_BAD;
}

/* The header of a segment that was entered; one that is merely damaged is told, once. */
static bool
check_head(struct scan *s, struct exa_error *err)
{
	struct segment_head head;

	if (s->head_told)
		return true;
	if (s->size < SEGMENT_HEAD_SIZE) {
		(void)exa_fail(err, EXA_CORRUPT, "the file ends within its header");
		return place_while(err, (struct place){ .segment = s->at.segment });
	}
	s->head_bad = !segdir_read_head(s->files, s->at.segment, s->fd, &head, NULL, err);
	s->head_told = !s->head_bad || failure_kind(s, err) == SCAN_BAD;
	return !s->head_bad;
}

/* Goes to the beginning of the next segment. */
static void
leave_segment(struct scan *s)
{
	fs_closep(&s->fd);
	s->is_cut = false;
	s->at = (struct place){ .segment = s->at.segment + 1, .offset = SEGMENT_HEAD_SIZE };
}

/* A TOMB stands at the beginning, and its segment began where the scan is. */
static bool
check_tomb(const struct scan *s, const struct scan_frame *f, struct exa_error *err)
{
	struct tomb tomb;
	bool is_cut;

	if (f->at.offset == SEGMENT_HEAD_SIZE &&
		!cut_look(s->fd, f->at.segment, &is_cut, &tomb, err))
		return place_while(err, f->at);
	if (f->at.offset == SEGMENT_HEAD_SIZE && s->is_cut && s->tomb.first == s->sequence)
		return frame_check_payload(s->fd, f->at, &f->head, err);
	(void)exa_fail(err, EXA_CORRUPT, "a TOMB stands here where frame %llu should",
		(unsigned long long)s->sequence);
	return place_while(err, f->at);
}

static bool
sequence_fits(const struct scan *s, const struct frame_head *h)
{
	if (s->is_cut && h->kind == FRAME_COMMIT)
		return h->sequence == tomb_commit_sequence(&s->tomb) && h->sequence >= s->sequence;
	return h->sequence == s->sequence;
}

static bool
check_frame(struct scan *s, const struct scan_frame *f, struct exa_error *err)
{
	if (f->at.offset + frame_span(&f->head) > s->size) {
		(void)exa_fail(err, EXA_CORRUPT, "the file ends within the frame");
		return place_while(err, f->at);
	}
	if (f->head.kind == FRAME_TOMB)
		return check_tomb(s, f, err);
	if (!sequence_fits(s, &f->head)) {
		(void)exa_fail(err, EXA_CORRUPT, "frame %llu stands here where %llu should",
			(unsigned long long)f->head.sequence, (unsigned long long)s->sequence);
		return place_while(err, f->at);
	}
	return !s->check_payloads || frame_check_payload(s->fd, f->at, &f->head, err);
}

/* At the end of a cut segment: the SEAL that it had, if there is one to tell of. */
static bool
tell_seal(struct scan *s, struct scan_frame *out)
{
	struct scan_frame f = { .at = s->at, .fd = s->fd, .tomb = &s->tomb, .is_told = true };

	if (!s->is_cut || s->seal_told || !tomb_seal(&s->tomb, &f.head) ||
		f.head.sequence != s->sequence)
		return false;
	memcpy(f.raw_head, s->tomb.seal_head, HEAD_CHAINED);
	s->seal_told = true;
	s->sequence++;
	*out = f;
	return true;
}

/* The segment's file isn't there: the end, unless there are later ones. */
static enum scan_result
nothing_here(const struct scan *s, struct exa_error *err)
{
	uint32_t highest = 0;

	if (!segdir_highest(s->files, &highest, err))
		return SCAN_FAILED;
	if (s->stop.segment == 0 && highest < s->at.segment)
		return SCAN_END;
	(void)exa_fail(err, EXA_CORRUPT, "the file is missing");
	(void)place_while(err, s->at);
	return SCAN_BAD;
}

enum scan_result
scan_next(struct scan *s, struct scan_frame *out, struct exa_error *err)
{
	struct scan_frame f = { 0 };

	for (;;) {
		if (is_past_stop(s))
			return SCAN_END;
		if (s->fd < 0 && !segdir_exists(s->files, s->at.segment))
			return nothing_here(s, err);
		if (!open_segment(s, err))
			return err->code == EXA_IO ? SCAN_FAILED : SCAN_BAD;
		if (!check_head(s, err))
			return s->head_told ? SCAN_HEAD : failure_kind(s, err);
		if (s->at.offset < s->size)
			break;
		if (tell_seal(s, out))
			return SCAN_FRAME;
		leave_segment(s);
	}
	f.at = s->at;
	if (!frame_read_head(s->fd, f.at, &f.head, f.raw_head, err) || !check_frame(s, &f, err))
		return failure_kind(s, err);
	f.fd = s->fd;
	f.tomb = s->is_cut ? &s->tomb : NULL;
	s->at.offset += frame_span(&f.head);
	if (f.head.kind != FRAME_TOMB)
		s->sequence = f.head.sequence + 1;
	*out = f;
	return SCAN_FRAME;
}

/* At the beginning of a cut segment that is further on than the scan. */
static bool
is_at_later_tomb(const struct scan *s)
{
	return s->is_cut && s->at.offset == SEGMENT_HEAD_SIZE && s->tomb.first >= s->sequence;
}

/* SIZE bytes at `at`, or where that can't be read as many as a header has. */
static bool
read_step(struct scan *s, uint8_t *step, size_t *size, struct exa_error *err)
{
	if (fs_pread_all(s->fd, step, *size, s->at.offset, "the file", err))
		return true;
	if (failure_kind(s, err) == SCAN_FAILED)
		return place_while(err, s->at);
	*size = FRAME_HEAD_SIZE;
	return fs_pread_all(s->fd, step, *size, s->at.offset, "the file", err);
}

/* A good header among SIZE bytes from `at`, which is then its place. */
static bool
find_header_in(struct scan *s, const uint8_t *step, size_t size)
{
	for (size_t i = 0; i + FRAME_HEAD_SIZE <= size; i += FRAME_ALIGN) {
		struct place at = { s->at.segment, s->at.offset + i };
		struct exa_error ignored;
		struct frame_head head;

		if (frame_head_magic(step + i) && frame_head_get(step + i, at, &head, &ignored) &&
			head.sequence >= s->sequence) {
			s->at = at;
			s->sequence = head.sequence;
			return true;
		}
	}
	return false;
}

/* A good header at or after `at`, in the open segment. */
static enum scan_result
find_header(struct scan *s, struct exa_error *err)
{
	uint8_t step[SKIP_STEP];

	if (is_at_later_tomb(s)) {
		s->sequence = s->tomb.first;
		return SCAN_FRAME;
	}
	while (s->at.offset + FRAME_HEAD_SIZE <= s->size) {
		uint64_t left = s->size - s->at.offset;
		size_t size = left < SKIP_STEP ? (size_t)left : SKIP_STEP;

		if (read_step(s, step, &size, err)) {
			if (find_header_in(s, step, size))
				return SCAN_FRAME;
			s->at.offset += size - FRAME_HEAD_SIZE + FRAME_ALIGN;
		} else if (failure_kind(s, err) == SCAN_FAILED) {
			return SCAN_FAILED;
		} else { /* nor can a header that reaches into what follows */
			s->at.offset = (s->at.offset / UNREADABLE + 1) * UNREADABLE;
		}
	}
	return SCAN_END;
}

/* Past the bad place by as little as can be: a frame whose header is good, else 8 bytes. */
static void
step_over(struct scan *s)
{
	struct exa_error ignored;
	struct frame_head head;

	if (is_at_later_tomb(s) && s->tomb.first > s->sequence)
		return;
	if (!frame_read_head(s->fd, s->at, &head, NULL, &ignored) ||
		s->at.offset + frame_span(&head) > s->size) {
		s->at.offset += FRAME_ALIGN;
	} else if (head.sequence <= s->sequence) {
		s->at.offset += frame_span(&head);
		if (head.sequence == s->sequence)
			s->sequence++;
	} /* else frames before this one are missing, and it is itself the next good one */
}

enum scan_result
scan_skip(struct scan *s, struct exa_error *err)
{
	uint32_t highest;

	if (!segdir_highest(s->files, &highest, err))
		return SCAN_FAILED;
	if (s->fd >= 0)
		step_over(s);
	while (s->at.segment <= highest) {
		enum scan_result found = SCAN_END;

		if (segdir_exists(s->files, s->at.segment)) {
			if (!open_segment(s, err))
				return SCAN_FAILED;
			found = find_header(s, err);
		}
		if (found != SCAN_END)
			return found;
		leave_segment(s);
	}
	return SCAN_END;
}
