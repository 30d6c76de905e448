/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a part: sizes, cuts, and base64 in all its states.
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

#define BASE64_HEADER "Content-Transfer-Encoding: base64\r\n\r\n" /* 37 bytes */

/* A stretch of a body: TEXT, or else SIZE bytes of noise from FROM on in base64, less CUT
 * characters at its end. */
struct stretch {
	const char *text;
	size_t from, size, line;
	const char *eol;
	size_t cut;
};

static void
add_stretch(struct buf *message, const struct stretch *s, struct bytes noise)
{
	if (s->text != NULL) {
		buf_add_string(message, s->text);
		return;
	}
	add_base64_lines(message, bytes_take(bytes_skip(noise, s->from), s->size), s->line, s->eol);
	message->size -= s->cut;
}

static void
a_part_of_1_KiB_becomes_an_object(void **state)
{
	const struct {
		size_t size;
		const char *pieces;
	} cases[] = {
		{ 0, "L52" },
		{ 1023, "L1075" },
		{ 1024, "L43 R1024 L9" },
		{ 1025, "L43 R1025 L9" },
	};
	EXA_AUTO(record_freep) struct record *r = record_new();

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(buf_done) struct buf message = { 0 };

		buf_add_string(&message, "Content-Type: multipart/x;boundary=b\n\n--b\n\n");
		for (size_t n = 0; n < cases[i].size; n++)
			buf_add_byte(&message, 'x');
		buf_add_string(&message, "\r\n--b--\r\n");
		assert_true(record_split(r, buf_bytes(&message), SIZE_MAX));
		assert_string_equal(record_text(r), cases[i].pieces);
	}
}

static void
a_base64_run_of_1_KiB_text_becomes_an_object(void **state)
{
	const struct {
		size_t size, line;
		const char *pieces;
	} cases[] = {
		{ 765, 0, "L1057" },           /* 1020 characters */
		{ 768, 0, "L37 B768/0+0l" },   /* 1024 */
		{ 747, 76, "L1059" },          /* 996, and 13 breaks */
		{ 750, 76, "L37 B750/76+0c" }, /* 1000, and 13 breaks */
	};
	EXA_AUTO(record_freep) struct record *r = record_new();
	EXA_AUTO(buf_done) struct buf noise = { 0 };

	(void)state;
	add_noise(&noise, 3, 1000);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(buf_done) struct buf message = { 0 };

		buf_add_string(&message, BASE64_HEADER);
		add_base64_lines(&message, bytes_take(buf_bytes(&noise), cases[i].size),
			cases[i].line, "\r\n");
		assert_true(record_split(r, buf_bytes(&message), SIZE_MAX));
		assert_string_equal(record_text(r), cases[i].pieces);
	}
}

struct damage {
	const char *what;
	struct stretch stretches[6];
	const char *pieces;
};

