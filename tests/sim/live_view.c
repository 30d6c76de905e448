/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The view over the base. Folders: the base's without those removed, then own ones. Items: a folder
 * without edits is passed through; one with edits has a list of rows, the base's order kept and the
 * added ones put where their time belongs.
 */
#include <stdlib.h>
#include <string.h>

#include "live_box.h"

static struct live_view *
of(struct view *v)
{
	return (struct live_view *)v;
}

/* ---- what operations ask ---- */

static void
view_item(struct view *view, size_t folder, size_t position, struct arena *a, struct sim_item *out)
{
	struct live_view *v = of(view);
	struct live_list *list = v->lists[folder];

	if (list == NULL)
		v->base->ops->item(v->base, v->base_place[folder], position, a, out);
	else if (list->rows[position].edit != NULL)
		*out = list->rows[position].edit->item;
	else
		v->base->ops->item(
			v->base, v->base_place[folder], list->rows[position].base_position, a, out);
}

static bool
find_added(const struct live_list *list, uint64_t key, size_t *position_out)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->rows[i].edit != NULL && list->rows[i].edit->item.key == key) {
			*position_out = i;
			return true;
		}
	}
	return false;
}

static bool
view_find(struct view *view, size_t folder, uint64_t key, size_t *position_out)
{
	struct live_view *v = of(view);
	struct live_list *list = v->lists[folder];
	size_t at;

	if (list == NULL)
		return v->base_place[folder] != NO_BASE &&
		       v->base->ops->find(v->base, v->base_place[folder], key, position_out);
	if (v->base_place[folder] != NO_BASE &&
		v->base->ops->find(v->base, v->base_place[folder], key, &at)) {
		if (list->row_of_base[at] == SIZE_MAX)
			return false;
		*position_out = list->row_of_base[at];
		return true;
	}
	return find_added(list, key, position_out);
}

static bool
open_base(struct live_view *v, const struct live_item *e, struct body **out, struct exa_error *err)
{
	size_t folder, position;

	if (!view_find_folder(v->base, e->base_folder, &folder) ||
		!v->base->ops->find(v->base, folder, e->base_key, &position))
		return exa_fail(err, EXA_GONE, "its file is gone");
	return v->base->ops->open(v->base, folder, position, out, err);
}

static bool
view_open(
	struct view *view, size_t folder, size_t position, struct body **out, struct exa_error *err)
{
	struct live_view *v = of(view);
	struct live_list *list = v->lists[folder];
	const struct live_item *e = list == NULL ? NULL : list->rows[position].edit;
	struct body *body;

	if (list == NULL)
		return v->base->ops->open(v->base, v->base_place[folder], position, out, err);
	if (e == NULL)
		return v->base->ops->open(v->base, v->base_place[folder],
			list->rows[position].base_position, out, err);
	if (e->is_spooled)
		body = spool_body(v->box->spool, e->offset, e->size);
	else if (!open_base(v, e, &body, err))
		return false;
	*out = e->header != NULL ? prefixed_body(bytes_of_string(e->header), body) : body;
	return true;
}

static void
list_free(struct live_list *list)
{
	if (list == NULL)
		return;
	for (size_t i = 0; i < list->count; i++)
		live_item_drop(list->rows[i].edit);
	exa_free(list->rows);
	exa_free(list->row_of_base);
	exa_free(list);
}

static void
view_free(struct view *view)
{
	struct live_view *v = of(view);

	for (size_t i = 0; i < v->view.folder_count; i++)
		list_free(v->lists[i]);
	view_drop(v->base);
	exa_free(v->lists);
	exa_free(v->base_place);
	exa_free(v->view.folders);
	exa_free(v);
}

static const struct view_ops live_view_ops = { view_item, view_find, view_open, live_sync,
	view_free };

/* ---- folders ---- */

