/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over selected items: short read transactions that only copy, callbacks in between. So a
 * slow export pins no pages of the index, and an archiving process beside it goes on.
 *
 *     ids, a server's id, or all by place ─► conditions ─► delivered, or collected and sorted first
 *     hits in the order of their rank ────► conditions ─► delivered
 */
#include <stdlib.h>
#include <string.h>

#include "exarch/clock.h"
#include "exarch/export.h"
#include "exarch/mem.h"

#include "content.h"
#include "order.h"
#include "tree.h"

#define STEP_ROWS ((size_t)256) /* rows copied in one transaction */

struct walk {
	struct catalog *catalog;
	const struct selection *s;
	selected_fn *fn;
	void *ctx;
	struct tree tree;
	struct content *content; /* NULL: no conditions on it */
	struct order order;
	bool collecting; /* for the order, instead of handing over */
	uint64_t handed_over;
	bool enough;

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
	exa_free(s->item_id);
	search_conditions_done(&s->content);
	selection_init(s);
}

/* ---- conditions ---- */

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

static bool
row_holds(const struct selection *s, const struct catalog_row *row)
{
	return in_time(s, row->received_ns) && row->mime_bytes >= s->size_least &&
	       (s->size_below == 0 || row->mime_bytes < s->size_below);
}

static bool
is_of_this_version(const struct selection *s, const struct catalog_row *row)
{
	return row->state != ITEM_EXPIRED && (row->state != ITEM_SUPERSEDED || s->all_versions);
}

/* ---- handing over ---- */

static bool
hand_over(struct walk *w, const struct catalog_mailbox *m, const struct catalog_folder *f,
	const struct catalog_row *row, struct exa_error *err)
{
	struct selected item = { .mailbox = m, .folder = f, .row = row };

	if (w->s->snippets && w->content != NULL)
		item.snippet = content_snippet(w->content, row);
	if (!w->fn(w->ctx, &item, err))
		return false;
	if (++w->handed_over != w->s->limit)
		return true;
	w->enough = true;
	return exa_fail(err, EXA_CANCELLED, "enough");
}

/* ROW's place and its own facts are right; what is left is its content. */
static bool
deliver(struct walk *w, const struct catalog_mailbox *m, const struct catalog_folder *f,
	const struct catalog_row *row, struct exa_error *err)
{
	bool holds;

	if (!content_holds(w->content, row, &holds, err))
		return exa_while(err, "item %llu", (unsigned long long)row->number);
	if (!holds)
		return true;
	return w->collecting ? order_add(&w->order, row, err) : hand_over(w, m, f, row, err);
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
			if (is_of_this_version(w->s, row) && row_holds(w->s, row) &&
				!deliver(w, m, f, row, err))
				return false;
		}
	}
	return true;
}

typedef bool folder_fn(struct walk *w, const struct catalog_mailbox *m,
	const struct catalog_folder *f, struct exa_error *err);

