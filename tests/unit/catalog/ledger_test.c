/* SPDX-License-Identifier: Apache-2.0 */
/* Every listed item stands in exactly one state, and the counts say so (design promise 2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/clock.h"

#include "archive.h"

#define MAILBOX 1
#define FOLDER 2

static struct ledger_counts
counts(struct archive *a)
{
	struct store_txn *txn;
	struct ledger_counts c;
	struct exa_error err;

	assert_true(store_read_begin(catalog_store(a->catalog), &txn, &err));
	assert_true(catalog_counts(txn, MAILBOX, FOLDER, &c, &err));
	store_read_end(txn);
	return c;
}

/* All counts are zero but that of STATE, which is N. */
static void
assert_only(struct archive *a, enum ledger_state state, uint64_t n)
{
	struct ledger_counts c = counts(a);

	for (int i = 0; i < LEDGER_STATE_COUNT; i++) {
		uint64_t expected = i == (int)state ? n : 0;

		if (c.of[i] != expected)
			fail_msg("%s: %llu instead of %llu",
				ledger_state_name((enum ledger_state)i),
				(unsigned long long)c.of[i], (unsigned long long)expected);
	}
}

static void
enter(struct archive *a, const char *id, const char *change_key, enum ledger_state state)
{
	const struct catalog_key key = catalog_key_of(MAILBOX, FOLDER, id);
	const struct ledger_entry entry = { .state = state,
		.server_id = id,
		.change_key = change_key,
		.class = "IPM.Note",
		.why = state == LEDGER_PENDING ? "" : "because",
		.size_bytes = 4711,
		.received_ns = 5 * EXA_NS_PER_S,
		.is_read = 1 };
	struct catalog_batch b = { 0 };

	catalog_batch_ledger(&b, &key, &entry);
	archive_commit(a, &b);
}

static uint64_t
archive_item(
	struct archive *a, const char *id, const char *change_key, uint8_t content, bool keep_older)
{
	struct catalog_item item = { .number = catalog_next_item(a->catalog),
		.mailbox = MAILBOX,
		.folder = FOLDER,
		.server_id = id,
		.change_key = change_key,
		.class = "IPM.Note",
		.internet_message_id = "<1@contoso.example>",
		.categories = "",
		.received_ns = 5 * EXA_NS_PER_S,
		.is_read = -1,
		.has_attachments = 0,
		.flag_status = 2,
		.mime_bytes = 100,
		.keep_older = keep_older };
	struct catalog_batch b = { 0 };

	memset(item.mime_sha256, content, sizeof item.mime_sha256);
	catalog_batch_item(&b, &item);
	archive_commit(a, &b);
	return item.number;
}

/* Without MIME; the hash stands for the stream. */
static uint64_t
archive_native(struct archive *a, const char *change_key, uint8_t content)
{
	struct catalog_item item = { .number = catalog_next_item(a->catalog),
		.mailbox = MAILBOX,
		.folder = FOLDER,
		.server_id = "A",
		.change_key = change_key,
		.class = "IPM.Task",
		.received_ns = 5 * EXA_NS_PER_S,
		.native_bytes = 70 };
	struct catalog_batch b = { 0 };

	memset(item.native_sha256, content, sizeof item.native_sha256);
	memset(item.native_recipe.bytes, content, sizeof item.native_recipe.bytes);
	catalog_batch_item(&b, &item);
	archive_commit(a, &b);
	return item.number;
}

static void
removed(struct archive *a, const char *id)
{
	const struct catalog_key key = catalog_key_of(MAILBOX, FOLDER, id);
	struct catalog_batch b = { 0 };

	catalog_batch_removed(&b, &key);
	archive_commit(a, &b);
}

static enum catalog_item_state
state_of_row(struct archive *a, uint64_t number)
{
	struct store_txn *txn;
	struct catalog_row row;
	struct exa_error err;
	bool found;

	assert_true(store_read_begin(catalog_store(a->catalog), &txn, &err));
	assert_true(catalog_row(txn, number, &found, &row, &err));
	store_read_end(txn);
	assert_true(found);
	return row.state;
}

