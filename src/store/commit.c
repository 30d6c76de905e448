/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer thread, and why nothing that was acknowledged can be lost or dangle.
 *
 *     callers                         the line (a list under mu)                writer thread
 *     -------                         --------------------------                -------------
 *     put: hash, known? ─┐         ┌──────┬──────┬──────┬─────┬──────┐
 *                        ├── mu ─> │ BLOB │ PACK │ PACK │ end │ BLOB │ ... ──>  append in order;
 *     submit: records ───┘         │      │  D   │  M   │ of 7│      │          at "end of 7":
 *     compress outside mu,         └──────┴──────┴──────┴─────┴──────┘          COMMIT, fdatasync,
 *     then mark ready                                                           LMDB, tell
 *
 * Small objects and records are copied into two shared builders (data, meta). Whoever fills one, or
 * brings an object that gets its own frame, takes a place in the line at once (that is its ticket)
 * and compresses afterwards, outside the lock. The writer appends frames in the line's order and
 * waits for the one at its head. Ending an epoch puts both builders and then the end mark into the
 * line under one hold of mu.
 *
 *  I1. A claim is visible only if its object has a place in the line or in a builder: both are set
 *      in one hold of mu. It stays visible until the index shows the object, and one epoch longer.
 *  I2. Everything in the line before an end mark is appended before that epoch's COMMIT, and
 *      nothing that is behind it: the line is worked off in order. (So an epoch's records come back
 *      in the order of submission when they are replayed.)
 *  I3. A record submitted after a put returned, by any thread, refers to an object that is
 *      committed, or claimed. In the second case, by I1, the object is in the line, or in a builder
 *      that enters the line no later than the record's own; by I2 one COMMIT, or an earlier one, covers
 *      it. Deduplication across threads therefore never dangles.
 *  I4. A batch lies in one epoch whole (one hold of mu), and an epoch counts only with its COMMIT:
 *      so a batch is atomic, however many frames it fills.
 *  I5. Each place in the line gets ready: making a frame can't fail, and its thread waits for room
 *      in the line only while the frame isn't at the head. A thread makes its frames in ticket
 *      order, so the head's maker never waits for another thread.
 *  I6. COMMIT frame -> fdatasync -> LMDB transaction -> `committed`: each only after the one before
 *      succeeded. A failure anywhere poisons: nothing is written after it, everybody who waits is
 *      told, and the next open begins at the last COMMIT the segments hold.
 *  I7. Memory: finished frames in the line at most LINE_BYTES_MAX (one frame above), one frame for
 *      each thread in the making, the logs of at most EPOCHS_WAITING_MAX + 1 epochs.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "exarch/clock.h"
#include "exarch/mem.h"

#include "writer.h"

/* What a run needs at least to get on after the disk was full: an epoch, and the index's growth. */
#define ROOM_NEEDED_MIB 128

static bool
append_frame(struct store *s, struct job *j, struct exa_error *err)
{
	struct epoch *e = &s->writer->gathered;
	struct place at;

	if (!appender_add(&s->appender, &j->head, &j->frame, &at, err))
		return false;
	if (j->head.kind == FRAME_PACK_M)
		epoch_add_pack(e, at);
	for (size_t i = 0; i < j->row_count; i++) {
		j->rows[i].at = at;
		epoch_add_row(e, &j->rows[i]);
	}
	e->frames++;
	return true;
}

/* COMMIT frame and fdatasync; the watermark then says so. Notes alone leave the segments alone. */
static bool
commit_segments(struct store *s, struct watermark *mark, struct exa_error *err)
{
	const struct epoch *e = &s->writer->gathered;
	struct commit c = {
		.number = mark->commit + 1,
		.first_sequence = mark->sequence + 1,
		.wall_ns = clock_wall_ns(),
		.objects = e->row_count,
		.object_bytes = e->object_bytes,
		.records = e->records,
	};

	if (e->frames == 0)
		return true;
	if (!appender_commit(&s->appender, &c, &mark->commit_at, &mark->sequence, err))
		return false;
	mark->end = s->appender.at.offset;
	mark->commit = c.number;
	memcpy(mark->chain, c.chain, SHA256_SIZE);
	return true;
}

static bool
commit_epoch(struct store *s, struct job *j, struct exa_error *err)
{
	struct epoch *e = &s->writer->gathered;
	struct watermark mark = s->watermark;
	bool good;

	buf_done(&e->log);
	e->log = j->log;
	j->log = (struct buf){ 0 };
	e->records = j->records;
	if (e->frames == 0 && e->log.size == 0)
		return true;
	good = commit_segments(s, &mark, err) && epoch_apply(e, &s->index, &s->schema, &mark, err);
	if (good)
		s->watermark = mark;
	epoch_reset(e);
	buf_done(&e->log);
	return good;
}

