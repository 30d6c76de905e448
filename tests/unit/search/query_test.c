/* SPDX-License-Identifier: Apache-2.0 */
/* Words against texts: the query language and the tokenizer together, as nobody has one without the
 * other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "exarch/mem.h"
#include "exarch/search.h"

#include "query.h"
#include "tokens.h"

struct table {
	sqlite3 *db;
};

static void
must(int rc)
{
	assert_true(rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_ROW);
}

static int
open_table(void **state)
{
	struct table *t = exa_alloc(sizeof *t);

	must(sqlite3_open(":memory:", &t->db));
	must(tokens_register(t->db));
	must(sqlite3_exec(t->db,
		"CREATE VIRTUAL TABLE words USING fts5(subject, sender, recipients, names, body, "
		"files, tokenize='exarch')",
		NULL, NULL, NULL));
	*state = t;
	return 0;
}

static int
close_table(void **state)
{
	struct table *t = *state;

	must(sqlite3_close(t->db));
	exa_free(t);
	return 0;
}

/* Whether a message with this subject and body is found. */
static bool
finds(void **state, const char *words, const char *subject, const char *body)
{
	struct table *t = *state;
	struct search_query *q;
	struct exa_error err;
	sqlite3_stmt *s;
	int rc;

	must(sqlite3_exec(t->db, "DELETE FROM words", NULL, NULL, NULL));
	must(sqlite3_prepare_v2(
		t->db, "INSERT INTO words(subject, body) VALUES(?1, ?2)", -1, &s, NULL));
	must(sqlite3_bind_text(s, 1, subject, -1, SQLITE_STATIC));
	must(sqlite3_bind_text(s, 2, body, -1, SQLITE_STATIC));
	must(sqlite3_step(s));
	must(sqlite3_finalize(s));
	if (!search_query_compile(words, &q, &err))
		fail_msg("%s: %s", words, err.text);
	must(sqlite3_prepare_v2(t->db, "SELECT 1 FROM words WHERE words MATCH ?1", -1, &s, NULL));
	must(sqlite3_bind_text(s, 1, query_expression(q), -1, SQLITE_STATIC));
	rc = sqlite3_step(s);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		fail_msg("%s became %s: %s", words, query_expression(q), sqlite3_errmsg(t->db));
	must(sqlite3_finalize(s));
	search_query_free(q);
	return rc == SQLITE_ROW;
}

static void
words_phrases_and_operators_mean_what_is_promised(void **state)
{
	static const struct {
		const char *words, *body;
		bool found;
	} cases[] = {
		{ "report budget", "the budget of the annual report", true },
		{ "report budget", "the annual report", false },
		{ "\"annual report\"", "an annual report", true },
		{ "\"report annual\"", "an annual report", false },
		{ "rep*", "an annual report", true }, { "rep", "an annual report", false },
		{ "\"annual rep\"*", "an annual report", true },
		{ "plan OR report", "a report", true },
		{ "plan OR report draft", "a report", false },
		{ "report -draft", "a report", true },
		{ "report -draft", "a draft of the report", false },
		{ "report -\"final draft\" -secret", "the final report, a draft", true },
		{ "REPORT", "report", true }, { "cafe", "caf\xc3\xa9", true },
		{ "caf\xc3\xa9", "CAFE", true },
		{ "strasse",
			"Stra\xc3\x9f"
			"e",
			true },
		{ "anna.mueller@contoso.com", "write to anna.mueller@contoso.com today", true },
		{ "anna@contoso.com", "anna.mueller@contoso.com", false },
		{ "foo-bar", "foo bar", true }, /* parts in this order */
		{ "subject:report", "a report", false }, { "body:report", "a report", true },
		{ "-subject:report report", "a report", true },
		{ "http://x", "see http://x here", true }, /* no field */
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (finds(state, cases[i].words, "hello", cases[i].body) != cases[i].found)
			fail_msg("'%s' in '%s'", cases[i].words, cases[i].body);
	}
	assert_true(finds(state, "subject:report", "a report", ""));
	assert_true(finds(state, "Subject:\"a report\"", "a report", ""));
}

