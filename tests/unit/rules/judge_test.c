/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/clock.h"
#include "exarch/mem.h"
#include "exarch/rules.h"

#define ALL_CLASSES ((1U << RULES_CLASS_COUNT) - 1)
#define DAY (86400 * EXA_NS_PER_S)

static struct pattern *
pattern(const char *text)
{
	struct pattern *p = NULL;
	struct exa_error err;

	assert_true(pattern_compile(text, &p, &err));
	return p;
}

static struct rules
everything(void)
{
	return (struct rules){
		.before_ns = EXA_NO_TIME, .since_ns = EXA_NO_TIME, .classes = ALL_CLASSES
	};
}

static void
add_pattern(struct pattern ***patterns, size_t *count, const char *text)
{
	*patterns = exa_realloc_array(*patterns, *count + 1, sizeof **patterns);
	(*patterns)[(*count)++] = pattern(text);
}

static void
add_folder_rule(struct rules *r, bool include, const char *text)
{
	r->folder_rules = exa_realloc_array(
		r->folder_rules, r->folder_rule_count + 1, sizeof *r->folder_rules);
	r->folder_rules[r->folder_rule_count++] =
		(struct rules_folder_rule){ .include = include, .pattern = pattern(text) };
}

static void
expect(const struct rules_decision *d, enum rules_verdict verdict, const char *reason)
{
	assert_string_equal(d->reason, reason);
	assert_int_equal(d->verdict, verdict);
}

static void
mailboxes_are_judged_in_the_documented_order(void **state)
{
	static const struct {
		struct rules_mailbox mailbox;
		enum rules_verdict verdict;
		const char *reason;
	} cases[] = {
		{ { "anna@contoso.com", 1, 1, false }, RULES_ARCHIVE, "no rule excludes it" },
		{ { "anna@contoso.com", -1, -1, false }, RULES_ARCHIVE, "no rule excludes it" },
		{ { "anna@contoso.com", 0, 1, false }, RULES_EXCLUDE,
			"mailboxes.only_licensed: has no Exchange licence" },
		{ { "anna@contoso.com", 1, 0, false }, RULES_EXCLUDE,
			"mailboxes.only_enabled: sign-in is disabled" },
		{ { "TEST1@contoso.com", 1, 1, false }, RULES_EXCLUDE,
			"mailboxes.exclude 'test*@contoso.com'" },
		{ { "anna@fabrikam.com", 1, 1, false }, RULES_EXCLUDE,
			"mailboxes.include: no pattern of it matches" },
		{ { "test1@fabrikam.com", 0, 0, true }, RULES_EXCLUDE,
			"guest account: its mailbox is elsewhere" },
		{ { "", 1, 1, false }, RULES_EXCLUDE, "has no mail address" },
	};
	EXA_AUTO(rules_done) struct rules r = everything();

	(void)state;
	r.only_licensed = true;
	r.only_enabled = true;
	add_pattern(&r.mailbox_include, &r.mailbox_include_count, "*@contoso.com");
	add_pattern(&r.mailbox_include, &r.mailbox_include_count, "*@contoso.de");
	add_pattern(&r.mailbox_exclude, &r.mailbox_exclude_count, "test*@contoso.com");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct rules_decision d;

		rules_judge_mailbox(&r, &cases[i].mailbox, &d);
		expect(&d, cases[i].verdict, cases[i].reason);
	}
}

static void
licence_and_sign_in_count_only_when_asked_for(void **state)
{
	EXA_AUTO(rules_done) struct rules r = everything();
	const struct rules_mailbox shared = { "info@contoso.com", 0, 0, false };
	struct rules_decision d;

	(void)state;
	rules_judge_mailbox(&r, &shared, &d);
	expect(&d, RULES_ARCHIVE, "no rule excludes it");
}

