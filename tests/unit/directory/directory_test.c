/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/directory.h"
#include "exarch/mem.h"

#include "graph.h"
#include "loopback.h"

#define NEXT "@NEXT@" /* in a body: this server's address */

struct bench {
	struct loopback *server;
	struct auth *auth;
	struct http_client *http;
	struct directory_options options;
	struct loopback_reply replies[8];
	char *texts[8];
	size_t count;
	struct buf users;
	struct exa_error err;
};

static void
add_reply(struct bench *b, const char *status, const char *headers, const char *body)
{
	b->texts[b->count] = loopback_text(status, headers, body);
	b->count++;
}

static char *
put_address(const char *text, const char *address)
{
	const char *hit = strstr(text, NEXT);
	const char *body = strstr(text, "\r\n\r\n") + 4;
	EXA_AUTO(exa_freep) char *whole = NULL;

	if (hit == NULL)
		return exa_strdup(text);
	whole = exa_asprintf("%.*s%s%s", (int)(hit - body), body, address, hit + strlen(NEXT));
	return loopback_text("200 OK", "", whole);
}

static void
start(struct bench *b)
{
	const struct auth_config config = {
		.kind = AUTH_BASIC, .user = "svc", .password_command = "echo pw"
	};
	const struct http_options options = { 0 };

	b->server = loopback_listen(NULL);
	for (size_t i = 0; i < b->count; i++) {
		char *text = put_address(b->texts[i], loopback_url(b->server));

		exa_free(b->texts[i]);
		b->texts[i] = text;
		b->replies[i] = (struct loopback_reply){ text, LOOPBACK_KEEP };
	}
	loopback_serve(b->server, b->replies, b->count);
	if (!auth_open(&config, &b->auth, &b->err) || !http_client_new(&options, &b->http, &b->err))
		fail_msg("%s", b->err.text);
	b->options = (struct directory_options){ .graph_endpoint = loopback_url(b->server),
		.scope = "s",
		.auth = b->auth,
		.http = b->http };
}

static void
bench_done(struct bench *b)
{
	auth_free(b->auth);
	http_client_free(b->http);
	loopback_stop(b->server);
	for (size_t i = 0; i < b->count; i++)
		exa_free(b->texts[i]);
	buf_done(&b->users);
}

static bool
on_user(void *ctx, const struct directory_user *u, struct exa_error *err)
{
	struct bench *b = ctx;

	(void)err;
	buf_printf(&b->users, "%s %s <%s> '%s'%s%s%s\n", u->id, u->principal_name, u->smtp,
		u->display_name, u->enabled ? " enabled" : "", u->licensed ? " licensed" : "",
		u->guest ? " guest" : "");
	return true;
}

static bool
list_users(struct bench *b)
{
	const struct directory_sink sink = { on_user, b };

	return directory_users(&b->options, &sink, &b->err);
}

static bool
list_group(struct bench *b, const char *group)
{
	const struct directory_sink sink = { on_user, b };

	return directory_group_members(&b->options, group, &sink, &b->err);
}

