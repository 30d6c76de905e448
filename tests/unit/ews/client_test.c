/* SPDX-License-Identifier: Apache-2.0 */
/* Whole operations against a loopback server: headers, sign-in, and what HTTP says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/ews.h"
#include "exarch/mem.h"

#include "feed.h"
#include "loopback.h"

#define XML "Content-Type: text/xml; charset=utf-8\r\n"
#define HTML "Content-Type: text/html\r\n"

static const struct ews_mailbox anna = { .smtp = "anna@example.org" };

/* A token whose roles are ["Mail.Read"]: {"roles":["Mail.Read"]} between two dots. */
#define ROLES_TOKEN "e30.eyJyb2xlcyI6WyJNYWlsLlJlYWQiXX0.c2ln"

struct bench {
	struct loopback *server;
	struct auth *auth;
	struct ews *ews;
	struct loopback_reply replies[8];
	char *texts[8];
	size_t count;
	size_t folders; /* that the sink saw */
	struct ews_seen seen[4];
	size_t seen_count;
	struct exa_error err;
};

static void
add_reply(struct bench *b, const char *status, const char *headers, const char *body,
	enum loopback_after after)
{
	b->texts[b->count] = loopback_text(status, headers, body);
	b->replies[b->count] = (struct loopback_reply){ b->texts[b->count], after };
	b->count++;
}

static void
add_fixture(struct bench *b, const char *status, const char *name)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };

	load_fixture(name, &text);
	add_reply(b, status, XML, buf_string(&text), LOOPBACK_KEEP);
}

static void
add_token(struct bench *b)
{
	add_reply(b, "200 OK", "", "{\"access_token\":\"" ROLES_TOKEN "\",\"expires_in\":3600}",
		LOOPBACK_KEEP);
}

static void
note_seen(void *ctx, const struct ews_seen *seen)
{
	struct bench *b = ctx;

	b->seen[b->seen_count++ % 4] = *seen;
}

/* With sign-in by Basic, or by an application whose token comes from the same server. */
static void
start(struct bench *b, bool application)
{
	struct auth_config config = { .kind = AUTH_BASIC,
		.user = "svc",
		.password_command = "echo hunter2",
		.tenant = "t",
		.client_id = "c",
		.secret_command = "echo hunter2" };
	EXA_AUTO(exa_freep) char *endpoint = NULL;
	struct ews_options options = { .scope = "https://outlook.example.org/.default",
		.watcher = { note_seen, b } };

	b->server = loopback_start(b->replies, b->count, NULL);
	endpoint = exa_asprintf("%s/EWS/Exchange.asmx", loopback_url(b->server));
	config.token_endpoint = loopback_url(b->server);
	if (application)
		config.kind = AUTH_APP_SECRET;
	if (!auth_open(&config, &b->auth, &b->err))
		fail_msg("%s", b->err.text);
	options.endpoint = endpoint;
	options.auth = b->auth;
	if (!ews_new(&options, &b->ews, &b->err))
		fail_msg("%s", b->err.text);
}

static void
bench_done(struct bench *b)
{
	ews_free(b->ews);
	auth_free(b->auth);
	loopback_stop(b->server);
	for (size_t i = 0; i < b->count; i++)
		exa_free(b->texts[i]);
}

static bool
count_folder(void *ctx, const struct ews_folder *folder, struct exa_error *err)
{
	struct bench *b = ctx;

	(void)folder;
	(void)err;
	b->folders++;
	return true;
}

static bool
get_root(struct bench *b)
{
	const struct ews_folder_sink sink = { count_folder, b };

	return ews_get_folder(b->ews, &anna, NULL, &sink, &b->err);
}

static void
a_request_names_the_mailbox_twice_and_signs_in(void **state)
{
	EXA_AUTO(bench_done) struct bench b = { 0 };
	struct ews_counters counters;
	const char *sent;

	(void)state;
	add_fixture(&b, "200 OK", "get_folder.xml");
	start(&b, false);
	if (!get_root(&b))
		fail_msg("%s", b.err.text);
	assert_int_equal(b.folders, 1);
	sent = loopback_request(b.server, 0);
	assert_int_equal(strncmp(sent, "POST /EWS/Exchange.asmx HTTP/1.1\r\n", 34), 0);
	assert_non_null(strstr(sent, "\r\nAuthorization: Basic c3ZjOmh1bnRlcjI=\r\n"));
	assert_non_null(strstr(sent, "\r\nX-AnchorMailbox: anna@example.org\r\n"));
	assert_non_null(strstr(sent, "\r\nclient-request-id: "));
	assert_non_null(strstr(sent, "\r\nreturn-client-request-id: true\r\n"));
	assert_non_null(strstr(sent, "\r\nAccept: text/xml\r\n"));
	assert_non_null(strstr(sent, "\r\nContent-Type: text/xml; charset=utf-8\r\n"));
	assert_non_null(
		strstr(sent, "<t:PrimarySmtpAddress>anna@example.org</t:PrimarySmtpAddress>"));
	ews_count(b.ews, &counters);
	assert_int_equal(counters.requests, 1);
	assert_true(counters.received_bytes > 0);
}

