/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hostile bulk: a beginning, then one unit over and over. The message must come through whole, and
 * the splitter must not hold more than it promises. (Where the allocator doesn't count, as under a
 * sanitizer, the size of pieces is still checked.)
 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/mem.h"
#include "exarch/mime.h"

#define MIXED "Content-Type: multipart/mixed; boundary=b\n\n--b\n"
#define BASE64 "Content-Transfer-Encoding: base64\n\n"
#define MiB ((size_t)1024 * 1024)
#define CHUNK ((size_t)16 * 1024)

/* Compares what comes out with BEGIN + UNIT * n, and watches the heap. */
struct bulk {
	const char *begin, *unit;
	size_t size;
	uint64_t seen;
	size_t heap_before, heap_most;
	struct buf units; /* UNIT often enough to fill a chunk */
	struct buf text;  /* of one BASE64 piece; what it holds isn't the splitter's */
};

static size_t
heap_size(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static void
note_heap(struct bulk *b)
{
	size_t now = heap_size();

	if (now > b->heap_most)
		b->heap_most = now;
}

/* The bytes of the message from AT on, at least one and as many as stand side by side. */
static struct bytes
expected(const struct bulk *b, uint64_t at)
{
	size_t begin = strlen(b->begin);

	if (at < begin)
		return bytes_skip(bytes_of_string(b->begin), (size_t)at);
	return bytes_skip(buf_bytes(&b->units), (size_t)((at - begin) % b->units.size));
}

static bool
compare(void *ctx, const struct mime_piece *piece, struct exa_error *err)
{
	struct bulk *b = ctx;
	struct bytes text = piece->data;

	note_heap(b);
	if (piece->data.size > MIME_RAW_MAX)
		return exa_fail(err, EXA_LIMIT, "a piece of %zu bytes", piece->data.size);
	if (piece->kind == MIME_BASE64) {
		buf_reset(&b->text);
		mime_base64_render(piece->data, &piece->form, &b->text);
		text = buf_bytes(&b->text);
	}
	while (text.size > 0) {
		struct bytes want = bytes_take(expected(b, b->seen), text.size);

		if (memcmp(text.data, want.data, want.size) != 0)
			return exa_fail(err, EXA_CORRUPT, "other bytes behind %llu",
				(unsigned long long)b->seen);
		b->seen += want.size;
		text = bytes_skip(text, want.size);
	}
	return true;
}

static void
feed_bulk(struct bulk *b)
{
	struct mime_splitter *s;
	struct exa_error err = { 0 };
	uint64_t fed = 0;

	/* A piece may be 1 MiB of text or, with a break behind each character, 3 MiB. */
	buf_reserve(&b->text, 3 * MiB + 8);
	while (b->units.size < CHUNK)
		buf_add_string(&b->units, b->unit);
	b->heap_before = b->heap_most = heap_size();
	s = mime_splitter_new(&(struct mime_sink){ .piece = compare, .ctx = b });
	while (fed < b->size) {
		struct bytes chunk = bytes_take(expected(b, fed), CHUNK);

		chunk = bytes_take(chunk, (size_t)(b->size - fed));
		if (!mime_splitter_feed(s, chunk, &err))
			fail_msg("'%s': %s", b->unit, err.text);
		fed += chunk.size;
		note_heap(b);
	}
	if (!mime_splitter_finish(s, &err))
		fail_msg("'%s': %s", b->unit, err.text);
	note_heap(b);
	assert_true(b->seen == b->size);
	if (b->heap_most - b->heap_before > MIME_SPLITTER_MEMORY_MAX)
		fail_msg("'%s': %zu bytes held", b->unit, b->heap_most - b->heap_before);
	mime_splitter_free(s);
	buf_done(&b->text);
	buf_done(&b->units);
}

static void
memory_is_bounded_whatever_comes(void **state)
{
	const char *begins[] = { "", MIXED, MIXED "\n", MIXED BASE64, BASE64,
		"Content-Type: multipart/mixed; boundary=\"" };
	const char *units[] = {
		"A", "A\n", "AAAA\r\n", "A!", "-", "--\n", "\n--", "\n", "\r", "\r\n", "--b\n\n",
		"--b\n" BASE64 "\n", "=", "====", "\nX: y", "\n (", "\\\"", "\n\t;b=",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\r\n"
	};

	(void)state;
	for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++)
		for (size_t u = 0; u < sizeof units / sizeof units[0]; u++)
			feed_bulk(&(struct bulk){
				.begin = begins[i], .unit = units[u], .size = 3 * MiB + 77 });
}

static void
a_line_of_150_MB_streams(void **state)
{
	(void)state;
	feed_bulk(&(struct bulk){ .begin = MIXED BASE64, .unit = "QUJD", .size = 150 * MiB });
	feed_bulk(&(struct bulk){ .begin = "Subject: ", .unit = "long", .size = 20 * MiB });
}

static void
a_hundred_thousand_parts_and_a_thousand_levels_pass(void **state)
{
	EXA_AUTO(buf_done) struct buf begin = { 0 };

	(void)state;
	feed_bulk(&(struct bulk){ .begin = MIXED "\n",
		.unit = "\n--b\nContent-Type: text/plain\n\nx",
		.size = (size_t)100000 * 33 });
	for (int i = 0; i < 1000; i++)
		buf_printf(&begin,
			"Content-Type: multipart/mixed; boundary=\"level %d\"\n\n--level %d\n", i,
			i);
	feed_bulk(&(struct bulk){ .begin = buf_string(&begin),
		.unit = "\n--level 7\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\n",
		.size = 4 * MiB });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_bounded_whatever_comes),
		cmocka_unit_test(a_line_of_150_MB_streams),
		cmocka_unit_test(a_hundred_thousand_parts_and_a_thousand_levels_pass),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
