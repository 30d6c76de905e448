/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over selected items: short read transactions that only copy, callbacks in between. So a
 * slow export pins no pages of the index, and an archiving process beside it goes on.
 */
#include <stdlib.h>

#include "exarch/clock.h"
#include "exarch/export.h"
#include "exarch/mem.h"

#define STEP_ROWS ((size_t)256) /* rows copied in one transaction */

struct walk {
	struct catalog *catalog;
	const struct selection *s;
	selected_fn *fn;
	void *ctx;

	struct arena *mailbox_texts;
	struct catalog_mailbox *mailboxes;
	size_t mailbox_count;

	struct arena *folder_texts; /* of the mailbox at hand */
	struct catalog_folder *folders;
	size_t folder_count;

	struct catalog_row rows[STEP_ROWS];
	size_t row_count;
	bool by_date; /* rows come in the order received */
};

void
selection_init(struct selection *s)
{
	*s = (struct selection){ .from_ns = EXA_NO_TIME, .to_ns = EXA_NO_TIME };
}

void
selection_done(struct selection *s)
{
	pattern_free(s->mailbox);
	pattern_free(s->folder);
	exa_free(s->ids);
	selection_init(s);
}

static bool
matches(const struct pattern *p, const char *subject)
{
	return p == NULL || pattern_matches(p, subject);
}

/* An item without a time is in no span of time. */
static bool
in_time(const struct selection *s, int64_t received_ns)
{
	if (s->from_ns == EXA_NO_TIME && s->to_ns == EXA_NO_TIME)
		return true;
	return received_ns != EXA_NO_TIME &&
	       (s->from_ns == EXA_NO_TIME || received_ns >= s->from_ns) &&
	       (s->to_ns == EXA_NO_TIME || received_ns < s->to_ns);
}

/* ---- copying mailboxes and folders ---- */

static const char *
copy(struct arena *a, const char *text)
{
	return text == NULL ? "" : arena_strndup(a, text, CATALOG_TEXT_MAX);
}

static bool
take_mailbox(void *ctx, const struct catalog_mailbox *m, struct exa_error *err)
{
	struct walk *w = ctx;
	struct catalog_mailbox mine = *m;

	(void)err;
	mine.smtp = copy(w->mailbox_texts, m->smtp);
	mine.display_name = copy(w->mailbox_texts, m->display_name);
	w->mailboxes = exa_realloc_array(w->mailboxes, w->mailbox_count + 1, sizeof *w->mailboxes);
	w->mailboxes[w->mailbox_count++] = mine;
	return true;
}

static bool
take_folder(void *ctx, const struct catalog_folder *f, struct exa_error *err)
{
	struct walk *w = ctx;
	struct catalog_folder mine = *f;

	(void)err;
	mine.server_id = copy(w->folder_texts, f->server_id);
	mine.parent_id = copy(w->folder_texts, f->parent_id);
	mine.name = copy(w->folder_texts, f->name);
	mine.path = copy(w->folder_texts, f->path);
	mine.class = copy(w->folder_texts, f->class);
	w->folders = exa_realloc_array(w->folders, w->folder_count + 1, sizeof *w->folders);
	w->folders[w->folder_count++] = mine;
	return true;
}

