/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/pattern.h"

static void
globs_and_expressions_match_as_documented(void **state)
{
	static const struct {
		const char *pattern, *subject;
		bool matches;
	} cases[] = {
		{ "/Inbox/*", "/Inbox/Private", true },
		{ "/Inbox/*", "/Inbox/Private/Deep", false },
		{ "/Inbox/**", "/Inbox/Private/Deep", true },
		{ "/Inbox/**", "/Inbox", false },
		{ "/inbox/PRIVATE", "/Inbox/private", true },
		{ "test?@contoso.com", "test1@contoso.com", true },
		{ "test*@contoso.com", "user@contoso.com", false },
		{ "/Stra\xc3\x9f"
		  "e/*",
			"/Stra\xc3\x9f"
			"e/1",
			true },
		{ "/\xc3\x84pfel", "/\xc3\xa4pfel", true },
		{ "re:^/Inbox/(a|b)$", "/Inbox/b", true },
		{ "re:^/Inbox/(a|b)$", "/Inbox/c", false },
		{ "re:private", "/x/Private/y", true },
		{ "*", "\xff\xfe", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(pattern_freep) struct pattern *p = NULL;
		struct exa_error err;

		assert_true(pattern_compile(cases[i].pattern, &p, &err));
		if (pattern_matches(p, cases[i].subject) != cases[i].matches)
			fail_msg("'%s' against '%s'", cases[i].pattern, cases[i].subject);
	}
}

static void
a_bad_pattern_says_where(void **state)
{
	struct pattern *p = NULL;
	struct exa_error err;

	(void)state;
	assert_false(pattern_compile("re:(unclosed", &p, &err));
	assert_int_equal(err.code, EXA_USAGE);
	assert_non_null(strstr(err.text, "re:(unclosed"));
	assert_null(p);
}

static void
a_catastrophic_expression_gives_up(void **state)
{
	EXA_AUTO(pattern_freep) struct pattern *p = NULL;
	struct exa_error err;

	(void)state;
	assert_true(pattern_compile("re:^(a|aa)+$", &p, &err));
	assert_false(pattern_matches(
		p, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(globs_and_expressions_match_as_documented),
		cmocka_unit_test(a_bad_pattern_says_where),
		cmocka_unit_test(a_catastrophic_expression_gives_up),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
