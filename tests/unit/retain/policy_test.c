/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/clock.h"
#include "exarch/retain.h"
#include "exarch/rules.h"

/* 2026-07-22T10:00:00Z */
#define NOW (INT64_C(1784714400) * EXA_NS_PER_S)

static struct retain_policy *
parse(const char *text)
{
	struct retain_policy *p = NULL;
	struct exa_error err;

	if (!retain_policy_parse(bytes_of_string(text), "p.yaml", NOW, &p, &err))
		fail_msg("%s", err.text);
	return p;
}

static void
assert_moment(int64_t moment_ns, const char *expected)
{
	char text[CLOCK_TEXT_MAX];

	clock_format(moment_ns, text);
	assert_string_equal(text, expected);
}

static void
a_policy_is_read_as_it_is_written(void **state)
{
	EXA_AUTO(retain_policy_freep)
	struct retain_policy *p =
		parse("version: 1\n"
		      "rules:\n"
		      "  - name: finance\n"
		      "    mailboxes: ['*@finance.contoso.com', 'cfo@contoso.com']\n"
		      "    folders: ['/Inbox/**']\n"
		      "    classes: [mail, calendar]\n"
		      "    keep: 10 years\n"
		      "  - name: default\n"
		      "    keep: forever\n");

	(void)state;
	assert_int_equal(p->rule_count, 2);
	assert_string_equal(p->rules[0].name, "finance");
	assert_string_equal(p->rules[0].keep, "10 years");
	assert_moment(p->rules[0].before_ns, "2016-07-22T10:00:00Z");
	assert_int_equal(p->rules[0].mailboxes.count, 2);
	assert_int_equal(p->rules[0].folders.count, 1);
	assert_int_equal(p->rules[0].classes, 1U << RULES_CLASS_MAIL | 1U << RULES_CLASS_CALENDAR);
	assert_true(p->rules[1].before_ns == EXA_NO_TIME);
	assert_int_equal(p->rules[1].mailboxes.count, 0);
	assert_int_equal(p->rules[1].classes, 0);
}

static void
a_rule_covers_a_folder_when_mailbox_and_folder_match(void **state)
{
	EXA_AUTO(retain_policy_freep)
	struct retain_policy *p =
		parse("version: 1\n"
		      "rules: [{ name: x, mailboxes: ['*@x.com'], folders: [/A, '/B/**'], keep: 1 "
		      "year },\n"
		      "        { name: all, keep: 1 year }]\n");
	const struct retain_rule *x = &p->rules[0];

	(void)state;
	assert_true(retain_rule_covers(x, "anna@X.com", "/A"));
	assert_false(retain_rule_covers(x, "anna@x.com", "/A/Below"));
	assert_true(retain_rule_covers(x, "anna@x.com", "/B"));
	assert_true(retain_rule_covers(x, "anna@x.com", "/B/Below/Deep"));
	assert_false(retain_rule_covers(x, "anna@x.com", "/Bc"));
	assert_false(retain_rule_covers(x, "anna@y.com", "/A"));
	assert_true(retain_rule_covers(&p->rules[1], "anyone@anywhere", "/Any"));
}

#define RULE(more) "version: 1\nrules:\n  - name: x\n" more

