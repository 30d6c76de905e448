/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/clock.h"

#include "archive.h"

static uint32_t
put_mailbox(struct archive *a, const char *smtp)
{
	const struct catalog_mailbox m = { .smtp = smtp, .display_name = "someone" };
	struct exa_error err;
	uint32_t number = 0;

	assert_true(catalog_mailbox_put(a->catalog, &m, &number, &err));
	assert_true(store_flush(catalog_store(a->catalog), &err));
	return number;
}

static uint32_t
put_folder(struct archive *a, uint32_t mailbox, const char *id, const char *path)
{
	const struct catalog_folder f = { .mailbox = mailbox,
		.server_id = id,
		.parent_id = "",
		.name = path + 1,
		.path = path,
		.class = "IPF.Note" };
	struct exa_error err;
	uint32_t number = 0;

	assert_true(catalog_folder_put(a->catalog, &f, &number, &err));
	assert_true(store_flush(catalog_store(a->catalog), &err));
	return number;
}

static void
a_mailbox_keeps_its_number_however_its_address_is_written(void **state)
{
	struct archive *a = *state;
	uint32_t anna = put_mailbox(a, "Anna@Contoso.example"),
		 ben = put_mailbox(a, "ben@contoso.example");

	assert_int_not_equal(anna, ben);
	assert_int_equal(put_mailbox(a, "anna@contoso.EXAMPLE"), anna);
	archive_reopen(a, STORE_WRITE);
	assert_int_equal(put_mailbox(a, "anna@contoso.example"), anna);
	assert_true(put_mailbox(a, "third@contoso.example") > ben);
}

/* Their records may be lost by damage while the items' are not. */
static void
numbers_that_items_name_are_not_given_again(void **state)
{
	struct archive *a = *state;
	struct catalog_item item = { .number = catalog_next_item(a->catalog),
		.mailbox = 7,
		.folder = 3,
		.server_id = "item",
		.change_key = "change",
		.class = "IPM.Note",
		.internet_message_id = "",
		.categories = "",
		.received_ns = EXA_NO_TIME };
	struct catalog_batch b = { 0 };

	catalog_batch_item(&b, &item);
	archive_commit(a, &b);
	archive_reopen(a, STORE_REBUILD);
	archive_reopen(a, STORE_WRITE);
	assert_true(put_mailbox(a, "new@contoso.example") > 7);
	assert_true(put_folder(a, 7, "folder", "/New") > 3);
}

struct paths {
	char path[8][64]; /* by folder number */
	size_t count;
};

static bool
remember_path(void *ctx, const struct catalog_folder *f, struct exa_error *err)
{
	struct paths *p = ctx;

	(void)err;
	assert_true(f->number < 8);
	(void)snprintf(p->path[f->number], sizeof p->path[0], "%s", f->path);
	p->count++;
	return true;
}

static void
a_renamed_folder_keeps_its_number(void **state)
{
	struct archive *a = *state;
	uint32_t mailbox = put_mailbox(a, "anna@contoso.example"),
		 folder = put_folder(a, mailbox, "ID1", "/Projekte");
	struct paths paths = { .count = 0 };
	struct store_txn *txn;
	struct exa_error err;
	uint32_t number;
	bool found;

	assert_int_equal(put_folder(a, mailbox, "ID1", "/Projects"), folder);
	assert_int_not_equal(put_folder(a, mailbox, "id1", "/Other"), folder);
	archive_reopen(a, STORE_REBUILD);
	assert_int_equal(put_folder(a, mailbox, "ID1", "/Projects"), folder);
	assert_true(store_read_begin(catalog_store(a->catalog), &txn, &err));
	assert_true(catalog_find_folder(txn, mailbox, "ID1", &found, &number, &err));
	assert_true(found);
	assert_int_equal(number, folder);
	assert_true(catalog_each_folder(txn, mailbox, remember_path, &paths, &err));
	assert_string_equal(paths.path[folder], "/Projects");
	assert_int_equal(paths.count, 2);
	store_read_end(txn);
}