static const struct damage damages[] = {
	{ "regular", { { .size = 3001, .line = 76, .eol = "\r\n" } }, "L37 B3001/76+0c" },
	{ "final break", { { .size = 3000, .line = 76, .eol = "\r\n" }, { "\r\n" } },
		"L37 B3000/76+0c L2" },
	{ "lines of an odd length", { { .size = 3002, .line = 75, .eol = "\n" } },
		"L37 B3002/75+0l" },
	{ "blank lines before, list footer behind",
		{ { "\r\n\r\n" }, { .size = 3000, .line = 60, .eol = "\r\n" },
			{ "\r\n\r\n____\r\nlist\r\n" } },
		"L39 B3000/60+60c L16" },
	{ "a short line in the middle",
		{ { .size = 2850, .line = 76, .eol = "\r\n" }, { "\r\n" },
			{ .from = 2850, .size = 30 }, { "\r\n" },
			{ .from = 2880, .size = 3000, .line = 76, .eol = "\r\n" } },
		"L37 B2880/76+0c B3000/76+76c" },
	{ "a short first line",
		{ { .size = 30 }, { "\r\n" },
			{ .from = 30, .size = 3000, .line = 64, .eol = "\r\n" } },
		"L37 B3030/64+24c" },
	{ "another line length from the middle on",
		{ { .size = 3000, .line = 60, .eol = "\n" }, { "\n" },
			{ .from = 3000, .size = 3000, .line = 64, .eol = "\n" } },
		"L37 B3000/60+0l B3000/64+64l" },
	{ "CRLF, then LF",
		{ { .size = 2850, .line = 76, .eol = "\r\n" }, { "\r\n" },
			{ .from = 2850, .size = 2850, .line = 76, .eol = "\n" } },
		"L37 B2907/76+0c B2793/76+76l" },
	{ "padding is missing", { { .size = 3001, .line = 76, .eol = "\r\n", .cut = 2 } },
		"L37 B3000/76+0c L2" },
	{ "half the padding is missing", { { .size = 3001, .line = 76, .eol = "\r\n", .cut = 1 } },
		"L37 B3000/76+0c L3" },
	{ "unused bits aren't zero",
		{ { .size = 3001, .line = 76, .eol = "\r\n", .cut = 3 }, { "R==" } },
		"L37 B3000/76+0c L4" },
	{ "more behind the padding",
		{ { .size = 3001, .line = 76, .eol = "\r\n" }, { "\r\n" },
			{ .size = 3000, .line = 76, .eol = "\r\n" } },
		"L37 B3001/76+0c B3000/76+76c" },
	{ "padding on a line of its own", { { .size = 1025, .line = 1366, .eol = "\n" }, { "\n" } },
		"L37 B1025/1366+0l L1" },
	{ "cut off within a line", { { .size = 3000, .line = 76, .eol = "\r\n", .cut = 1501 } },
		"L37 B1902/76+0c L1" },
	{ "a line of text in the middle",
		{ { .size = 2850, .line = 76, .eol = "\r\n" }, { "\r\n*** cut ***\r\n" },
			{ .from = 2850, .size = 2850, .line = 76, .eol = "\r\n" } },
		"L37 B2850/76+0c L15 B2850/76+0c" },
	{ "CR CR LF", { { .size = 3000, .line = 76, .eol = "\r\r\n" } }, "L37 R4156" },
	{ "a space behind each line", { { .size = 3000, .line = 76, .eol = " \r\n" } },
		"L37 R4156" },
	{ "URL alphabet",
		{ { .size = 12, .line = 0 }, { "-_-_" }, { "\n" },
			{ .from = 12, .size = 3000, .line = 76, .eol = "\n" } },
		"L58 B3000/76+0l" },
	{ "one line", { { .size = 60000 } }, "L37 B60000/0+0l" },
	{ "one line, damaged but in step",
		{ { .size = 30000 }, { "!AAA" }, { .from = 30003, .size = 29997 } },
		"L37 B30000/0+0l R1024 B29232/0+0l" },
	{ "one line with a character too many",
		{ { .size = 30000 }, { "!" }, { .from = 30000, .size = 30000 } },
		"L37 B30000/0+0l R1024 B29232/0+0l L1" },
};

static void
damaged_base64_is_decoded_around_the_damage(void **state)
{
	EXA_AUTO(record_freep) struct record *r = record_new();
	EXA_AUTO(record_freep) struct record *chunked = record_new();
	EXA_AUTO(buf_done) struct buf noise = { 0 };

	(void)state;
	add_noise(&noise, 4, 60000);
	for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
		const struct damage *d = &damages[i];
		EXA_AUTO(buf_done) struct buf message = { 0 };

		buf_add_string(&message, BASE64_HEADER);
		for (size_t s = 0; s < 6; s++)
			if (d->stretches[s].text != NULL || d->stretches[s].size > 0)
				add_stretch(&message, &d->stretches[s], buf_bytes(&noise));
		assert_true(record_split(r, buf_bytes(&message), SIZE_MAX));
		assert_true(bytes_equal(buf_bytes(&r->message), buf_bytes(&message)));
		if (strcmp(record_text(r), d->pieces) != 0)
			fail_msg("%s: %s instead of %s", d->what, record_text(r), d->pieces);
		for (size_t chunk = 1; chunk < 200; chunk += chunk < 4 ? 1 : 13) {
			assert_true(record_split(chunked, buf_bytes(&message), chunk));
			assert_true(record_equal(r, chunked));
		}
	}
}

