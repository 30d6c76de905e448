/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gen_rng.h"
#include "live.h"
#include "tree_gen.h"

#define ITEMS 40
#define ROUNDS 400
#define KNOWN_MAX (ITEMS + ROUNDS)

static char address[MAILBOX_ADDRESS_MAX];

static struct mailstore *
open_store(void)
{
	struct tree_gen_options o = { .mailboxes = 1, .items = ITEMS, .seed = 3, .small = true };
	struct mailstore *base, *s;
	struct mailbox_id *ids;
	struct exa_error err;
	size_t count;

	assert_true(tree_gen_open(&o, &base, &err));
	base->ops->list(base, &ids, &count);
	memcpy(address, ids[0].address, sizeof address);
	exa_free(ids);
	s = live_new(base, &err);
	assert_non_null(s);
	return s;
}

static struct view *
look(struct mailstore *s)
{
	struct view *v;

	assert_true(s->ops->open(s, address, VIEW_FRESH, &v));
	return v;
}

/* What a client believes is in the Inbox. */
struct client {
	struct buf state;
	uint64_t known[KNOWN_MAX];
	size_t count;
};

static void
apply(struct client *c, const struct sim_change *change)
{
	size_t i = 0;

	while (i < c->count && c->known[i] != change->key)
		i++;
	if (change->kind == CHANGE_CREATE) {
		assert_true(i == c->count); /* nothing is created twice */
		c->known[c->count++] = change->key;
	} else if (change->kind == CHANGE_DELETE) {
		if (i < c->count)
			c->known[i] = c->known[--c->count];
	} else {
		assert_true(i < c->count); /* what is changed was there */
	}
}

/* One page; true when it was the last. */
static bool
sync_page(struct client *c, struct view *v, size_t max)
{
	struct sim_change changes[8];
	struct change_page page = { .changes = changes, .max = max };
	struct buf next = { 0 };

	assert_true(v->ops->sync(v, FOLDER_INBOX, buf_bytes(&c->state), &page, &next));
	buf_done(&c->state);
	c->state = next;
	for (size_t i = 0; i < page.count; i++)
		apply(c, &changes[i]);
	return page.is_last;
}

static void
expect_equal(struct client *c, struct view *v)
{
	size_t position;

	assert_int_equal(c->count, v->folders[FOLDER_INBOX].item_count);
	for (size_t i = 0; i < c->count; i++)
		assert_true(v->ops->find(v, FOLDER_INBOX, c->known[i], &position));
}

static void
edit(struct mailstore *s, struct gen_rng *rng)
{
	struct view *v = look(s);
	struct arena *a = arena_new();
	uint64_t inbox = v->folders[FOLDER_INBOX].number;
	struct sim_item item = { .item_class = "IPM.Note", .subject = "x" };
	struct live_made made;
	struct live_at at = { address, inbox, 0 };
	size_t count = v->folders[FOLDER_INBOX].item_count;

	item.received_ns = (int64_t)gen_below(rng, 1000) * 1000000000;
	if (count > 0) {
		struct sim_item some;

		v->ops->item(v, FOLDER_INBOX, gen_below(rng, (uint32_t)count), a, &some);
		at.key = some.key;
		switch (gen_below(rng, 4)) {
		case 0:
			assert_null(live_remove_item(s, &at));
			break;
		case 1:
			assert_null(live_move_item(s, &at, v->folders[4].number, &made));
			break;
		case 2:
			assert_null(live_set_item(s, &at, &some, NULL, CHANGE_UPDATE, &made));
			break;
		default:
			break;
		}
	}
	if (count == 0 || gen_below(rng, 2) == 0)
		assert_null(live_add_item(s, address, inbox, &item, bytes_of_string("x"), &made));
	arena_free(a);
	view_drop(v);
}

