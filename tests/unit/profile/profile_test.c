/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "exarch/clock.h"
#include "exarch/fs.h"
#include "exarch/mem.h"
#include "exarch/profile.h"

/* 2026-07-22T10:00:00Z */
#define NOW (INT64_C(1784714400) * EXA_NS_PER_S)

#define SMALLEST(more)                                          \
	"version: 1\n"                                          \
	"archive: a\n"                                          \
	"source:\n"                                             \
	"  kind: ews\n"                                         \
	"  auth:\n"                                             \
	"    kind: app-secret\n"                                \
	"    tenant: contoso.com\n"                             \
	"    client_id: cb9fe2cb-1111-4222-8333-444455556666\n" \
	"    secret_file: s\n" more

#define APP_SECRET(tenant, client_id)                                                            \
	"version: 1\narchive: a\nsource: { kind: ews, auth: { kind: app-secret, tenant: " tenant \
	", client_id: " client_id ", secret_file: s } }\n"

static struct profile *
parse(const char *text)
{
	struct profile *p = NULL;
	struct exa_error err;

	if (!profile_parse(bytes_of_string(text), "/p.yaml", NOW, &p, &err))
		fail_msg("%s", err.text);
	return p;
}

static void
what_is_not_given_has_the_documented_default(void **state)
{
	EXA_AUTO(profile_freep)
	struct profile *p = parse(SMALLEST("mailboxes: { from: directory }\n"));

	(void)state;
	assert_string_equal(p->path, "/p.yaml");
	assert_string_equal(p->archive, "/a");
	assert_false(p->create_archive);
	assert_string_equal(p->endpoint, "https://outlook.office365.com/EWS/Exchange.asmx");
	assert_string_equal(p->token_endpoint, "https://login.microsoftonline.com");
	assert_string_equal(p->graph_endpoint, "https://graph.microsoft.com");
	assert_string_equal(p->ews_scope, "https://outlook.office365.com/.default");
	assert_string_equal(p->graph_scope, "https://graph.microsoft.com/.default");
	assert_string_equal(p->auth.token_endpoint, p->token_endpoint);
	assert_string_equal(p->auth.secret_file, "/s");
	assert_int_equal(p->auth.assertion, AUTH_PS256);
	assert_null(p->tls_ca);
	assert_int_equal(p->timeout_s, 300);
	assert_true(p->gzip);
	assert_int_equal(p->mailboxes_from, PROFILE_FROM_DIRECTORY);
	assert_true(p->rules.only_licensed);
	assert_true(p->rules.only_enabled);
	assert_true(p->rules.standard_exclusions);
	assert_int_equal(p->rules.unread, RULES_UNREAD_ARCHIVE);
	assert_true(p->rules.before_ns == EXA_NO_TIME);
	assert_true(p->rules.since_ns == EXA_NO_TIME);
	assert_int_equal(p->rules.classes, 1U << RULES_CLASS_MAIL | 1U << RULES_CLASS_MEETING |
						   1U << RULES_CLASS_REPORT |
						   1U << RULES_CLASS_CALENDAR);
	assert_null(p->older_than);
	assert_int_equal(p->versions, PROFILE_VERSIONS_LATEST);
	assert_int_equal(p->threads, 4);
	assert_int_equal(p->batch_items, 50);
	assert_int_equal(p->batch_bytes, 8 * 1024 * 1024);
	assert_int_equal(p->mailbox_concurrency, 4);
}

