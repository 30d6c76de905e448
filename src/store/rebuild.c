/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a rebuild adds to recovery: it tells how far it is and what it stepped over, and asks the
 * old index, if there is one that can still be read, how far the archive had come. Segments alone
 * can't tell an end that is missing from one that was never written.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "handle.h"

#define PATIENCE_S 20 /* for a look at two pages */

/* ---- the old index ---- */

static bool
read_watermark(const char *path, const uint8_t *uuid, struct watermark *out)
{
	static const struct store_schema none = { 0 };
	struct index x = { 0 };
	struct exa_error ignored;
	MDB_txn *txn;
	bool good = index_open(&x, path, INDEX_READ_NOLOCK, &none, uuid, &ignored) &&
		    index_read_begin(&x, &txn, &ignored);

	if (good) {
		good = index_get_watermark(&x, txn, out, &ignored);
		index_read_end(&x, txn);
	}
	index_close(&x);
	return good;
}

static void
answer(const char *path, const uint8_t *uuid, int to)
{
	struct watermark w = { 0 };
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (null >= 0)
		(void)dup2(null, STDERR_FILENO); /* the damage isn't news */
	(void)alarm(PATIENCE_S);
	if (read_watermark(path, uuid, &w) && write(to, &w, sizeof w) == (ssize_t)sizeof w)
		_exit(0);
	_exit(1);
}

/*
 * In a process of its own: a damaged index may kill whoever looks into it, and whoever rebuilds it
 * must live. There are no threads yet, and the caller holds the writer's lock.
 */
void
old_watermark(const char *path, const uint8_t uuid[UUID_SIZE], struct watermark *out)
{
	struct watermark w;
	int ends[2];
	pid_t child;
	ssize_t size;

	*out = (struct watermark){ 0 };
	if (!fs_exists(path) || pipe2(ends, O_CLOEXEC) != 0)
		return;
	child = fork();
	if (child == 0)
		answer(path, uuid, ends[1]);
	(void)close(ends[1]);
	size = child < 0 ? -1 : read(ends[0], &w, sizeof w);
	(void)close(ends[0]);
	if (child > 0)
		(void)waitpid(child, NULL, 0);
	if (size == (ssize_t)sizeof w)
		*out = w;
}

/* ---- telling ---- */

static struct store_loc
loc_of(struct place at)
{
	return (struct store_loc){ .segment = at.segment, .offset = at.offset };
}

void
rebuild_tell(const struct store *s, const struct rebuild_gap *gap)
{
	const struct store_open_options *o = s->opening;
	const struct store_damage damage = {
		.at = loc_of(gap->at),
		.end = loc_of(gap->end),
		.first = gap->first,
		.last = gap->last,
		.what = *gap->why,
	};

	if (o != NULL && o->damaged != NULL)
		o->damaged(o->ctx, &damage);
}

void
rebuild_progress(const struct store *s, struct place at)
{
	const struct store_open_options *o = s->opening;
	uint64_t done = at.offset;
	uint64_t total = 0;
	uint32_t highest;
	struct exa_error ignored;

	if (o == NULL || o->progress == NULL || !segdir_highest(&s->files, &highest, &ignored))
		return;
	for (uint32_t n = 1; n <= highest; n++) {
		uint64_t size = 0;

		if (!segdir_exists(&s->files, n) || !segdir_size(&s->files, n, &size, &ignored))
			continue;
		total += size;
		done += n < at.segment ? size : 0;
	}
	o->progress(o->ctx, done < total ? done : total, total);
}

void
rebuild_compare(const struct store *s, const struct watermark *old)
{
	struct exa_error why;
	struct place end = { s->watermark.commit_at.segment, s->watermark.end };

	if (old->commit <= s->watermark.commit)
		return;
	(void)exa_fail(&why, EXA_CORRUPT,
		"the segments end at commit %llu, the index had come to %llu: what was archived "
		"between is missing (what could be kept of it is in seg/ as .torn)",
		(unsigned long long)s->watermark.commit, (unsigned long long)old->commit);
	if (end.segment == 0)
		end = (struct place){ 1, SEGMENT_HEAD_SIZE };
	rebuild_tell(s, &(struct rebuild_gap){ .at = end,
				.first = s->watermark.sequence + 1,
				.last = old->sequence,
				.why = &why });
}
