/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "exarch/mem.h"

#include "order.h"

static int
by_number(const void *a, const void *b)
{
	const struct order_entry *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static int
by_value(const void *a, const void *b)
{
	const struct order_entry *x = a, *y = b;

	if (x->key.value != y->key.value)
		return x->key.value < y->key.value ? -1 : 1;
	return by_number(a, b);
}

static int
by_value_down(const void *a, const void *b)
{
	return by_value(b, a);
}

static int
by_text(const void *a, const void *b)
{
	const struct order_entry *x = a, *y = b;
	int order = memcmp(x->key.text, y->key.text, ORDER_TEXT_BYTES);

	return order != 0 ? order : by_number(a, b);
}

static int
by_text_down(const void *a, const void *b)
{
	return by_text(b, a);
}

static bool
is_by_text(const struct order *o)
{
	return o->selection->sort == SELECT_BY_SUBJECT || o->selection->sort == SELECT_BY_SENDER;
}

static void
sort(struct order *o)
{
	bool down = o->selection->descending;

	if (o->count == 0)
		return;
	if (is_by_text(o))
		exa_sort(o->entries, o->count, sizeof *o->entries, down ? by_text_down : by_text);
	else
		exa_sort(o->entries, o->count, sizeof *o->entries, down ? by_value_down : by_value);
}

static int64_t
value_of(const struct order *o, const struct catalog_row *row)
{
	switch (o->selection->sort) {
	case SELECT_BY_DATE:
		return row->received_ns; /* EXA_NO_TIME is before all others */
	case SELECT_BY_SIZE:
		return (int64_t)row->mime_bytes;
	case SELECT_BY_NUMBER:
		return (int64_t)row->number;
	case SELECT_BY_PLACE:
	case SELECT_BY_SUBJECT:
	case SELECT_BY_SENDER:
	case SELECT_BY_RANK:
		return 0;
	}
	return 0;
}

/* Of values the best LIMIT are all that is ever wanted: the rest goes when there are twice as many. */
static void
drop_beyond_limit(struct order *o)
{
	const uint64_t limit = o->selection->limit;

	if (limit == 0 || is_by_text(o) || o->count / 2 < limit || o->count < 4096)
		return;
	sort(o);
	o->count = (size_t)limit;
}

bool
order_add(struct order *o, const struct catalog_row *row, struct exa_error *err)
{
	drop_beyond_limit(o);
	if (o->count == SELECTION_SORT_MAX)
		return exa_fail(err, EXA_LIMIT,
			"more than %zu items can't be sorted; select fewer, or leave --sort out",
			SELECTION_SORT_MAX);
	if (o->count == o->capacity) {
		o->capacity = o->capacity == 0 ? 1024 : 2 * o->capacity;
		o->entries = exa_realloc_array(o->entries, o->capacity, sizeof *o->entries);
	}
	o->entries[o->count] = (struct order_entry){ .number = row->number };
	if (!is_by_text(o))
		o->entries[o->count].key.value = value_of(o, row);
	o->count++;
	return true;
}

/* ---- texts ---- */

struct texts {
	struct order *order;
	struct buf folded;
};

static void
take_text(struct texts *t, struct order_entry *e, const char *text)
{
	buf_reset(&t->folded);
	message_fold(&t->folded, text);
	memset(e->key.text, 0, sizeof e->key.text);
	memcpy(e->key.text, t->folded.data != NULL ? t->folded.data : (const uint8_t *)"",
		t->folded.size < ORDER_TEXT_BYTES ? t->folded.size : ORDER_TEXT_BYTES);
	e->has_text = true;
}

static bool
text_from_index(void *ctx, uint64_t number, const char *text, struct exa_error *err)
{
	struct texts *t = ctx;
	const struct order_entry key = { .number = number };
	struct order_entry *e =
		bsearch(&key, t->order->entries, t->order->count, sizeof key, by_number);

	(void)err;
	if (e != NULL)
		take_text(t, e, text);
	return true;
}

static bool
find_item(struct store_reader *r, uint64_t number, bool *found_out, struct buf *scratch,
	struct catalog_item *out, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct catalog_row row;

	if (!store_read_begin(store_reader_store(r), &txn, err) ||
		!catalog_row(txn, number, found_out, &row, err))
		return false;
	return !*found_out || catalog_item_read(r, &row, scratch, out, err);
}

/* Of what can't be read the text is empty: it comes first, and whoever gets it tells. */
static bool
text_from_archive(struct texts *t, struct store_reader *r, struct order_entry *e,
	struct buf *scratch, struct exa_error *err)
{
	struct message_head head = { 0 };
	struct catalog_item item;
	bool found, good;

	good = find_item(r, e->number, &found, scratch, &item, err) &&
	       (!found || !catalog_item_has_mime(&item) ||
		       message_head_read(r, &item.recipe, &head, err));
	if (!good && err->code != EXA_CORRUPT && err->code != EXA_GONE)
		return false;
	if (good && head.subject != NULL)
		take_text(t, e,
			t->order->selection->sort == SELECT_BY_SUBJECT ? head.subject : head.from);
	message_head_done(&head);
	return true;
}

static bool
find_texts(struct order *o, struct catalog *c, struct search *index, struct exa_error *err)
{
	EXA_AUTO(store_reader_freep) struct store_reader *reader = NULL;
	EXA_AUTO(buf_done) struct buf scratch = { 0 };
	struct texts t = { .order = o };
	bool good = true;

	if (o->count > 0)
		exa_sort(o->entries, o->count, sizeof *o->entries, by_number);
	if (index != NULL)
		good = search_texts(index,
			o->selection->sort == SELECT_BY_SUBJECT ? SEARCH_SUBJECT : SEARCH_SENDER,
			text_from_index, &t, err);
	good = good && store_reader_new(catalog_store(c), &reader, err);
	for (size_t i = 0; good && i < o->count; i++) {
		if (!o->entries[i].has_text)
			good = text_from_archive(&t, reader, &o->entries[i], &scratch, err);
	}
	buf_done(&t.folded);
	return good;
}

bool
order_finish(struct order *o, struct catalog *c, struct search *index, struct exa_error *err)
{
	if (is_by_text(o) && !find_texts(o, c, index, err))
		return false;
	sort(o);
	return true;
}

void
order_done(struct order *o)
{
	exa_free(o->entries);
	*o = (struct order){ 0 };
}
