/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where parts begin and end: each case is a message in which '@' stands for a filler of 1500 bytes,
 * and the number of pieces that must be exactly this filler, RAW; all else must be LITERAL.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/mem.h"
#include "exarch/mime.h"

#include "record.h"

#define FILLER_SIZE ((size_t)1500)
#define MIXED "Content-Type: multipart/mixed; boundary=b\n"
#define HUNDRED                                                                                    \
	"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567" \
	"890123456789"

static struct bytes
filler(void)
{
	static uint8_t text[FILLER_SIZE];

	for (size_t i = 0; i < sizeof text; i++)
		text[i] = i % 60 == 59 ? (uint8_t)'\n' : (uint8_t)('a' + i % 23);
	return bytes_of(text, sizeof text);
}

/* '@' becomes the filler, LF becomes EOL outside of it, "\1" becomes a NUL. */
static void
add_template(struct buf *message, const char *template, const char *eol)
{
	for (const char *c = template; *c != 0; c++) {
		if (*c == '@')
			buf_add_bytes(message, filler());
		else if (*c == '\n')
			buf_add_string(message, eol);
		else
			buf_add_byte(message, *c == 1 ? 0 : (uint8_t)*c);
	}
}

struct structure {
	const char *what;
	size_t fillers;
	const char *message;
};

static const struct structure structures[] = {
	{ "a message without structure", 1, "From: a\n\n@" },
	{ "no header", 1, "\n@" },
	{ "no body", 0, "From: a\n\n" },
	{ "nothing but a header line", 0, "From: a" },
	{ "empty", 0, "" },
	{ "two parts", 2, MIXED "\n--b\n\n@\n--b\nX: y\n\n@\n--b--\n" },
	{ "quoted boundary", 1,
		"Content-Type: multipart/mixed; boundary=\"b c\"\n\n--b c\n\n@\n--b c--\n" },
	{ "quoted pair", 1,
		"Content-Type: multipart/mixed; boundary=\"b\\\"c\"\n\n--b\"c\n\n@\n--b\"c--\n" },
	{ "bare boundary with specials", 1,
		"Content-Type: multipart/mixed; "
		"boundary==_x/y:(1)?\n\n--=_x/y:(1)?\n\n@\n--=_x/y:(1)?--\n" },
	{ "folded field", 1,
		"Content-Type:\n multipart/mixed;\n\tboundary\n =\n\t\"b\"\n\n--b\n\n@\n--b--\n" },
	{ "comments", 1,
		"Content-Type: (c) multipart (c\\)c) / (c(c)) mixed (c); (c) boundary (c) = (c) b "
		"(c)\n\n"
		"--b\n\n@\n--b--\n" },
	{ "other letters", 1, "CONTENT-type: MULTIpart/MIXED; BOUNDARY=b\n\n--b\n\n@\n--b--\n" },
	{ "space before the colon", 1,
		"Content-Type : multipart/mixed; boundary=b\n\n--b\n\n@\n--b--\n" },
	{ "missing semicolon", 1, "Content-Type: multipart/mixed boundary=b\n\n--b\n\n@\n--b--\n" },
	{ "another parameter holds the word", 1,
		"Content-Type: multipart/mixed; x=\"boundary=c; \\\"\"; "
		"boundary=b\n\n--b\n\n@\n--b--\n" },
	{ "boundary in pieces", 1,
		"Content-Type: multipart/mixed; boundary*0=\"b1\"; "
		"boundary*1=b2\n\n--b1b2\n\n@\n--b1b2--\n" },
	{ "the first of two fields", 1, MIXED "Content-Type: text/plain\n\n--b\n\n@\n--b--\n" },
	{ "boundary of 200", 1,
		"Content-Type: multipart/mixed; boundary=" HUNDRED HUNDRED "\n\n--" HUNDRED HUNDRED
		"\n\n@\n--" HUNDRED HUNDRED "--\n" },
	{ "spaces behind the boundary", 1, MIXED "\n--b \t \n\n@\n--b-- \t\n" },
	{ "text around the parts", 1, MIXED "\nsmall\n--b\n\n@\n--b--\nsmall\n" },
	{ "longer boundary is none", 1, MIXED "\n--b\n\n@\n--b\nX: y\n\nsmall\n--bc\n--b--\n" },
	{ "line begun by the boundary", 2, MIXED "\n--b\n\n@\n--b\n\n@\n--b\n\n--b x\n--bx--\n" },
	{ "boundary within a line is none", 1,
		MIXED "\n--b\n\nsmall --b\n --b\n-- b\n--\n\n--b\n\n@\n--b--" },
	{ "missing close", 2, MIXED "\n--b\n\n@\n--b\n\n@" },
	{ "close without line break", 1, MIXED "\n--b\n\n@\n--b--" },
	{ "nothing after the close is a part", 1, MIXED "\n--b\n\n@\n--b--\nX: y\n\nsmall\n" },
	{ "a part whose header is cut off", 1, MIXED "\n--b\nX: y\n--b\n\n@\n--b--\n" },
	{ "parts without body", 1, MIXED "\n--b\n--b\n\n--b\n\n\n--b\n\n@\n--b\n\n--b--\n" },
	{ "nested", 3,
		MIXED "\n--b\nContent-Type: multipart/related; "
		      "boundary=c\n\n--c\n\n@\n--c\n\n@\n--c--\n\n--b\n\n@\n--b--\n" },
	{ "nested, inner never closed", 2,
		MIXED "\n--b\nContent-Type: multipart/related; "
		      "boundary=c\n\n--c\n\n@\n--b\n\n@\n--b--\n" },
	{ "inner boundary begins as the outer", 2,
		MIXED "\n--b\nContent-Type: multipart/related; "
		      "boundary=b2\n\n--b2\n\n@\n--b2--\n--b\n\n@\n--b--\n" },
	{ "outer boundary begins as the inner", 2,
		"Content-Type: multipart/mixed; boundary=b2\n\n--b2\nContent-Type: "
		"multipart/related; "
		"boundary=b\n\n--b\n\n@\n--b--\n--b2\n\n@\n--b2--\n" },
	{ "boundary that ends in dashes", 2,
		"Content-Type: multipart/mixed; "
		"boundary=\"b--\"\n\n--b--\n\n@\n--b--\n\n@\n--b----\n" },
	{ "message inside", 1, "Content-Type: message/rfc822\n\nFrom: b\n\n@" },
	{ "message in message in multipart", 2,
		MIXED "\n--b\nContent-Type: message/rfc822\n\nContent-Type: "
		      "message/rfc822\n\nSubject: x\n\n@\n"
		      "--b\n\n@\n--b--\n" },
	{ "multipart in message in multipart", 2,
		MIXED "\n--b\nContent-Type: message/rfc822\n\nContent-Type: multipart/mixed; "
		      "boundary=c\n\n"
		      "--c\n\n@\n--c--\n--b\n\n@\n--b--\n" },
	{ "digest", 2,
		"Content-Type: multipart/digest; boundary=b\n\n--b\n\nFrom: "
		"b\n\n@\n--b\nContent-Type: "
		"text/plain\n\n@\n--b--\n" },
	{ "quoted-printable message is a leaf", 1,
		MIXED "\n--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: "
		      "quoted-printable\n\n@\n--b--\n" },
	{ "multipart without boundary is a leaf", 1, "Content-Type: multipart/mixed\n\n@" },
	{ "multipart with empty boundary is a leaf", 1,
		"Content-Type: multipart/mixed; boundary=\"\"\n\n@" },
	{ "boundary too long is a leaf", 1,
		"Content-Type: multipart/mixed; boundary=" HUNDRED HUNDRED HUNDRED "\n\n@" },
	{ "NUL in a boundary line", 1, MIXED "\n--b\n\nsmall\n--b\1\n\n--b\n\n@\n--b--\n" },
	{ "line without colon", 1, "no header\n" MIXED ": x\n\n--b\n\n@\n--b--\n" },
};

