/* SPDX-License-Identifier: Apache-2.0 */
/* The forms of an item, and the ladder down which one is followed that can't be had. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/clock.h"

#include "world.h"

#define WORLD(test) cmocka_unit_test_setup_teardown(test, world_make, world_remove)

/* ---- what the archive has of ANNA's first folder ---- */

struct found {
	struct store_reader *reader;
	size_t mime, native, both, keyed;
	struct buf scratch;
	struct catalog_row rows[64];
	size_t row_count;
};

static bool
take_row(void *ctx, const struct catalog_row *row, struct exa_error *err)
{
	struct found *f = ctx;

	(void)err;
	if (row->state == ITEM_LIVE)
		f->rows[f->row_count++] = *row;
	return true;
}

static bool
add_bytes(void *ctx, struct bytes data, struct exa_error *err)
{
	(void)err;
	buf_add_bytes(ctx, data);
	return true;
}

/* What a recipe gives has the length that the record names, and is of the item. */
static void
assert_gives(struct found *f, const struct store_id *recipe, uint64_t bytes, const char *text)
{
	EXA_AUTO(buf_done) struct buf content = { 0 };
	const struct recipe_sink sink = { .write = add_bytes, .ctx = &content };
	uint8_t hash[CATALOG_SHA256_SIZE];
	struct exa_error err;
	uint64_t played;

	if (!recipe_play(f->reader, recipe, &sink, &played, hash, &err))
		fail_msg("%s", err.text);
	assert_int_equal(played, bytes);
	assert_non_null(strstr(buf_string(&content), text));
}

static void
look_at(struct found *f, const struct catalog_row *row)
{
	struct catalog_item item;
	struct exa_error err;
	bool has_mime, has_native;
	uint8_t search_key[SERVER_KEY_SIZE];
	char text[64];

	if (!catalog_item_read(f->reader, row, &f->scratch, &item, &err))
		fail_msg("%s", err.text);
	has_mime = catalog_item_has_mime(&item);
	has_native = catalog_item_has_native(&item);
	f->mime += has_mime && !has_native;
	f->native += has_native && !has_mime;
	f->both += has_mime && has_native;
	if (has_mime) {
		(void)snprintf(text, sizeof text, "Subject: %s", item.server_id);
		assert_gives(f, &item.recipe, item.mime_bytes, text);
	}
	if (has_native) {
		(void)snprintf(text, sizeof text, "%s native", item.server_id);
		assert_gives(f, &item.native_recipe, item.native_bytes, text);
	}
	server_search_key(item.server_id, search_key);
	f->keyed += bytes_equal(item.search_key, bytes_of(search_key, sizeof search_key));
	assert_true(item.received_ns == row->received_ns);
	assert_int_equal(row->mime_bytes, has_mime ? item.mime_bytes : item.native_bytes);
}

static struct found
look(const struct world *w)
{
	struct found f = { 0 };
	struct catalog_place place = { .received_ns = EXA_NO_TIME };
	struct catalog *catalog;
	struct store_txn *txn = NULL;
	struct exa_error err;
	bool more;

	if (!catalog_open(w->dir, &(struct store_open_options){ .access = STORE_READ }, NULL,
		    &catalog, &err) ||
		!store_read_begin(catalog_store(catalog), &txn, &err) ||
		!catalog_each_row(txn, 1, 1, &place, 64, take_row, &f, &more, &err) ||
		!store_reader_new(catalog_store(catalog), &f.reader, &err))
		fail_msg("%s", err.text);
	store_read_end(txn);
	for (size_t i = 0; i < f.row_count; i++)
		look_at(&f, &f.rows[i]);
	store_reader_free(f.reader);
	buf_done(&f.scratch);
	catalog_abandonp(&catalog);
	return f;
}

/* ---- tests ---- */

static void
what_has_no_mime_is_archived_as_native_stream(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);
	struct found f;

	server_fill(inbox, 25);
	inbox->items[7].mime_fails = EXA_UNREADABLE;
	inbox->items[8].no_mime = true;
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 25);
	assert_int_equal(w->totals.sum.native_only, 2);
	assert_int_equal(w->totals.sum.failed, 0);
	assert_int_equal(w->totals.sum.unexplained, 0);
	f = look(w);
	assert_int_equal(f.mime, 23);
	assert_int_equal(f.native, 2);
	assert_int_equal(f.keyed, 25);
	server.exports = 0;
	world_run(w);
	assert_int_equal(server.fetches + server.exports, 0);
	assert_int_equal(w->totals.sum.known, 25);
}

static void
before_that_it_is_asked_for_alone_and_on_a_fresh_connection(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	server_fill(inbox, 5);
	inbox->items[3].mime_fails = EXA_UNREADABLE;
	world_run(w);
	assert_int_equal(inbox->items[3].fetched, 3);
	assert_int_equal(inbox->items[3].properties, 1);
	assert_int_equal(inbox->items[3].exported, 1);
	assert_int_equal(server.drops, 1);
	assert_int_equal(inbox->items[2].fetched, 1);
	assert_int_equal(inbox->items[2].exported, 0);
}

