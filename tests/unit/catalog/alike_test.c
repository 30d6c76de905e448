/* SPDX-License-Identifier: Apache-2.0 */
/* The hint at an archived item by what a listing tells of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exarch/clock.h"

#include "archive.h"

#define ARCHIVED(test) cmocka_unit_test_setup_teardown(test, archive_make, archive_remove)

static const struct catalog_alike letter = {
	.received_ns = 7 * EXA_NS_PER_S, .size_bytes = 100, .class = "IPM.Note"
};

static void
tell(struct archive *a, uint32_t mailbox, const struct catalog_alike_item *item)
{
	EXA_AUTO(catalog_batch_done) struct catalog_batch batch = { 0 };

	catalog_batch_alike(&batch, mailbox, &letter, item);
	archive_commit(a, &batch);
}

/* 0: the archive knows of none. */
static uint64_t
found(const struct archive *a, uint32_t mailbox, const struct catalog_alike *facts)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct catalog_alike_item item;
	struct exa_error err;
	bool is_there;

	assert_true(store_read_begin(catalog_store(a->catalog), &txn, &err));
	assert_true(catalog_alike_find(txn, mailbox, facts, &is_there, &item, &err));
	if (is_there)
		assert_int_equal(item.modified_ns, 70 + (int64_t)item.number);
	return is_there ? item.number : 0;
}

static void
an_item_is_found_by_what_a_listing_tells(void **state)
{
	struct catalog_alike other = letter;
	struct archive *a = *state;

	assert_int_equal(found(a, 1, &letter), 0);
	tell(a, 1, &(struct catalog_alike_item){ .number = 5, .modified_ns = 75 });
	assert_int_equal(found(a, 1, &letter), 5);
	assert_int_equal(found(a, 2, &letter), 0);
	other.size_bytes++;
	assert_int_equal(found(a, 1, &other), 0);
	other = letter;
	other.received_ns++;
	assert_int_equal(found(a, 1, &other), 0);
	other = letter;
	other.class = "IPM.Post";
	assert_int_equal(found(a, 1, &other), 0);
	archive_reopen(a, STORE_READ);
	assert_int_equal(found(a, 1, &letter), 5);
}

static void
two_items_that_agree_are_never_found_again(void **state)
{
	struct archive *a = *state;

	tell(a, 1, &(struct catalog_alike_item){ .number = 5, .modified_ns = 75 });
	tell(a, 1, &(struct catalog_alike_item){ .number = 9, .modified_ns = 79 });
	assert_int_equal(found(a, 1, &letter), 0);
	tell(a, 1, &(struct catalog_alike_item){ .number = 9, .modified_ns = 79 });
	assert_int_equal(found(a, 1, &letter), 0);
}

static void
an_item_that_moved_takes_the_place_of_what_it_was(void **state)
{
	struct archive *a = *state;

	tell(a, 1, &(struct catalog_alike_item){ .number = 5, .modified_ns = 75 });
	tell(a, 1, &(struct catalog_alike_item){ .number = 9, .modified_ns = 79, .instead_of = 5 });
	assert_int_equal(found(a, 1, &letter), 9);
	tell(a, 1,
		&(struct catalog_alike_item){ .number = 11, .modified_ns = 81, .instead_of = 5 });
	assert_int_equal(found(a, 1, &letter), 0);
}

static void
the_same_hint_twice_is_one(void **state)
{
	struct archive *a = *state;
	EXA_AUTO(catalog_batch_done) struct catalog_batch batch = { 0 };
	const struct catalog_alike_item item = { .number = 5, .modified_ns = 75 };

	catalog_batch_alike(&batch, 1, &letter, &item);
	catalog_batch_alike(&batch, 1, &letter, &item);
	archive_commit(a, &batch);
	assert_int_equal(found(a, 1, &letter), 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ARCHIVED(an_item_is_found_by_what_a_listing_tells),
		ARCHIVED(two_items_that_agree_are_never_found_again),
		ARCHIVED(an_item_that_moved_takes_the_place_of_what_it_was),
		ARCHIVED(the_same_hint_twice_is_one),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
