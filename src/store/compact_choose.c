/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "exarch/mem.h"

#include "compact.h"
#include "index_cut.h"

static bool
mark_all(struct compaction *c, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;

	return store_read_begin(c->store, &txn, err) &&
	       (c->options->mark(c->options->ctx, txn, &c->marks, err) ||
		       exa_while(err, "looking for what is still needed"));
}

static bool
count_segments(struct compaction *c, struct exa_error *err)
{
	if (!segdir_highest(&c->store->files, &c->highest, err))
		return false;
	c->use = exa_alloc_array((size_t)c->highest + 1, sizeof *c->use);
	for (uint32_t n = 1; n <= c->highest; n++) {
		if (!segdir_exists(&c->store->files, n))
			continue;
		if (!segdir_size(&c->store->files, n, &c->use[n].size, err))
			return false;
		c->result.segments++;
	}
	return true;
}

/* A row of a segment that isn't there is counted under 0. */
static void
add_row(void *ctx, const struct object_row *row)
{
	struct compaction *c = ctx;
	struct segment_use *u = &c->use[row->at.segment <= c->highest ? row->at.segment : 0];

	if (marks_have(&c->marks, &row->id)) {
		u->live++;
		u->live_bytes += row->raw;
	} else {
		u->dead++;
		u->dead_bytes += row->raw;
	}
}

static double
share(const struct segment_use *u)
{
	uint64_t all = u->live_bytes + u->dead_bytes;

	return all == 0 ? 1.0 : (double)u->dead_bytes / (double)all;
}

static int
worse_first(const void *a, const void *b, void *use)
{
	const struct segment_use *u = use;
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;
	double difference = share(&u[y]) - share(&u[x]);

	if (difference < 0 || difference > 0)
		return difference < 0 ? -1 : 1;
	return x < y ? -1 : x > y;
}

static void
choose(struct compaction *c)
{
	uint64_t garbage = 0;
	uint64_t whole = 0;
	size_t count = 0;

	c->order = exa_alloc_array((size_t)c->highest + 1, sizeof *c->order);
	for (uint32_t n = 1; n <= c->highest; n++) {
		garbage += c->use[n].dead_bytes;
		whole += c->use[n].live_bytes + c->use[n].dead_bytes;
		if (c->use[n].dead > 0)
			c->order[count++] = n;
	}
	qsort_r(c->order, count, sizeof *c->order, worse_first, c->use);
	for (size_t i = 0; i < count; i++) {
		struct segment_use *u = &c->use[c->order[i]];

		if (c->options->garbage_percent > 0 &&
			(double)garbage * 100 <= (double)whole * c->options->garbage_percent)
			return;
		u->chosen = true;
		c->chosen++;
		c->total_bytes += u->size;
		garbage -= u->dead_bytes;
		whole -= u->dead_bytes;
	}
}

bool
compact_choose(struct compaction *c, struct exa_error *err)
{
	if (!mark_all(c, err) || !count_segments(c, err) ||
		!index_walk_objects(&c->store->index, add_row, c, err))
		return false;
	if (c->use[0].live + c->use[0].dead > 0)
		return exa_fail(err, EXA_CORRUPT,
			"the index names segments that aren't there (`exarch rebuild` helps)");
	choose(c);
	return true;
}

void
compact_forget(struct compaction *c)
{
	marks_done(&c->marks);
	exa_free(c->use);
	exa_free(c->order);
}
