/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "exarch/mem.h"
#include "exarch/message.h"

static struct message_head
parse(const char *source)
{
	struct message_head head;

	message_head_parse(bytes_of_string(source), &head);
	return head;
}

static void
subjects_are_decoded_for_people(void **state)
{
	static const struct {
		const char *source, *subject;
	} cases[] = {
		{ "Subject: plain\r\n\r\nbody", "plain" },
		{ "Subject: no body", "no body" },
		{ "Subject: bare\nFrom: a@x\n\nSubject: body", "bare" },
		{ "subject: =?utf-8?Q?J=C3=BCrgen?=\r\n\r\n", "J\xc3\xbcrgen" },
		/* RFC 2047: white space between encoded words is nothing, even a character cut
		 * in two */
		{ "Subject: =?utf-8?B?SsO8cg==?=\r\n =?utf-8?B?Z2Vu?=\r\n\r\n", "J\xc3\xbcrgen" },
		{ "Subject: =?utf-8?B?SsM=?=\r\n =?utf-8?B?vHJnZW4=?=\r\n\r\n", "J\xc3\xbcrgen" },
		{ "Subject: =?utf-8?B?SsO8cg==?= and\r\n =?UTF-8?b?Z2Vu?= =?utf-8?Q?!?=\r\n\r\n",
			"J\xc3\xbcr and gen!" },
		{ "Subject: =?utf-8?B?SsO8?=\r\n =?iso-8859-1?B?/A==?=\r\n\r\n",
			"J\xc3\xbc\xc3\xbc" },
		{ "Subject: =?no-such-charset?B?YWJj?= def\r\n\r\n", "abc def" },
		{ "Subject: =?iso-8859-1?Q?J=FCrgen?= plain\r\n\r\n", "J\xc3\xbcrgen plain" },
		{ "Subject: raw J\xfcrgen \x80\r\n\r\n", "raw J\xc3\xbcrgen \xe2\x82\xac" },
		{ "Subject: raw J\xc3\xbcrgen\r\n\r\n", "raw J\xc3\xbcrgen" },
		{ "Subject: =?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=\r\n\r\n",
			"\xe6\x97\xa5\xe6\x9c\xac" },
		{ "Subject: folded\r\n\tover  three\r\n lines\r\n\r\n", "folded over three lines" },
		{ "Subject: first\r\nSubject: second\r\n\r\n", "first" },
		{ "Subject:\r\n\r\n", "" },
		{ "X: y\r\n\r\n", "" },
		{ "", "" },
		{ "\r\nSubject: in the body\r\n", "" },
		/* a terminal is driven neither raw nor from an encoded word */
		{ "Subject: \x1b]0;t\x07red\x1b[31m\r\n\r\n", "]0;t red [31m" },
		{ "Subject: =?utf-8?B?G1sybWV2aWwbXTA7dGl0bGUH?=\r\n\r\n", "[2mevil ]0;title" },
		{ "Subject: =?utf-8?Q?a=0D=0Ab=E2=80=AEc?=\r\n\r\n", "a b\xef\xbf\xbd"
								     "c" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct message_head head = parse(cases[i].source);

		assert_string_equal(head.subject, cases[i].subject);
		message_head_done(&head);
	}
}

static void
all_fields_are_given_and_empty_when_absent(void **state)
{
	struct message_head head =
		parse("From: =?utf-8?Q?J=C3=BCrgen?= <j@x>\r\nTo: a@x,\r\n b@x\r\n"
		      "Date: Fri, 01 May 2026 10:00:00 +0200\r\nMessage-ID: <1@x>\r\n\r\n");

	(void)state;
	assert_string_equal(head.from, "J\xc3\xbcrgen <j@x>");
	assert_string_equal(head.to, "a@x, b@x");
	assert_string_equal(head.cc, "");
	assert_string_equal(head.subject, "");
	assert_string_equal(head.date, "Fri, 01 May 2026 10:00:00 +0200");
	assert_string_equal(head.message_id, "<1@x>");
	message_head_done(&head);
}

static void
a_long_subject_is_kept_and_an_endless_one_cut(void **state)
{
	static const size_t sizes[] = { 10 * 1024, 60 * 1024, 300 * 1024 };

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		EXA_AUTO(buf_done) struct buf source = { 0 };
		struct message_head head;

		buf_add_string(&source, "Subject: ");
		for (size_t k = 0; k < sizes[i]; k++)
			buf_add_byte(&source, 'a');
		buf_add_string(&source, "\r\nFrom: b@x\r\n\r\n");
		message_head_parse(buf_bytes(&source), &head);
		assert_int_equal(strlen(head.subject),
			sizes[i] < MESSAGE_HEAD_TEXT_MAX ? sizes[i] : MESSAGE_HEAD_TEXT_MAX);
		message_head_done(&head);
	}
}

static void
whatever_the_bytes_are_the_texts_are_utf8_without_controls(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 300; round++) {
		EXA_AUTO(buf_done) struct buf source = { 0 };
		struct message_head head;

		buf_add_string(&source, "Subject: =?utf-8?Q?");
		for (int k = 0; k < 200; k++) {
			seed = seed * 1664525 + 1013904223;
			buf_add_byte(&source, (uint8_t)(seed >> 24));
		}
		buf_add_string(&source, "?=\r\nFrom: ");
		message_head_parse(buf_bytes(&source), &head);
		assert_true(g_utf8_validate(head.subject, -1, NULL));
		for (const char *p = head.subject; *p != '\0'; p++)
			assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
		message_head_done(&head);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(subjects_are_decoded_for_people),
		cmocka_unit_test(all_fields_are_given_and_empty_when_absent),
		cmocka_unit_test(a_long_subject_is_kept_and_an_endless_one_cut),
		cmocka_unit_test(whatever_the_bytes_are_the_texts_are_utf8_without_controls),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
