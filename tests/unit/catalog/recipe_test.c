/* SPDX-License-Identifier: Apache-2.0 */
/* What goes in through pieces comes out through the recipe, byte for byte (design promise 3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "archive.h"

static bool
to_recipe(void *ctx, const struct mime_piece *piece, struct exa_error *err)
{
	return recipe_writer_piece(ctx, piece, err);
}

static struct recipe_result
store_message(struct archive *a, struct bytes message)
{
	struct recipe_writer *w = recipe_writer_new(catalog_store(a->catalog));
	const struct mime_sink sink = { .piece = to_recipe, .ctx = w };
	struct mime_splitter *splitter = mime_splitter_new(&sink);
	struct recipe_result result;
	struct exa_error err;

	recipe_writer_source(w, message);
	assert_true(mime_splitter_feed(splitter, message, &err));
	assert_true(mime_splitter_finish(splitter, &err));
	assert_true(recipe_writer_finish(w, &result, &err));
	assert_true(store_flush(catalog_store(a->catalog), &err));
	mime_splitter_free(splitter);
	recipe_writer_free(w);
	return result;
}

static bool
collect(void *ctx, struct bytes data, struct exa_error *err)
{
	(void)err;
	buf_add_bytes(ctx, data);
	return true;
}

static void
assert_comes_back(struct archive *a, struct bytes message, const struct recipe_result *result)
{
	struct buf out = { 0 };
	const struct recipe_sink sink = { .write = collect, .ctx = &out };
	uint8_t hash[CATALOG_SHA256_SIZE];
	struct store_reader *reader;
	struct exa_error err;
	uint64_t bytes;

	assert_true(store_reader_new(catalog_store(a->catalog), &reader, &err));
	assert_true(recipe_play(reader, &result->id, &sink, &bytes, hash, &err));
	assert_int_equal(bytes, message.size);
	assert_int_equal(result->mime_bytes, message.size);
	assert_true(bytes_equal(buf_bytes(&out), message));
	assert_memory_equal(hash, result->mime_sha256, sizeof hash);
	store_reader_free(reader);
	buf_done(&out);
}

/* A message with one base64 attachment of SIZE bytes of a pattern that SEED gives. */
static void
make_message(struct buf *out, const char *subject, size_t size, uint32_t seed)
{
	const struct mime_base64_form form = { .line_chars = 76, .eol = MIME_EOL_CRLF };
	struct buf attachment = { 0 };

	for (size_t i = 0; i < size; i++) {
		seed = seed * 1664525 + 1013904223;
		buf_add_byte(&attachment, (uint8_t)(seed >> 24));
	}
	buf_printf(out,
		"Subject: %s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; "
		"boundary=\"b-%s\"\r\n\r\n"
		"--b-%s\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
		"--b-%s\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: "
		"base64\r\n\r\n",
		subject, subject, subject, subject);
	mime_base64_render(buf_bytes(&attachment), &form, out);
	buf_printf(out, "\r\n--b-%s--\r\n", subject);
	buf_done(&attachment);
}

static void
messages_of_all_sizes_come_back(void **state)
{
	static const size_t sizes[] = { 0, 1, 767, 1024, 50000, 786431, 786432, 786433, 3000000 };
	struct archive *a = *state;

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct buf message = { 0 };
		struct recipe_result result;

		make_message(&message, "size", sizes[i], (uint32_t)i);
		result = store_message(a, buf_bytes(&message));
		assert_comes_back(a, buf_bytes(&message), &result);
		buf_done(&message);
	}
}

static void
the_empty_message_comes_back(void **state)
{
	struct recipe_result result = store_message(*state, bytes_of("", 0));

	assert_comes_back(*state, bytes_of("", 0), &result);
}

static void
the_same_attachment_is_stored_once(void **state)
{
	struct archive *a = *state;
	struct buf first = { 0 }, second = { 0 };
	struct recipe_result one, two;

	make_message(&first, "first", 500000, 7);
	make_message(&second, "second", 500000, 7);
	one = store_message(a, buf_bytes(&first));
	two = store_message(a, buf_bytes(&second));
	assert_true(one.new_bytes > 500000);
	assert_true(two.new_bytes < 2000);
	assert_comes_back(a, buf_bytes(&second), &two);
	buf_done(&first);
	buf_done(&second);
}

