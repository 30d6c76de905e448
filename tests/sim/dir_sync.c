/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "dir_sync.h"

#define ROW_SIZE 16

struct row {
	uint64_t key, change;
};

static int
by_key(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

static struct row *
find_row(struct row *rows, size_t count, uint64_t key)
{
	struct row wanted = { key, 0 };

	return count == 0 ? NULL : bsearch(&wanted, rows, count, sizeof *rows, by_key);
}

/* Reads the table; false when it is none. */
static bool
read_rows(struct bytes state, struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		rows[i].key = get_le64(state.data + i * ROW_SIZE);
		rows[i].change = get_le64(state.data + i * ROW_SIZE + 8);
		if (i > 0 && rows[i - 1].key >= rows[i].key)
			return false;
	}
	return true;
}

/* False: the page is full, and there is more. */
static bool
add_change(struct change_page *page, enum change_kind kind, size_t position, uint64_t key)
{
	if (page->count == page->max)
		return false;
	page->changes[page->count++] = (struct sim_change){ kind, position, key };
	return true;
}

/* Items the client doesn't know, or knows differently; notes them in rows (room for them is there).
 */
static bool
add_news(struct view *v, size_t folder, struct row *rows, size_t known, size_t *count,
	struct change_page *page)
{
	for (size_t i = 0; i < v->folders[folder].item_count; i++) {
		struct sim_item item;
		struct row *row;

		v->ops->item(v, folder, i, NULL, &item);
		row = find_row(rows, known, item.key);
		if (row != NULL && row->change == item.change)
			continue;
		if (!add_change(page, row != NULL ? CHANGE_UPDATE : CHANGE_CREATE, i, item.key))
			return false;
		if (row != NULL)
			row->change = item.change;
		else
			rows[(*count)++] = (struct row){ item.key, item.change };
	}
	return true;
}

/* Items the client knows that are gone; takes them out of rows. */
static bool
add_losses(struct view *v, size_t folder, struct row *rows, size_t known, size_t *count,
	struct change_page *page)
{
	size_t kept = 0, position;
	bool complete = true;

	for (size_t i = 0; i < *count; i++) {
		if (i < known && complete && !v->ops->find(v, folder, rows[i].key, &position)) {
			complete = add_change(page, CHANGE_DELETE, 0, rows[i].key);
			if (complete)
				continue;
		}
		rows[kept++] = rows[i];
	}
	*count = kept;
	return complete;
}

bool
dir_sync(struct view *v, size_t folder, struct bytes state, struct change_page *page,
	struct buf *state_out)
{
	size_t known = state.size / ROW_SIZE, count = known;
	EXA_AUTO(exa_freep)
	struct row *rows = exa_alloc_array(known + page->max + 1, sizeof *rows);

	if (state.size % ROW_SIZE != 0 || !read_rows(state, rows, known))
		return false;
	page->is_last = add_news(v, folder, rows, known, &count, page) &&
			add_losses(v, folder, rows, known, &count, page);
	exa_sort(rows, count, sizeof *rows, by_key);
	for (size_t i = 0; i < count; i++) {
		buf_add_le64(state_out, rows[i].key);
		buf_add_le64(state_out, rows[i].change);
	}
	return true;
}