static const struct live_folder *
folder_edit(const struct live_box *box, uint64_t number)
{
	for (size_t i = 0; i < box->folder_count; i++) {
		if (box->folders[i].folder.number == number)
			return &box->folders[i];
	}
	return NULL;
}

/* Gone itself, or something above it is. */
static bool
is_gone(const struct live_box *box, size_t place)
{
	const struct view *base = box->base;
	const struct live_folder *e = folder_edit(box, base->folders[place].number);
	size_t up = base->folders[place].parent;

	if (e != NULL)
		return e->is_removed; /* a moved one is where it was moved to */
	return up != place && is_gone(box, up);
}

static size_t
place_of_number(const struct live_view *v, uint64_t number)
{
	size_t place;

	return view_find_folder(&v->view, number, &place) ? place : FOLDER_TOP;
}

static void
add_folder(struct live_view *v, const struct sim_folder *f, size_t base_place)
{
	v->base_place[v->view.folder_count] = base_place;
	v->view.folders[v->view.folder_count] = *f;
	v->view.folders[v->view.folder_count++].child_count = 0;
}

static void
find_parents(struct live_view *v)
{
	for (size_t i = 0; i < v->view.folder_count; i++) {
		struct sim_folder *f = &v->view.folders[i];
		const struct live_folder *e = folder_edit(v->box, f->number);
		size_t base_parent =
			v->base_place[i] == NO_BASE ? 0 : v->base->folders[v->base_place[i]].parent;

		f->parent = place_of_number(
			v, e != NULL ? e->parent : v->base->folders[base_parent].number);
		if (f->parent != i)
			v->view.folders[f->parent].child_count++;
	}
}

static void
lay_out_folders(struct live_view *v)
{
	struct live_box *box = v->box;
	size_t most = v->base->folder_count + box->folder_count;

	v->view.folders = exa_alloc_array(most + 1, sizeof *v->view.folders);
	v->base_place = exa_alloc_array(most + 1, sizeof *v->base_place);
	v->lists = exa_alloc_array(most + 1, sizeof(struct live_list *));
	for (size_t i = 0; i < v->base->folder_count; i++) {
		struct sim_folder f = v->base->folders[i];
		const struct live_folder *e = folder_edit(box, f.number);

		if (is_gone(box, i))
			continue;
		if (e != NULL)
			f.name = e->folder.name;
		add_folder(v, &f, i);
	}
	for (size_t i = 0; i < box->folder_count; i++) {
		if (box->folders[i].is_own && !box->folders[i].is_removed)
			add_folder(v, &box->folders[i].folder, NO_BASE);
	}
	find_parents(v);
}

/* ---- items ---- */

struct building {
	struct live_item **over; /* by position in the base: what lies there */
	struct live_item **added;
	size_t added_count;
};

static int
newest_first(const void *a, const void *b)
{
	const struct live_item *x = *(struct live_item *const *)a,
			       *y = *(struct live_item *const *)b;

	if (x->item.received_ns != y->item.received_ns)
		return x->item.received_ns > y->item.received_ns ? -1 : 1;
	return x->item.key > y->item.key ? -1 : x->item.key < y->item.key;
}

/* The base position before which an item of that time stands. */
static size_t
place_for(struct live_view *v, size_t base_folder, size_t count, int64_t received_ns,
	struct arena *arena)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct sim_item item;

		v->base->ops->item(v->base, base_folder, middle, arena, &item);
		if (item.received_ns > received_ns)
			low = middle + 1;
		else
			high = middle;
		arena_reset(arena);
	}
	return low;
}

static void
add_row(struct live_list *list, struct live_item *edit, size_t base_position)
{
	list->rows[list->count++] =
		(struct live_row){ edit != NULL ? live_item_keep(edit) : NULL, base_position };
}