static void
the_same_message_again_is_the_same_recipe(void **state)
{
	struct archive *a = *state;
	struct buf message = { 0 };
	struct recipe_result one, two;

	make_message(&message, "again", 5000, 1);
	one = store_message(a, buf_bytes(&message));
	two = store_message(a, buf_bytes(&message));
	assert_memory_equal(one.id.bytes, two.id.bytes, sizeof one.id.bytes);
	assert_int_equal(two.new_bytes, 0);
	buf_done(&message);
}

/* 20,000 parts, each large enough to be an object: their recipe alone would outgrow the limit of an
 * object. */
static void
a_message_of_very_many_parts_comes_back(void **state)
{
	struct archive *a = *state;
	struct buf message = { 0 };
	struct recipe_result result;

	buf_add_string(&message, "Content-Type: multipart/mixed; boundary=x\r\n\r\n");
	for (int i = 0; i < 20000; i++) {
		buf_printf(&message,
			"--x\r\nContent-Type: text/plain; name=\"part number %d of a great "
			"many\"\r\n\r\n",
			i);
		for (int j = 0; j < 30; j++)
			buf_printf(&message, "line %d of part %d, which is long enough\r\n", j, i);
	}
	buf_add_string(&message, "--x--\r\n");
	result = store_message(a, buf_bytes(&message));
	assert_comes_back(a, buf_bytes(&message), &result);
	buf_done(&message);
}

static void
pieces_that_do_not_add_up_make_no_recipe(void **state)
{
	struct archive *a = *state;
	struct recipe_writer *w = recipe_writer_new(catalog_store(a->catalog));
	const struct mime_piece piece = {
		.kind = MIME_LITERAL, .data = bytes_of_string("abc"), .source_size = 3
	};
	struct recipe_result result;
	struct exa_error err;

	recipe_writer_source(w, bytes_of_string("abcd"));
	assert_true(recipe_writer_piece(w, &piece, &err));
	assert_false(recipe_writer_finish(w, &result, &err));
	assert_int_equal(err.code, EXA_FAILED);
	recipe_writer_free(w);
}

static void
the_head_is_there_without_the_attachment(void **state)
{
	struct archive *a = *state;
	struct buf message = { 0 }, head = { 0 };
	struct store_reader *reader;
	struct recipe_result result;
	struct exa_error err;

	make_message(&message, "head", 100000, 3);
	result = store_message(a, buf_bytes(&message));
	assert_true(store_reader_new(catalog_store(a->catalog), &reader, &err));
	assert_true(recipe_head(reader, &result.id, 64, &head, &err));
	assert_int_equal(head.size, 64);
	assert_memory_equal(head.data, message.data, 64);
	store_reader_free(reader);
	buf_done(&message);
	buf_done(&head);
}

static void
a_stream_that_is_no_message_comes_back_in_pieces_of_a_mebibyte(void **state)
{
	static const size_t sizes[] = { 1, 65536, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5 << 20 };
	struct archive *a = *state;
	struct exa_error err;

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct recipe_writer *w = recipe_writer_new(catalog_store(a->catalog));
		struct recipe_result result;
		struct buf stream = { 0 };
		struct bytes rest;

		for (size_t n = 0; n < sizes[i]; n++)
			buf_add_byte(&stream, (uint8_t)(n * 31 + n / 251 + n / 65536));
		rest = buf_bytes(&stream);
		while (rest.size > 0) {
			struct bytes next = bytes_take(rest, 65521);

			assert_true(recipe_writer_stream(w, next, &err));
			rest = bytes_skip(rest, next.size);
		}
		assert_true(recipe_writer_finish(w, &result, &err));
		assert_true(store_flush(catalog_store(a->catalog), &err));
		assert_comes_back(a, buf_bytes(&stream), &result);
		buf_done(&stream);
		recipe_writer_free(w);
	}
}

int
main(void)
{
#define IN_ARCHIVE(test) cmocka_unit_test_setup_teardown(test, archive_make, archive_remove)
	const struct CMUnitTest tests[] = {
		IN_ARCHIVE(messages_of_all_sizes_come_back),
		IN_ARCHIVE(a_stream_that_is_no_message_comes_back_in_pieces_of_a_mebibyte),
		IN_ARCHIVE(the_empty_message_comes_back),
		IN_ARCHIVE(the_same_attachment_is_stored_once),
		IN_ARCHIVE(the_same_message_again_is_the_same_recipe),
		IN_ARCHIVE(a_message_of_very_many_parts_comes_back),
		IN_ARCHIVE(pieces_that_do_not_add_up_make_no_recipe),
		IN_ARCHIVE(the_head_is_there_without_the_attachment),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
