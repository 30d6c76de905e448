/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/mem.h"
#include "exarch/message.h"

#define HTML_ONLY "Subject: s\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"

static void
html_is_read_as_a_person_reads_it(void **state)
{
	static const struct {
		const char *html, *text;
	} cases[] = {
		{ "<p>one <b>t</b>wo</p>three", "one two\nthree" },
		{ "begin<div>block</div>end", "begin\nblock\nend" },
		{ "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc" },
		{ "<head><title>t</title><style>p{}</style></head><body>seen<script>x()</script>",
			"seen" },
		{ "a &amp; b &lt;c&gt; &uuml;", "a & b <c> \xc3\xbc" },
		{ "<p>unclosed <p>next", "unclosed\nnext" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(exa_freep) char *mail = exa_asprintf("%s%s", HTML_ONLY, cases[i].html);
		struct message_text text;

		message_text_parse(bytes_of_string(mail), &text);
		assert_string_equal(text.body, cases[i].text);
		message_text_done(&text);
	}
}

#define MIXED                                                                                   \
	"Subject: outer\r\nMIME-Version: 1.0\r\n"                                               \
	"Content-Type: multipart/mixed; boundary=b\r\n\r\n"                                     \
	"--b\r\nContent-Type: text/plain\r\n\r\nthe letter\r\n"                                 \
	"--b\r\nContent-Type: text/csv; name=\"list.csv\"\r\n"                                  \
	"Content-Disposition: attachment; filename=\"list.csv\"\r\n"                            \
	"Content-Transfer-Encoding: base64\r\n\r\nY2VsbG9wZW5zaXM=\r\n"                         \
	"--b\r\nContent-Type: application/pdf\r\n"                                              \
	"Content-Disposition: attachment; filename*=utf-8''Gr%C3%BC%C3%9Fe.pdf\r\n\r\n%PDF\r\n" \
	"--b\r\nContent-Type: message/rfc822\r\n\r\n"                                           \
	"Subject: inner subject\r\nContent-Type: text/plain\r\n\r\ninner words\r\n"             \
	"--b--\r\n"

static void
attachments_are_named_and_counted(void **state)
{
	struct message_text text;

	(void)state;
	message_text_parse(bytes_of_string(MIXED), &text);
	assert_string_equal(text.body, "the letter");
	assert_int_equal(text.attachment_count, 3);
	assert_string_equal(text.attachments[0], "list.csv (text/csv, 11 bytes)");
	assert_string_equal(text.attachments[1], "Gr\xc3\xbc\xc3\x9f"
						 "e.pdf (application/pdf, 4 bytes)");
	assert_non_null(strstr(text.attachments[2], "inner subject (message/rfc822"));
	message_text_done(&text);
}

static void
words_come_from_every_part_that_is_text(void **state)
{
	struct message_words words;

	(void)state;
	message_words_parse(bytes_of_string(MIXED), &words);
	assert_string_equal(words.head.subject, "outer");
	assert_string_equal(words.body, "the letter");
	assert_int_equal(words.attachment_count, 3);
	assert_non_null(strstr(words.names, "list.csv\n"));
	assert_non_null(strstr(words.files, "cellopensis"));
	assert_non_null(strstr(words.files, "inner words"));
	message_words_done(&words);
}

static void
a_long_text_is_cut_between_characters(void **state)
{
	EXA_AUTO(buf_done) struct buf mail = { 0 };
	struct message_text text;

	(void)state;
	buf_add_string(&mail, "Content-Type: text/plain; charset=utf-8\r\n"
			      "Content-Transfer-Encoding: 8bit\r\n\r\nx");
	for (size_t i = 0; i < MESSAGE_TEXT_MAX; i++)
		buf_add_string(&mail, "\xc3\xa4");
	message_text_parse(buf_bytes(&mail), &text);
	assert_true(text.cut);
	assert_int_equal(strlen(text.body), MESSAGE_TEXT_MAX - 1);
	message_text_done(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(html_is_read_as_a_person_reads_it),
		cmocka_unit_test(attachments_are_named_and_counted),
		cmocka_unit_test(words_come_from_every_part_that_is_text),
		cmocka_unit_test(a_long_text_is_cut_between_characters),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