static void
scripts_without_spaces_are_found_by_any_part(void **state)
{
	static const struct {
		const char *words, *body;
		bool found;
	} cases[] = {
		/* Tokyo in "Tokyo metropolitan office" */
		{ "\xe6\x9d\xb1\xe4\xba\xac", "\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd\xe5\xba\x81",
			true },
		{ "\xe4\xba\xac\xe9\x83\xbd", "\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd\xe5\xba\x81",
			true },
		{ "\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd\xe5\xba\x81",
			"\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd\xe5\xba\x81", true },
		{ "\xe6\x9d\xb1\xe9\x83\xbd", "\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd\xe5\xba\x81",
			false },
		/* one character: first, in the middle, last, alone */
		{ "\xe6\x9d\xb1", "\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd", true },
		{ "\xe4\xba\xac", "\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd", true },
		{ "\xe9\x83\xbd", "\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd", true },
		{ "\xe9\x83\xbd", "x \xe9\x83\xbd y", true },
		{ "\xe5\xba\x81", "\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd", false },
		/* beside letters, and half width kana for full width */
		{ "invoice\xe5\xa5\x91\xe7\xb4\x84", "invoice\xe5\xa5\x91\xe7\xb4\x84\xe6\x9b\xb8",
			true },
		{ "invoice", "invoice\xe5\xa5\x91\xe7\xb4\x84", true },
		{ "\xef\xbd\xb6\xef\xbd\xb7", "\xe3\x82\xab\xe3\x82\xad", true },
		/* Korean, with another ending; Thai inside a sentence */
		{ "\xea\xb3\x84\xec\x95\xbd", "\xea\xb3\x84\xec\x95\xbd\xec\x84\x9c\xeb\xa5\xbc",
			true },
		{ "\xe0\xb8\xaa\xe0\xb8\xb1\xe0\xb8\x8d\xe0\xb8\x8d\xe0\xb8\xb2",
			"\xe0\xb8\x97\xe0\xb8\xb3\xe0\xb8\xaa\xe0\xb8\xb1\xe0\xb8\x8d\xe0\xb8\x8d"
			"\xe0"
			"\xb8\xb2\xe0\xb9\x81\xe0\xb8\xa5\xe0\xb9\x89\xe0\xb8\xa7",
			true },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (finds(state, cases[i].words, "", cases[i].body) != cases[i].found)
			fail_msg("case %zu: '%s' in '%s'", i, cases[i].words, cases[i].body);
	}
}

/* None of this may be an error of FTS5's, or match everything. */
static void
syntax_of_the_database_is_text(void **state)
{
	static const char *const hostile[] = { "a\" OR \"b", "NEAR(a b)", "a AND b", "NOT a x",
		"subject : x", "{subject} : x", "x) OR (y", "a + b", "^x", "x\\",
		"'; DROP TABLE words; --x", "* x", "x ** y", "\"x", "- x", "-x y", "OR x", "x OR",
		"OR OR", "x OR OR y", "subject:subject:x", "a:b:c", "\"\" x\"", "\x01x\x7f",
		"x\xff\xfe y", "(((((x", "x AND", "rowid:x", "words MATCH x" };

	for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
		struct search_query *q;
		struct exa_error err;

		if (!search_query_compile(hostile[i], &q, &err)) {
			assert_int_equal(err.code, EXA_USAGE);
			continue;
		}
		search_query_free(q);
		if (finds(state, hostile[i], "nothing", "of the kind"))
			fail_msg("'%s' matches what it is not in", hostile[i]);
	}
	assert_true(finds(state, "a AND b", "", "a and b"));
	assert_true(finds(state, "NEAR(a b)", "", "near a, b"));
}

static void
what_says_nothing_is_refused_with_a_reason(void **state)
{
	EXA_AUTO(buf_done) struct buf many = { 0 };
	EXA_AUTO(buf_done) struct buf longer = { 0 };
	const char *const bad[] = { "", "  ", "!!!", "\"\"", "-draft", "x ...", "subject:" };
	struct search_query *q;
	struct exa_error err;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_false(search_query_compile(bad[i], &q, &err));
		assert_int_equal(err.code, EXA_USAGE);
	}
	for (size_t i = 0; i <= SEARCH_TERMS_MAX; i++)
		buf_add_string(&many, "x ");
	assert_false(search_query_compile(buf_string(&many), &q, &err));
	assert_int_equal(err.code, EXA_USAGE);
	for (size_t i = 0; i <= SEARCH_QUERY_MAX; i++)
		buf_add_byte(&longer, 'x');
	assert_false(search_query_compile(buf_string(&longer), &q, &err));
	assert_int_equal(err.code, EXA_USAGE);
}

static void
as_many_terms_as_are_allowed_work(void **state)
{
	EXA_AUTO(buf_done) struct buf most = { 0 };

	for (size_t i = 0; i < SEARCH_TERMS_MAX; i++)
		buf_add_string(&most, i % 2 == 0 ? "x " : "-y ");
	assert_true(finds(state, buf_string(&most), "x", "z"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_phrases_and_operators_mean_what_is_promised),
		cmocka_unit_test(scripts_without_spaces_are_found_by_any_part),
		cmocka_unit_test(syntax_of_the_database_is_text),
		cmocka_unit_test(what_says_nothing_is_refused_with_a_reason),
		cmocka_unit_test(as_many_terms_as_are_allowed_work),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, open_table, close_table);
}
