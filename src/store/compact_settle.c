/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an open for writing does about a compaction that a crash cut short: files that never came
 * into their place go, and so do rows that name a cut segment. The objects of such rows are dead
 * and gone; as long as the rows are there they would be taken for known.
 *
 * Beyond the segment `cutting` names there is one more way to such rows: an index older than the
 * segments, put back from a copy. So after a replay all segments are looked at.
 */
#include "exarch/mem.h"

#include "cut.h"
#include "handle.h"
#include "index_cut.h"

struct settling {
	bool *is_cut; /* by number */
	uint32_t highest;
	bool any;
	struct store_id *ids;
	size_t count, capacity;
};

static bool
look_at_segments(struct settling *t, const struct segdir *files, struct exa_error *err)
{
	if (!segdir_highest(files, &t->highest, err))
		return false;
	t->is_cut = exa_alloc_array((size_t)t->highest + 1, sizeof *t->is_cut);
	for (uint32_t n = 1; n <= t->highest; n++) {
		struct tomb tomb;

		if (!cut_look_in(files, n, &t->is_cut[n], &tomb, err)) {
			if (err->code != EXA_CORRUPT)
				return false;
			t->is_cut[n] = true; /* there is a TOMB, if a damaged one */
		}
		t->any = t->any || t->is_cut[n];
		cut_tidy(files, n, t->is_cut[n]);
	}
	return true;
}

static bool
names_cut_segment(void *ctx, const struct object_row *row)
{
	const struct settling *t = ctx;

	return row->at.segment <= t->highest && t->is_cut[row->at.segment];
}

static void
collect(void *ctx, const struct object_row *row)
{
	struct settling *t = ctx;

	if (!names_cut_segment(t, row))
		return;
	if (t->count == t->capacity) {
		t->capacity = t->capacity == 0 ? 64 : 2 * t->capacity;
		t->ids = exa_realloc_array(t->ids, t->capacity, sizeof *t->ids);
	}
	t->ids[t->count++] = row->id;
}

static bool
drop_rows(struct settling *t, struct store *s, struct exa_error *err)
{
	return !t->any || (index_walk_objects(&s->index, collect, t, err) &&
				  index_drop_objects(&s->index, t->ids, t->count, names_cut_segment,
					  t, &s->watermark, err));
}

bool
compact_settle(struct store *s, enum recovery how, bool replayed, struct exa_error *err)
{
	struct settling t = { 0 };
	uint32_t cutting;
	bool good;

	if (!index_get_cutting(&s->index, &cutting, err))
		return false;
	if (cutting == 0 && !replayed)
		return true;
	good = look_at_segments(&t, &s->files, err) &&
	       (how == RECOVER_ALL || drop_rows(&t, s, err)) &&
	       (cutting == 0 || index_set_cutting(&s->index, 0, err));
	exa_free(t.is_cut);
	exa_free(t.ids);
	return good;
}
