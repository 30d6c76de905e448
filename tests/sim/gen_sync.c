/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of a generated folder. A state names two epochs and a place: the client knew FROM (or
 * nothing), is being told the way to TO, and has been told so many changes of it. When the way is
 * done FROM is TO, and the next way leads to the present. An item that went away while the client
 * was still on its way to an older epoch is not created any more; the next way will delete it,
 * which of an id never seen is allowed.
 */
#include "gen_view.h"

#define STATE_SIZE 25
#define EPOCH_MAX 4000000 /* as options allow */

struct way {
	bool from_nothing;
	struct gen_epoch from, to;
	uint64_t told;
};

static bool
read_way(struct bytes state, struct gen_epoch now, struct way *out)
{
	struct reader r = reader_of(state);

	if (state.size == 0) {
		*out = (struct way){ .from_nothing = true, .to = now };
		return true;
	}
	out->from_nothing = read_u8(&r) != 0;
	out->from.added = read_le32(&r);
	out->from.removed = read_le32(&r);
	out->to.added = read_le32(&r);
	out->to.removed = read_le32(&r);
	out->told = read_le64(&r);
	return state.size == STATE_SIZE && reader_at_end(&r) && out->from.added <= EPOCH_MAX &&
	       out->to.added <= EPOCH_MAX;
}

static void
write_way(struct buf *out, const struct way *w)
{
	buf_add_byte(out, w->from_nothing);
	buf_add_le32(out, w->from.added);
	buf_add_le32(out, w->from.removed);
	buf_add_le32(out, w->to.added);
	buf_add_le32(out, w->to.removed);
	buf_add_le64(out, w->told);
}

/* One slot's part in the way; false when the page is full. */
static bool
tell(struct gen_view *v, const struct way *w, uint32_t slot, uint64_t *seen,
	struct change_page *page)
{
	bool before = !w->from_nothing && gen_plan_has(v->plan, v->mailbox, slot, w->from);
	bool after = gen_plan_has(v->plan, v->mailbox, slot, w->to);
	bool is_here = slot < v->slot_count && v->position_of[slot] != GEN_SLOT_ABSENT;

	if (before == after)
		return true;
	if ((*seen)++ < w->told || (after && !is_here))
		return true;
	if (page->count == page->max) {
		(*seen)--;
		return false;
	}
	page->changes[page->count++] = (struct sim_change){ after ? CHANGE_CREATE : CHANGE_DELETE,
		after ? v->position_of[slot] : 0, gen_key_of_slot(slot) };
	return true;
}

/* Goes on along the way; true when its end was reached. */
static bool
go_on(struct gen_view *v, size_t folder, struct way *w, struct change_page *page)
{
	uint32_t added = w->from.added > w->to.added ? w->from.added : w->to.added;
	uint32_t beyond = gen_plan_slots(v->plan, v->mailbox, added);
	uint64_t seen = 0;
	bool done = true;

	while (done && beyond > v->slot_count) { /* added once, but not in this run */
		beyond--;
		if (gen_folder_of_slot(v->plan, v->mailbox, beyond) == folder)
			done = tell(v, w, beyond, &seen, page);
	}
	for (uint32_t i = v->starts[folder]; done && i < v->starts[folder + 1]; i++)
		done = tell(v, w, v->order[i], &seen, page);
	w->told = seen;
	return done;
}

static bool
epochs_equal(struct gen_epoch a, struct gen_epoch b)
{
	return a.added == b.added && a.removed == b.removed;
}

bool
gen_sync(struct view *view, size_t folder, struct bytes state, struct change_page *page,
	struct buf *state_out)
{
	struct gen_view *v = (struct gen_view *)view;
	struct way w;

	if (!read_way(state, v->epoch, &w))
		return false;
	page->is_last = false;
	while (!page->is_last && go_on(v, folder, &w, page)) {
		page->is_last = epochs_equal(w.to, v->epoch);
		w = (struct way){ .from = w.to, .to = v->epoch };
	}
	write_way(state_out, &w);
	return true;
}