static void
folders_are_judged_in_the_documented_order(void **state)
{
	static const struct {
		struct rules_folder folder;
		enum rules_verdict verdict;
		const char *reason;
	} cases[] = {
		{ { "/Inbox", "IPF.Note", RULES_ROLE_PLAIN, false, false, false }, RULES_ARCHIVE,
			"no rule excludes it" },
		{ { "/", "", RULES_ROLE_ROOT, false, false, false }, RULES_ARCHIVE,
			"no rule excludes it" },
		/* search, hidden and internal folders come before any rule */
		{ { "/Keep/Big", "IPF.Note", RULES_ROLE_PLAIN, false, true, true }, RULES_EXCLUDE,
			"search folder: its items live elsewhere" },
		{ { "/Keep/Hidden", "IPF.Note", RULES_ROLE_PLAIN, false, true, false },
			RULES_EXCLUDE, "hidden folder: not shown to users" },
		{ { "/Keep/Settings", "ipf.configuration", RULES_ROLE_PLAIN, false, false, false },
			RULES_EXCLUDE,
			"folder class IPF.Configuration: internal to Exchange and its clients" },
		{ { "/Keep/Cache", "IPF.StoreItem.CDISObject", RULES_ROLE_PLAIN, false, false,
			  false },
			RULES_EXCLUDE,
			"folder class IPF.StoreItem: internal to Exchange and its clients" },
		/* a class that only begins alike is somebody's mail */
		{ { "/Filing", "IPF.FilesAndNotes", RULES_ROLE_PLAIN, false, false, false },
			RULES_ARCHIVE, "no rule excludes it" },
		/* the first rule that matches decides */
		{ { "/Inbox/Private/Keep", "IPF.Note", RULES_ROLE_PLAIN, false, false, false },
			RULES_ARCHIVE, "folders.rules[1] include '/Inbox/Private/Keep'" },
		{ { "/inbox/private/x", "IPF.Note", RULES_ROLE_PLAIN, false, false, false },
			RULES_EXCLUDE, "folders.rules[2] exclude '/Inbox/Private/**'" },
		/* the folder itself isn't below itself */
		{ { "/Inbox/Private", "IPF.Note", RULES_ROLE_PLAIN, false, false, false },
			RULES_ARCHIVE, "no rule excludes it" },
		/* rules come before the standard exclusions */
		{ { "/Trash/Keep", "IPF.Note", RULES_ROLE_PLAIN, true, false, false },
			RULES_ARCHIVE, "folders.rules[3] include '/Trash/Keep'" },
		{ { "/Trash", "IPF.Note", RULES_ROLE_DELETED, false, false, false }, RULES_EXCLUDE,
			"folders.standard_exclusions: Deleted Items" },
		{ { "/Trash/Old", "IPF.Note", RULES_ROLE_PLAIN, true, false, false }, RULES_EXCLUDE,
			"folders.standard_exclusions: inside one of the standard folders that are "
			"left out" },
		{ { "/Entwürfe", "IPF.Note", RULES_ROLE_DRAFTS, false, false, false },
			RULES_EXCLUDE, "folders.standard_exclusions: Drafts" },
		{ { "/Junk", "IPF.Note", RULES_ROLE_JUNK, false, false, false }, RULES_EXCLUDE,
			"folders.standard_exclusions: Junk Email" },
		{ { "/Out", "IPF.Note", RULES_ROLE_OUTBOX, false, false, false }, RULES_EXCLUDE,
			"folders.standard_exclusions: Outbox" },
		{ { "/Sync", "IPF.Note", RULES_ROLE_SYNC_ISSUES, false, false, false },
			RULES_EXCLUDE, "folders.standard_exclusions: Sync Issues" },
	};
	EXA_AUTO(rules_done) struct rules r = everything();

	(void)state;
	r.standard_exclusions = true;
	add_folder_rule(&r, true, "/Inbox/Private/Keep");
	add_folder_rule(&r, false, "/Inbox/Private/**");
	add_folder_rule(&r, true, "/Trash/Keep");
	add_folder_rule(&r, true, "/Keep/**");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct rules_decision d;

		rules_judge_folder(&r, &cases[i].folder, &d);
		expect(&d, cases[i].verdict, cases[i].reason);
	}
}

static void
without_standard_exclusions_standard_folders_are_archived(void **state)
{
	EXA_AUTO(rules_done) struct rules r = everything();
	const struct rules_folder trash = { "/Trash", "IPF.Note", RULES_ROLE_DELETED };
	const struct rules_folder below = {
		.path = "/Trash/x", .class = "", .below_standard = true
	};
	struct rules_decision d;

	(void)state;
	rules_judge_folder(&r, &trash, &d);
	expect(&d, RULES_ARCHIVE, "no rule excludes it");
	rules_judge_folder(&r, &below, &d);
	expect(&d, RULES_ARCHIVE, "no rule excludes it");
}