static void
parts_are_found(void **state)
{
	EXA_AUTO(record_freep) struct record *r = record_new();

	(void)state;
	for (size_t i = 0; i < 2 * sizeof structures / sizeof structures[0]; i++) {
		const struct structure *s = &structures[i / 2];
		EXA_AUTO(buf_done) struct buf message = { 0 };
		size_t fillers = 0;

		add_template(&message, s->message, i % 2 == 0 ? "\n" : "\r\n");
		assert_true(record_split(r, buf_bytes(&message), SIZE_MAX));
		for (size_t p = 0; p < r->count; p++) {
			if (r->pieces[p].kind == MIME_LITERAL)
				continue;
			assert_int_equal(r->pieces[p].kind, MIME_RAW);
			if (!bytes_equal(record_data(r, p), filler()))
				fail_msg("%s: piece %zu isn't the part", s->what, p);
			fillers++;
		}
		if (fillers != s->fillers)
			fail_msg("%s: %zu parts, not %zu", s->what, fillers, s->fillers);
		assert_true(bytes_equal(buf_bytes(&r->message), buf_bytes(&message)));
	}
}

static void
structure_does_not_depend_on_the_chunks(void **state)
{
	EXA_AUTO(record_freep) struct record *whole = record_new();
	EXA_AUTO(record_freep) struct record *chunked = record_new();

	(void)state;
	for (size_t i = 0; i < 2 * sizeof structures / sizeof structures[0]; i++) {
		EXA_AUTO(buf_done) struct buf message = { 0 };

		add_template(&message, structures[i / 2].message, i % 2 == 0 ? "\n" : "\r\n");
		assert_true(record_split(whole, buf_bytes(&message), SIZE_MAX));
		for (size_t chunk = 1; chunk <= 130; chunk++) {
			assert_true(record_split(chunked, buf_bytes(&message), chunk));
			if (!record_equal(whole, chunked))
				fail_msg("%s: other pieces in chunks of %zu",
					structures[i / 2].what, chunk);
		}
	}
}

