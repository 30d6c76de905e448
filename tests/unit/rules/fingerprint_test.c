/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exarch/clock.h"
#include "exarch/mem.h"
#include "exarch/rules.h"

static struct rules
two_rules(const char *first, const char *second)
{
	struct rules r = { .before_ns = EXA_NO_TIME, .since_ns = EXA_NO_TIME, .classes = 1 };
	struct exa_error err;

	r.folder_rules = exa_alloc_array(2, sizeof *r.folder_rules);
	r.folder_rule_count = 2;
	assert_true(pattern_compile(first, &r.folder_rules[0].pattern, &err));
	assert_true(pattern_compile(second, &r.folder_rules[1].pattern, &err));
	return r;
}

static uint64_t
fingerprint_of(struct rules rules, const char *older_than)
{
	rules.older_than = older_than;
	return rules_fingerprint(&rules);
}

static void
rules_written_alike_have_one_fingerprint(void **state)
{
	EXA_AUTO(rules_done) struct rules a = two_rules("/a", "/b");
	EXA_AUTO(rules_done) struct rules b = two_rules("/a", "/b");

	(void)state;
	assert_true(fingerprint_of(a, "3 months") == fingerprint_of(b, "3 months"));
}

static void
what_judges_folders_or_items_changes_it(void **state)
{
	EXA_AUTO(rules_done) struct rules r = two_rules("/a", "/b");
	EXA_AUTO(rules_done) struct rules swapped = two_rules("/b", "/a");
	EXA_AUTO(rules_done) struct rules glued = two_rules("/a/", "b");
	const uint64_t first = fingerprint_of(r, NULL);
	struct rules changed;

	(void)state;
	assert_true(fingerprint_of(swapped, NULL) != first);
	assert_true(fingerprint_of(glued, NULL) != first);
	assert_true(fingerprint_of(r, "3 months") != first);
	assert_true(fingerprint_of(r, "4 months") != fingerprint_of(r, "3 months"));
	changed = r;
	changed.standard_exclusions = true;
	assert_true(fingerprint_of(changed, NULL) != first);
	changed = r;
	changed.unread = RULES_UNREAD_DEFER;
	assert_true(fingerprint_of(changed, NULL) != first);
	changed = r;
	changed.before_ns = 1;
	assert_true(fingerprint_of(changed, NULL) != first);
	changed = r;
	changed.since_ns = 1;
	assert_true(fingerprint_of(changed, NULL) != first);
	changed = r;
	changed.classes = 3;
	assert_true(fingerprint_of(changed, NULL) != first);
	changed = r;
	changed.folder_rule_count = 1;
	assert_true(fingerprint_of(changed, NULL) != first);
	r.folder_rules[1].include = true;
	assert_true(fingerprint_of(r, NULL) != first);
}

static void
the_moment_of_a_span_and_the_mailboxes_do_not_change_it(void **state)
{
	EXA_AUTO(rules_done) struct rules r = two_rules("/a", "/b");
	struct rules later = r;

	(void)state;
	r.before_ns = 1;
	later.before_ns = 2;
	later.only_licensed = true;
	later.only_enabled = true;
	assert_true(fingerprint_of(r, "3 months") == fingerprint_of(later, "3 months"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_written_alike_have_one_fingerprint),
		cmocka_unit_test(what_judges_folders_or_items_changes_it),
		cmocka_unit_test(the_moment_of_a_span_and_the_mailboxes_do_not_change_it),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