static void
whatever_is_edited_meanwhile_a_client_that_syncs_to_the_end_knows_all(void **state)
{
	struct mailstore *s = open_store();
	struct gen_rng rng = { 5 };
	struct client c = { .count = 0 };

	(void)state;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct view *v;

		if (gen_below(&rng, 2) == 0)
			edit(s, &rng);
		v = look(s);
		if (sync_page(&c, v, 1 + gen_below(&rng, 8)))
			expect_equal(&c, v);
		view_drop(v);
	}
	buf_done(&c.state);
	s->ops->free(s);
}

static void
rows_of_a_changed_folder_are_newest_first_and_findable(void **state)
{
	struct mailstore *s = open_store();
	struct gen_rng rng = { 6 };
	struct arena *a = arena_new();
	struct view *v;

	(void)state;
	for (unsigned i = 0; i < 60; i++)
		edit(s, &rng);
	v = look(s);
	for (size_t i = 0; i < v->folders[FOLDER_INBOX].item_count; i++) {
		struct sim_item item, before;
		size_t position;

		v->ops->item(v, FOLDER_INBOX, i, a, &item);
		assert_true(v->ops->find(v, FOLDER_INBOX, item.key, &position));
		assert_int_equal(position, i);
		if (i == 0)
			continue;
		v->ops->item(v, FOLDER_INBOX, i - 1, a, &before);
		assert_true(before.received_ns >= item.received_ns);
	}
	view_drop(v);
	arena_free(a);
	s->ops->free(s);
}

static uint32_t
article_at(struct view *v, size_t position, struct arena *a)
{
	struct sim_item item;

	arena_reset(a);
	v->ops->item(v, FOLDER_INBOX, position, a, &item);
	return item.article;
}

static void
each_item_has_an_article_number_and_what_comes_later_a_larger_one(void **state)
{
	struct mailstore *s = open_store();
	struct gen_rng rng = { 11 };
	struct arena *a = arena_new();
	uint32_t most = 0;

	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		struct view *v = look(s);
		size_t count = v->folders[FOLDER_INBOX].item_count;
		uint32_t largest = most;

		for (size_t k = 0; k < count; k++) {
			uint32_t article = article_at(v, k, a);

			assert_int_not_equal(article, 0);
			for (size_t n = 0; n < k; n++)
				assert_int_not_equal(article, article_at(v, n, a));
			if (article > largest)
				largest = article;
		}
		most = largest;
		view_drop(v);
		edit(s, &rng);
		v = look(s);
		for (size_t k = 0; v->folders[FOLDER_INBOX].item_count > count; k++) {
			if (article_at(v, k, a) > most) /* the one that was added */
				break;
			assert_true(k + 1 < v->folders[FOLDER_INBOX].item_count);
		}
		view_drop(v);
	}
	arena_free(a);
	s->ops->free(s);
}

static void
a_view_stays_as_it_was(void **state)
{
	struct mailstore *s = open_store();
	struct gen_rng rng = { 7 };
	struct view *before;
	struct arena *a = arena_new();
	struct sim_item first, again;
	size_t count;

	(void)state;
	edit(s, &rng);
	before = look(s);
	count = before->folders[FOLDER_INBOX].item_count;
	before->ops->item(before, FOLDER_INBOX, 0, a, &first);
	for (unsigned i = 0; i < 50; i++)
		edit(s, &rng);
	assert_int_equal(before->folders[FOLDER_INBOX].item_count, count);
	before->ops->item(before, FOLDER_INBOX, 0, a, &again);
	assert_true(first.key == again.key);
	view_drop(before);
	arena_free(a);
	s->ops->free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			whatever_is_edited_meanwhile_a_client_that_syncs_to_the_end_knows_all),
		cmocka_unit_test(rows_of_a_changed_folder_are_newest_first_and_findable),
		cmocka_unit_test(each_item_has_an_article_number_and_what_comes_later_a_larger_one),
		cmocka_unit_test(a_view_stays_as_it_was),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
