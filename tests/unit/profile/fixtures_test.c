/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fixtures/profiles/bad: each NAME.yaml is refused with the line in NAME.expected, in which one '*'
 * may stand for what depends on the machine. fixtures/profiles/good: each is accepted, and so is
 * what profile_show makes of it, with the same meaning.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "exarch/clock.h"
#include "exarch/fs.h"
#include "exarch/mem.h"
#include "exarch/profile.h"

/* 2026-07-22T10:00:00Z */
#define NOW (INT64_C(1784714400) * EXA_NS_PER_S)

static bool
is_as_expected(const char *text, const char *expected)
{
	size_t head = strcspn(expected, "*"), tail;

	if (expected[head] == '\0')
		return strcmp(text, expected) == 0;
	tail = strlen(expected + head + 1);
	return strlen(text) >= head + tail && strncmp(text, expected, head) == 0 &&
	       strcmp(text + strlen(text) - tail, expected + head + 1) == 0;
}

static void
check_bad(const char *name)
{
	EXA_AUTO(exa_freep)
	char *beside = exa_asprintf("%.*s.expected", (int)(strlen(name) - strlen(".yaml")), name);
	EXA_AUTO(buf_done) struct buf expected = { 0 };
	struct profile *p = NULL;
	struct exa_error err;
	char *line;

	if (!fs_read_file(beside, 4096, &expected, &err))
		fail_msg("%s", err.text);
	line = exa_strdup(buf_string(&expected));
	line[strcspn(line, "\n")] = '\0';
	if (profile_load(name, NOW, &p, &err))
		fail_msg("%s is accepted", name);
	if (!is_as_expected(err.text, line))
		fail_msg("%s:\nexpected %s\nfound    %s", name, line, err.text);
	assert_int_equal(err.code, EXA_USAGE);
	assert_null(p);
	exa_free(line);
}

static void
same_texts(char *const *a, size_t a_count, char *const *b, size_t b_count)
{
	assert_int_equal(a_count, b_count);
	for (size_t i = 0; i < a_count; i++)
		assert_string_equal(a[i], b[i]);
}

static void
same_patterns(struct pattern *const *a, size_t a_count, struct pattern *const *b, size_t b_count)
{
	assert_int_equal(a_count, b_count);
	for (size_t i = 0; i < a_count; i++)
		assert_string_equal(pattern_text(a[i]), pattern_text(b[i]));
}

static void
same_text(const char *a, const char *b)
{
	assert_int_equal(a == NULL, b == NULL);
	if (a != NULL)
		assert_string_equal(a, b);
}

static void
same_archive(const struct profile *a, const struct profile *b)
{
	same_text(a->archive, b->archive);
	assert_int_equal(a->create_archive, b->create_archive);
	same_text(a->key_file, b->key_file);
	same_text(a->passphrase_file, b->passphrase_file);
}

static void
same_source(const struct profile *a, const struct profile *b)
{
	same_text(a->endpoint, b->endpoint);
	assert_int_equal(a->autodiscover, b->autodiscover);
	same_text(a->autodiscover_server, b->autodiscover_server);
	same_text(a->token_endpoint, b->token_endpoint);
	same_text(a->graph_endpoint, b->graph_endpoint);
	same_text(a->ews_scope, b->ews_scope);
	same_text(a->graph_scope, b->graph_scope);
	same_text(a->tls_ca, b->tls_ca);
	assert_int_equal(a->timeout_s, b->timeout_s);
	assert_int_equal(a->gzip, b->gzip);
	assert_int_equal(a->auth.kind, b->auth.kind);
	assert_int_equal(a->auth.assertion, b->auth.assertion);
	same_text(a->auth.token_endpoint, b->auth.token_endpoint);
	same_text(a->auth.tenant, b->auth.tenant);
	same_text(a->auth.client_id, b->auth.client_id);
	same_text(a->auth.certificate_file, b->auth.certificate_file);
	same_text(a->auth.key_file, b->auth.key_file);
	same_text(a->auth.secret_file, b->auth.secret_file);
	same_text(a->auth.secret_command, b->auth.secret_command);
	same_text(a->auth.user, b->auth.user);
	same_text(a->auth.password_file, b->auth.password_file);
	same_text(a->auth.password_command, b->auth.password_command);
}

static void
same_profile(const struct profile *a, const struct profile *b)
{
	assert_string_equal(a->archive, b->archive);
	same_archive(a, b);
	same_source(a, b);
	assert_int_equal(a->mailboxes_from, b->mailboxes_from);
	same_text(a->mailbox_file, b->mailbox_file);
	same_texts(a->mailbox_list, a->mailbox_count, b->mailbox_list, b->mailbox_count);
	same_texts(a->groups, a->group_count, b->groups, b->group_count);
	assert_int_equal(a->rules.only_licensed, b->rules.only_licensed);
	assert_int_equal(a->rules.only_enabled, b->rules.only_enabled);
	same_patterns(a->rules.mailbox_include, a->rules.mailbox_include_count,
		b->rules.mailbox_include, b->rules.mailbox_include_count);
	same_patterns(a->rules.mailbox_exclude, a->rules.mailbox_exclude_count,
		b->rules.mailbox_exclude, b->rules.mailbox_exclude_count);
	/* folders and items */
	assert_true(rules_fingerprint(&a->rules) == rules_fingerprint(&b->rules));
	same_text(a->older_than, b->older_than);
	same_text(a->rules.older_than, b->rules.older_than);
	assert_true(a->rules.before_ns == b->rules.before_ns);
	assert_int_equal(a->versions, b->versions);
	assert_int_equal(a->threads, b->threads);
	assert_int_equal(a->batch_items, b->batch_items);
	assert_int_equal(a->batch_bytes, b->batch_bytes);
	assert_int_equal(a->mailbox_concurrency, b->mailbox_concurrency);
}

static void
check_good(const char *name)
{
	EXA_AUTO(profile_freep) struct profile *p = NULL;
	EXA_AUTO(profile_freep) struct profile *again = NULL;
	EXA_AUTO(buf_done) struct buf shown = { 0 };
	struct exa_error err;

	if (!profile_load(name, NOW, &p, &err))
		fail_msg("%s", err.text);
	profile_show(p, &shown);
	/* wherever it is put */
	if (!profile_parse(buf_bytes(&shown), "/shown.yaml", NOW, &again, &err))
		fail_msg("%s, as shown: %s", name, err.text);
	same_profile(p, again);
}

/* Runs CHECK on each *.yaml of the folder, in that folder, and gives their number. */
static size_t
each_profile(const char *folder, void (*check)(const char *name))
{
	DIR *dir = opendir(folder);
	size_t count = 0;

	assert_non_null(dir);
	assert_int_equal(chdir(folder), 0);
	for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
		size_t size = strlen(e->d_name);

		if (size <= 5 || strcmp(e->d_name + size - 5, ".yaml") != 0)
			continue;
		check(e->d_name);
		count++;
	}
	(void)closedir(dir);
	return count;
}

static void
bad_profiles_are_refused_with_the_line_that_is_expected(void **state)
{
	(void)state;
	assert_in_range(each_profile(PROFILE_FIXTURES "/bad", check_bad), 80, 1000);
}

static void
good_profiles_are_shown_as_profiles_of_the_same_meaning(void **state)
{
	(void)state;
	assert_in_range(each_profile(PROFILE_FIXTURES "/good", check_good), 5, 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_profiles_are_refused_with_the_line_that_is_expected),
		cmocka_unit_test(good_profiles_are_shown_as_profiles_of_the_same_meaning),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
