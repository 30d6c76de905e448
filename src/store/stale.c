/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is the index older than it may be? A run that is cut off leaves it one COMMIT behind the segments
 * (commit.c, I6), and the next run catches up. Two behind, with no writer at work, is a copy from
 * earlier times: a reader would leave out what came since without a word.
 */
#include <fcntl.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "handle.h"

#define BEHIND_MAX 1

/* COMMITs behind the watermark, up to BEHIND_MAX + 1; headers that aren't good end it. */
static unsigned
count_behind(const struct store *s, const struct watermark *w)
{
	struct place from = { 1, SEGMENT_HEAD_SIZE };
	struct scan scan;
	struct scan_frame f;
	struct exa_error ignored;
	enum scan_result r = SCAN_FRAME;
	unsigned count = 0;

	if (w->commit > 0)
		from = (struct place){ w->commit_at.segment, w->end };
	scan_begin(&scan, &s->files, from, w->sequence + 1);
	while (count <= BEHIND_MAX && (r == SCAN_FRAME || r == SCAN_HEAD)) {
		r = scan_next(&scan, &f, &ignored);
		count += r == SCAN_FRAME && f.head.kind == FRAME_COMMIT;
	}
	scan_done(&scan);
	return count;
}

static bool
has_writer(const char *dir)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, "LOCK");
	EXA_AUTO(fs_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

	return fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_WRLCK;
}

static bool
read_watermark(struct store *s, struct watermark *out, struct exa_error *err)
{
	MDB_txn *txn;
	bool good;

	if (!index_read_begin(&s->index, &txn, err))
		return false;
	good = index_get_watermark(&s->index, txn, out, err);
	index_read_end(&s->index, txn);
	return good;
}

bool
check_not_stale(struct store *s, struct exa_error *err)
{
	struct watermark w;

	if (count_behind(s, &s->watermark) <= BEHIND_MAX || has_writer(s->dir))
		return true;
	/* A writer may have caught up and left meanwhile. */
	if (!read_watermark(s, &w, err))
		return false;
	return w.commit != s->watermark.commit ||
	       exa_fail(err, EXA_CORRUPT,
		       "the index stops at commit %llu, the segments go on: it comes from an older "
		       "copy; `exarch rebuild` makes it again from the segments, nothing is lost "
		       "by it",
		       (unsigned long long)w.commit);
}