static void
a_cloud_gives_its_own_endpoints(void **state)
{
	static const struct {
		const char *cloud, *token, *ews, *graph;
	} clouds[] = {
		{ "us-gov", "https://login.microsoftonline.us", "https://outlook.office365.us",
			"https://graph.microsoft.us" },
		{ "us-dod", "https://login.microsoftonline.us", "https://outlook-dod.office365.us",
			"https://dod-graph.microsoft.us" },
		{ "china", "https://login.partner.microsoftonline.cn", "https://partner.outlook.cn",
			"https://microsoftgraph.chinacloudapi.cn" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof clouds / sizeof clouds[0]; i++) {
		EXA_AUTO(exa_freep)
		char *text = exa_asprintf(
			SMALLEST("  cloud: %s\nmailboxes: { from: directory }\n"), clouds[i].cloud);
		EXA_AUTO(profile_freep) struct profile *p = parse(text);
		size_t host = strlen(clouds[i].ews);

		assert_string_equal(p->token_endpoint, clouds[i].token);
		assert_string_equal(p->graph_endpoint, clouds[i].graph);
		assert_memory_equal(p->endpoint, clouds[i].ews, host);
		assert_string_equal(p->endpoint + host, "/EWS/Exchange.asmx");
		assert_memory_equal(p->ews_scope, clouds[i].ews, host);
		assert_string_equal(p->ews_scope + host, "/.default");
		assert_memory_equal(p->graph_scope, clouds[i].graph, strlen(clouds[i].graph));
	}
}

static void
plain_http_goes_to_this_machine_only(void **state)
{
	static const struct {
		const char *host;
		bool allowed;
	} cases[] = {
		{ "localhost", true },
		{ "127.0.0.1:8080", true },
		{ "127.1.2.3", true },
		{ "[::1]:80", true },
		{ "localhost.contoso.com", false },
		{ "127.0.0.1.contoso.com", false },
		{ "mail.contoso.com", false },
		{ "10.0.0.1", false },
		{ "[::2]", false },
		{ "localhost@mail.contoso.com", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(exa_freep)
		char *text = exa_asprintf(SMALLEST("  endpoint: \"http://%s/EWS/Exchange.asmx\"\n"
						   "mailboxes: { from: directory }\n"),
			cases[i].host);
		EXA_AUTO(profile_freep) struct profile *p = NULL;
		struct exa_error err;

		if (profile_parse(bytes_of_string(text), "/p.yaml", NOW, &p, &err) !=
			cases[i].allowed)
			fail_msg("%s: %s", cases[i].host, cases[i].allowed ? err.text : "allowed");
	}
}

static void
older_than_is_resolved_against_the_moment_of_the_run(void **state)
{
	EXA_AUTO(profile_freep)
	struct profile *p = parse(
		SMALLEST("mailboxes: { from: directory }\nfilters: { older_than: 3 months }\n"));
	char before[CLOCK_TEXT_MAX];

	(void)state;
	clock_format(p->rules.before_ns, before);
	assert_string_equal(before, "2026-04-22T10:00:00Z");
	assert_string_equal(p->older_than, "3 months");
	assert_string_equal(p->rules.older_than, "3 months");
}

static void
an_address_named_twice_is_one_mailbox(void **state)
{
	EXA_AUTO(profile_freep)
	struct profile *p =
		parse(SMALLEST("mailboxes: { list: [b@x.de, a@x.de, B@X.de, c@x.de, a@x.de] }\n"));

	(void)state;
	assert_int_equal(p->mailboxes_from, PROFILE_FROM_LIST);
	assert_int_equal(p->mailbox_count, 3);
	assert_string_equal(p->mailbox_list[0], "b@x.de");
	assert_string_equal(p->mailbox_list[1], "a@x.de");
	assert_string_equal(p->mailbox_list[2], "c@x.de");
}

static void
addresses_must_have_the_form_of_one(void **state)
{
	static const struct {
		const char *address;
		bool good;
	} cases[] = {
		{ "anna@contoso.com", true },
		{ "o'neill+x@contoso.co.uk", true },
		{ "j\xc3\xb6rg@m\xc3\xbcller.de", true },
		{ "svc@host", true },
		{ "anna", false },
		{ "@contoso.com", false },
		{ "anna@", false },
		{ "anna@contoso..com", false },
		{ "anna@contoso.com.", false },
		{ "anna@b@contoso.com", false },
		{ "anna smith@contoso.com", false },
		{ "anna@contoso.com;bert@contoso.com", false },
		{ "smtp:anna@contoso.com", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(exa_freep)
		char *text =
			exa_asprintf(SMALLEST("mailboxes: { list: [\"%s\"] }\n"), cases[i].address);
		EXA_AUTO(profile_freep) struct profile *p = NULL;
		struct exa_error err;

		if (profile_parse(bytes_of_string(text), "/p.yaml", NOW, &p, &err) != cases[i].good)
			fail_msg("'%s'", cases[i].address);
	}
}

static void
no_error_repeats_a_secret(void **state)
{
	static const char *const texts[] = {
		SMALLEST("    secret: hunter2\n"),
		SMALLEST("    password: hunter2\n"),
		SMALLEST("    secret:\n      hunter2: hunter2\n"),
		SMALLEST("  endpoint: https://anna:hunter2@mail.contoso.com/EWS/Exchange.asmx\n"),
		SMALLEST("  token_endpoint: \"https://host/?code=hunter2\"\n"),
		SMALLEST("  ews_scope: hunter2\n"),
		"version: 1\narchive: a\nsource: { auth: { secret:hunter2 } }\n",
		APP_SECRET("contoso.com", "hunter2"),
		APP_SECRET("hunter2", "cb9fe2cb-1111-4222-8333-444455556666"),
		"version: 1\narchive: a\nsource: hunter2\n",
		"version: 1\narchive: a\nsource: { kind: ews, auth: hunter2 }\n",
		"version: 1\narchive: a\nsource: { kind: ews, auth: { user: [hunter2] } }\n",
		"version: 1\nsource: { auth: { secret: \"hunter2 } }\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct profile *p = NULL;
		struct exa_error err;

		assert_false(profile_parse(bytes_of_string(texts[i]), "/p.yaml", NOW, &p, &err));
		if (strstr(err.text, "hunter2") != NULL)
			fail_msg("%s", err.text);
	}
}

static void
an_error_is_one_line_of_whole_characters(void **state)
{
	static const char *const texts[] = {
		"version: 1\nversions: \"a\\nb\\tc\"\n",
		"version: 1\n\"ke\\ny\": 1\n",
		"version: 1\narchive: a\nsource: { kind: ews, auth: { kind: app-secret, tenant: "
		"\"a\\nb\", client_id: x, secret_file: s } }\n",
		/* umlauts from an odd place on, so that a cut by bytes would split one */
		"version: 1\nversions: "
		"x\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
		"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
		"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
		"\xc3\xa4\n",
	};
	EXA_AUTO(pattern_freep) struct pattern *utf8 = NULL;
	struct exa_error err;

	(void)state;
	assert_true(pattern_compile("**", &utf8, &err));
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct profile *p = NULL;

		assert_false(profile_parse(bytes_of_string(texts[i]), "/p.yaml", NOW, &p, &err));
		assert_null(strpbrk(err.text, "\n\t"));
		assert_true(pattern_matches(utf8, err.text));
	}
}

/* Aliases in aliases: 10^9 values if anything followed them all. */
static void
aliases_cannot_multiply_the_text(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	struct profile *p = NULL;
	struct exa_error err;

	(void)state;
	buf_add_string(&text, "version: 1\narchive: &a0 x\nmailboxes:\n  include:\n");
	for (int level = 1; level <= 9; level++) {
		buf_printf(&text, "    - &a%d [", level);
		for (int i = 0; i < 10; i++)
			buf_printf(&text, "*a%d%s", level - 1, i < 9 ? ", " : "]\n");
	}
	assert_false(profile_parse(buf_bytes(&text), "/p.yaml", NOW, &p, &err));
	assert_string_equal(
		err.text, "/p.yaml:5: mailboxes.include[1]: expected one value, found a list");
}

static void
what_is_no_readable_file_is_named(void **state)
{
	char dir[] = "/tmp/exarch-profile-XXXXXX";
	EXA_AUTO(exa_freep) char *large = NULL;
	EXA_AUTO(exa_freep) char *absent = NULL;
	EXA_AUTO(buf_done) struct buf spaces = { 0 };
	struct profile *p = NULL;
	struct exa_error err;

	(void)state;
	assert_non_null(mkdtemp(dir));
	large = fs_join(dir, "large.yaml");
	absent = fs_join(dir, "absent.yaml");
	buf_reserve(&spaces, PROFILE_FILE_MAX + 1);
	memset(spaces.data, ' ', PROFILE_FILE_MAX + 1);
	spaces.size = PROFILE_FILE_MAX + 1;
	assert_true(fs_write_file(large, buf_bytes(&spaces), 0600, &err));
	assert_false(profile_load(large, NOW, &p, &err));
	assert_int_equal(err.code, EXA_USAGE);
	assert_non_null(strstr(err.text, large));
	assert_non_null(strstr(err.text, "larger than"));
	assert_false(profile_load(absent, NOW, &p, &err));
	assert_int_equal(err.code, EXA_USAGE);
	assert_non_null(strstr(err.text, absent));
	assert_false(profile_load(dir, NOW, &p, &err));
	assert_int_equal(err.code, EXA_USAGE);
	assert_non_null(strstr(err.text, dir));
	assert_int_equal(unlink(large), 0);
	assert_int_equal(rmdir(dir), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_given_has_the_documented_default),
		cmocka_unit_test(a_cloud_gives_its_own_endpoints),
		cmocka_unit_test(plain_http_goes_to_this_machine_only),
		cmocka_unit_test(older_than_is_resolved_against_the_moment_of_the_run),
		cmocka_unit_test(an_address_named_twice_is_one_mailbox),
		cmocka_unit_test(addresses_must_have_the_form_of_one),
		cmocka_unit_test(no_error_repeats_a_secret),
		cmocka_unit_test(an_error_is_one_line_of_whole_characters),
		cmocka_unit_test(aliases_cannot_multiply_the_text),
		cmocka_unit_test(what_is_no_readable_file_is_named),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