static bool
each_folder(struct walk *w, folder_fn *fn, struct exa_error *err)
{
	for (size_t i = 0; i < w->tree.mailbox_count; i++) {
		struct tree_mailbox *m = &w->tree.mailboxes[i];
		bool begun = m->mailbox.number == w->s->after.mailbox;

		if (!m->wanted || m->mailbox.number < w->s->after.mailbox)
			continue;
		if (!tree_load_folders(&w->tree, m, err))
			return false;
		for (size_t k = 0; k < m->folder_count; k++) {
			const struct tree_folder *f = &m->folders[k];

			if (begun && f->folder.number < w->s->after.folder)
				continue;
			if (f->wanted && !fn(w, &m->mailbox, &f->folder, err))
				return false;
		}
		tree_drop_folders(m);
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

/* Delivers it when its place and its own facts hold. */
static bool
walk_row(struct walk *w, const struct catalog_row *row, struct exa_error *err)
{
	struct tree_mailbox *m;
	struct tree_folder *f;

	if (!tree_find(&w->tree, row, &m, &f, err))
		return false;
	if (!m->wanted || !f->wanted || !row_holds(w->s, row))
		return true;
	return deliver(w, &m->mailbox, &f->folder, row, err);
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

static bool
find_row(struct walk *w, uint64_t number, bool *found_out, struct catalog_row *out,
	struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;

	return store_read_begin(catalog_store(w->catalog), &txn, err) &&
	       catalog_row(txn, number, found_out, out, err);
}

/* ---- an item by the server's id ---- */

static bool
find_known(struct walk *w, const struct catalog_folder *f, bool *found_out, uint64_t *number_out,
	struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct catalog_key key = catalog_key_of(f->mailbox, f->number, w->s->item_id);
	bool same;

	return store_read_begin(catalog_store(w->catalog), &txn, err) &&
	       catalog_known(txn, &key, found_out, number_out, &same, "", err);
}

static bool
walk_item_id(struct walk *w, const struct catalog_mailbox *m, const struct catalog_folder *f,
	struct exa_error *err)
{
	struct catalog_row row;
	uint64_t number;
	bool found;

	if (!find_known(w, f, &found, &number, err))
		return exa_while(err, "looking in %s of %s", f->path, m->smtp);
	if (!found)
		return true;
	if (!find_row(w, number, &found, &row, err))
		return false;
	return !found || !is_of_this_version(w->s, &row) || !row_holds(w->s, &row) ||
	       deliver(w, m, f, &row, err);
}

static bool
walk_by_place(struct walk *w, struct exa_error *err)
{
	if (w->s->id_count > 0)
		return walk_ids(w, err);
	return each_folder(w, w->s->item_id != NULL ? walk_item_id : walk_folder, err);
}

/* ---- best first ---- */

static bool
note_hit(void *ctx, uint64_t number, struct exa_error *err)
{
	(void)err;
	buf_add_le64(ctx, number);
	return true;
}

/* What the index doesn't know has no rank; it is the newest, and comes first. */
static bool
walk_unknown(struct walk *w, const struct catalog_mailbox *m, const struct catalog_folder *f,
	struct exa_error *err)
{
	struct catalog_place place = { .received_ns = w->s->from_ns, .number = 0 };
	bool more = true;

	while (more) {
		if (!load_rows(w, f, &place, &more, err))
			return exa_while(err, "listing %s of %s", f->path, m->smtp);
		for (size_t i = 0; i < w->row_count; i++) {
			const struct catalog_row *row = &w->rows[i];

			if (is_of_this_version(w->s, row) && row_holds(w->s, row) &&
				content_is_unknown(w->content, row) && !deliver(w, m, f, row, err))
				return false;
		}
	}
	return true;
}

static bool
walk_hits(struct walk *w, struct bytes numbers, struct exa_error *err)
{
	for (size_t at = 0; at < numbers.size; at += 8) {
		struct catalog_row row;
		bool found;

		if (!find_row(w, get_le64(numbers.data + at), &found, &row, err))
			return false;
		if (found && is_of_this_version(w->s, &row) &&
			!content_is_unknown(w->content, &row) && !walk_row(w, &row, err))
			return false;
	}
	return true;
}

static bool
walk_ranked(struct walk *w, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf hits = { 0 };
	struct search *index = content_index(w->content);
	struct exa_error why;

	if (!search_ranked(index, w->s->content.words, note_hit, &hits, &why)) {
		content_give_up_index(w->content, &why);
		return walk_by_place(w, err);
	}
	return (search_is_current(index) || each_folder(w, walk_unknown, err)) &&
	       walk_hits(w, buf_bytes(&hits), err);
}

/* ---- in another order ---- */

static bool
hand_over_sorted(struct walk *w, struct exa_error *err)
{
	struct exa_error why;

	if (!order_finish(&w->order, w->catalog, content_index(w->content), err)) {
		if (content_index(w->content) == NULL)
			return false;
		why = *err;
		content_give_up_index(w->content, &why);
		if (!order_finish(&w->order, w->catalog, NULL, err))
			return false;
	}
	for (size_t i = 0; i < w->order.count; i++) {
		struct tree_mailbox *m;
		struct tree_folder *f;
		struct catalog_row row;
		bool found;

		if (!find_row(w, w->order.entries[i].number, &found, &row, err))
			return false;
		if (!found || row.state == ITEM_EXPIRED)
			continue;
		if (!tree_find(&w->tree, &row, &m, &f, err) ||
			!hand_over(w, &m->mailbox, &f->folder, &row, err))
			return false;
	}
	return true;
}

static bool
walk(struct walk *w, struct exa_error *err)
{
	switch (w->s->sort) {
	case SELECT_BY_RANK:
		return content_is_ranked(w->content) ? walk_ranked(w, err) : walk_by_place(w, err);
	case SELECT_BY_PLACE:
		return walk_by_place(w, err);
	case SELECT_BY_DATE:
	case SELECT_BY_SIZE:
	case SELECT_BY_SUBJECT:
	case SELECT_BY_SENDER:
	case SELECT_BY_NUMBER:
		w->collecting = true;
		return walk_by_place(w, err) && hand_over_sorted(w, err);
	}
	return false;
}

bool
selection_walk(struct catalog *c, const struct selection *s, selected_fn *fn, void *ctx,
	struct exa_error *err)
{
	struct walk *w = exa_alloc(sizeof *w);
	bool good;

	*w = (struct walk){
		.catalog = c, .s = s, .fn = fn, .ctx = ctx, .order = { .selection = s }
	};
	good = tree_load(&w->tree, c, s, err) && content_open(c, s, &w->content, err) &&
	       (walk(w, err) || w->enough);
	content_close(w->content);
	order_done(&w->order);
	tree_done(&w->tree);
	exa_free(w);
	return good;
}
