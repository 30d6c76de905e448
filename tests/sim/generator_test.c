/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "b64.h"
#include "gen_encode.h"
#include "gen_file.h"
#include "mailbox.h"
#include "tree_gen.h"

static const struct tree_gen_options plain = { .mailboxes = 4, .items = 60, .seed = 7 };

static struct mailstore *
open_store(struct tree_gen_options o)
{
	struct mailstore *store;
	struct exa_error err;

	assert_true(tree_gen_open(&o, &store, &err));
	return store;
}

static struct view *
open_mailbox(struct mailstore *store, size_t number)
{
	struct mailbox_id *ids;
	struct view *view;
	size_t count;

	store->ops->list(store, &ids, &count);
	assert_true(number < count);
	assert_true(store->ops->open(store, ids[number].address, VIEW_FRESH, &view));
	exa_free(ids);
	return view;
}

static void
read_message(struct view *v, size_t folder, size_t position, struct buf *out)
{
	struct exa_error err;
	struct body *body;
	uint8_t block[1013];
	ssize_t n;

	assert_true(v->ops->open(v, folder, position, &body, &err));
	while ((n = body->read(body, block, sizeof block)) > 0)
		buf_add(out, block, (size_t)n);
	assert_int_equal(n, 0);
	body_close(body);
}

/* All messages and properties of a mailbox in one number. */
static uint64_t
fingerprint(struct view *v, size_t *count_out)
{
	struct arena *a = arena_new();
	uint64_t sum = 0;

	*count_out = 0;
	for (size_t f = 0; f < v->folder_count; f++) {
		for (size_t i = 0; i < v->folders[f].item_count; i++) {
			EXA_AUTO(buf_done) struct buf message = { 0 };
			struct sim_item item;

			v->ops->item(v, f, i, a, &item);
			read_message(v, f, i, &message);
			buf_add_le64(&message, item.key);
			buf_add_le64(&message, (uint64_t)item.received_ns);
			buf_add_string(&message, item.subject);
			sum ^= stable_hash("test", buf_bytes(&message), bytes_of(NULL, 0));
			(*count_out)++;
		}
	}
	arena_free(a);
	return sum;
}

static uint64_t
fingerprint_of(struct tree_gen_options o, size_t mailbox, size_t *count_out)
{
	struct mailstore *store = open_store(o);
	struct view *v = open_mailbox(store, mailbox);
	uint64_t sum = fingerprint(v, count_out);

	view_drop(v);
	store->ops->free(store);
	return sum;
}

static void
the_same_numbers_give_the_same_mail(void **state)
{
	struct tree_gen_options other = plain;
	size_t count;
	uint64_t first = fingerprint_of(plain, 1, &count);

	(void)state;
	assert_int_equal(count, plain.items);
	assert_int_equal(fingerprint_of(plain, 1, &count), first);
	other.seed++;
	assert_int_not_equal(fingerprint_of(other, 1, &count), first);
	assert_int_not_equal(fingerprint_of(plain, 2, &count), first);
}

/* Syncs all folders of all mailboxes from the states on (empty: the begin), counting changes. */
#define FOLDERS_MAX 32

struct client {
	struct buf states[4][FOLDERS_MAX];
	size_t created, deleted, updated, pages;
};

static void
sync_folder(struct view *v, size_t folder, size_t max, struct buf *state, struct client *c)
{
	struct sim_change changes[64];
	struct change_page page = { .changes = changes, .max = max };

	while (!page.is_last) {
		EXA_AUTO(buf_done) struct buf next = { 0 };

		page.count = 0;
		assert_true(v->ops->sync(v, folder, buf_bytes(state), &page, &next));
		assert_true(page.count <= max);
		for (size_t i = 0; i < page.count; i++) {
			c->created += changes[i].kind == CHANGE_CREATE;
			c->deleted += changes[i].kind == CHANGE_DELETE;
			c->updated += changes[i].kind == CHANGE_UPDATE;
		}
		buf_reset(state);
		buf_add_bytes(state, buf_bytes(&next));
		assert_true(++c->pages < 10000);
	}
}

static void
sync_all(struct tree_gen_options o, size_t max, struct client *c)
{
	struct mailstore *store = open_store(o);

	c->created = c->deleted = c->updated = c->pages = 0;
	for (size_t m = 0; m < o.mailboxes; m++) {
		struct view *v = open_mailbox(store, m);

		for (size_t f = 0; f < v->folder_count; f++)
			sync_folder(v, f, max, &c->states[m][f], c);
		view_drop(v);
	}
	store->ops->free(store);
}

static void
assert_changes(struct tree_gen_options o, struct client *c, size_t created, size_t deleted)
{
	sync_all(o, 7, c);
	assert_int_equal(c->created, created);
	assert_int_equal(c->deleted, deleted);
	assert_int_equal(c->updated, 0);
}

static void
adding_and_removing_shows_exactly_that_to_old_states(void **state)
{
	struct tree_gen_options o = plain;
	struct client c = { 0 };

	(void)state;
	assert_changes(o, &c, 240, 0);
	assert_changes(o, &c, 0, 0);
	o.add = 30;
	o.remove = 9;
	assert_changes(o, &c, 30, 9);
	o.add = 35;
	assert_changes(o, &c, 5, 0);
	o.remove = 20;
	assert_changes(o, &c, 0, 11);
	o.add = 10; /* started with less again */
	o.remove = 0;
	assert_changes(o, &c, 20, 25);
	for (size_t m = 0; m < 4; m++) {
		for (size_t f = 0; f < FOLDERS_MAX; f++)
			buf_done(&c.states[m][f]);
	}
}