static void
items_are_held_back_by_filters_and_left_out_by_class_and_since(void **state)
{
	static const struct {
		struct rules_item item;
		enum rules_verdict verdict;
		const char *reason;
	} cases[] = {
		{ { "IPM.Note", 15 * DAY, 1 }, RULES_ARCHIVE, "no rule excludes it" },
		{ { "IPM.Note", 15 * DAY, -1 }, RULES_ARCHIVE, "no rule excludes it" },
		{ { "IPM.Note", 10 * DAY, 1 }, RULES_ARCHIVE, "no rule excludes it" },
		{ { "IPM.Note", EXA_NO_TIME, 1 }, RULES_ARCHIVE, "no rule excludes it" },
		{ { "IPM.Note", 10 * DAY - EXA_NS_PER_S, 1 }, RULES_EXCLUDE,
			"filters.since 1970-01-11T00:00:00Z: received 1970-01-10T23:59:59Z" },
		{ { "IPM.Note", 20 * DAY - 1, 1 }, RULES_ARCHIVE, "no rule excludes it" },
		{ { "IPM.Note", 20 * DAY, 1 }, RULES_DEFER,
			"filters.before 1970-01-21T00:00:00Z: received 1970-01-21T00:00:00Z" },
		{ { "IPM.Note", 15 * DAY, 0 }, RULES_DEFER, "filters.unread defer: not read yet" },
		/* what will never be archived isn't merely held back */
		{ { "IPM.Appointment", 20 * DAY, 0 }, RULES_EXCLUDE,
			"filters.classes: calendar is not among them" },
	};
	EXA_AUTO(rules_done) struct rules r = everything();

	(void)state;
	r.classes = 1U << RULES_CLASS_MAIL;
	r.since_ns = 10 * DAY;
	r.before_ns = 20 * DAY;
	r.unread = RULES_UNREAD_DEFER;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct rules_decision d;

		rules_judge_item(&r, &cases[i].item, &d);
		expect(&d, cases[i].verdict, cases[i].reason);
	}
}

static void
a_span_is_named_as_it_was_written(void **state)
{
	EXA_AUTO(rules_done) struct rules r = everything();
	const struct rules_item young = { "IPM.Note", 20 * DAY, 1 };
	struct rules_decision d;

	(void)state;
	r.before_ns = 19 * DAY;
	r.older_than = "3 months";
	rules_judge_item(&r, &young, &d);
	expect(&d, RULES_DEFER, "filters.older_than '3 months': received 1970-01-21T00:00:00Z");
}

static void
a_reason_too_long_is_cut_between_characters(void **state)
{
	(void)state;
	/* whatever the number of bytes before the cut, the text stays UTF-8 */
	for (size_t lead = 0; lead < 4; lead++) {
		EXA_AUTO(rules_done) struct rules r = everything();
		EXA_AUTO(pattern_freep) struct pattern *any = pattern("**");
		struct rules_decision d;
		char text[600] = "**";
		size_t used = 2;

		memset(text + used, 'x', lead);
		used += lead;
		for (int i = 0; i < 100; i++, used += 4)
			memcpy(text + used, "\xf0\x9f\x93\xa7", 4);
		memcpy(text + used, "*", 2);
		add_folder_rule(&r, false, text);
		rules_judge_folder(&r, &(struct rules_folder){ .path = text + 2, .class = "" }, &d);
		assert_int_equal(d.verdict, RULES_EXCLUDE);
		assert_in_range(strlen(d.reason), RULES_REASON_MAX - 4, RULES_REASON_MAX - 1);
		assert_true(pattern_matches(any, d.reason));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mailboxes_are_judged_in_the_documented_order),
		cmocka_unit_test(licence_and_sign_in_count_only_when_asked_for),
		cmocka_unit_test(folders_are_judged_in_the_documented_order),
		cmocka_unit_test(without_standard_exclusions_standard_folders_are_archived),
		cmocka_unit_test(items_are_held_back_by_filters_and_left_out_by_class_and_since),
		cmocka_unit_test(a_span_is_named_as_it_was_written),
		cmocka_unit_test(a_reason_too_long_is_cut_between_characters),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
