/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "exarch/message.h"

static void
case_accents_and_forms_do_not_count(void **state)
{
	static const struct {
		const char *text, *folded;
	} cases[] = {
		{ "", "" },
		{ "Invoice 2024 [EXT]", "invoice 2024 [ext]" },
		{ "M\xc3\xbcller", "muller" },  /* composed */
		{ "Mu\xcc\x88ller", "muller" }, /* decomposed */
		{ "STRASSE", "strasse" },
		{ "Stra\xc3\x9f"
		  "e",
			"strasse" },
		{ "\xce\x91\xce\x98\xce\x97\xce\x9d\xce\x91",
			"\xce\xb1\xce\xb8\xce\xb7\xce\xbd\xce\xb1" },
		{ "\xef\xbc\xa1\xef\xbc\xa2\xef\xbc\xa3", "abc" }, /* full width */
		{ "\xe6\x9d\xb1\xe4\xba\xac", "\xe6\x9d\xb1\xe4\xba\xac" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(buf_done) struct buf out = { 0 };

		message_fold(&out, cases[i].text);
		assert_string_equal(buf_string(&out), cases[i].folded);
	}
}

static void
bytes_that_are_no_text_fold_to_text(void **state)
{
	EXA_AUTO(buf_done) struct buf out = { 0 };

	(void)state;
	message_fold(&out, "a\xff\xc3(B\xe2\x82");
	assert_true(g_utf8_validate(buf_string(&out), -1, NULL));
	assert_non_null(strchr(buf_string(&out), 'b'));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(case_accents_and_forms_do_not_count),
		cmocka_unit_test(bytes_that_are_no_text_fold_to_text),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