static void
a_refused_token_is_renewed_and_the_request_sent_again_once(void **state)
{
	EXA_AUTO(bench_done) struct bench b = { 0 };

	(void)state;
	add_token(&b);
	add_reply(&b, "401 No", "x-ms-diagnostics: 2000002;reason=\"expired\"\r\n", "",
		LOOPBACK_KEEP);
	add_token(&b);
	add_fixture(&b, "200 OK", "get_folder.xml");
	start(&b, true);
	if (!get_root(&b))
		fail_msg("%s", b.err.text);
	assert_int_equal(b.folders, 1);
	assert_int_equal(loopback_request_count(b.server), 4);
}

static void
a_token_without_the_role_is_explained(void **state)
{
	EXA_AUTO(bench_done) struct bench b = { 0 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		add_token(&b);
		add_reply(&b, "401 No", "x-ms-diagnostics: 2000008;reason=\"no permissions\"\r\n",
			"", LOOPBACK_KEEP);
	}
	start(&b, true);
	assert_false(get_root(&b));
	assert_int_equal(b.err.code, EXA_AUTH);
	assert_int_equal(b.err.detail, 401);
	assert_string_equal(b.err.name, "2000008");
	assert_non_null(strstr(b.err.text, "full_access_as_app"));
	assert_non_null(strstr(b.err.text, "Mail.Read")); /* what it has instead */
	assert_null(strstr(b.err.text, ROLES_TOKEN));
	assert_int_equal(loopback_request_count(b.server), 6);
}

static void
a_refused_password_is_not_tried_twice(void **state)
{
	EXA_AUTO(bench_done) struct bench b = { 0 };

	(void)state;
	add_reply(&b, "401 No", "WWW-Authenticate: Negotiate\r\n", "", LOOPBACK_KEEP);
	start(&b, false);
	assert_false(get_root(&b));
	assert_int_equal(b.err.code, EXA_AUTH);
	assert_non_null(strstr(b.err.text, "Negotiate"));
	assert_null(strstr(b.err.text, "hunter2"));
	assert_int_equal(loopback_request_count(b.server), 1);
}