static void
all_pages_are_listed_empty_ones_too(void **state)
{
	EXA_AUTO(bench_done) struct bench b = { 0 };

	(void)state;
	add_reply(&b, "200 OK", "",
		"{\"value\":[{\"id\":\"1\",\"userPrincipalName\":\"anna@example.org\",\"mail\":"
		"\"a@example.org\",\"displayName\":\"Anna\",\"accountEnabled\":true,"
		"\"proxyAddresses\":[\"smtp:old@example.org\",\"SMTP:anna@example.org\"],"
		"\"assignedPlans\":[{\"service\":\"exchange\",\"capabilityStatus\":\"Enabled\"}],"
		"\"userType\":\"Member\"}],\"@odata.nextLink\":\"" NEXT
		"/v1.0/users?$skiptoken=a%20b\"}");
	add_reply(&b, "200 OK", "", "{\"value\":[],\"@odata.nextLink\":\"" NEXT "/next?c=d\"}");
	add_reply(&b, "200 OK", "",
		"{\"value\":[{\"id\":\"2\",\"userPrincipalName\":\"room@example.org\",\"mail\":"
		"\"room@example.org\",\"displayName\":null,\"accountEnabled\":false,"
		"\"proxyAddresses\":[],\"assignedPlans\":[{\"service\":\"exchange\","
		"\"capabilityStatus\":\"Suspended\"},{\"service\":\"teams\","
		"\"capabilityStatus\":\"Enabled\"}]},"
		"{\"id\":\"3\",\"userType\":\"Guest\",\"assignedPlans\":[{\"service\":"
		"\"exchange\",\"capabilityStatus\":\"Warning\"}]}]}");
	start(&b);
	if (!list_users(&b))
		fail_msg("%s", b.err.text);
	assert_string_equal(buf_string(&b.users),
		"1 anna@example.org <anna@example.org> 'Anna' enabled licensed\n"
		"2 room@example.org <room@example.org> ''\n"
		"3  <> '' licensed guest\n");
	assert_non_null(strstr(loopback_request(b.server, 0),
		"GET /v1.0/users?$select=id,userPrincipalName,mail,displayName,proxyAddresses,"
		"accountEnabled,assignedPlans,userType&$top=250 HTTP/1.1\r\n"));
	assert_non_null(strstr(loopback_request(b.server, 0), "\r\nAuthorization: Basic "));
	assert_null(strstr(loopback_request(b.server, 0), "ConsistencyLevel"));
	assert_int_equal(strncmp(loopback_request(b.server, 1),
				 "GET /v1.0/users?$skiptoken=a%20b HTTP/1.1\r\n", 43),
		0);
	assert_int_equal(
		strncmp(loopback_request(b.server, 2), "GET /next?c=d HTTP/1.1\r\n", 24), 0);
}

static void
members_are_asked_for_by_the_groups_id(void **state)
{
	EXA_AUTO(bench_done) struct bench b = { 0 };

	(void)state;
	add_reply(&b, "200 OK", "", "{\"value\":[{\"id\":\"g 1\",\"displayName\":\"x\"}]}");
	add_reply(&b, "200 OK", "", "{\"value\":[{\"id\":\"7\",\"mail\":\"b@example.org\"}]}");
	start(&b);
	if (!list_group(&b, "O'Hara & Söhne"))
		fail_msg("%s", b.err.text);
	assert_string_equal(buf_string(&b.users), "7  <b@example.org> ''\n");
	assert_non_null(strstr(loopback_request(b.server, 0),
		"GET /v1.0/groups?$select=id,displayName&$filter=displayName%20eq%20"
		"%27O%27%27Hara%20%26%20S%C3%B6hne%27 HTTP/1.1\r\n"));
	assert_non_null(strstr(loopback_request(b.server, 1),
		"GET /v1.0/groups/g%201/transitiveMembers/microsoft.graph.user?$count=true&"
		"$select="));
	assert_non_null(
		strstr(loopback_request(b.server, 1), "\r\nConsistencyLevel: eventual\r\n"));
}

static void
a_group_must_exist_and_be_the_only_one(void **state)
{
	static const struct {
		const char *body;
		enum exa_code code;
	} cases[] = { { "{\"value\":[]}", EXA_GONE },
		{ "{\"value\":[{\"id\":\"1\"},{\"id\":\"2\"}]}", EXA_USAGE } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		EXA_AUTO(bench_done) struct bench b = { 0 };

		add_reply(&b, "200 OK", "", cases[i].body);
		start(&b);
		assert_false(list_group(&b, "Sales"));
		assert_int_equal(b.err.code, cases[i].code);
		assert_non_null(strstr(b.err.text, "'Sales'"));
		assert_int_equal(loopback_request_count(b.server), 1);
	}
}

static void
the_token_goes_to_no_other_host(void **state)
{
	static const char *const elsewhere[] = { "https://evil.example.org/v1.0/users",
		NEXT ".example.org/x", NEXT "@evil.example.org/x", "//evil.example.org/x", "/x",
		NEXT, "" };

	(void)state;
	for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++) {
		EXA_AUTO(bench_done) struct bench b = { 0 };
		EXA_AUTO(exa_freep)
		char *body =
			exa_asprintf("{\"value\":[],\"@odata.nextLink\":\"%s\"}", elsewhere[i]);

		add_reply(&b, "200 OK", "", body);
		start(&b);
		assert_false(list_users(&b));
		assert_int_equal(b.err.code, EXA_PROTOCOL);
		assert_int_equal(loopback_request_count(b.server), 1);
	}
}