static void
a_delimiter_line_longer_than_any_boundary_is_text(void **state)
{
	EXA_AUTO(record_freep) struct record *whole = record_new();
	EXA_AUTO(record_freep) struct record *chunked = record_new();

	(void)state;
	for (size_t spaces = 500; spaces < 520; spaces++) {
		EXA_AUTO(buf_done) struct buf message = { 0 };

		add_template(&message, MIXED "\n--b\n\n@\n--b", "\r\n");
		for (size_t i = 0; i < spaces; i++)
			buf_add_byte(&message, ' ');
		add_template(&message, "\n\n@\n--b--\n", "\r\n");
		assert_true(record_split(whole, buf_bytes(&message), SIZE_MAX));
		assert_true(whole->count == 5 || whole->count == 3);
		for (size_t chunk = 1; chunk <= 700; chunk += chunk < 9 ? 1 : 83) {
			assert_true(record_split(chunked, buf_bytes(&message), chunk));
			assert_true(record_equal(whole, chunked));
		}
	}
}

static void
levels_beyond_the_limit_are_a_leaf(void **state)
{
	EXA_AUTO(record_freep) struct record *r = record_new();
	EXA_AUTO(buf_done) struct buf message = { 0 };
	size_t leaf_at = 0, leaf_end;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		buf_printf(&message, "Content-Type: multipart/mixed; boundary=level-%d\n\n", i);
		if (i == MIME_DEPTH_MAX)
			leaf_at = message.size;
		buf_printf(&message, "--level-%d\n", i);
	}
	leaf_end = message.size - 1; /* its last line break belongs to what follows */
	/* The levels outside still end where they say so. */
	buf_printf(&message, "--level-%d--\n--level-0\n\n", MIME_DEPTH_MAX - 1);
	buf_add_bytes(&message, filler());
	assert_true(record_split(r, buf_bytes(&message), SIZE_MAX));
	assert_int_equal(r->count, 4);
	assert_int_equal(r->pieces[0].kind, MIME_LITERAL);
	assert_int_equal(r->pieces[0].data.size, leaf_at);
	assert_int_equal(r->pieces[1].kind, MIME_RAW);
	assert_int_equal(r->pieces[1].data.size, leaf_end - leaf_at);
	assert_int_equal(r->pieces[2].kind, MIME_LITERAL);
	assert_true(bytes_equal(record_data(r, 3), filler()));
}

static void
a_refusing_sink_stops_the_splitter_until_reset(void **state)
{
	EXA_AUTO(record_freep) struct record *r = record_new();
	EXA_AUTO(buf_done) struct buf message = { 0 };

	(void)state;
	add_template(&message, MIXED "\n--b\n\n@\n--b\n\n@\n--b--\n", "\n");
	for (r->fail_at = 1; r->fail_at <= 5; r->fail_at++) {
		assert_false(record_split(r, buf_bytes(&message), 100));
		assert_int_equal(r->count, r->fail_at - 1);
		mime_splitter_reset(r->splitter);
	}
	r->fail_at = 0;
	assert_true(record_split(r, buf_bytes(&message), 100));
	assert_true(bytes_equal(buf_bytes(&r->message), buf_bytes(&message)));
}

static void
a_message_does_not_touch_the_next(void **state)
{
	EXA_AUTO(record_freep) struct record *used = record_new();
	size_t count = sizeof structures / sizeof structures[0];

	(void)state;
	for (size_t i = 0; i < count; i++) {
		EXA_AUTO(record_freep) struct record *fresh = record_new();
		EXA_AUTO(buf_done) struct buf message = { 0 };
		struct exa_error err = { 0 };

		add_template(&message, structures[i].message, "\r\n");
		/* Half a message, given up. */
		assert_true(mime_splitter_feed(
			used->splitter, bytes_take(buf_bytes(&message), message.size / 2), &err));
		mime_splitter_reset(used->splitter);
		assert_true(record_split(used, buf_bytes(&message), SIZE_MAX));
		assert_true(record_split(fresh, buf_bytes(&message), SIZE_MAX));
		assert_true(record_equal(used, fresh));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_found),
		cmocka_unit_test(structure_does_not_depend_on_the_chunks),
		cmocka_unit_test(a_delimiter_line_longer_than_any_boundary_is_text),
		cmocka_unit_test(levels_beyond_the_limit_are_a_leaf),
		cmocka_unit_test(a_refusing_sink_stops_the_splitter_until_reset),
		cmocka_unit_test(a_message_does_not_touch_the_next),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
