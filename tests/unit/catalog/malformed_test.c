/* SPDX-License-Identifier: Apache-2.0 */
/* Recipes and records that docs/format.md says a reader refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "archive.h"

#define HASH_OF_NOTHING                                                    \
	"\xe3\xb0\xc4\x42\x98\xfc\x1c\x14\x9a\xfb\xf4\xc8\x99\x6f\xb9\x24" \
	"\x27\xae\x41\xe4\x64\x9b\x93\x4c\xa4\x95\x99\x1b\x78\x52\xb8\x55"
#define BYTES(literal) bytes_of((literal), sizeof(literal) - 1)

/* The id of no bytes at all, so that each operation stands for nothing. */
static void
add_empty_object(struct archive *a, struct buf *recipe)
{
	struct store_id id;
	struct exa_error err;

	assert_true(store_put(
		catalog_store(a->catalog), STORE_DATA, bytes_of(NULL, 0), &id, NULL, &err));
	buf_add(recipe, id.bytes, sizeof id.bytes);
	buf_add_byte(recipe, 0); /* its size */
}

static bool
ignore(void *ctx, struct bytes data, struct exa_error *err)
{
	(void)ctx, (void)data, (void)err;
	return true;
}

/* A recipe of no message with HEAD and, if FORM has bytes, one base64 operation of that form. */
static enum exa_code
play(struct archive *a, struct bytes head, struct bytes form, struct bytes behind)
{
	const struct recipe_sink sink = { .write = ignore };
	struct store *store = catalog_store(a->catalog);
	EXA_AUTO(buf_done) struct buf recipe = { 0 };
	EXA_AUTO(store_reader_freep) struct store_reader *reader = NULL;
	uint8_t hash[CATALOG_SHA256_SIZE];
	struct exa_error err = { 0 };
	struct store_id id;
	uint64_t bytes;

	buf_add_bytes(&recipe, head);
	buf_add_byte(&recipe, 0); /* length of the message */
	buf_add_bytes(&recipe, BYTES(HASH_OF_NOTHING));
	buf_add_byte(&recipe, form.size > 0 ? 1 : 0);
	if (form.size > 0) {
		buf_add_byte(&recipe, 3);
		add_empty_object(a, &recipe);
		buf_add_bytes(&recipe, form);
	}
	buf_add_bytes(&recipe, behind);
	assert_true(store_put(store, STORE_RECIPE, buf_bytes(&recipe), &id, NULL, &err));
	assert_true(store_flush(store, &err));
	assert_true(store_reader_new(store, &reader, &err));
	return recipe_play(reader, &id, &sink, &bytes, hash, &err) ? EXA_OK : err.code;
}

static void
a_recipe_is_read_to_its_last_byte_and_no_further(void **state)
{
	struct archive *a = *state;
	const struct bytes none = bytes_of(NULL, 0);

	assert_int_equal(play(a, BYTES("\1\0"), none, none), EXA_OK);
	assert_int_equal(play(a, BYTES("\1\0"), none, BYTES("x")), EXA_CORRUPT);
	assert_int_equal(play(a, BYTES("\2\0"), none, none), EXA_USAGE);
	assert_int_equal(play(a, BYTES("\1\1"), none, none), EXA_USAGE);
}

static void
a_form_that_can_not_be_is_refused(void **state)
{
	struct archive *a = *state;
	const struct bytes head = BYTES("\1\0");
	const struct bytes none = bytes_of(NULL, 0);

	assert_int_equal(play(a, head, BYTES("\x4c\x4c\0"), none), EXA_OK);
	assert_int_equal(
		play(a, head, BYTES("\x4c\x4d\0"), none), EXA_CORRUPT);        /* column 77 of 76 */
	assert_int_equal(play(a, head, BYTES("\x4c\0\2"), none), EXA_CORRUPT); /* eol 2 */
	/* A line of 2^32 + 76 characters isn't one of 76. */
	assert_int_equal(play(a, head, BYTES("\xcc\x80\x80\x80\x10\0\0"), none), EXA_CORRUPT);
}

static void
a_number_of_more_than_32_bits_is_not_cut_to_fit(void **state)
{
	struct archive *a = *state;
	struct store *store = catalog_store(a->catalog);
	EXA_AUTO(store_batch_done) struct store_batch batch = { 0 };
	struct exa_error err = { 0 };
	uint64_t epoch;

	/* Mailbox 2^32 + 1, of part 0, with two texts. */
	store_batch_record(&batch, BYTES("M\1\x81\x80\x80\x80\x10\0\2a\0\2b\0"));
	assert_true(store_submit(store, &batch, &epoch, &err));
	assert_false(store_wait(store, epoch, &err));
	assert_int_equal(err.code, EXA_CORRUPT);
}

int
main(void)
{
#define IN_ARCHIVE(test) cmocka_unit_test_setup_teardown(test, archive_make, archive_remove)
	const struct CMUnitTest tests[] = {
		IN_ARCHIVE(a_recipe_is_read_to_its_last_byte_and_no_further),
		IN_ARCHIVE(a_form_that_can_not_be_is_refused),
		IN_ARCHIVE(a_number_of_more_than_32_bits_is_not_cut_to_fit),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
