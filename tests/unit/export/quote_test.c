/* SPDX-License-Identifier: Apache-2.0 */
/* What mboxrd does to a message is taken back by its one rule, and only its From_ lines begin
 * messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/clock.h"
#include "exarch/mem.h"

#include "quote.h"

#define JULY_NS (INT64_C(1784714400) * EXA_NS_PER_S) /* 2026-07-22T10:00:00Z, a Wednesday */

static void
quote_in_chunks(struct bytes message, size_t chunk, struct buf *out)
{
	struct quote q = { 0 };

	for (struct bytes rest = message; rest.size > 0; rest = bytes_skip(rest, chunk))
		quote_add(&q, bytes_take(rest, chunk), out);
	quote_end(&q, out);
}

/* The reader's rule, written anew: one '>' less where '>'s and "From " begin a line. */
static void
unquote(struct bytes b, struct buf *out)
{
	bool at_start = true;

	for (size_t i = 0; i < b.size; i++) {
		size_t marks = i;

		while (marks < b.size && b.data[marks] == '>')
			marks++;
		if (at_start && marks > i && b.size - marks >= 5 &&
			memcmp(b.data + marks, "From ", 5) == 0) {
			at_start = false;
			continue;
		}
		buf_add_byte(out, b.data[i]);
		at_start = b.data[i] == '\n';
	}
}

static bool
has_from_line(struct bytes b)
{
	for (size_t i = 0; i + 5 <= b.size; i++) {
		if ((i == 0 || b.data[i - 1] == '\n') && memcmp(b.data + i, "From ", 5) == 0)
			return true;
	}
	return false;
}

static void
quoting_is_taken_back_whatever_the_chunks(void **state)
{
	static const char *const messages[] = { "", "\n", "From ", "From", "Fro", ">From x\n",
		">>>", "From a\r\nFrom b\r\n",
		"Subject: x\r\n\r\n>From me\r\n>>From you\r\n From\r\nfrom \r\n",
		"x\nFFrom y\nFrFrom \nF\n", "a\rFrom b", ">F>From ", "\n\n\nFrom \n>\n>F\n",
		"no break", "FromFrom \nFrom\n \nFrom\t\n" };

	(void)state;
	for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
		struct bytes message = bytes_of_string(messages[i]);

		for (size_t chunk = 1; chunk <= message.size + 1; chunk++) {
			EXA_AUTO(buf_done) struct buf quoted = { 0 };
			EXA_AUTO(buf_done) struct buf back = { 0 };

			quote_in_chunks(message, chunk, &quoted);
			assert_false(has_from_line(buf_bytes(&quoted)));
			unquote(buf_bytes(&quoted), &back);
			assert_true(back.size >= message.size);
			assert_true(
				bytes_equal(bytes_take(buf_bytes(&back), message.size), message));
		}
	}
}

static void
messages_are_parted_by_an_empty_line(void **state)
{
	static const char *const cases[][2] = { { "a\r\n", "a\r\n\n" }, { "a", "a\n\n" },
		{ "", "\n\n" }, { "a\n\n", "a\n\n\n" }, { "a\n>", "a\n>\n\n" },
		{ "a\nFrom", "a\nFrom\n\n" } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(buf_done) struct buf quoted = { 0 };

		quote_in_chunks(bytes_of_string(cases[i][0]), 100, &quoted);
		assert_string_equal(buf_string(&quoted), cases[i][1]);
	}
}

static void
a_from_line_names_a_sender_that_every_reader_can_read(void **state)
{
	static const char *const cases[][2] = {
		{ "From: Anna <anna@contoso.com>\r\n\r\n", "anna@contoso.com" },
		{ "from: anna@contoso.com\r\n\r\n", "anna@contoso.com" },
		{ "Return-Path: <bounce@x.example>\nFrom: a@x\n\n", "bounce@x.example" },
		{ "Return-Path: <>\r\nFrom: <a@x>\r\n\r\n", "a@x" },
		{ "Subject: none\r\n\r\nFrom: body@x\r\n", "MAILER-DAEMON" },
		{ "From: \"a b\"@x\r\n\r\n", "MAILER-DAEMON" },
		{ "From: <a b@x>\r\n\r\n", "MAILER-DAEMON" },
		{ "From: <a@x\r\n\r\n", "MAILER-DAEMON" },
		{ "From: J\xc3\xbcrg <j\xc3\xbcrg@x>\r\n\r\n", "MAILER-DAEMON" },
		{ "From: nobody\r\n\r\n", "MAILER-DAEMON" },
		{ "From:\r\n\r\n", "MAILER-DAEMON" },
		{ "From: <", "MAILER-DAEMON" },
		{ "From: a@x\r\n", "a@x" },
		{ "", "MAILER-DAEMON" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(buf_done) struct buf line = { 0 };
		EXA_AUTO(exa_freep)
		char *expected = exa_asprintf("From %s Wed Jul 22 10:00:00 2026\n", cases[i][1]);

		quote_from_line(&line, bytes_of_string(cases[i][0]), JULY_NS);
		assert_string_equal(buf_string(&line), expected);
	}
}

static void
a_from_line_has_a_date_in_any_case(void **state)
{
	static const int64_t unknown[] = { EXA_NO_TIME, -1, 0, INT64_MIN + 1 };

	(void)state;
	for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
		EXA_AUTO(buf_done) struct buf line = { 0 };

		quote_from_line(&line, bytes_of(NULL, 0), unknown[i]);
		assert_string_equal(
			buf_string(&line), "From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quoting_is_taken_back_whatever_the_chunks),
		cmocka_unit_test(messages_are_parted_by_an_empty_line),
		cmocka_unit_test(a_from_line_names_a_sender_that_every_reader_can_read),
		cmocka_unit_test(a_from_line_has_a_date_in_any_case),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
