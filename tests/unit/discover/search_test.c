/* SPDX-License-Identifier: Apache-2.0 */
/* The search at one named server; that of whole domains is tested end to end, behind a proxy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/discover.h"
#include "exarch/mem.h"

#include "loopback.h"

#define SECRET "c3ZjOmh1bnRlcjI=" /* svc:hunter2 */
#define POX_HEAD                                                                         \
	"<Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/"      \
	"responseschema/2006\"><Response xmlns=\"http://schemas.microsoft.com/exchange/" \
	"autodiscover/outlook/responseschema/2006a\"><Account><Action>"
#define POX_TAIL "</Account></Response></Autodiscover>"
#define POX_EWS(url)                                                                    \
	POX_HEAD "settings</Action><Protocol><Type>EXPR</Type><EwsUrl>" url "</EwsUrl>" \
		 "</Protocol>" POX_TAIL
#define JSON_EWS "{\"Protocol\":\"EWS\",\"Url\":\"https://mail.contoso.example/EWS\"}"

struct bench {
	struct loopback *server;
	struct auth *auth;
	struct loopback_reply replies[16];
	char *texts[16];
	size_t count;
	struct buf url;
	struct cancel cancel;
	struct exa_error err;
};

static void
add_reply(struct bench *b, const char *status, const char *headers, const char *body)
{
	b->texts[b->count] = loopback_text(status, headers, body);
	b->replies[b->count] = (struct loopback_reply){ b->texts[b->count], LOOPBACK_KEEP };
	b->count++;
}

static void
bench_done(struct bench *b)
{
	auth_free(b->auth);
	loopback_stop(b->server);
	for (size_t i = 0; i < b->count; i++)
		exa_free(b->texts[i]);
	buf_done(&b->url);
}

static bool
search(struct bench *b)
{
	const struct auth_config config = {
		.kind = AUTH_BASIC, .user = "svc", .password_command = "echo hunter2"
	};
	struct discover_options options = { .http = { .cancel = &b->cancel } };

	b->server = loopback_start(b->replies, b->count, NULL);
	options.server = loopback_url(b->server);
	if (!auth_open(&config, &b->auth, &b->err))
		fail_msg("%s", b->err.text);
	options.auth = b->auth;
	return discover_ews(&options, "anna@contoso.example", &b->url, &b->err);
}

static size_t
requests_with(struct bench *b, const char *text)
{
	size_t n = 0;

	for (size_t i = 0; i < loopback_request_count(b->server); i++)
		n += strstr(loopback_request(b->server, i), text) != NULL;
	return n;
}

static void
a_host_gets_the_password_only_after_it_asked(void **state)
{
	EXA_AUTO(bench_done) struct bench b = { 0 };

	(void)state;
	add_reply(&b, "401 Who", "WWW-Authenticate: Basic realm=\"x\"\r\n", "");
	add_reply(&b, "200 OK", "", POX_EWS("https://mail.contoso.example/EWS"));
	if (!search(&b))
		fail_msg("%s", b.err.text);
	assert_string_equal(buf_string(&b.url), "https://mail.contoso.example/EWS");
	assert_int_equal(loopback_request_count(b.server), 2);
	assert_null(strstr(loopback_request(b.server, 0), "Authorization"));
	assert_non_null(strstr(loopback_request(b.server, 1), "Authorization: Basic " SECRET));
	assert_non_null(strstr(loopback_request(b.server, 1),
		"<EMailAddress>anna@contoso.example</EMailAddress>"));
}

static void
a_host_that_does_not_know_the_service_never_gets_the_password(void **state)
{
	EXA_AUTO(bench_done) struct bench b = { 0 };

	(void)state;
	add_reply(&b, "404 Not Found", "", "");
	assert_false(search(&b));
	assert_int_equal(b.err.code, EXA_FAILED);
	assert_int_equal(loopback_request_count(b.server), 3);
	assert_int_equal(requests_with(&b, "Authorization"), 0);
	assert_int_equal(requests_with(&b, "GET /autodiscover/autodiscover.json/v1.0/"
					   "anna%40contoso.example?Protocol=EWS "),
		1);
	assert_non_null(strstr(b.err.text, "POX HTTP 404, SOAP HTTP 404, JSON HTTP 404"));
	assert_non_null(strstr(b.err.text, "source.endpoint"));
}

