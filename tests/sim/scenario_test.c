/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "match.h"
#include "spoil.h"

static struct scenario *
read(const char *text)
{
	struct scenario *s = NULL;
	struct exa_error err;

	assert_true(scenario_read(text, strlen(text), "test", &s, &err));
	return s;
}

static void
what_makes_no_sense_is_refused_with_its_line_or_name(void **state)
{
	static const struct {
		const char *text, *word;
	} cases[] = { { "foo: 1", "foo" }, { "seed: x", "line 1" },
		{ "faults:\n  - what: { wire: x }", "line 2" },
		{ "faults:\n  - { name: a, what: { status: 503, code: ErrorX } }", "(a)" },
		{ "faults:\n  - what: { code: NoError }", "begin with Error" },
		{ "faults:\n  - what: { wire: drip }", "bytes_per_s" },
		{ "faults:\n  - { when: { first: 2, after: 2 }, what: { status: 503 } }",
			"after 2" },
		{ "faults:\n  - { when: { chance: 2 }, what: { status: 503 } }", "0 to 1" },
		{ "changes:\n  - { do: move-item }", "to" },
		{ "changes:\n  - { do: fly }", "fly" } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct scenario *s = NULL;
		struct exa_error err = { 0 };

		assert_false(scenario_read(cases[i].text, strlen(cases[i].text), "test", &s, &err));
		assert_int_equal(err.code, EXA_USAGE);
		assert_non_null(strstr(err.text, cases[i].word));
	}
}

static void
an_empty_file_is_a_quiet_day(void **state)
{
	struct scenario *s = read("");

	(void)state;
	assert_int_equal(s->faults_count, 0);
	scenario_free(s);
}

/* Which of the first eight the condition holds for, as digits. */
static void
expect_when(const char *when, const char *expected)
{
	EXA_AUTO(exa_freep)
	char *text = exa_asprintf("faults:\n  - { when: { %s }, what: { status: 503 } }", when);
	struct scenario *s = read(text);
	struct tally t = { 0 };
	char found[9] = "";

	for (unsigned i = 0; i < 8; i++)
		found[i] = when_is_now(&s->faults[0].when, &t, 1, 1, 0) ? (char)('1' + i) : '.';
	assert_string_equal(found, expected);
	tally_done(&t);
	scenario_free(s);
}

static void
conditions_count_what_they_fit(void **state)
{
	(void)state;
	expect_when("nth: 3", "..3.....");
	expect_when("every: 3", "..3..6..");
	expect_when("first: 2", "12......");
	expect_when("after: 5", ".....678");
	expect_when("after: 2, first: 4", "..34....");
	expect_when("chance: 1", "12345678");
	expect_when("chance: 0", "........");
	expect_when("seconds: 5", "........");
}

static void
chance_is_the_same_for_the_same_seed_and_near_its_share(void **state)
{
	struct scenario *s = read("faults:\n  - { when: { chance: 0.25 }, what: { status: 503 } }");
	struct tally a = { 0 }, b = { 0 };
	unsigned hits = 0;

	(void)state;
	for (unsigned i = 0; i < 4000; i++) {
		bool one = when_is_now(&s->faults[0].when, &a, 9, 1, 0);

		assert_true(one == when_is_now(&s->faults[0].when, &b, 9, 1, 0));
		hits += one;
	}
	assert_in_range(hits, 850, 1150);
	tally_done(&a);
	tally_done(&b);
	scenario_free(s);
}

/* No answer at all must be too odd for what spoils answers. */
static void
anything_can_be_spoiled(void **state)
{
	static const char *const texts[] = { "", "<", "<m:ResponseMessages>", "<t:Subject>",
		"<t:Subject", "<t:Subject></t:Subject>",
		"<m:ResponseMessages></m:ResponseMessages>", "<t:MimeContent></t:MimeContent>",
		"<m:Data>YQ==</m:Data>", "</s:Envelope>" };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		for (int kind = WIRE_NONE; kind < WIRE_COUNT; kind++) {
			EXA_AUTO(buf_done) struct buf text = { 0 };

			buf_add_string(&text, texts[i]);
			if (!spoil_text((enum scenario_wire)kind, &text))
				assert_string_equal(buf_string(&text), texts[i]);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_makes_no_sense_is_refused_with_its_line_or_name),
		cmocka_unit_test(an_empty_file_is_a_quiet_day),
		cmocka_unit_test(conditions_count_what_they_fit),
		cmocka_unit_test(chance_is_the_same_for_the_same_seed_and_near_its_share),
		cmocka_unit_test(anything_can_be_spoiled),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
