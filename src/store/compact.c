/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compaction: how a store that only ever appends gives room back.
 *
 *     mark      the layer above names every object that is still needed
 *     choose    segments with dead objects in them, the worst first
 *     for each chosen segment N:
 *       survey  read all of it, chain included: what is damaged is left alone
 *       move    what lives there is written again at the archive's end; its records go to N.cut,
 *               or, as the layer above says, to the end, or nowhere
 *       commit  COMMIT, fdatasync, index: the moved objects are found at their new place
 *       cut     N.cut is synced and renamed over N, the folder is synced
 *       drop    the rows of the dead objects leave the index
 *
 *  C1. An object that lives is named by the index, durable at its new place, before the old
 *      place goes. That is looked at once more, object by object, ahead of the rename.
 *  C2. The rename is the only step that takes anything away. A crash before it leaves objects
 *      twice, and records that say again what is said already; a crash behind it, rows of dead
 *      objects in the index, which the next open for writing drops (compact_settle.c).
 *  C3. Sequence, commit numbers and chain go on through a cut segment (cut.h): nothing behind it
 *      is touched, and what is behind it still stands for what was in it.
 *  C4. Index and segments agree after each step, but for those rows: a rebuild gives the same.
 *  C5. Only segments in front of the index's last commit are cut. If the one being written is to
 *      be, it is closed first, and a COMMIT put into the next.
 *  C6. Room: what lives in one segment, and its records, at a time.
 *
 * It works on its caller's thread. What touches the appender or writes the index runs on the writer
 * thread as an errand, in the line's order.
 */
#include <fcntl.h>
#include <string.h>

#include "exarch/mem.h"

#include "compact.h"
#include "writer.h"

static bool
last_commit_segment(struct store *s, uint32_t *segment_out, struct exa_error *err)
{
	struct watermark w;
	MDB_txn *txn;
	bool good;

	if (!index_read_begin(&s->index, &txn, err))
		return false;
	good = index_get_watermark(&s->index, txn, &w, err);
	index_read_end(&s->index, txn);
	*segment_out = w.commit_at.segment;
	return good;
}

/* On the writer thread. The SEAL makes the epoch, which is empty but for it, worth a COMMIT. */
static bool
begin_next_segment(struct store *s, void *ctx, struct exa_error *err)
{
	bool sealed;

	(void)ctx;
	if (!appender_rotate(&s->appender, &sealed, err))
		return false;
	if (sealed)
		s->writer->gathered.frames++;
	return true;
}

/* C5. */
static bool
close_if_chosen(struct compaction *c, struct exa_error *err)
{
	struct errand errand = { .run = begin_next_segment };
	uint32_t last;

	if (!last_commit_segment(c->store, &last, err))
		return false;
	if (last > c->highest || !c->use[last].chosen)
		return true;
	return writer_run(c->store, &errand, err) && store_wait(c->store, UINT64_MAX, err);
}

/* What is damaged stays as it is: cutting would take from the proof of what is wrong with it. */
static bool
cut_or_leave(struct compaction *c, uint32_t segment, struct exa_error *err)
{
	struct exa_error why;
	uint32_t last;

	if (!last_commit_segment(c->store, &last, err))
		return false;
	if (segment >= last) { /* it couldn't be closed: a header in it is damaged */
		c->result.segments_damaged++;
		return true;
	}
	if (compact_segment(c, segment, &why)) {
		c->result.segments_cut++;
		return true;
	}
	if (why.code == EXA_CORRUPT && store_flush(c->store, err)) {
		c->result.segments_damaged++;
		return true;
	}
	*err = why;
	return false;
}

static bool
cut_chosen(struct compaction *c, struct exa_error *err)
{
	const struct store_compact_options *o = c->options;

	if (c->chosen > 0 && o->begins != NULL && !o->begins(o->ctx, c->chosen, err))
		return false;
	if (!close_if_chosen(c, err))
		return false;
	for (size_t i = 0; i < c->chosen; i++) {
		if (cancel_raised(o->cancel)) {
			c->result.finished = false;
			return true;
		}
		if (!cut_or_leave(c, c->order[i], err))
			return false;
		c->done_bytes += c->use[c->order[i]].size;
		if (o->progress != NULL)
			o->progress(o->ctx, c->done_bytes, c->total_bytes);
	}
	return true;
}

/* What cutting would bring, by the share of each segment that is dead. */
static void
estimate(struct compaction *c)
{
	c->result.bytes_after = c->result.bytes_before;
	for (size_t i = 0; i < c->chosen; i++) {
		const struct segment_use *u = &c->use[c->order[i]];
		uint64_t all = u->live_bytes + u->dead_bytes;

		c->result.segments_cut++;
		c->result.objects_dropped += u->dead;
		c->result.object_bytes_dropped += u->dead_bytes;
		if (all > 0)
			c->result.bytes_after -=
				(uint64_t)((double)u->size * (double)u->dead_bytes / (double)all);
	}
}

static bool
run(struct compaction *c, struct exa_error *err)
{
	uint64_t count;

	c->result.finished = true;
	if (!store_flush(c->store, err) ||
		!segdir_total(&c->store->files, &count, &c->result.bytes_before, err) ||
		!compact_choose(c, err))
		return false;
	if (c->options->dry_run) {
		estimate(c);
		return true;
	}
	return cut_chosen(c, err) &&
	       segdir_total(&c->store->files, &count, &c->result.bytes_after, err);
}

bool
store_compact(struct store *s, const struct store_compact_options *options,
	struct store_compact_result *out, struct exa_error *err)
{
	struct compaction c = { .store = s, .options = options };
	bool good;

	if (s->writer == NULL)
		return exa_fail(err, EXA_FAILED, "the archive is open for reading only");
	good = run(&c, err);
	compact_forget(&c);
	if (good)
		*out = c.result;
	return good;
}