static void
a_refused_password_is_sent_once_and_the_search_goes_on(void **state)
{
	EXA_AUTO(bench_done) struct bench b = { 0 };

	(void)state;
	add_reply(&b, "401 Who", "WWW-Authenticate: Basic realm=\"x\"\r\n", "");
	add_reply(&b, "401 Who", "WWW-Authenticate: Basic realm=\"x\"\r\n", "");
	add_reply(&b, "200 OK", "", JSON_EWS);
	if (!search(&b))
		fail_msg("%s", b.err.text);
	assert_int_equal(requests_with(&b, SECRET), 1);
	assert_int_equal(loopback_request_count(b.server), 3);
}

static void
a_refused_password_is_what_a_search_in_vain_tells(void **state)
{
	EXA_AUTO(bench_done) struct bench b = { 0 };

	(void)state;
	add_reply(&b, "401 Who", "WWW-Authenticate: Basic realm=\"x\"\r\n", "");
	add_reply(&b, "401 Who", "WWW-Authenticate: Basic realm=\"x\"\r\n", "");
	add_reply(&b, "404 Not Found", "", "");
	assert_false(search(&b));
	assert_int_equal(b.err.code, EXA_AUTH);
	assert_int_equal(requests_with(&b, SECRET), 1);
	assert_non_null(strstr(b.err.text, "Basic"));
	assert_null(strstr(b.err.text, "hunter2"));
	assert_null(strstr(b.err.text, SECRET));
}

static void
redirects_end_after_ten(void **state)
{
	EXA_AUTO(bench_done) struct bench b = { 0 };

	(void)state;
	for (int i = 0; i < 12; i++) {
		char header[64];

		(void)snprintf(header, sizeof header, "Location: /autodiscover/%d\r\n", i);
		add_reply(&b, "302 Found", header, "");
	}
	add_reply(&b, "404 Not Found", "", "");
	assert_false(search(&b));
	assert_non_null(strstr(b.err.text, "after 10 redirects"));
	assert_true(loopback_request_count(b.server) <= DISCOVER_REDIRECTS_MAX + 3);
}

static void
a_loop_is_noticed(void **state)
{
	EXA_AUTO(bench_done) struct bench b = { 0 };

	(void)state;
	add_reply(&b, "302 Found", "Location: /a\r\n", "");
	assert_false(search(&b));
	assert_non_null(strstr(b.err.text, "leads back to"));
	assert_int_equal(loopback_request_count(b.server), 4); /* POX, /a, SOAP, JSON */
}

static void
an_address_that_leads_to_itself_is_noticed(void **state)
{
	EXA_AUTO(bench_done) struct bench b = { 0 };

	(void)state;
	add_reply(&b, "200 OK", "",
		POX_HEAD "redirectAddr</Action><RedirectAddr>anna@contoso.example"
			 "</RedirectAddr>" POX_TAIL);
	add_reply(&b, "404 Not Found", "", "");
	assert_false(search(&b));
	assert_non_null(strstr(b.err.text, "leads back to anna@contoso.example"));
}

static void
another_address_is_searched_for_from_the_start(void **state)
{
	EXA_AUTO(bench_done) struct bench b = { 0 };

	(void)state;
	add_reply(&b, "200 OK", "",
		POX_HEAD "redirectAddr</Action><RedirectAddr>a@mail.contoso.example"
			 "</RedirectAddr>" POX_TAIL);
	add_reply(&b, "200 OK", "", POX_EWS("https://mail.contoso.example/EWS"));
	if (!search(&b))
		fail_msg("%s", b.err.text);
	assert_non_null(strstr(loopback_request(b.server, 1), ">a@mail.contoso.example<"));
}

