/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States of a mailbox with edits. A client is first led through the base's changes (what is hidden
 * now is left out, what is changed comes as it is now), then through the journal:
 *
 *     magic 8 | run 8 | begun 8 | told 8 | known 8 | base is done 1 | the base's state
 *
 * told: how far in the journal. known: how far it was when the client last came to the end: what
 * was made since is new to it, though an entry behind `told` may have spoken of it.
 * begun: the serial when the client began from nothing; it needs no word on older removals. A state
 * of the base alone is good as long as nothing was made invalid: it has told nothing of the
 * journal.
 */
#include <string.h>

#include "live_box.h"

#define HEAD 41

static const uint8_t magic[8] = { 'l', 'i', 'v', 'e', 0xff, 0, 0xff, '1' };

struct way {
	uint64_t begun, told, known;
	bool base_is_done;
	struct bytes base_state;
};

static bool
read_way(const struct live_view *v, struct bytes state, struct way *out)
{
	struct reader r = reader_of(state);

	*out = (struct way){ .base_state = state, .begun = state.size == 0 ? v->serial : 0 };
	if (state.size < HEAD || memcmp(state.data, magic, sizeof magic) != 0)
		return state.size == 0 || v->box->valid_from == 0;
	(void)read_bytes(&r, sizeof magic);
	if (read_le64(&r) != v->box->run)
		return false;
	out->begun = read_le64(&r);
	out->told = read_le64(&r);
	out->known = read_le64(&r);
	out->base_is_done = read_u8(&r) != 0;
	out->base_state = r.rest;
	return out->told >= v->box->valid_from || out->begun >= v->box->valid_from;
}

static void
write_way(const struct live_view *v, const struct way *w, struct bytes base_state, struct buf *out)
{
	buf_add(out, magic, sizeof magic);
	buf_add_le64(out, v->box->run);
	buf_add_le64(out, w->begun);
	buf_add_le64(out, w->told);
	buf_add_le64(out, w->known);
	buf_add_byte(out, w->base_is_done);
	buf_add_bytes(out, base_state);
}

/* A page of the base's changes as they look from here. */
static bool
go_through_base(struct live_view *v, size_t folder, struct way *w, struct change_page *page,
	struct buf *state_out)
{
	size_t kept = 0, base = v->base_place[folder], position;

	if (!v->base->ops->sync(v->base, base, w->base_state, page, state_out))
		return false;
	for (size_t i = 0; i < page->count; i++) {
		struct sim_change c = page->changes[i];

		if (c.kind != CHANGE_DELETE) {
			if (!v->view.ops->find(&v->view, folder, c.key, &position))
				continue;
			c.position = position;
		}
		page->changes[kept++] = c;
	}
	page->count = kept;
	w->base_is_done = page->is_last;
	return true;
}

/* Nothing but its read flag changed since the client last heard of it. */
static bool
is_only_read(const struct live_box *box, size_t entry, uint64_t known)
{
	const struct live_entry *e = &box->journal[entry];

	for (size_t i = entry; i > 0 && box->journal[i - 1].serial > known; i--) {
		const struct live_entry *o = &box->journal[i - 1];

		if (o->key == e->key && o->folder == e->folder && o->kind != CHANGE_READ)
			return false;
	}
	return e->kind == CHANGE_READ;
}

/* The word on one entry; false: there is nothing to say. */
static bool
word_on(struct live_view *v, size_t folder, size_t entry, const struct way *w,
	struct sim_change *out)
{
	const struct live_entry *e = &v->box->journal[entry];
	bool is_old = e->serial <= w->begun, is_new_to_client = e->created > w->known;

	if (e->is_superseded)
		return false; /* a later entry says it */
	*out = (struct sim_change){ .kind = CHANGE_DELETE, .key = e->key };
	if (!v->view.ops->find(&v->view, folder, e->key, &out->position))
		return !is_old && !is_new_to_client;
	if (is_new_to_client)
		out->kind = CHANGE_CREATE;
	else if (is_only_read(v->box, entry, w->known))
		out->kind = CHANGE_READ;
	else
		out->kind = CHANGE_UPDATE;
	return is_new_to_client || !is_old;
}

/* True: the journal was told to its end. */
static bool
go_through_journal(struct live_view *v, size_t folder, struct way *w, struct change_page *page)
{
	struct live_box *box = v->box;
	uint64_t number = v->view.folders[folder].number;

	for (size_t i = 0; i < box->entry_count; i++) {
		const struct live_entry *e = &box->journal[i];
		struct sim_change c;

		if (e->serial <= w->told || e->folder != number)
			continue;
		if (e->serial > v->serial)
			break; /* after this view was made */
		if (!word_on(v, folder, i, w, &c))
			continue;
		if (page->count == page->max)
			return false;
		page->changes[page->count++] = c;
		w->told = e->serial;
	}
	w->told = v->serial;
	return true;
}

bool
live_sync(struct view *view, size_t folder, struct bytes state, struct change_page *page,
	struct buf *state_out)
{
	struct live_view *v = (struct live_view *)view;
	EXA_AUTO(buf_done) struct buf base_after = { 0 };
	struct way w;
	bool ok = true;

	(void)pthread_mutex_lock(&v->box->mu);
	ok = read_way(v, state, &w);
	if (ok && v->base_place[folder] == NO_BASE)
		w.base_is_done = page->is_last = true;
	else if (ok)
		ok = go_through_base(v, folder, &w, page, &base_after);
	if (ok && w.base_is_done)
		page->is_last = go_through_journal(v, folder, &w, page);
	if (ok && page->is_last)
		w.known = w.told;
	if (ok)
		write_way(v, &w, buf_bytes(&base_after), state_out);
	(void)pthread_mutex_unlock(&v->box->mu);
	return ok;
}