static int
by_mailbox_number(const void *a, const void *b)
{
	const struct catalog_mailbox *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static int
by_folder_number(const void *a, const void *b)
{
	const struct catalog_folder *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static bool
load_mailboxes(struct walk *w, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;

	if (!store_read_begin(catalog_store(w->catalog), &txn, err) ||
		!catalog_each_mailbox_shown(txn, take_mailbox, w, err))
		return false;
	if (w->mailbox_count > 0)
		exa_sort(w->mailboxes, w->mailbox_count, sizeof *w->mailboxes, by_mailbox_number);
	return true;
}

static bool
load_folders(struct walk *w, uint32_t mailbox, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;

	arena_reset(w->folder_texts);
	w->folder_count = 0;
	if (!store_read_begin(catalog_store(w->catalog), &txn, err) ||
		!catalog_each_folder_shown(txn, mailbox, take_folder, w, err))
		return false;
	if (w->folder_count > 0)
		exa_sort(w->folders, w->folder_count, sizeof *w->folders, by_folder_number);
	return true;
}

/* ---- everything that matches ---- */

static bool
take_row(void *ctx, const struct catalog_row *row, struct exa_error *err)
{
	struct walk *w = ctx;

	(void)err;
	w->rows[w->row_count++] = *row;
	return true;
}

/* Copies the next rows of the folder. *MORE_OUT: whether there may be more behind them. */
static bool
load_rows(struct walk *w, const struct catalog_folder *f, struct catalog_place *place,
	bool *more_out, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;

	w->row_count = 0;
	if (!store_read_begin(catalog_store(w->catalog), &txn, err))
		return false;
	w->by_date = !store_txn_encrypted(txn);
	return catalog_each_row(
		txn, f->mailbox, f->number, place, STEP_ROWS, take_row, w, more_out, err);
}

static bool
hand_over(struct walk *w, const struct catalog_mailbox *m, const struct catalog_folder *f,
	const struct catalog_row *row, struct exa_error *err)
{
	const struct selected item = { .mailbox = m, .folder = f, .row = row };

	return w->fn(w->ctx, &item, err);
}

static bool
walk_folder(struct walk *w, const struct catalog_mailbox *m, const struct catalog_folder *f,
	struct exa_error *err)
{
	const struct selected_place *after = &w->s->after;
	struct catalog_place place = { .received_ns = w->s->from_ns, .number = 0 };
	bool more = true;

	if (m->number == after->mailbox && f->number == after->folder)
		place = (struct catalog_place){ after->received_ns, after->number };
	while (more) {
		if (!load_rows(w, f, &place, &more, err))
			return exa_while(err, "listing %s of %s", f->path, m->smtp);
		for (size_t i = 0; i < w->row_count; i++) {
			const struct catalog_row *row = &w->rows[i];

			if (w->by_date && w->s->to_ns != EXA_NO_TIME &&
				row->received_ns >= w->s->to_ns)
				return true;
			if (!in_time(w->s, row->received_ns) ||
				(row->state == ITEM_SUPERSEDED && !w->s->all_versions))
				continue;
			if (!hand_over(w, m, f, row, err))
				return false;
		}
	}
	return true;
}

static bool
walk_all(struct walk *w, struct exa_error *err)
{
	for (size_t i = 0; i < w->mailbox_count; i++) {
		const struct catalog_mailbox *m = &w->mailboxes[i];
		bool begun = m->number == w->s->after.mailbox;

		if (!matches(w->s->mailbox, m->smtp) || m->number < w->s->after.mailbox)
			continue;
		if (!load_folders(w, m->number, err))
			return exa_while(err, "listing the folders of %s", m->smtp);
		for (size_t k = 0; k < w->folder_count; k++) {
			if (begun && w->folders[k].number < w->s->after.folder)
				continue;
			if (matches(w->s->folder, w->folders[k].path) &&
				!walk_folder(w, m, &w->folders[k], err))
				return false;
		}
	}
	return true;
}

/* ---- items by number ---- */

static int
by_place(const void *a, const void *b)
{
	const struct catalog_row *x = a, *y = b;

	if (x->mailbox != y->mailbox)
		return x->mailbox < y->mailbox ? -1 : 1;
	if (x->folder != y->folder)
		return x->folder < y->folder ? -1 : 1;
	if (x->received_ns != y->received_ns)
		return x->received_ns < y->received_ns ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* Says when and why: whoever asks for it by number knew that it was there. */
static bool
fail_expired(struct store_txn *txn, uint64_t number, struct exa_error *err)
{
	struct catalog_expired e;
	char when[CLOCK_TEXT_MAX];
	bool found;

	if (!catalog_expired_get(txn, number, &found, &e, err))
		return false;
	if (!found)
		return exa_fail(err, EXA_GONE, "item %llu has expired", (unsigned long long)number);
	clock_format(e.when_ns, when);
	return exa_fail(err, EXA_GONE,
		"item %llu was expired on %s by rule '%s': its content is no longer in the archive",
		(unsigned long long)number, when, e.rule);
}

static bool
find_rows(struct walk *w, struct catalog_row *rows, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;

	if (!store_read_begin(catalog_store(w->catalog), &txn, err))
		return false;
	for (size_t i = 0; i < w->s->id_count; i++) {
		bool found;

		if (!catalog_row(txn, w->s->ids[i], &found, &rows[i], err))
			return false;
		if (!found)
			return exa_fail(err, EXA_GONE, "there is no item %llu in this archive",
				(unsigned long long)w->s->ids[i]);
		if (rows[i].state == ITEM_EXPIRED)
			return fail_expired(txn, w->s->ids[i], err);
	}
	return true;
}

static bool
walk_row(struct walk *w, const struct catalog_row *row, struct exa_error *err)
{
	const struct catalog_mailbox mailbox_key = { .number = row->mailbox };
	const struct catalog_folder folder_key = { .number = row->folder };
	const struct catalog_mailbox *m =
		w->mailbox_count == 0 ? NULL
				      : bsearch(&mailbox_key, w->mailboxes, w->mailbox_count,
						sizeof *w->mailboxes, by_mailbox_number);
	const struct catalog_folder *f;

	if (m != NULL && (w->folder_count == 0 || w->folders[0].mailbox != row->mailbox) &&
		!load_folders(w, row->mailbox, err))
		return exa_while(err, "listing the folders of %s", m->smtp);
	f = m == NULL || w->folder_count == 0 ? NULL
					      : bsearch(&folder_key, w->folders, w->folder_count,
							sizeof *w->folders, by_folder_number);
	if (m == NULL || f == NULL)
		return exa_fail(err, EXA_CORRUPT,
			"index: item %llu is in a folder that isn't known; run `exarch rebuild`",
			(unsigned long long)row->number);
	if (!matches(w->s->mailbox, m->smtp) || !matches(w->s->folder, f->path) ||
		!in_time(w->s, row->received_ns))
		return true;
	return hand_over(w, m, f, row, err);
}

/* An item that is named is wanted, superseded or not; the other conditions hold. */
static bool
walk_ids(struct walk *w, struct exa_error *err)
{
	const size_t count = w->s->id_count;
	EXA_AUTO(exa_freep) struct catalog_row *rows = exa_alloc_array(count, sizeof *rows);

	if (!find_rows(w, rows, err))
		return false;
	exa_sort(rows, count, sizeof *rows, by_place);
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && rows[i].number == rows[i - 1].number)
			continue;
		if (!walk_row(w, &rows[i], err))
			return false;
	}
	return true;
}

bool
selection_walk(struct catalog *c, const struct selection *s, selected_fn *fn, void *ctx,
	struct exa_error *err)
{
	struct walk *w = exa_alloc(sizeof *w);
	bool good;

	*w = (struct walk){ .catalog = c,
		.s = s,
		.fn = fn,
		.ctx = ctx,
		.mailbox_texts = arena_new(),
		.folder_texts = arena_new() };
	good = load_mailboxes(w, err) && (s->id_count > 0 ? walk_ids(w, err) : walk_all(w, err));
	arena_free(w->mailbox_texts);
	arena_free(w->folder_texts);
	exa_free(w->mailboxes);
	exa_free(w->folders);
	exa_free(w);
	return good;
}