static void
a_sync_state_of_any_length_comes_back(void **state)
{
	struct archive *a = *state;
	struct catalog_batch b = { 0 };
	struct catalog_sync sync = { .fingerprint = 42,
		.changed_ns = 7,
		.total_count = 9,
		.listed_ns = EXA_NO_TIME },
			    back;
	struct buf text = { 0 };
	struct store_txn *txn;
	struct exa_error err;
	bool found;

	for (int i = 0; i < 700 * 1024; i++)
		buf_add_byte(&text, (uint8_t)('a' + i % 26));
	sync.state = buf_string(&text);
	catalog_batch_sync(&b, 3, 4, &sync);
	archive_commit(a, &b);
	assert_true(store_read_begin(catalog_store(a->catalog), &txn, &err));
	assert_true(catalog_sync_get(txn, 3, 4, &found, &back, &err));
	assert_true(found);
	assert_int_equal(strlen(back.state), 700 * 1024);
	assert_memory_equal(back.state, sync.state, 700 * 1024);
	assert_int_equal(back.fingerprint, 42);
	assert_int_equal(back.total_count, 9);
	assert_true(back.listed_ns == EXA_NO_TIME);
	assert_true(catalog_sync_get(txn, 3, 5, &found, &back, &err));
	assert_false(found);
	store_read_end(txn);
	buf_done(&text);
}

struct collected {
	uint64_t numbers[16];
	size_t count;
};

static bool
collect_row(void *ctx, const struct catalog_row *row, struct exa_error *err)
{
	struct collected *c = ctx;

	(void)err;
	c->numbers[c->count++] = row->number;
	return true;
}

static void
rows_come_in_order_in_steps_of_any_size(void **state)
{
	struct archive *a = *state;
	static const int64_t received[] = { 30, -10, 20, 10, 20 };
	static const uint64_t by_date[] = { 2, 4, 3, 5, 1 };
	static const uint64_t by_number[] = { 1, 2, 3, 4, 5 };
	const uint64_t *expected = a->encrypted ? by_number : by_date;
	struct catalog_batch b = { 0 };

	for (size_t i = 0; i < 5; i++) {
		static const char *const ids[] = { "a", "b", "c", "d", "e" };
		struct catalog_item item = { .number = catalog_next_item(a->catalog),
			.mailbox = 1,
			.folder = 1,
			.server_id = ids[i],
			.change_key = "",
			.class = "",
			.internet_message_id = "",
			.categories = "",
			.received_ns = received[i] * EXA_NS_PER_S };

		item.mime_sha256[0] = (uint8_t)i;
		catalog_batch_item(&b, &item);
	}
	archive_commit(a, &b);
	for (size_t step = 1; step <= 6; step++) {
		struct catalog_place place = { .received_ns = EXA_NO_TIME };
		struct collected c = { .count = 0 };
		bool more = true;

		while (more) {
			struct store_txn *txn;
			struct exa_error err;

			assert_true(store_read_begin(catalog_store(a->catalog), &txn, &err));
			assert_true(catalog_each_row(
				txn, 1, 1, &place, step, collect_row, &c, &more, &err));
			store_read_end(txn);
		}
		assert_int_equal(c.count, 5);
		assert_memory_equal(c.numbers, expected, sizeof by_date);
	}
}

