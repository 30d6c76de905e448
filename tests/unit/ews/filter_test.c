/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "filter.h"

#define FFFD "\xef\xbf\xbd"

static const struct {
	const char *in;
	size_t in_size; /* 0 = strlen */
	const char *out;
} cases[] = {
	{ "<a>plain text, <b/> &amp; more</a>", 0, "<a>plain text, <b/> &amp; more</a>" },
	{ "Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x98\x80", 0,
		"Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x98\x80" },
	/* good references stay references */
	{ "&#xD;&#xA;&#9;&#65;&#x1F600;&#38;", 0, "&#xD;&#xA;&#9;&#65;&#x1F600;&#38;" },
	/* forbidden ones */
	{ "a&#x0;b&#x1;c&#xB;d&#x1A;e&#16;f", 0, "a" FFFD "b" FFFD "c" FFFD "d" FFFD "e" FFFD "f" },
	{ "&#xFFFE;&#xffff;&#65535;", 0, FFFD FFFD FFFD },
	{ "&#x110000;&#99999999999999999999;", 0, FFFD FFFD },
	{ "&#x0000000B;", 0, FFFD },
	/* surrogates: pairs become the character, halves don't */
	{ "&#xD83D;&#xDE00;", 0, "\xf0\x9f\x98\x80" },
	{ "&#55357;&#56832;", 0, "\xf0\x9f\x98\x80" },
	{ "&#xd83d;&#56832;", 0, "\xf0\x9f\x98\x80" },
	{ "&#xDBFF;&#xDFFF;", 0, "\xf4\x8f\xbf\xbf" },
	{ "&#xD83D;x", 0, FFFD "x" },
	{ "&#xDE00;x", 0, FFFD "x" },
	{ "&#xD83D;&#xD83D;&#xDE00;", 0, FFFD "\xf0\x9f\x98\x80" },
	{ "&#xD83D;&amp;", 0, FFFD "&amp;" },
	{ "&#xD83D;&#x41;", 0, FFFD "&#x41;" },
	{ "&#xD83D; &#xDE00;", 0, FFFD " " FFFD },
	{ "&#xD83D;", 0, FFFD },
	/* raw bytes */
	{ "a\x00\x01\x0b\x1f z", 7, "a" FFFD FFFD FFFD FFFD " z" },
	{ "a\tb\r\nc\x7f", 0, "a\tb\r\nc\x7f" },
	{ "\xef\xbf\xbe|\xef\xbf\xbf|\xef\xbf\xbd", 0, FFFD "|" FFFD "|" FFFD },
	{ "\xed\xa0\xbd", 0, FFFD FFFD FFFD },                        /* a surrogate as UTF-8 */
	{ "\xc0\x80 \xe0\x80\x80", 0, FFFD FFFD " " FFFD FFFD FFFD }, /* overlong */
	{ "\xf5\x80 \xff \x80", 0, FFFD FFFD " " FFFD " " FFFD },
	{ "\xe2\x82<", 0, FFFD FFFD "<" }, /* cut inside a character */
	{ "\xf0\x9f\x98&amp;", 0, FFFD FFFD FFFD "&amp;" },
	/* not references: the parser's business */
	{ "&#;&#x;&#xZ;&# 1;&#12", 0, "&#;&#x;&#xZ;&# 1;&#12" },
	{ "&", 0, "&" },
	{ "&&#1;", 0, "&" FFFD },
	{ "&#x0000000000000000000000000000000000000001;", 0,
		"&#x0000000000000000000000000000000000000001;" },
	/* the mark goes, at the start only */
	{ "\xef\xbb\xbf<a/>", 0, "<a/>" },
	{ "<a>\xef\xbb\xbf</a>", 0, "<a>\xef\xbb\xbf</a>" },
	{ "\xef\xbb\xbf\xef\xbb\xbfx", 0, "\xef\xbb\xbfx" },
	{ "\xef\xbb x", 0, FFFD FFFD " x" },
	{ "", 0, "" },
};

static struct bytes
input(size_t i)
{
	return bytes_of(cases[i].in, cases[i].in_size > 0 ? cases[i].in_size : strlen(cases[i].in));
}

static void
assert_output(size_t i, struct filter *f, struct buf *out)
{
	filter_finish(f, out);
	if (strcmp(buf_string(out), cases[i].out) != 0)
		fail_msg("case %zu: '%s'", i, buf_string(out));
	buf_reset(out);
}

static void
what_xml_forbids_is_replaced(void **state)
{
	EXA_AUTO(buf_done) struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct filter f = { 0 };

		filter_feed(&f, input(i), &out);
		assert_output(i, &f, &out);
	}
}

static void
borders_between_chunks_make_no_difference(void **state)
{
	EXA_AUTO(buf_done) struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (size_t step = 1; step <= input(i).size; step++) {
			struct filter f = { 0 };
			struct bytes rest = input(i);

			while (rest.size > 0) {
				filter_feed(&f, bytes_take(rest, step), &out);
				rest = bytes_skip(rest, step);
			}
			assert_output(i, &f, &out);
		}
		for (size_t at = 0; at <= input(i).size; at++) {
			struct filter f = { 0 };

			filter_feed(&f, bytes_take(input(i), at), &out);
			filter_feed(&f, bytes_skip(input(i), at), &out);
			assert_output(i, &f, &out);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_xml_forbids_is_replaced),
		cmocka_unit_test(borders_between_chunks_make_no_difference),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
