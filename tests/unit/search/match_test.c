/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/mem.h"
#include "exarch/search.h"

static bool
is_in(const char *condition, const char *text)
{
	struct search_match *m;
	struct exa_error err;
	bool yes;

	assert_true(search_match_compile(condition, &m, &err));
	yes = search_matches(m, text);
	search_match_free(m);
	return yes;
}

static void
a_text_is_found_whatever_its_case_and_accents(void **state)
{
	(void)state;
	assert_true(is_in("invoice", "Your INVOICE for May"));
	assert_true(is_in("muller", "Anna M\xc3\xbcller <a@x>"));
	assert_true(is_in("M\xc3\xbcller", "anna muller"));
	assert_true(is_in("[EXT]", "[ext] hello")); /* brackets are text */
	assert_true(is_in("50%_off?", "now 50%_off? yes"));
	assert_false(is_in("invoice", "in voice"));
	assert_false(is_in("a", ""));
}

static void
a_star_stands_for_anything_between(void **state)
{
	(void)state;
	assert_true(is_in("invoice*2024", "Invoice no. 7 of 2024"));
	assert_false(is_in("2024*invoice", "Invoice no. 7 of 2024"));
	assert_true(is_in("*", ""));
	assert_true(is_in("**a**b*", "xaxbx"));
	assert_false(is_in("ab*ab", "ab")); /* one piece behind the other */
}

static void
an_equal_sign_asks_for_all_of_it(void **state)
{
	(void)state;
	assert_true(is_in("=Re: hi", "RE: HI"));
	assert_false(is_in("=hi", "Re: hi"));
	assert_true(is_in("=", ""));
	assert_false(is_in("=", "x"));
}

static void
expressions_are_searched(void **state)
{
	(void)state;
	assert_true(is_in("re:inv.*[0-9]{4}$", "Invoice 2024"));
	assert_false(is_in("re:^voice", "Invoice"));
}

static void
what_can_not_be_looked_for_is_refused(void **state)
{
	EXA_AUTO(exa_freep) char *longer = exa_alloc(SEARCH_TEXT_MAX + 2);
	struct search_match *m;
	struct exa_error err;

	(void)state;
	memset(longer, 'a', SEARCH_TEXT_MAX + 1);
	assert_false(search_match_compile("", &m, &err));
	assert_int_equal(err.code, EXA_USAGE);
	assert_false(search_match_compile("re:(", &m, &err));
	assert_int_equal(err.code, EXA_USAGE);
	assert_false(search_match_compile(longer, &m, &err));
	assert_int_equal(err.code, EXA_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_found_whatever_its_case_and_accents),
		cmocka_unit_test(a_star_stands_for_anything_between),
		cmocka_unit_test(an_equal_sign_asks_for_all_of_it),
		cmocka_unit_test(expressions_are_searched),
		cmocka_unit_test(what_can_not_be_looked_for_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