static void
an_item_moves_from_state_to_state_and_is_counted_once(void **state)
{
	struct archive *a = *state;

	enter(a, "A", "1", LEDGER_PENDING);
	assert_only(a, LEDGER_PENDING, 1);
	enter(a, "A", "1", LEDGER_FAILED);
	assert_only(a, LEDGER_FAILED, 1);
	enter(a, "A", "1", LEDGER_DEFERRED);
	assert_only(a, LEDGER_DEFERRED, 1);
	enter(a, "A", "1", LEDGER_EXCLUDED);
	assert_only(a, LEDGER_EXCLUDED, 1);
	(void)archive_item(a, "A", "1", 1, false);
	assert_only(a, LEDGER_ARCHIVED, 1);
	removed(a, "A");
	assert_only(a, LEDGER_REMOVED, 1);
}

static void
an_item_deleted_before_it_was_fetched_is_gone(void **state)
{
	struct archive *a = *state;

	enter(a, "A", "1", LEDGER_PENDING);
	removed(a, "A");
	assert_only(a, LEDGER_GONE, 1);
}

static void
the_deletion_of_an_unknown_item_is_nothing(void **state)
{
	struct archive *a = *state;

	removed(a, "never seen");
	assert_only(a, LEDGER_GONE, 0);
}

static void
a_changed_item_supersedes_its_earlier_instance(void **state)
{
	struct archive *a = *state;
	uint64_t first = archive_item(a, "A", "1", 1, false), second;

	enter(a, "A", "2", LEDGER_PENDING);
	assert_only(a, LEDGER_PENDING, 1);
	second = archive_item(a, "A", "2", 2, false);
	assert_only(a, LEDGER_ARCHIVED, 1);
	assert_int_equal(state_of_row(a, first), ITEM_SUPERSEDED);
	assert_int_equal(state_of_row(a, second), ITEM_LIVE);
}

static void
without_mime_the_native_stream_tells_instances_apart(void **state)
{
	struct archive *a = *state;
	uint64_t first = archive_native(a, "1", 1), second, third;

	(void)archive_native(a, "2", 1);
	assert_int_equal(state_of_row(a, first), ITEM_LIVE);
	assert_only(a, LEDGER_ARCHIVED, 1);
	second = archive_native(a, "3", 2);
	assert_int_equal(state_of_row(a, first), ITEM_SUPERSEDED);
	/* the server has learnt to make MIME of it */
	third = archive_item(a, "A", "4", 3, false);
	assert_int_equal(state_of_row(a, second), ITEM_SUPERSEDED);
	assert_int_equal(state_of_row(a, third), ITEM_LIVE);
	assert_only(a, LEDGER_ARCHIVED, 1);
}

static void
with_all_versions_kept_both_stay_in_view(void **state)
{
	struct archive *a = *state;
	uint64_t first = archive_item(a, "A", "1", 1, true),
		 second = archive_item(a, "A", "2", 2, true);

	assert_only(a, LEDGER_ARCHIVED, 1);
	assert_int_equal(state_of_row(a, first), ITEM_LIVE);
	assert_int_equal(state_of_row(a, second), ITEM_LIVE);
}

static void
the_same_mime_under_a_new_change_key_keeps_its_number(void **state)
{
	struct archive *a = *state;
	const struct catalog_key key = catalog_key_of(MAILBOX, FOLDER, "A");
	uint64_t first = archive_item(a, "A", "1", 1, false), item = 0;
	struct store_txn *txn;
	struct exa_error err;
	bool found, same;

	(void)archive_item(a, "A", "2", 1, false);
	assert_true(store_read_begin(catalog_store(a->catalog), &txn, &err));
	assert_true(catalog_known(txn, &key, &found, &item, &same, "2", &err));
	store_read_end(txn);
	assert_true(found);
	assert_true(same);
	assert_int_equal(item, first);
	assert_int_equal(state_of_row(a, first), ITEM_LIVE);
	assert_only(a, LEDGER_ARCHIVED, 1);
}