static void
explain(const struct store *s, struct exa_error *err)
{
	bool full = err->code == EXA_IO &&
		    (err->detail == ENOSPC || err->detail == EDQUOT || err->detail == EFBIG);
	unsigned long long commit = (unsigned long long)s->watermark.commit;

	if (full)
		(void)exa_while(err,
			"no room for the archive in %s (it is intact up to commit %llu; free at "
			"least "
			"%d MiB there and run again)",
			s->dir, commit, ROOM_NEEDED_MIB);
	else
		(void)exa_while(err,
			"the archive in %s takes no more (it is intact up to commit %llu)", s->dir,
			commit);
}

static void
poison(struct store *s, struct exa_error *why)
{
	struct writer *w = s->writer;

	explain(s, why);
	(void)pthread_mutex_lock(&w->mu);
	if (!w->failed)
		w->failure = *why;
	w->failed = true;
	(void)pthread_cond_broadcast(&w->changed);
	(void)pthread_mutex_unlock(&w->mu);
}

static void
tell(struct store *s, uint64_t epoch)
{
	struct writer *w = s->writer;

	/* The layer above first: who wakes from store_wait finds it told already. */
	if (s->schema.committed != NULL)
		s->schema.committed(s->schema.ctx, epoch);
	(void)pthread_mutex_lock(&w->mu);
	w->committed = epoch;
	claims_drop(&w->claims, epoch - 1);
	(void)pthread_cond_broadcast(&w->changed);
	(void)pthread_mutex_unlock(&w->mu);
}

/* Who waits for it may be gone once it is done, or once the handle is poisoned. */
static bool
run_errand(struct store *s, struct errand *errand, struct exa_error *err)
{
	struct writer *w = s->writer;

	if (!errand->run(s, errand->ctx, err))
		return false;
	(void)pthread_mutex_lock(&w->mu);
	errand->done = true;
	(void)pthread_cond_broadcast(&w->changed);
	(void)pthread_mutex_unlock(&w->mu);
	return true;
}

static void
work_off(struct store *s, struct job *j)
{
	struct exa_error err;

	if (j->errand != NULL) {
		if (!run_errand(s, j->errand, &err))
			poison(s, &err);
	} else if (!j->ends_epoch) {
		if (!append_frame(s, j, &err))
			poison(s, &err);
	} else if (commit_epoch(s, j, &err)) {
		tell(s, j->epoch);
	} else {
		poison(s, &err);
	}
}

/* An epoch is ended for its age only when none is on its way: that one's end looks again. */
static bool
may_age(const struct writer *w)
{
	return !w->failed && w->dirty_since_ns != 0 && w->sealed == w->committed;
}

/* Under mu: waits until there is something to do, at most until the epoch is too old. */
static void
wait_for_work(struct writer *w)
{
	int64_t until = w->dirty_since_ns + EPOCH_AGE_NS;
	struct timespec at = { .tv_sec = until / EXA_NS_PER_S, .tv_nsec = until % EXA_NS_PER_S };

	if (may_age(w))
		(void)pthread_cond_timedwait(&w->work, &w->mu, &at);
	else
		(void)pthread_cond_wait(&w->work, &w->mu);
}

static bool
is_too_old(const struct writer *w)
{
	return may_age(w) && clock_mono_ns() >= w->dirty_since_ns + EPOCH_AGE_NS;
}

/* Under mu: takes the head of the line if it is ready. */
static struct job *
take_head(struct writer *w)
{
	struct job *j = w->first;

	if (j == NULL || !j->ready)
		return NULL;
	w->first = j->next;
	if (w->first == NULL)
		w->last = NULL;
	w->line_bytes -= j->frame.size;
	(void)pthread_cond_broadcast(&w->changed);
	return j;
}

/* Under mu, which is left meanwhile. */
static void
seal_old_epoch(struct store *s)
{
	struct writer *w = s->writer;
	struct job *own = NULL;
	struct job **own_tail = &own;

	writer_seal(w, &own_tail);
	(void)pthread_mutex_unlock(&w->mu);
	writer_finish(s, own, WRITER_HURRIES);
	(void)pthread_mutex_lock(&w->mu);
}

void *
writer_main(void *store)
{
	struct store *s = store;
	struct writer *w = s->writer;

	(void)pthread_mutex_lock(&w->mu);
	while (!w->stop || w->first != NULL) {
		struct job *j = take_head(w);
		bool dead = w->failed;

		if (j == NULL && is_too_old(w)) {
			seal_old_epoch(s);
		} else if (j == NULL) {
			wait_for_work(w);
		} else {
			(void)pthread_mutex_unlock(&w->mu);
			if (!dead)
				work_off(s, j);
			job_free(j);
			(void)pthread_mutex_lock(&w->mu);
		}
	}
	(void)pthread_mutex_unlock(&w->mu);
	return NULL;
}