static void
a_way_to_plain_http_is_not_taken(void **state)
{
	static const char *const locations[] = { "Location: http://mail.contoso.example/a\r\n",
		"Location: https://x@mail.contoso.example/a\r\n", "Location: ftp://h/\r\n", "" };

	(void)state;
	for (size_t i = 0; i < sizeof locations / sizeof locations[0]; i++) {
		EXA_AUTO(bench_done) struct bench b = { 0 };

		add_reply(&b, "302 Found", locations[i], "");
		assert_false(search(&b));
		assert_non_null(strstr(b.err.text, "no https address"));
		assert_int_equal(loopback_request_count(b.server), 3);
	}
}

static void
an_ews_url_over_plain_http_is_not_taken(void **state)
{
	EXA_AUTO(bench_done) struct bench b = { 0 };

	(void)state;
	add_reply(&b, "200 OK", "", POX_EWS("http://mail.contoso.example/EWS"));
	add_reply(&b, "404 Not Found", "", "");
	assert_false(search(&b));
	assert_int_equal(b.err.code, EXA_FAILED);
	assert_non_null(strstr(b.err.text, "no https address"));
	assert_int_equal(b.url.size, 0);
}

static void
a_server_in_trouble_is_a_failure_that_passes(void **state)
{
	EXA_AUTO(bench_done) struct bench b = { 0 };

	(void)state;
	add_reply(&b, "503 Busy", "", "");
	assert_false(search(&b));
	assert_int_equal(b.err.code, EXA_NET);
}

static void
an_endless_answer_is_cut_off(void **state)
{
	EXA_AUTO(bench_done) struct bench b = { 0 };
	EXA_AUTO(buf_done) struct buf body = { 0 };

	(void)state;
	while (body.size <= DISCOVER_ANSWER_MAX)
		buf_add_string(&body, "<!-- ------------------------------------------------ -->");
	add_reply(&b, "200 OK", "", buf_string(&body));
	assert_false(search(&b));
	assert_non_null(strstr(b.err.text, "larger than"));
}

static void
what_is_no_address_is_not_searched_for(void **state)
{
	static const char *const bad[] = { "", "anna", "@contoso.example", "anna@", "anna@.",
		"anna@contoso.example/x", "anna@contoso.example:1", "a b@contoso.example",
		"anna@contoso.example\r\nX: y" };
	const struct discover_options options = { 0 };
	EXA_AUTO(buf_done) struct buf url = { 0 };
	struct exa_error err;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_false(discover_ews(&options, bad[i], &url, &err));
		assert_int_equal(err.code, EXA_USAGE);
	}
}

static void
a_search_that_was_cancelled_says_so(void **state)
{
	EXA_AUTO(bench_done) struct bench b = { 0 };

	(void)state;
	add_reply(&b, "404 Not Found", "", "");
	cancel_raise(&b.cancel, CANCEL_SIGNAL);
	assert_false(search(&b));
	assert_int_equal(b.err.code, EXA_CANCELLED);
	assert_int_equal(loopback_request_count(b.server), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_host_gets_the_password_only_after_it_asked),
		cmocka_unit_test(a_host_that_does_not_know_the_service_never_gets_the_password),
		cmocka_unit_test(a_refused_password_is_sent_once_and_the_search_goes_on),
		cmocka_unit_test(a_refused_password_is_what_a_search_in_vain_tells),
		cmocka_unit_test(redirects_end_after_ten),
		cmocka_unit_test(a_loop_is_noticed),
		cmocka_unit_test(an_address_that_leads_to_itself_is_noticed),
		cmocka_unit_test(another_address_is_searched_for_from_the_start),
		cmocka_unit_test(a_way_to_plain_http_is_not_taken),
		cmocka_unit_test(an_ews_url_over_plain_http_is_not_taken),
		cmocka_unit_test(a_server_in_trouble_is_a_failure_that_passes),
		cmocka_unit_test(an_endless_answer_is_cut_off),
		cmocka_unit_test(what_is_no_address_is_not_searched_for),
		cmocka_unit_test(a_search_that_was_cancelled_says_so),
	};
	struct exa_error err;

	if (!http_global_init(&err))
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