static void
a_change_in_the_middle_of_a_first_sync_is_told_in_the_end(void **state)
{
	struct tree_gen_options changed = plain;
	struct mailstore *store = open_store(plain);
	struct view *v = open_mailbox(store, 0);
	EXA_AUTO(buf_done) struct buf half = { 0 };
	struct sim_change changes[64];
	struct change_page page = { .changes = changes, .max = 10 };
	struct client c = { 0 };
	size_t inbox = FOLDER_INBOX, present;

	(void)state;
	assert_true(v->ops->sync(v, inbox, bytes_of(NULL, 0), &page, &half));
	assert_int_equal(page.count, 10);
	assert_false(page.is_last);
	view_drop(v);
	store->ops->free(store);
	changed.add = 40;
	changed.remove = 40;
	store = open_store(changed);
	v = open_mailbox(store, 0);
	present = v->folders[inbox].item_count;
	sync_folder(v, inbox, 10, &half, &c);
	/* Of ids never told of a Delete is allowed; what was told must add up to what is there. */
	assert_in_range(10 + c.created, present, present + 40);
	assert_true(10 + c.created - c.deleted <= present);
	view_drop(v);
	store->ops->free(store);
}

static void
garbage_is_no_state(void **state)
{
	struct mailstore *store = open_store(plain);
	struct view *v = open_mailbox(store, 0);
	EXA_AUTO(buf_done) struct buf next = { 0 };
	struct sim_change changes[64];
	struct change_page page = { .changes = changes, .max = 10 };

	(void)state;
	assert_false(v->ops->sync(v, FOLDER_INBOX, bytes_of_string("x"), &page, &next));
	assert_false(v->ops->sync(
		v, FOLDER_INBOX, bytes_of_string("0123456789012345678901234"), &page, &next));
	view_drop(v);
	store->ops->free(store);
}

static void
copies_of_a_submission_share_their_search_key_and_differ_in_bytes(void **state)
{
	struct mailstore *store = open_store(plain);
	struct arena *a = arena_new();
	uint64_t keys[240], sums[240];
	size_t n = 0, pairs = 0;

	(void)state;
	for (size_t m = 0; m < plain.mailboxes; m++) {
		struct view *v = open_mailbox(store, m);

		for (size_t f = 0; f < v->folder_count; f++) {
			for (size_t i = 0; i < v->folders[f].item_count; i++) {
				EXA_AUTO(buf_done) struct buf message = { 0 };
				struct sim_item item;

				v->ops->item(v, f, i, a, &item);
				read_message(v, f, i, &message);
				keys[n] = get_be64(item.search_key);
				sums[n++] =
					stable_hash("test", buf_bytes(&message), bytes_of(NULL, 0));
			}
		}
		view_drop(v);
	}
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < i; k++) {
			pairs += keys[i] == keys[k];
			assert_true(sums[i] != sums[k]);
		}
	}
	assert_true(pairs > 20);
	arena_free(a);
	store->ops->free(store);
}

static void
a_file_is_the_same_in_whatever_pieces_it_is_read(void **state)
{
	struct gen_file f = { 99, FILE_PDF, 20000 };
	static uint8_t whole[20000], pieces[20000];

	(void)state;
	gen_file_read(&f, 0, whole, f.size);
	for (size_t at = 0, n = 1; at < f.size; at += n, n = n * 3 % 5000 + 1) {
		n = n < f.size - at ? n : f.size - at;
		gen_file_read(&f, at, pieces + at, n);
	}
	assert_memory_equal(whole, pieces, f.size);
}

static void
quoted_printable_keeps_to_76_columns_and_comes_back(void **state)
{
	EXA_AUTO(buf_done) struct buf in = { 0 };
	EXA_AUTO(buf_done) struct buf coded = { 0 };
	EXA_AUTO(buf_done) struct buf back = { 0 };
	size_t column = 0;
	unsigned byte;

	(void)state;
	for (unsigned i = 0; i < 2000; i++)
		buf_printf(&in, "%u=\xc3\xbc %s", i, i % 17 == 0 ? " \r\n" : "");
	gen_add_quoted_printable(&coded, buf_bytes(&in));
	for (size_t i = 0; i < coded.size; i++) {
		column = coded.data[i] == '\n' ? 0 : column + 1;
		assert_true(column <= 77); /* with CR */
		assert_true(coded.data[i] < 0x80);
		if (coded.data[i] != '=') {
			buf_add_byte(&back, coded.data[i]);
		} else if (coded.data[i + 1] != '\r') {
			assert_int_equal(sscanf((char *)coded.data + i + 1, "%2X", &byte), 1);
			buf_add_byte(&back, (uint8_t)byte);
			i += 2;
		} else {
			i += 2;
			column = 0;
		}
	}
	assert_true(bytes_equal(buf_bytes(&in), buf_bytes(&back)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_numbers_give_the_same_mail),
		cmocka_unit_test(adding_and_removing_shows_exactly_that_to_old_states),
		cmocka_unit_test(a_change_in_the_middle_of_a_first_sync_is_told_in_the_end),
		cmocka_unit_test(garbage_is_no_state),
		cmocka_unit_test(copies_of_a_submission_share_their_search_key_and_differ_in_bytes),
		cmocka_unit_test(a_file_is_the_same_in_whatever_pieces_it_is_read),
		cmocka_unit_test(quoted_printable_keeps_to_76_columns_and_comes_back),
	};

	b64_init();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