static void
runs_hold_what_was_encoded(void **state)
{
	EXA_AUTO(record_freep) struct record *r = record_new();
	EXA_AUTO(buf_done) struct buf noise = { 0 };
	EXA_AUTO(buf_done) struct buf message = { 0 };
	struct bytes all;

	(void)state;
	add_noise(&noise, 5, 60000);
	all = buf_bytes(&noise);
	buf_add_string(&message, BASE64_HEADER);
	add_base64_lines(&message, bytes_take(all, 30000), 0, "");
	buf_add_string(&message, "!AAA");
	add_base64_lines(&message, bytes_skip(all, 30003), 0, "");
	assert_true(record_split(r, buf_bytes(&message), SIZE_MAX));
	assert_string_equal(record_text(r), "L37 B30000/0+0l R1024 B29232/0+0l");
	assert_true(bytes_equal(record_data(r, 1), bytes_take(all, 30000)));
	/* Behind damage that kept the phase, it is the attachment again. */
	assert_true(bytes_equal(record_data(r, 3), bytes_skip(all, 60000 - 29232)));
}

/* The BASE64 pieces of R are DATA, cut at the fixed places. */
static void
assert_cut_data(const struct record *r, struct bytes data)
{
	for (size_t i = 0; i < r->count; i++) {
		if (r->pieces[i].kind == MIME_LITERAL)
			continue;
		assert_int_equal(r->pieces[i].kind, MIME_BASE64);
		assert_true(bytes_equal(record_data(r, i), bytes_take(data, MIME_BASE64_MAX)));
		data = bytes_skip(data, MIME_BASE64_MAX);
	}
	assert_int_equal(data.size, 0);
}

static void
an_attachment_gives_the_same_data_however_it_is_laid_out(void **state)
{
	const size_t sizes[] = { 3000, 65536, MIME_BASE64_MAX - 1, MIME_BASE64_MAX,
		MIME_BASE64_MAX + 1, 2 * MIME_BASE64_MAX + 500 };
	const size_t lines[] = { 0, 1, 4, 57, 60, 64, 72, 75, 76, 80, 192, 998, 8000 };
	const char *leads[] = { "", "\r\n", "\r\n\r\nno base64 at all, a line of text\r\n" };
	EXA_AUTO(record_freep) struct record *r = record_new();
	EXA_AUTO(buf_done) struct buf noise = { 0 };

	(void)state;
	add_noise(&noise, 6, sizes[sizeof sizes / sizeof sizes[0] - 1]);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct bytes data = bytes_take(buf_bytes(&noise), sizes[i]);

		for (size_t l = 0; l < sizeof lines / sizeof lines[0]; l++) {
			EXA_AUTO(buf_done) struct buf message = { 0 };

			buf_printf(&message,
				"Subject: %zu\r\nContent-Type: multipart/mixed; "
				"boundary=\"=_%zu\"\r\n"
				"\r\n--=_%zu\r\n" BASE64_HEADER "%s",
				l, l, l, leads[l % 3]);
			add_base64_lines(&message, data, lines[l], l % 2 == 0 ? "\r\n" : "\n");
			buf_printf(&message, "%s\r\n--=_%zu--\r\n", l % 2 == 0 ? "" : "\r\n", l);
			assert_true(record_split(r, buf_bytes(&message), 16384));
			assert_true(bytes_equal(buf_bytes(&r->message), buf_bytes(&message)));
			assert_cut_data(r, data);
		}
	}
}