static void
classes_without_mime_are_not_asked_for_it_again_and_again(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	server_fill(inbox, 30);
	for (size_t i = 0; i < 30; i++) {
		inbox->items[i].class = i % 2 == 0 ? "IPM.Task" : "IPM.StickyNote";
		inbox->items[i].mime_fails = EXA_UNREADABLE;
	}
	world_run(w);
	assert_int_equal(w->totals.sum.native_only, 30);
	assert_int_equal(inbox->items[3].fetched, 1);
	/* three batches of ten: MIME, properties, streams */
	assert_int_equal(server.fetches, 6);
	assert_int_equal(server.exports, 3);
	assert_int_equal(server.drops, 0);
}

static void
an_item_that_has_neither_form_fails_for_the_reason_of_the_first(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	server_fill(inbox, 5);
	inbox->items[3].mime_fails = EXA_UNREADABLE;
	inbox->items[3].native_fails = EXA_FAILED;
	inbox->items[4].mime_fails = EXA_LIMIT;
	inbox->items[4].native_empty = true;
	world_run(w);
	assert_true(w->good);
	assert_int_equal(w->totals.sum.archived, 3);
	assert_int_equal(w->totals.sum.failed, 2);
	assert_int_equal(w->totals.sum.unexplained, 0);
	inbox->items[3].native_fails = EXA_OK;
	inbox->items[4].mime_fails = EXA_OK;
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 2);
	assert_int_equal(w->totals.sum.native_only, 1);
	assert_int_equal(w->totals.sum.failed, 0);
}

static void
properties_that_cannot_be_had_do_not_cost_the_stream(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	server_fill(inbox, 5);
	inbox->items[3].mime_fails = EXA_UNREADABLE;
	inbox->items[3].properties_fail = EXA_FAILED;
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 5);
	assert_int_equal(look(w).native, 1);
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 0);
	assert_int_equal(server.fetches, 0);
}

static void
both_forms_are_archived_when_both_are_wanted(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);
	struct found f;

	w->options.capture = CRAWL_CAPTURE_MIME | CRAWL_CAPTURE_NATIVE;
	server_fill(inbox, 25);
	inbox->items[3].mime_fails = EXA_UNREADABLE;
	inbox->items[4].native_fails = EXA_UNREADABLE;
	inbox->items[5].class = "IPM.Task";
	inbox->items[5].no_mime = true;
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 25);
	assert_int_equal(w->totals.sum.native_only, 2);
	f = look(w);
	assert_int_equal(f.both, 22);
	assert_int_equal(f.native, 2);
	assert_int_equal(f.mime, 1);
	/* of each the MIME once, the properties with it */
	assert_int_equal(inbox->items[0].fetched, 1);
	assert_int_equal(inbox->items[0].properties, 0);
	assert_int_equal(inbox->items[0].exported, 1);
	assert_true(server.most_exported > 1);
}

static void
streams_alone_are_archived_when_they_alone_are_wanted(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);
	struct found f;

	w->options.capture = CRAWL_CAPTURE_NATIVE;
	server_fill(inbox, 25);
	inbox->items[4].native_fails = EXA_UNREADABLE;
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 25);
	f = look(w);
	assert_int_equal(f.native, 24);
	assert_int_equal(f.mime, 1);
	assert_int_equal(inbox->items[0].fetched, 0);
	assert_int_equal(inbox->items[0].properties, 1);
	assert_int_equal(inbox->items[4].fetched, 1);
}

static void
a_stream_that_changes_is_a_new_instance(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	server_fill(inbox, 3);
	inbox->items[1].no_mime = true;
	world_run(w);
	server_change(inbox, 1);
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 1);
	assert_int_equal(world_rows(w, 1, ITEM_LIVE), 3);
	assert_int_equal(world_rows(w, 1, ITEM_SUPERSEDED), 1);
}

static void
who_may_not_export_reads_all_the_same(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	w->options.capture = CRAWL_CAPTURE_MIME | CRAWL_CAPTURE_NATIVE;
	server_fill(inbox, 12);
	server.mailboxes[0].exports_fail = EXA_DENIED;
	world_run(w);
	assert_true(w->good);
	assert_int_equal(w->totals.mailboxes_failed, 0);
	assert_int_equal(w->totals.sum.archived, 12);
	assert_int_equal(look(w).mime, 12);
}

static void
trouble_of_the_server_is_waited_for_in_either_form(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	w->options.capture = CRAWL_CAPTURE_NATIVE;
	server_fill(inbox, 12);
	server.broken = 2;
	world_run(w);
	assert_int_equal(look(w).native, 12);
	assert_int_equal(w->totals.sum.failed, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD(what_has_no_mime_is_archived_as_native_stream),
		WORLD(before_that_it_is_asked_for_alone_and_on_a_fresh_connection),
		WORLD(classes_without_mime_are_not_asked_for_it_again_and_again),
		WORLD(an_item_that_has_neither_form_fails_for_the_reason_of_the_first),
		WORLD(properties_that_cannot_be_had_do_not_cost_the_stream),
		WORLD(both_forms_are_archived_when_both_are_wanted),
		WORLD(streams_alone_are_archived_when_they_alone_are_wanted),
		WORLD(a_stream_that_changes_is_a_new_instance),
		WORLD(who_may_not_export_reads_all_the_same),
		WORLD(trouble_of_the_server_is_waited_for_in_either_form),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
