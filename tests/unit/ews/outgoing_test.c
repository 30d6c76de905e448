/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/mem.h"

#include "outgoing.h"

/* Gives TEXT in pieces of PIECE bytes. */
struct giver {
	const char *text;
	size_t piece, at;
	unsigned opened;
	bool fails_at_end;
};

static bool
open_giver(void *ctx, struct exa_error *err)
{
	struct giver *g = ctx;

	(void)err;
	g->at = 0;
	g->opened++;
	return true;
}

static bool
next_of_giver(void *ctx, struct bytes *out, struct exa_error *err)
{
	struct giver *g = ctx;
	struct bytes rest = bytes_skip(bytes_of_string(g->text), g->at);

	*out = bytes_take(rest, g->piece);
	g->at += out->size;
	if (out->size == 0 && g->fails_at_end)
		return exa_fail(err, EXA_CORRUPT, "not what was archived");
	return true;
}

static struct ews_source
source_of(struct giver *g)
{
	return (struct ews_source){
		.size = strlen(g->text), .open = open_giver, .next = next_of_giver, .ctx = g
	};
}

/* Pulls all of O in steps of ROOM bytes. */
static bool
pull(const struct http_source *source, size_t room, struct buf *out, struct exa_error *err)
{
	uint8_t step[64];

	while (out->size < source->size) {
		size_t got = 0, left = (size_t)(source->size - out->size);

		if (!source->read(source->ctx, step, room < left ? room : left, &got, err))
			return false;
		assert_in_range(got, 1, room);
		buf_add(out, step, got);
	}
	return true;
}

#define LONG_TEXT "The quick brown fox jumps over the lazy dog"
#define LONG_BASE64 "VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZw=="

static void
sources_stand_in_the_text_as_base64_whatever_their_pieces(void **state)
{
	(void)state;
	for (size_t piece = 1; piece <= 8; piece++) {
		for (size_t room = 1; room <= 64; room += 9) {
			struct giver a = { .text = LONG_TEXT, .piece = piece },
				     b = { .text = "", .piece = piece },
				     c = { .text = "hello", .piece = piece };
			const struct ews_source sources[] = { source_of(&a), source_of(&b),
				source_of(&c) };
			EXA_AUTO(outgoing_done) struct outgoing o = { 0 };
			EXA_AUTO(outgoing_reader_done) struct outgoing_reader reader = { 0 };
			EXA_AUTO(buf_done) struct buf out = { 0 };
			struct http_source source;
			struct exa_error err;

			buf_add_string(&o.text, "<a>");
			outgoing_insert(&o, &sources[0]);
			buf_add_string(&o.text, "</a><b>");
			outgoing_insert(&o, &sources[1]);
			buf_add_string(&o.text, "</b>");
			outgoing_insert(&o, &sources[2]);
			outgoing_source(&reader, &o, &source);
			assert_true(pull(&source, room, &out, &err));
			assert_string_equal(
				buf_string(&out), "<a>" LONG_BASE64 "</a><b></b>aGVsbG8=");
			/* and again, from anywhere */
			assert_true(source.rewind(source.ctx, &err));
			buf_reset(&out);
			assert_true(pull(&source, 64, &out, &err));
			assert_string_equal(
				buf_string(&out), "<a>" LONG_BASE64 "</a><b></b>aGVsbG8=");
			assert_int_equal(a.opened, 2);
		}
	}
}

/* So that a server never gets a request to carry out that holds the wrong bytes. */
static void
a_source_of_another_length_or_that_fails_ends_the_request_before_its_last_byte(void **state)
{
	static const struct {
		uint64_t announced;
		bool fails_at_end;
	} cases[] = { { 4, false }, { 6, false }, { 5, true } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct giver g = {
			.text = "hello", .piece = 2, .fails_at_end = cases[i].fails_at_end
		};
		struct ews_source one = source_of(&g);
		EXA_AUTO(outgoing_done) struct outgoing o = { 0 };
		EXA_AUTO(outgoing_reader_done) struct outgoing_reader reader = { 0 };
		EXA_AUTO(buf_done) struct buf out = { 0 };
		struct http_source source;
		struct exa_error err;

		one.size = cases[i].announced;
		outgoing_insert(&o, &one);
		buf_add_string(&o.text, "</end>");
		outgoing_source(&reader, &o, &source);
		assert_false(pull(&source, 64, &out, &err));
		assert_int_equal(err.code, EXA_CORRUPT);
		assert_true(out.size < source.size);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_stand_in_the_text_as_base64_whatever_their_pieces),
		cmocka_unit_test(
			a_source_of_another_length_or_that_fails_ends_the_request_before_its_last_byte),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