static void
what_is_wrong_is_named_with_line_and_key(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "", "p.yaml:1: the file is empty" },
		{ "rules: []\n", "p.yaml:1: version: missing; write `version: 1`" },
		{ "version: 2\nrules: [{name: x, keep: 1 year}]\n",
			"p.yaml:1: version: expected 1" },
		{ "version: 1\n", "p.yaml:1: rules: missing" },
		{ "version: 1\nrules: []\n", "p.yaml:2: rules: the list is empty" },
		{ "version: 1\nrules: no\n", "p.yaml:2: rules: expected a list" },
		{ "version: 1\nrules: [a]\n", "p.yaml:2: rules[1]: expected keys with values" },
		{ "- a\n", "p.yaml:1: expected keys with values, found a list" },
		{ "version: 1\nruels: []\n",
			"p.yaml:2: unknown key `ruels`; known here: `version`, `rules`" },
		{ RULE("    keep: 1 year\n    mailbox: a\n"),
			"p.yaml:5: rules[1]: unknown key `mailbox`" },
		{ RULE("    keep: 1 year\n    keep: 2 years\n"),
			"p.yaml:5: rules[1].keep: stands here a second time" },
		{ RULE(""), "p.yaml:3: rules[1].keep: missing" },
		{ "version: 1\nrules:\n  - keep: 1 year\n", "p.yaml:3: rules[1].name: missing" },
		{ RULE("    keep:\n"), "p.yaml:4: rules[1].keep: has no value" },
		{ RULE("    keep: [1 year]\n"), "p.yaml:4: rules[1].keep: expected one value" },
		{ RULE("    keep: 5 yaers\n"),
			"p.yaml:4: rules[1].keep: expected `forever` or a span such as 90 days" },
		{ RULE("    keep: 10 min\n"),
			"p.yaml:4: rules[1].keep: `10 min` is less than a day" },
		{ RULE("    keep: 0 years\n"),
			"p.yaml:4: rules[1].keep: `0 years` is less than a day" },
		{ RULE("    keep: -3 years\n"), "p.yaml:4: rules[1].keep: expected" },
		{ RULE("    keep: 1 year\n    folders: [Inbox]\n"),
			"p.yaml:5: rules[1].folders[1]: `Inbox` can't match: paths" },
		{ RULE("    keep: 1 year\n    folders: [/Inbox/]\n"),
			"p.yaml:5: rules[1].folders[1]: `/Inbox/` can't match: paths" },
		{ RULE("    keep: 1 year\n    folders: [/A,\n      're:(']\n"),
			"p.yaml:6: rules[1].folders[2]: pattern 're:('" },
		{ RULE("    keep: 1 year\n    mailboxes: [/Inbox]\n"),
			"p.yaml:5: rules[1].mailboxes[1]: `/Inbox` can't match" },
		{ RULE("    keep: 1 year\n    mailboxes: anna@x.com\n"),
			"p.yaml:5: rules[1].mailboxes: expected a list" },
		{ RULE("    keep: 1 year\n    classes: [mail, emails]\n"),
			"p.yaml:5: rules[1].classes[2]: expected one of `mail`" },
		{ RULE("    keep: 1 year\n  - name: y\n    keep: 1 year\n"),
			"p.yaml:5: rules[2]: is never reached: rules[1] `x` matches everything" },
		{ RULE("    folders: [/A]\n    keep: 1 year\n  - name: x\n    keep: 1 year\n"),
			"p.yaml:6: rules[2]: rules[1] is named `x` too" },
		{ RULE("    keep: \"1\\0year\"\n"),
			"p.yaml:4: rules[1].keep: contains a control character" },
		{ RULE("    keep: 1 year\n---\nversion: 1\n"),
			"p.yaml:5: a second YAML document; a policy is one" },
		{ "version: 1\nrules: [\n", "p.yaml:3: not YAML:" },
		{ "a: &a [*a]\n", "p.yaml:1: " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct retain_policy *p = NULL;
		struct exa_error err;

		if (retain_policy_parse(bytes_of_string(cases[i].text), "p.yaml", NOW, &p, &err))
			fail_msg("accepted: %s", cases[i].text);
		assert_null(p);
		assert_int_equal(err.code, EXA_USAGE);
		if (strncmp(err.text, cases[i].expected, strlen(cases[i].expected)) != 0)
			fail_msg("'%s' instead of '%s'", err.text, cases[i].expected);
	}
}

static void
a_policy_that_is_not_there_is_the_users_matter(void **state)
{
	struct retain_policy *p = NULL;
	struct exa_error err;

	(void)state;
	assert_false(retain_policy_load("/nowhere/policy.yaml", NOW, &p, &err));
	assert_int_equal(err.code, EXA_USAGE);
	assert_non_null(strstr(err.text, "/nowhere/policy.yaml"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_is_read_as_it_is_written),
		cmocka_unit_test(a_rule_covers_a_folder_when_mailbox_and_folder_match),
		cmocka_unit_test(what_is_wrong_is_named_with_line_and_key),
		cmocka_unit_test(a_policy_that_is_not_there_is_the_users_matter),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