static struct live_list *
merge(struct live_view *v, size_t folder, struct building *b, size_t base_count)
{
	struct live_list *list = exa_alloc(sizeof *list);
	struct arena *arena = arena_new();
	size_t next = 0, due = 0;

	list->base_count = base_count;
	list->rows = exa_alloc_array(base_count + b->added_count + 1, sizeof *list->rows);
	list->row_of_base = exa_alloc_array(base_count + 1, sizeof *list->row_of_base);
	if (b->added_count > 0) {
		exa_sort(b->added, b->added_count, sizeof(struct live_item *), newest_first);
		due = place_for(
			v, v->base_place[folder], base_count, b->added[0]->item.received_ns, arena);
	}
	for (size_t i = 0; i <= base_count; i++) {
		while (next < b->added_count && due <= i) {
			add_row(list, b->added[next++], 0);
			if (next < b->added_count)
				due = place_for(v, v->base_place[folder], base_count,
					b->added[next]->item.received_ns, arena);
		}
		if (i == base_count)
			break;
		list->row_of_base[i] = SIZE_MAX;
		if (b->over[i] != NULL && b->over[i]->kind == LIVE_REMOVED)
			continue;
		list->row_of_base[i] = list->count;
		add_row(list, b->over[i], i);
	}
	arena_free(arena);
	return list;
}

/* The folder's counts, from the base's and the edit. */
static void
count_edit(struct sim_folder *f, const struct live_item *e)
{
	if (e->kind != LIVE_ADDED) {
		f->item_count--;
		f->unread_count -= !e->was_read;
		f->size_bytes -= e->was_size < f->size_bytes ? e->was_size : f->size_bytes;
	}
	if (e->kind != LIVE_REMOVED) {
		f->item_count++;
		f->unread_count += !e->item.is_read;
		f->size_bytes += e->item.size_bytes;
	}
}

static void
lay_out_items(struct live_view *v, size_t folder)
{
	struct sim_folder *f = &v->view.folders[folder];
	struct live_box *box = v->box;
	struct building b = { 0 };
	size_t base_count = f->item_count, position;

	b.over = exa_alloc_array(base_count + 1, sizeof(struct live_item *));
	b.added = exa_alloc_array(box->edit_count + 1, sizeof(struct live_item *));
	for (size_t i = 0; i < box->edit_count; i++) {
		struct live_item *e = box->edits[i];

		if (e->folder != f->number)
			continue;
		if (e->kind == LIVE_ADDED) {
			b.added[b.added_count++] = e;
			count_edit(f, e);
		} else if (v->base_place[folder] != NO_BASE &&
			   v->base->ops->find(
				   v->base, v->base_place[folder], e->item.key, &position)) {
			b.over[position] = e;
			count_edit(f, e);
		}
	}
	v->lists[folder] = merge(v, folder, &b, base_count);
	exa_free(b.over);
	exa_free(b.added);
}

/* The folder changed when its newest entry was made. */
static void
date_folder(struct live_view *v, struct sim_folder *f)
{
	const struct live_box *box = v->box;

	for (size_t i = box->entry_count; i > 0; i--) {
		if (box->journal[i - 1].folder == f->number) {
			int64_t moment_ns = (int64_t)box->journal[i - 1].serial;

			if (f->changed_ns < moment_ns)
				f->changed_ns = moment_ns;
			return;
		}
	}
}

struct view *
live_view_new(struct live_box *box)
{
	struct live_view *v = exa_alloc(sizeof *v);

	v->view.ops = &live_view_ops;
	v->view.references = 1;
	v->view.id = box->id;
	v->view.is_public = box->base->is_public;
	v->box = box;
	v->base = view_keep(box->base);
	v->serial = box->serial;
	lay_out_folders(v);
	for (size_t i = 0; i < v->view.folder_count; i++) {
		struct sim_folder *f = &v->view.folders[i];
		bool has_edits = v->base_place[i] == NO_BASE;

		for (size_t k = 0; k < box->edit_count && !has_edits; k++)
			has_edits = box->edits[k]->folder == f->number;
		if (has_edits)
			lay_out_items(v, i);
		date_folder(v, f);
	}
	return &v->view;
}