static void
an_open_entry_of_a_known_item_can_be_closed_again(void **state)
{
	struct archive *a = *state;
	const struct catalog_key key = catalog_key_of(MAILBOX, FOLDER, "A");
	struct catalog_batch b = { 0 };

	(void)archive_item(a, "A", "1", 1, false);
	enter(a, "A", "2", LEDGER_PENDING);
	catalog_batch_close(&b, &key);
	archive_commit(a, &b);
	assert_only(a, LEDGER_ARCHIVED, 1);
}

static void
an_entry_comes_back_as_it_was_entered(void **state)
{
	struct archive *a = *state;
	const struct catalog_key key = catalog_key_of(MAILBOX, FOLDER, "AAMk/+=");
	struct ledger_entry e;
	struct store_txn *txn;
	struct exa_error err;
	bool found;

	enter(a, "AAMk/+=", "CQAA", LEDGER_DEFERRED);
	assert_true(store_read_begin(catalog_store(a->catalog), &txn, &err));
	assert_true(catalog_ledger(txn, &key, &found, &e, &err));
	assert_true(found);
	assert_string_equal(e.server_id, "AAMk/+=");
	assert_string_equal(e.change_key, "CQAA");
	assert_string_equal(e.class, "IPM.Note");
	assert_string_equal(e.why, "because");
	assert_int_equal(e.size_bytes, 4711);
	assert_int_equal(e.received_ns, 5 * EXA_NS_PER_S);
	assert_int_equal(e.is_read, 1);
	store_read_end(txn);
}

static void
a_rebuild_brings_back_what_is_archived_and_what_was_removed(void **state)
{
	struct archive *a = *state;
	uint64_t kept = archive_item(a, "A", "1", 1, false),
		 gone = archive_item(a, "B", "1", 2, false);
	uint64_t old = archive_item(a, "C", "1", 3, false),
		 new = archive_item(a, "C", "2", 4, false);
	struct ledger_counts c;

	removed(a, "B");
	archive_reopen(a, STORE_REBUILD);
	c = counts(a);
	assert_int_equal(c.of[LEDGER_ARCHIVED], 2);
	assert_int_equal(c.of[LEDGER_REMOVED], 1);
	assert_int_equal(state_of_row(a, kept), ITEM_LIVE);
	assert_int_equal(state_of_row(a, gone), ITEM_REMOVED);
	assert_int_equal(state_of_row(a, old), ITEM_SUPERSEDED);
	assert_int_equal(state_of_row(a, new), ITEM_LIVE);
	assert_true(catalog_next_item(a->catalog) > new);
}

int
main(void)
{
#define IN_ARCHIVE(test) cmocka_unit_test_setup_teardown(test, archive_make, archive_remove)
	const struct CMUnitTest tests[] = {
		IN_ARCHIVE(an_item_moves_from_state_to_state_and_is_counted_once),
		IN_ARCHIVE(an_item_deleted_before_it_was_fetched_is_gone),
		IN_ARCHIVE(the_deletion_of_an_unknown_item_is_nothing),
		IN_ARCHIVE(a_changed_item_supersedes_its_earlier_instance),
		IN_ARCHIVE(without_mime_the_native_stream_tells_instances_apart),
		IN_ARCHIVE(with_all_versions_kept_both_stay_in_view),
		IN_ARCHIVE(the_same_mime_under_a_new_change_key_keeps_its_number),
		IN_ARCHIVE(an_open_entry_of_a_known_item_can_be_closed_again),
		IN_ARCHIVE(an_entry_comes_back_as_it_was_entered),
		IN_ARCHIVE(a_rebuild_brings_back_what_is_archived_and_what_was_removed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