static void
origins_are_compared_with_scheme_host_and_port(void **state)
{
	(void)state;
	assert_true(graph_same_origin("https://g.example.org", "https://G.example.org/v1.0/x"));
	assert_true(graph_same_origin("https://g.example.org/", "https://g.example.org/?x"));
	assert_false(graph_same_origin("https://g.example.org", "http://g.example.org/x"));
	assert_false(graph_same_origin("https://g.example.org", "https://g.example.org:8443/x"));
	assert_false(graph_same_origin("https://g.example.org", "https://g.example.org.evil/x"));
	assert_false(graph_same_origin("https://g.example.org", "https://g.example.org\\@evil/x"));
	assert_false(graph_same_origin("https://g.example.org", "https://g.example.org"));
	assert_false(graph_same_origin("nonsense", "nonsense/x"));
}

static void
failures_say_what_to_do_next(void **state)
{
	static const struct {
		const char *status;
		const char *headers;
		const char *body;
		enum exa_code code;
		const char *name;
		const char *word;
	} cases[] = {
		{ "401 No", "", "{\"error\":{\"code\":\"InvalidAuthenticationToken\"}}", EXA_AUTH,
			"InvalidAuthenticationToken", "token" },
		{ "403 No", "", "{\"error\":{\"code\":\"Authorization_RequestDenied\"}}",
			EXA_DENIED, "Authorization_RequestDenied", "User.Read.All" },
		{ "429 Busy", "Retry-After: 11\r\n", "{}", EXA_THROTTLED, "", "busy" },
		{ "503 Busy", "", "<html>", EXA_NET, "", "503" },
		{ "302 Found", "Location: /\r\n", "", EXA_NET, "", "302" },
		{ "400 Bad", "", "{}", EXA_FAILED, "", "400" },
		{ "200 OK", "", "<html>", EXA_PROTOCOL, "", "JSON" },
		{ "200 OK", "", "{}", EXA_PROTOCOL, "", "list" },
		{ "200 OK", "", "{\"value\":[{\"mail\":\"x\"}]}", EXA_PROTOCOL, "", "without id" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(bench_done) struct bench b = { 0 };

		add_reply(&b, cases[i].status, cases[i].headers, cases[i].body);
		start(&b);
		assert_false(list_users(&b));
		if (b.err.code != cases[i].code || strstr(b.err.text, cases[i].word) == NULL)
			fail_msg("%s: %s: %s", cases[i].status, exa_code_name(b.err.code),
				b.err.text);
		assert_string_equal(b.err.name, cases[i].name);
		assert_int_equal(b.err.retry_after_ms, cases[i].code == EXA_THROTTLED ? 11000 : 0);
	}
}

static void
a_listing_that_the_server_forgot_may_be_tried_again(void **state)
{
	EXA_AUTO(bench_done) struct bench b = { 0 };

	(void)state;
	add_reply(&b, "200 OK", "", "{\"value\":[],\"@odata.nextLink\":\"" NEXT "/x\"}");
	add_reply(&b, "410 Gone", "", "{}");
	start(&b);
	assert_false(list_users(&b));
	assert_int_equal(b.err.code, EXA_NET);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_pages_are_listed_empty_ones_too),
		cmocka_unit_test(members_are_asked_for_by_the_groups_id),
		cmocka_unit_test(a_group_must_exist_and_be_the_only_one),
		cmocka_unit_test(the_token_goes_to_no_other_host),
		cmocka_unit_test(origins_are_compared_with_scheme_host_and_port),
		cmocka_unit_test(failures_say_what_to_do_next),
		cmocka_unit_test(a_listing_that_the_server_forgot_may_be_tried_again),
	};
	struct exa_error err;

	if (!http_global_init(&err))
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