static void
a_status_means_what_to_do_next(void **state)
{
	static const struct {
		const char *status;
		const char *headers;
		const char *body;
		enum exa_code code;
		unsigned retry_after_ms;
		const char *word;
	} cases[] = {
		{ "302 Found", "Location: /ews/genericerrorpage.htm\r\n", "", EXA_NET, 0,
			"genericerrorpage" },
		{ "400 Bad", "", "", EXA_FAILED, 0, "400" },
		{ "403 Forbidden", "", "", EXA_DENIED, 0, "ApplicationImpersonation" },
		{ "404 Not Found", HTML, "<html>", EXA_FAILED, 0, "source.endpoint" },
		{ "413 Large", "", "", EXA_LIMIT, 0, "large" },
		{ "429 Busy", "Retry-After: 5\r\n", "", EXA_THROTTLED, 5000, "busy" },
		{ "456 Blocked", "", "", EXA_DENIED, 0, "blocked" },
		{ "500 Error", HTML, "<html>Server Error in '/EWS' Application", EXA_NET, 0,
			"500" },
		{ "500 Error", XML, "<not xml", EXA_NET, 0, "500" },
		{ "502 Gateway", HTML, "<html>", EXA_NET, 0, "502" },
		{ "503 Unavailable", "Retry-After: 30\r\n", "", EXA_THROTTLED, 30000, "busy" },
		{ "504 Gateway", "", "", EXA_NET, 0, "504" },
		{ "200 OK", HTML, "<!DOCTYPE html><html>Sign in</html>", EXA_NET, 0, "web page" },
		{ "200 OK", XML, "<a/>", EXA_PROTOCOL, 0, "SOAP" },
		{ "200 OK", XML, "", EXA_NET, 0, "cut short" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(bench_done) struct bench b = { 0 };

		add_reply(&b, cases[i].status, cases[i].headers, cases[i].body, LOOPBACK_KEEP);
		start(&b, false);
		assert_false(get_root(&b));
		if (b.err.code != cases[i].code || strstr(b.err.text, cases[i].word) == NULL)
			fail_msg("%s: %s: %s", cases[i].status, exa_code_name(b.err.code),
				b.err.text);
		assert_int_equal(b.err.retry_after_ms, cases[i].retry_after_ms);
		if (b.err.code != EXA_PROTOCOL)
			assert_int_equal(b.err.detail, strtol(cases[i].status, NULL, 10));
	}
}

/* A server of one's own isn't concerned by the retirement, and can't allow applications. */
static void
a_refusal_of_ones_own_server_has_words_of_its_own(void **state)
{
	EXA_AUTO(bench_done) struct bench b = { 0 };

	(void)state;
	add_reply(&b, "403 Forbidden", "", "", LOOPBACK_KEEP);
	start(&b, false);
	assert_false(get_root(&b));
	assert_null(strstr(b.err.text, "EwsAllowedAppIDs"));
	assert_null(strstr(b.err.text, "2027"));
	assert_non_null(strstr(b.err.text, "svc"));
}

static void
a_fault_that_denies_access_is_explained_too(void **state)
{
	EXA_AUTO(bench_done) struct bench b = { 0 };

	(void)state;
	add_fixture(&b, "500 Internal Server Error", "fault_denied.xml");
	start(&b, false);
	assert_false(get_root(&b));
	assert_int_equal(b.err.code, EXA_DENIED);
	assert_int_equal(b.err.detail, 500);
	assert_string_equal(b.err.name, "ErrorAccessDenied");
	assert_non_null(strstr(b.err.text, "EwsEnabled"));
}

static void
a_fault_counts_at_500_and_at_200(void **state)
{
	static const char *const statuses[] = { "500 Internal Server Error", "200 OK" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		EXA_AUTO(bench_done) struct bench b = { 0 };

		add_fixture(&b, statuses[i], "fault_busy.xml");
		add_fixture(&b, statuses[i], "fault_no_mailbox.xml");
		start(&b, false);
		assert_false(get_root(&b));
		assert_int_equal(b.err.code, EXA_THROTTLED);
		assert_int_equal(b.err.retry_after_ms, 297749);
		assert_int_equal(b.err.detail, strtol(statuses[i], NULL, 10));
		assert_false(get_root(&b));
		assert_int_equal(b.err.code, EXA_ASIDE);
		assert_int_equal(loopback_connection_count(b.server), 1);
	}
}

static bool
take_begin(void *ctx, size_t index, struct exa_error *err)
{
	(void)ctx;
	(void)index;
	(void)err;
	return true;
}

static bool
take_mime(void *ctx, size_t index, struct bytes mime, struct exa_error *err)
{
	(void)mime;
	return take_begin(ctx, index, err);
}

static bool
take_end(void *ctx, size_t index, const struct ews_item *item, struct exa_error *err)
{
	(void)item;
	return take_begin(ctx, index, err);
}

static bool
take_failed(void *ctx, size_t index, const struct exa_error *why, struct exa_error *err)
{
	(void)why;
	return take_begin(ctx, index, err);
}

/* Answered well as a whole: that the server is busy stands with one of the items. */
static void
whoever_watches_is_told_of_a_busy_server_behind_a_good_answer(void **state)
{
	EXA_AUTO(bench_done) struct bench b = { 0 };
	const struct ews_item_handler handler = { take_begin, take_mime, take_end, take_failed,
		NULL };
	struct ews_item_ref refs[5];

	(void)state;
	for (size_t i = 0; i < 5; i++)
		refs[i] = (struct ews_item_ref){ .id = "x" };
	add_fixture(&b, "200 OK", "get_items_mixed.xml");
	start(&b, false);
	assert_true(ews_get_items(b.ews, &anna, refs, 5, &handler, &b.err));
	assert_int_equal(b.seen_count, 1);
	assert_true(b.seen[0].throttled && !b.seen[0].failed);
	assert_int_equal(b.seen[0].retry_after_ms, 4500);
}

static void
whoever_watches_is_told_what_came_of_each_request(void **state)
{
	EXA_AUTO(bench_done) struct bench b = { 0 };

	(void)state;
	add_fixture(&b, "200 OK", "get_folder.xml");
	add_fixture(&b, "500 Internal Server Error", "fault_busy.xml");
	add_fixture(&b, "200 OK", "fault_no_mailbox.xml");
	start(&b, false);
	assert_true(get_root(&b));
	assert_false(get_root(&b));
	assert_false(get_root(&b));
	assert_int_equal(b.seen_count, 3);
	assert_false(b.seen[0].throttled || b.seen[0].failed);
	assert_true(b.seen[1].throttled && !b.seen[1].failed);
	assert_int_equal(b.seen[1].retry_after_ms, 297749);
	assert_true(b.seen[2].failed && !b.seen[2].throttled);
}

static void
an_answer_that_was_complete_survives_its_connection(void **state)
{
	EXA_AUTO(bench_done) struct bench b = { 0 };
	EXA_AUTO(buf_done) struct buf text = { 0 };

	(void)state;
	load_fixture("get_folder.xml", &text);
	b.texts[0] = exa_asprintf("HTTP/1.1 200 OK\r\n" XML "Content-Length: %zu\r\n\r\n%s",
		text.size + 100, buf_string(&text));
	b.replies[0] = (struct loopback_reply){ b.texts[0], LOOPBACK_CLOSE };
	b.count = 1;
	start(&b, false);
	if (!get_root(&b))
		fail_msg("%s", b.err.text);
	assert_int_equal(b.folders, 1);
}

static bool
ignore_answer(void *ctx, size_t index, const struct exa_error *why, struct exa_error *err)
{
	(void)ctx;
	(void)index;
	(void)why;
	(void)err;
	return true;
}

static bool
delete_one(struct bench *b)
{
	const struct ews_item_ref ref = { "AAE1", "CQA1" };
	const struct ews_delete_request request = { .refs = &ref, .count = 1 };
	const struct ews_delete_handler handler = { .answered = ignore_answer };

	return ews_delete_items(b->ews, &anna, &request, &handler, &b->err);
}

/* What libcurl does with any other request of a kept connection that ends without a byte. */
static void
a_deletion_is_never_sent_twice(void **state)
{
	for (int deletes = 0; deletes <= 1; deletes++) {
		EXA_AUTO(bench_done) struct bench b = { 0 };

		add_fixture(&b, "200 OK", "get_folder.xml");
		b.texts[1] = exa_strdup("");
		b.replies[1] = (struct loopback_reply){ b.texts[1], LOOPBACK_CLOSE };
		b.count = 2;
		add_fixture(&b, "200 OK", "get_folder.xml");
		start(&b, false);
		if (!get_root(&b))
			fail_msg("%s", b.err.text);
		assert_int_equal(deletes ? delete_one(&b) : get_root(&b), !deletes);
		assert_int_equal(loopback_request_count(b.server), deletes ? 2 : 3);
		assert_int_equal(loopback_connection_count(b.server), 2);
		if (deletes)
			assert_int_equal(b.err.code, EXA_NET);
	}
	(void)state;
}

static void
an_answer_that_breaks_off_is_a_failure_that_passes(void **state)
{
	EXA_AUTO(bench_done) struct bench b = { 0 };
	EXA_AUTO(buf_done) struct buf text = { 0 };

	(void)state;
	load_fixture("get_folder.xml", &text);
	b.texts[0] = exa_asprintf("HTTP/1.1 200 OK\r\n" XML "Content-Length: %zu\r\n\r\n%.300s",
		text.size, buf_string(&text));
	b.replies[0] = (struct loopback_reply){ b.texts[0], LOOPBACK_CLOSE };
	b.count = 1;
	start(&b, false);
	assert_false(get_root(&b));
	assert_int_equal(b.err.code, EXA_NET);
}

static void
an_address_that_would_break_the_header_is_refused(void **state)
{
	EXA_AUTO(bench_done) struct bench b = { 0 };
	const struct ews_folder_sink sink = { count_folder, &b };
	const struct ews_mailbox evil[] = { { .smtp = "a@example.org\r\nX-Evil: 1" },
		{ .smtp = "" } };

	(void)state;
	add_fixture(&b, "200 OK", "get_folder.xml");
	start(&b, false);
	for (size_t i = 0; i < 2; i++) {
		assert_false(ews_get_folder(b.ews, &evil[i], NULL, &sink, &b.err));
		assert_int_equal(b.err.code, EXA_USAGE);
	}
	assert_int_equal(loopback_request_count(b.server), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_names_the_mailbox_twice_and_signs_in),
		cmocka_unit_test(a_refused_token_is_renewed_and_the_request_sent_again_once),
		cmocka_unit_test(a_token_without_the_role_is_explained),
		cmocka_unit_test(a_refused_password_is_not_tried_twice),
		cmocka_unit_test(a_status_means_what_to_do_next),
		cmocka_unit_test(a_refusal_of_ones_own_server_has_words_of_its_own),
		cmocka_unit_test(a_fault_that_denies_access_is_explained_too),
		cmocka_unit_test(a_fault_counts_at_500_and_at_200),
		cmocka_unit_test(whoever_watches_is_told_of_a_busy_server_behind_a_good_answer),
		cmocka_unit_test(whoever_watches_is_told_what_came_of_each_request),
		cmocka_unit_test(an_answer_that_was_complete_survives_its_connection),
		cmocka_unit_test(a_deletion_is_never_sent_twice),
		cmocka_unit_test(an_answer_that_breaks_off_is_a_failure_that_passes),
		cmocka_unit_test(an_address_that_would_break_the_header_is_refused),
	};
	struct exa_error err;

	if (!http_global_init(&err))
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
