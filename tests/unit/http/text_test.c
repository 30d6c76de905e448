/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/http.h"

static void
all_but_unreserved_characters_are_escaped(void **state)
{
	EXA_AUTO(buf_done) struct buf out = { 0 };

	(void)state;
	http_add_escaped(&out, "aZ09-._~ +&='/%\xc3\xbc");
	assert_string_equal(buf_string(&out), "aZ09-._~%20%2B%26%3D%27%2F%25%C3%BC");
}

static void
guids_are_version_4_and_differ(void **state)
{
	char a[HTTP_GUID_SIZE], b[HTTP_GUID_SIZE];

	(void)state;
	http_guid(a);
	http_guid(b);
	assert_int_equal(strlen(a), 36);
	assert_int_equal(strspn(a, "0123456789abcdef-"), 36);
	assert_true(a[8] == '-' && a[13] == '-' && a[18] == '-' && a[23] == '-');
	assert_int_equal(a[14], '4');
	assert_non_null(strchr("89ab", a[19]));
	assert_string_not_equal(a, b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_but_unreserved_characters_are_escaped),
		cmocka_unit_test(guids_are_version_4_and_differ),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