static void
large_pieces_are_cut_at_fixed_places(void **state)
{
	const struct {
		const char *header;
		size_t size;
		const char *eol, *pieces;
	} cases[] = {
		{ "X: y\n\n", MIME_RAW_MAX, NULL, "L6 R1048576" },
		{ "X: y\n\n", MIME_RAW_MAX + 7, NULL, "L6 R1048576 R7" },
		{ "X: y\n\n", 5 * MIME_RAW_MAX / 2, NULL, "L6 R1048576 R1048576 R524288" },
		{ BASE64_HEADER, MIME_BASE64_MAX, "\r\n", "L37 B786432/76+0c" },
		{ BASE64_HEADER, 5 * MIME_BASE64_MAX / 2, "\r\n",
			"L37 B786432/76+0c B786432/76+4c B393216/76+8c" },
		{ BASE64_HEADER, MIME_BASE64_MAX, "\r\r\n", "L37 R1048576 R41391" },
	};
	EXA_AUTO(record_freep) struct record *r = record_new();
	EXA_AUTO(buf_done) struct buf noise = { 0 };

	(void)state;
	add_noise(&noise, 7, 5 * MIME_RAW_MAX / 2);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bytes data = bytes_take(buf_bytes(&noise), cases[i].size);

		for (size_t chunk = 1000; chunk < 4000000; chunk *= 60) {
			EXA_AUTO(buf_done) struct buf message = { 0 };

			buf_add_string(&message, cases[i].header);
			if (cases[i].eol == NULL)
				buf_add_bytes(&message, data);
			else
				add_base64_lines(&message, data, 76, cases[i].eol);
			assert_true(record_split(r, buf_bytes(&message), chunk));
			assert_string_equal(record_text(r), cases[i].pieces);
			assert_true(bytes_equal(buf_bytes(&r->message), buf_bytes(&message)));
		}
	}
}

static void
structure_that_is_too_large_for_a_literal_goes_out_raw(void **state)
{
	const struct {
		size_t size;
		const char *pieces;
	} cases[] = {
		{ 32768, "L32768" },
		{ 32769, "R32768 L1" },
		{ 100000, "R32768 R32768 R32768 L1696" },
	};
	EXA_AUTO(record_freep) struct record *r = record_new();

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (size_t chunk = 1; chunk < 200000; chunk *= 311) {
			EXA_AUTO(buf_done) struct buf message = { 0 };

			buf_add_string(&message, "X:");
			while (message.size < cases[i].size - 2)
				buf_add_byte(&message, message.size % 100 == 0 ? '\n' : 'x');
			buf_add_string(&message, "\n\n");
			assert_true(record_split(r, buf_bytes(&message), chunk));
			assert_string_equal(record_text(r), cases[i].pieces);
		}
	}
}

static void
the_transfer_encoding_decides(void **state)
{
	const struct {
		const char *field;
		bool decoded;
	} cases[] = {
		{ "Content-Transfer-Encoding: base64", true },
		{ "content-transfer-encoding:BASE64", true },
		{ "Content-Transfer-Encoding:\r\n\t(comment) Base64 ; x=y", true },
		{ "Content-Transfer-Encoding: base64\r\nContent-Transfer-Encoding: 7bit", true },
		{ "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64", true },
		{ "Content-Transfer-Encoding: 7bit", false },
		{ "Content-Transfer-Encoding: x-base64", false },
		{ "Content-Transfer-Encoding: base64x", false },
		{ "X-Content-Transfer-Encoding: base64", false },
		{ "Content-Type: text/plain", false },
	};
	EXA_AUTO(record_freep) struct record *r = record_new();
	EXA_AUTO(buf_done) struct buf noise = { 0 };

	(void)state;
	add_noise(&noise, 8, 3000);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(buf_done) struct buf message = { 0 };

		buf_printf(&message, "%s\r\n\r\n", cases[i].field);
		add_base64_lines(&message, buf_bytes(&noise), 76, "\r\n");
		assert_true(record_split(r, buf_bytes(&message), SIZE_MAX));
		assert_int_equal(r->count, 2);
		assert_int_equal(r->pieces[1].kind, cases[i].decoded ? MIME_BASE64 : MIME_RAW);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_part_of_1_KiB_becomes_an_object),
		cmocka_unit_test(a_base64_run_of_1_KiB_text_becomes_an_object),
		cmocka_unit_test(damaged_base64_is_decoded_around_the_damage),
		cmocka_unit_test(runs_hold_what_was_encoded),
		cmocka_unit_test(an_attachment_gives_the_same_data_however_it_is_laid_out),
		cmocka_unit_test(large_pieces_are_cut_at_fixed_places),
		cmocka_unit_test(structure_that_is_too_large_for_a_literal_goes_out_raw),
		cmocka_unit_test(the_transfer_encoding_decides),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