static void
an_items_record_comes_back_whole(void **state)
{
	struct archive *a = *state;
	const uint8_t search_key[] = { 0, 1, 2, 255 };
	struct catalog_item item = { .number = catalog_next_item(a->catalog),
		.mailbox = 1,
		.folder = 1,
		.server_id = "AAMkAG==",
		.change_key = "CQAAAB",
		.class = "IPM.Note.SMIME",
		.internet_message_id = "<x@y>",
		.categories = "red\nblue",
		.size_bytes = -1,
		.received_ns = 1,
		.sent_ns = -2,
		.created_ns = EXA_NO_TIME,
		.modified_ns = INT64_MAX,
		.message_flags = 0x21,
		.is_read = 0,
		.has_attachments = 1,
		.flag_status = -1,
		.search_key = { .data = search_key, .size = sizeof search_key },
		.mime_bytes = 123456789012,
		.native_bytes = 234567890123 },
			    back;
	struct catalog_batch b = { 0 };
	struct buf scratch = { 0 };
	struct store_reader *reader;
	struct catalog_row row;
	struct store_txn *txn;
	struct exa_error err;
	bool found;

	memset(item.mime_sha256, 0xab, sizeof item.mime_sha256);
	memset(item.recipe.bytes, 0xcd, sizeof item.recipe.bytes);
	memset(item.native_sha256, 0xef, sizeof item.native_sha256);
	memset(item.native_recipe.bytes, 0x12, sizeof item.native_recipe.bytes);
	catalog_batch_item(&b, &item);
	archive_commit(a, &b);
	assert_true(store_read_begin(catalog_store(a->catalog), &txn, &err));
	assert_true(catalog_row(txn, item.number, &found, &row, &err));
	store_read_end(txn);
	assert_true(found);
	assert_true(store_reader_new(catalog_store(a->catalog), &reader, &err));
	assert_true(catalog_item_read(reader, &row, &scratch, &back, &err));
	assert_string_equal(back.server_id, item.server_id);
	assert_string_equal(back.change_key, item.change_key);
	assert_string_equal(back.class, item.class);
	assert_string_equal(back.categories, item.categories);
	assert_true(back.size_bytes == -1 && back.sent_ns == -2 && back.created_ns == EXA_NO_TIME);
	assert_true(back.modified_ns == INT64_MAX && back.mime_bytes == 123456789012);
	assert_true(back.is_read == 0 && back.has_attachments == 1 && back.flag_status == -1);
	assert_true(bytes_equal(back.search_key, item.search_key));
	assert_memory_equal(back.recipe.bytes, item.recipe.bytes, sizeof item.recipe.bytes);
	assert_true(back.native_bytes == 234567890123 && row.mime_bytes == 123456789012);
	assert_memory_equal(back.native_sha256, item.native_sha256, sizeof item.native_sha256);
	assert_memory_equal(back.native_recipe.bytes, item.native_recipe.bytes,
		sizeof item.native_recipe.bytes);
	store_reader_free(reader);
	buf_done(&scratch);
}

struct runs {
	struct catalog_run last;
	size_t count;
};

static bool
count_run(void *ctx, const struct catalog_run *run, struct exa_error *err)
{
	struct runs *r = ctx;

	(void)err;
	r->last = *run;
	r->count++;
	return true;
}

static void
each_run_carries_the_hash_of_the_one_before(void **state)
{
	struct archive *a = *state;
	uint8_t none[CATALOG_SHA256_SIZE], first[CATALOG_SHA256_SIZE];
	struct runs r = { .count = 0 };
	struct store_txn *txn;
	struct exa_error err;

	for (int i = 0; i < 2; i++) {
		struct catalog_run run = { .host = "h",
			.profile = "p",
			.program = "exarch",
			.archived = 5,
			.exit_code = 3 };

		assert_true(catalog_run_add(a->catalog, &run, &err));
		assert_true(store_flush(catalog_store(a->catalog), &err));
		memcpy(i == 0 ? none : first, run.previous_hash, sizeof none);
		assert_int_equal(run.number, i + 1);
	}
	assert_memory_not_equal(none, first, sizeof none);
	archive_reopen(a, STORE_REBUILD);
	assert_true(store_read_begin(catalog_store(a->catalog), &txn, &err));
	assert_true(catalog_each_run(txn, count_run, &r, &err));
	store_read_end(txn);
	assert_int_equal(r.count, 2);
	assert_int_equal(r.last.archived, 5);
	assert_int_equal(r.last.exit_code, 3);
}

int
main(void)
{
#define IN_ARCHIVE(test) cmocka_unit_test_setup_teardown(test, archive_make, archive_remove)
	const struct CMUnitTest tests[] = {
		IN_ARCHIVE(a_mailbox_keeps_its_number_however_its_address_is_written),
		IN_ARCHIVE(numbers_that_items_name_are_not_given_again),
		IN_ARCHIVE(a_renamed_folder_keeps_its_number),
		IN_ARCHIVE(a_sync_state_of_any_length_comes_back),
		IN_ARCHIVE(rows_come_in_order_in_steps_of_any_size),
		IN_ARCHIVE(an_items_record_comes_back_whole),
		IN_ARCHIVE(each_run_carries_the_hash_of_the_one_before),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
