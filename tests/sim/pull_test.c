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
#include "pull.h"

/* A message that comes in pieces of a given size and may break off. */
struct piece_body {
	struct body body;
	const uint8_t *data;
	size_t size, done, piece, breaks_at;
};

static ssize_t
read_piece(struct body *body, uint8_t *out, size_t size)
{
	struct piece_body *b = (struct piece_body *)body;
	size_t n = b->size - b->done;

	if (b->breaks_at > 0 && b->done >= b->breaks_at)
		return -1;
	n = n < b->piece ? n : b->piece;
	n = n < size ? n : size;
	memcpy(out, b->data + b->done, n);
	b->done += n;
	return (ssize_t)n;
}

static void
close_piece(struct body *body)
{
	exa_free(body);
}

struct one_item {
	struct answer_stream stream;
	struct body *body;
	int step;
};

static bool
next_piece(struct answer_stream *stream, struct buf *text, struct body **body_out)
{
	struct one_item *s = (struct one_item *)stream;

	buf_add_string(text, s->step == 0 ? "<a>" : "</a>");
	if (s->step == 0)
		*body_out = s->body;
	return s->step++ == 0;
}

static void
free_nothing(struct answer_stream *stream)
{
	(void)stream;
}

/* Pulls everything in blocks of BLOCK; the last result is given back. */
static ssize_t
pull_all(struct one_item *s, size_t block, struct buf *out)
{
	struct pull *p = pull_new(&s->stream);
	EXA_AUTO(exa_freep) uint8_t *space = exa_alloc(block);
	ssize_t n;

	while ((n = pull_read(p, space, block)) > 0)
		buf_add(out, space, (size_t)n);
	pull_free(p);
	return n;
}

static struct one_item
item_of(const uint8_t *data, size_t size, size_t piece, size_t breaks_at)
{
	struct piece_body *b = exa_alloc(sizeof *b);

	*b = (struct piece_body){ { read_piece, close_piece }, data, size, 0, piece, breaks_at };
	return (struct one_item){ { next_piece, free_nothing }, &b->body, 0 };
}

static void
a_message_is_one_base64_text_however_it_comes_and_goes(void **state)
{
	static const size_t sizes[] = { 0, 1, 2, 3, 1000, 48 * 1024 - 1, 48 * 1024, 48 * 1024 + 1,
		200000 };
	static const size_t pieces[] = { 1, 7, 4096, 1000000 };
	uint8_t *data = exa_alloc(200000);

	(void)state;
	for (size_t i = 0; i < 200000; i++)
		data[i] = (uint8_t)(i * 7 + i / 251);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		EXA_AUTO(buf_done) struct buf wanted = { 0 };

		buf_add_string(&wanted, "<a>");
		buf_add_base64(&wanted, bytes_of(data, sizes[i]));
		buf_add_string(&wanted, "</a>");
		for (size_t k = 0; k < sizeof pieces / sizeof pieces[0]; k++) {
			EXA_AUTO(buf_done) struct buf got = { 0 };
			struct one_item s = item_of(data, sizes[i], pieces[k], 0);

			assert_int_equal(pull_all(&s, k == 0 ? 5 : 16384, &got), 0);
			assert_true(bytes_equal(buf_bytes(&got), buf_bytes(&wanted)));
		}
	}
	exa_free(data);
}

static void
a_message_that_breaks_off_breaks_the_answer(void **state)
{
	EXA_AUTO(buf_done) struct buf got = { 0 };
	static uint8_t data[100000];
	struct one_item s = item_of(data, sizeof data, 1000, 60000);

	(void)state;
	assert_int_equal(pull_all(&s, 4096, &got), -1);
	assert_null(memmem(got.data, got.size, "</a>", 4));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_one_base64_text_however_it_comes_and_goes),
		cmocka_unit_test(a_message_that_breaks_off_breaks_the_answer),
	};

	b64_init();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
