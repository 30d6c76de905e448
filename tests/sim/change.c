/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "exarch/clock.h"

#include "change.h"
#include "live.h"
#include "match.h"

/* One mailbox, one change. */
struct making {
	struct mailstore *store;
	const struct scenario_change *c;
	struct view *view; /* as it was before */
	const char *address;
	unsigned left; /* items still to be hit */
};

static bool
find_folder(const struct making *m, const char *pattern, uint64_t *number_out)
{
	for (size_t i = FOLDER_TOP; i < m->view->folder_count; i++) {
		if (pattern_fits_folder(pattern, m->view, i) ||
			(m->view->folders[i].distinguished != NULL &&
				strcmp(m->view->folders[i].distinguished, pattern) == 0)) {
			*number_out = m->view->folders[i].number;
			return true;
		}
	}
	return false;
}

static void
add_item(const struct making *m)
{
	const char *subject = m->c->subject != NULL ? m->c->subject : "Added while you looked";
	int64_t now_ns = clock_wall_ns();
	struct sim_item item = { .item_class = "IPM.Note",
		.subject = subject,
		.received_ns = now_ns,
		.sent_ns = now_ns,
		.created_ns = now_ns,
		.modified_ns = now_ns };
	EXA_AUTO(buf_done) struct buf mime = { 0 };
	uint64_t folder;
	struct live_made made;
	EXA_AUTO(exa_freep) char *id = NULL;

	if (!find_folder(m, m->c->folder != NULL ? m->c->folder : "inbox", &folder))
		return;
	for (unsigned i = 0; i < m->left; i++) {
		exa_free(id);
		id = exa_asprintf("<added.%u.%lld@sim.example>", i, (long long)now_ns);
		item.message_id = id;
		buf_reset(&mime);
		buf_printf(&mime,
			"From: \"Someone\" <someone@sim.example>\r\nTo: <%s>\r\nSubject: %s\r\n"
			"Message-ID: %s\r\nDate: Thu, 01 Jan 2026 00:00:%02u +0000\r\n"
			"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nNumber %u.\r\n",
			m->address, subject, id, i % 60, i);
		item.size_bytes = mime.size;
		(void)live_add_item(m->store, m->address, folder, &item, buf_bytes(&mime), &made);
	}
}

static void
change_item(const struct making *m, const struct live_at *at, struct sim_item *item)
{
	uint64_t to;
	struct live_made made;

	switch (m->c->deed) {
	case DO_REMOVE_ITEM:
		(void)live_remove_item(m->store, at);
		break;
	case DO_MOVE_ITEM:
		if (find_folder(m, m->c->to, &to))
			(void)live_move_item(m->store, at, to, &made);
		break;
	case DO_MODIFY_ITEM:
		(void)live_set_item(
			m->store, at, item, "X-Sim-Modified: yes\r\n", CHANGE_UPDATE, &made);
		break;
	case DO_MARK_READ:
	case DO_MARK_UNREAD:
		item->is_read = m->c->deed == DO_MARK_READ;
		(void)live_set_item(m->store, at, item, NULL, CHANGE_READ, &made);
		break;
	case DO_NONE:
	case DO_ADD_ITEM:
	case DO_CREATE_FOLDER:
	case DO_DELETE_FOLDER:
	case DO_RENAME_FOLDER:
	case DO_MOVE_FOLDER:
	case DO_INVALIDATE_SYNC:
	case DO_TOKEN_LIFETIME:
	case DO_REVOKE_TOKENS:
		break;
	}
}

/* A patterned walk over the view; the first `left` items that fit are hit. */
static void
change_items(struct making *m)
{
	struct arena *arena = arena_new();

	for (size_t f = FOLDER_TOP; f < m->view->folder_count && m->left > 0; f++) {
		if (m->c->folder != NULL && !pattern_fits_folder(m->c->folder, m->view, f))
			continue;
		for (size_t i = 0; i < m->view->folders[f].item_count && m->left > 0; i++) {
			struct sim_item item;

			arena_reset(arena);
			m->view->ops->item(m->view, f, i, arena, &item);
			if (!pattern_fits(m->c->subject, item.subject))
				continue;
			m->left--;
			change_item(m,
				&(struct live_at){
					m->address, m->view->folders[f].number, item.key },
				&item);
		}
	}
	arena_free(arena);
}

static void
change_folder(const struct making *m)
{
	struct live_folder_spec spec = { m->c->new_name, "IPF.Note", FOLDER_MAIL };
	uint64_t number, to, made;

	if (m->c->deed == DO_CREATE_FOLDER) {
		if (find_folder(m, m->c->folder != NULL ? m->c->folder : "msgfolderroot", &to))
			(void)live_add_folder(m->store, m->address, to, &spec, &made);
		return;
	}
	if (!find_folder(m, m->c->folder, &number))
		return;
	if (m->c->deed == DO_DELETE_FOLDER)
		(void)live_remove_folder(m->store, m->address, number);
	else if (m->c->deed == DO_RENAME_FOLDER)
		(void)live_set_folder(m->store, m->address, number, m->c->new_name, 0);
	else if (find_folder(m, m->c->to, &to))
		(void)live_set_folder(m->store, m->address, number, NULL, to);
}

static void
change_mailbox(struct mailstore *s, const struct scenario_change *c, const char *address)
{
	struct making m = {
		.store = s, .c = c, .address = address, .left = c->count > 0 ? c->count : 1
	};

	if (!s->ops->open(s, address, VIEW_FRESH, &m.view))
		return;
	if (c->deed == DO_ADD_ITEM)
		add_item(&m);
	else if (c->deed == DO_INVALIDATE_SYNC)
		live_invalidate_sync(s, address);
	else if (c->deed >= DO_CREATE_FOLDER && c->deed <= DO_MOVE_FOLDER)
		change_folder(&m);
	else
		change_items(&m);
	view_drop(m.view);
}

void
change_make(struct mailstore *s, struct auth *auth, const struct scenario_change *c,
	const char *address)
{
	struct mailbox_id *ids;
	size_t count;

	if (c->deed == DO_TOKEN_LIFETIME) {
		atomic_store(&auth->token_lifetime_s, c->seconds);
	} else if (c->deed == DO_REVOKE_TOKENS) {
		atomic_store(&auth->revoked_before_ns, clock_wall_ns());
	} else if (c->mailbox == NULL) {
		change_mailbox(s, c, address);
	} else {
		s->ops->list(s, &ids, &count);
		for (size_t i = 0; i < count; i++) {
			if (pattern_fits(c->mailbox, ids[i].address))
				change_mailbox(s, c, ids[i].address);
		}
		exa_free(ids);
	}
}
