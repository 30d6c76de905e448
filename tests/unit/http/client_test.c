/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <cmocka.h>

#include "exarch/clock.h"
#include "exarch/http.h"
#include "exarch/mem.h"

#include "loopback.h"

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

/* A server with the given replies and a client for it. */
struct bench {
	struct loopback *server;
	struct http_client *client;
	struct buf body;
	struct http_answer answer;
	struct exa_error err;
};

static void
bench_start(struct bench *b, const struct loopback_reply *replies, size_t count,
	const struct http_options *options)
{
	const struct http_options plain = { .user_agent = "exarch/test" };

	*b = (struct bench){ .server = loopback_start(replies, count, NULL) };
	if (!http_client_new(options != NULL ? options : &plain, &b->client, &b->err))
		fail_msg("%s", b->err.text);
}

static void
bench_done(struct bench *b)
{
	http_client_free(b->client);
	loopback_stop(b->server);
	buf_done(&b->body);
}

static bool
post(struct bench *b, const char *body)
{
	const char *const headers[] = { "X-Test: yes", "Content-Type: text/xml" };
	const struct http_request request = { .method = "POST",
		.url = loopback_url(b->server),
		.headers = headers,
		.header_count = 2,
		.body = bytes_of_string(body) };

	buf_reset(&b->body);
	return http_fetch(b->client, &request, &b->body, &b->answer, &b->err);
}

/* Gives SIZE bytes; fails when FAILS_AT of them are given. */
struct giver {
	uint64_t size, at, fails_at;
};

static bool
give(void *ctx, uint8_t *out, size_t room, size_t *size_out, struct exa_error *err)
{
	struct giver *g = ctx;

	if (g->fails_at > 0 && g->at >= g->fails_at)
		return exa_fail(err, EXA_CORRUPT, "the source is damaged");
	*size_out = room < 1000 ? room : 1000;
	for (size_t i = 0; i < *size_out; i++)
		out[i] = (uint8_t)('a' + (g->at + i) % 26);
	g->at += *size_out;
	return true;
}

static bool
give_again(void *ctx, struct exa_error *err)
{
	(void)err;
	((struct giver *)ctx)->at = 0;
	return true;
}

static bool
post_source(struct bench *b, struct giver *g)
{
	const struct http_source source = {
		.size = g->size, .read = give, .rewind = give_again, .ctx = g
	};
	const struct http_request request = {
		.method = "POST", .url = loopback_url(b->server), .source = &source
	};

	buf_reset(&b->body);
	return http_fetch(b->client, &request, &b->body, &b->answer, &b->err);
}

static void
a_body_made_while_it_is_sent_goes_out_as_any_other(void **state)
{
	const struct loopback_reply replies[] = { { OK_HELLO, LOOPBACK_KEEP } };
	EXA_AUTO(bench_done) struct bench b;
	struct giver g = { .size = 150001 };
	const char *sent, *body;

	(void)state;
	bench_start(&b, replies, 1, NULL);
	assert_true(post_source(&b, &g));
	sent = loopback_request(b.server, 0);
	assert_non_null(strcasestr(sent, "\r\nContent-Length: 150001\r\n"));
	assert_null(strcasestr(sent, "\r\nTransfer-Encoding:"));
	assert_null(strcasestr(sent, "\r\nExpect:"));
	body = strstr(sent, "\r\n\r\n") + 4;
	assert_int_equal(strlen(body), 150001);
	for (size_t i = 0; i < 150001; i++)
		assert_int_equal(body[i], 'a' + i % 26);
	/* and the next request is none of it */
	assert_true(post(&b, "plain"));
	assert_non_null(strcasestr(loopback_request(b.server, 1), "\r\nContent-Length: 5\r\n"));
}

static void
a_body_that_fails_on_its_way_fails_with_its_own_error(void **state)
{
	const struct loopback_reply replies[] = { { OK_HELLO, LOOPBACK_KEEP } };
	EXA_AUTO(bench_done) struct bench b;
	struct giver g = { .size = 150000, .fails_at = 100000 };

	(void)state;
	bench_start(&b, replies, 1, NULL);
	assert_false(post_source(&b, &g));
	assert_int_equal(b.err.code, EXA_CORRUPT);
	assert_string_equal(b.err.text, "the source is damaged");
}

static void
a_request_goes_out_whole_and_unadorned(void **state)
{
	const struct loopback_reply replies[] = { { OK_HELLO, LOOPBACK_KEEP } };
	EXA_AUTO(bench_done) struct bench b;
	EXA_AUTO(buf_done) struct buf large = { 0 };
	const char *sent;

	(void)state;
	bench_start(&b, replies, 1, NULL);
	for (int i = 0; i < 200000; i++) /* well above where libcurl would send Expect */
		buf_add_byte(&large, 'x');
	assert_true(post(&b, buf_string(&large)));
	sent = loopback_request(b.server, 0);
	assert_int_equal(strncmp(sent, "POST / HTTP/1.1\r\n", 17), 0);
	assert_non_null(strcasestr(sent, "\r\nContent-Length: 200000\r\n"));
	assert_non_null(strcasestr(sent, "\r\nX-Test: yes\r\n"));
	assert_non_null(strcasestr(sent, "\r\nUser-Agent: exarch/test\r\n"));
	assert_null(strcasestr(sent, "\r\nExpect:"));
	assert_null(strcasestr(sent, "\r\nTransfer-Encoding:"));
	assert_null(strcasestr(sent, "\r\nAccept-Encoding:"));
	assert_null(strcasestr(sent, "\r\nCookie:"));
	assert_int_equal(strlen(strstr(sent, "\r\n\r\n") + 4), 200000);
}

static void
connections_are_kept_until_dropped(void **state)
{
	const struct loopback_reply replies[] = {
		{ "HTTP/1.1 200 OK\r\nSet-Cookie: X-BackEndCookie=a; path=/\r\n"
		  "Content-Length: 1\r\n\r\nx",
			LOOPBACK_KEEP },
		{ OK_HELLO, LOOPBACK_KEEP },
	};
	EXA_AUTO(bench_done) struct bench b;

	(void)state;
	bench_start(&b, replies, 2, NULL);
	assert_true(post(&b, "1"));
	assert_true(post(&b, "2"));
	assert_int_equal(loopback_connection_count(b.server), 1);
	assert_null(strcasestr(loopback_request(b.server, 1), "Cookie"));
	http_client_drop_connections(b.client);
	assert_true(post(&b, "3"));
	assert_int_equal(loopback_connection_count(b.server), 2);
	assert_string_equal(buf_string(&b.body), "hello");
}

static void
a_status_is_an_answer_and_its_head_is_told(void **state)
{
	const struct loopback_reply replies[] = {
		{ "HTTP/1.1 100 Continue\r\nX-Ignored: 1\r\n\r\n"
		  "HTTP/1.1 503 Busy\r\nContent-Type: Text/HTML; Charset=utf-8\r\n"
		  "Date: Wed, 22 Jul 2026 10:00:00 GMT\r\n"
		  "Retry-After: 7\r\nLocation: https://example.org/\x01\r\nrequest-id: abc\r\n"
		  "x-ms-diagnostics: 2000002;reason=\"old\"\r\n"
		  "WWW-Authenticate: Bearer a\r\nWWW-Authenticate: Basic b\r\n"
		  "Content-Length: 4\r\n\r\nbusy",
			LOOPBACK_KEEP }
	};
	EXA_AUTO(bench_done) struct bench b;

	(void)state;
	bench_start(&b, replies, 1, NULL);
	assert_true(post(&b, ""));
	assert_int_equal(b.answer.status, 503);
	assert_string_equal(b.answer.content_type, "text/html; charset=utf-8");
	assert_int_equal(b.answer.date_s, INT64_C(1784714400));
	assert_int_equal(b.answer.retry_after_ms, 7000);
	assert_string_equal(b.answer.location, "https://example.org/?");
	assert_string_equal(b.answer.request_id, "abc");
	assert_string_equal(b.answer.diagnostics, "2000002;reason=\"old\"");
	assert_string_equal(b.answer.authenticate, "Bearer a");
	assert_int_equal(b.answer.body_bytes, 4);
}

static void
a_redirect_is_not_followed(void **state)
{
	const struct loopback_reply replies[] = {
		{ "HTTP/1.1 302 Found\r\nLocation: /owa/\r\nContent-Length: 0\r\n\r\n",
			LOOPBACK_KEEP },
	};
	EXA_AUTO(bench_done) struct bench b;

	(void)state;
	bench_start(&b, replies, 1, NULL);
	assert_true(post(&b, "x"));
	assert_int_equal(b.answer.status, 302);
	assert_string_equal(b.answer.location, "/owa/");
	assert_int_equal(loopback_request_count(b.server), 1);
}

static void
retry_after_may_be_a_date(void **state)
{
	char in_100_s[64], head[256];
	time_t then = time(NULL) + 100;
	struct tm tm;
	struct loopback_reply reply = { head, LOOPBACK_KEEP };
	EXA_AUTO(bench_done) struct bench b;

	(void)state;
	(void)strftime(
		in_100_s, sizeof in_100_s, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&then, &tm));
	(void)snprintf(head, sizeof head,
		"HTTP/1.1 429 No\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n", in_100_s);
	bench_start(&b, &reply, 1, NULL);
	assert_true(post(&b, ""));
	assert_in_range(b.answer.retry_after_ms, 1, 100 * 1000);
}

static void
a_retry_after_that_is_neither_counts_as_not_said(void **state)
{
	static const struct {
		const char *value;
		unsigned ms;
	} cases[] = { { "soon", 0 }, { "-5", 0 }, { "", 0 }, { "1e9", 0 },
		{ "99999999999999999999", 24 * 3600 * 1000 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT", 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(exa_freep)
		char *text = exa_asprintf(
			"HTTP/1.1 503 No\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n",
			cases[i].value);
		const struct loopback_reply reply = { text, LOOPBACK_CLOSE };
		EXA_AUTO(bench_done) struct bench b;

		bench_start(&b, &reply, 1, NULL);
		assert_true(post(&b, ""));
		assert_int_equal(b.answer.retry_after_ms, cases[i].ms);
	}
}

static void
an_answer_that_is_cut_is_a_failure_that_passes(void **state)
{
	static const char *const cuts[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
		"HTTP/1.1 200 OK\r\nContent-Le",
		"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
		const struct loopback_reply reply = { cuts[i], LOOPBACK_CLOSE };
		EXA_AUTO(bench_done) struct bench b;

		bench_start(&b, &reply, 1, NULL);
		assert_false(post(&b, ""));
		assert_int_equal(b.err.code, EXA_NET);
		assert_non_null(strstr(b.err.text, "127.0.0.1"));
		assert_int_equal(b.body.size, 0);
	}
}

static void
a_chunked_answer_with_trailers_is_whole(void **state)
{
	const struct loopback_reply reply = {
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: request-id\r\n\r\n"
		"2\r\nhe\r\n3\r\nllo\r\n0\r\nrequest-id: late\r\n\r\n",
		LOOPBACK_KEEP
	};
	EXA_AUTO(bench_done) struct bench b;

	(void)state;
	bench_start(&b, &reply, 1, NULL);
	assert_true(post(&b, ""));
	assert_string_equal(buf_string(&b.body), "hello");
	assert_string_equal(b.answer.request_id, "");
}

static void
an_answer_that_stalls_ends_with_a_timeout(void **state)
{
	const struct loopback_reply reply = { "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
		LOOPBACK_HANG };
	const struct http_options options = { .timeout_s = 1 };
	EXA_AUTO(bench_done) struct bench b;

	(void)state;
	bench_start(&b, &reply, 1, &options);
	assert_false(post(&b, ""));
	assert_int_equal(b.err.code, EXA_TIMEOUT);
}

static bool
raise_on_data(void *ctx, const struct http_answer *answer, struct bytes data, struct exa_error *err)
{
	(void)answer;
	(void)data;
	(void)err;
	cancel_raise(ctx, CANCEL_SIGNAL);
	return true;
}

static void
waiting_ends_when_it_is_cancelled(void **state)
{
	const struct loopback_reply reply = { "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
		LOOPBACK_HANG };
	struct cancel cancel = { 0 };
	const struct http_options options = { .cancel = &cancel };
	const struct http_sink sink = { raise_on_data, &cancel };
	struct http_request request = { .method = "GET" };
	EXA_AUTO(bench_done) struct bench b;

	(void)state;
	bench_start(&b, &reply, 1, &options);
	request.url = loopback_url(b.server);
	assert_false(http_perform(b.client, &request, &sink, &b.answer, &b.err));
	assert_int_equal(b.err.code, EXA_CANCELLED);
	assert_int_equal(b.answer.status, 200);
	assert_false(http_perform(b.client, &request, &sink, &b.answer, &b.err));
	assert_int_equal(b.err.code, EXA_CANCELLED);
	assert_int_equal(loopback_request_count(b.server), 1);
}

static bool
refuse(void *ctx, const struct http_answer *answer, struct bytes data, struct exa_error *err)
{
	int *seen = ctx;

	(void)data;
	*seen = answer->status;
	return exa_fail(err, EXA_CORRUPT, "no more");
}

static void
a_sink_that_fails_ends_the_request_with_its_error(void **state)
{
	const struct loopback_reply reply = { OK_HELLO, LOOPBACK_KEEP };
	struct http_request request = { .method = "GET" };
	int seen = 0;
	const struct http_sink sink = { refuse, &seen };
	EXA_AUTO(bench_done) struct bench b;

	(void)state;
	bench_start(&b, &reply, 1, NULL);
	request.url = loopback_url(b.server);
	assert_false(http_perform(b.client, &request, &sink, &b.answer, &b.err));
	assert_int_equal(b.err.code, EXA_CORRUPT);
	assert_string_equal(b.err.text, "no more");
	assert_int_equal(seen, 200);
}

static void
a_head_without_end_is_refused(void **state)
{
	EXA_AUTO(buf_done) struct buf head = { 0 };
	struct loopback_reply reply = { .after = LOOPBACK_CLOSE };
	EXA_AUTO(bench_done) struct bench b;

	(void)state;
	buf_add_string(&head, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 20000; i++)
		buf_printf(&head, "X-Filler-%d: yes\r\n", i);
	buf_add_string(&head, "\r\n");
	reply.text = buf_string(&head);
	bench_start(&b, &reply, 1, NULL);
	assert_false(post(&b, ""));
	assert_int_equal(b.err.code, EXA_LIMIT);
}

static void
addresses_that_would_show_secrets_are_refused(void **state)
{
	static const char *const urls[] = { "http://mail.example.org/EWS/Exchange.asmx",
		"http://localhost.example.org/", "http://127.example.org/",
		"http://127.0.0.1.example.org/", "ftp://127.0.0.1/", "file:///etc/passwd",
		"nonsense", "" };
	const struct http_options options = { 0 };
	struct http_client *client = NULL;
	struct exa_error err;

	(void)state;
	assert_true(http_client_new(&options, &client, &err));
	for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
		const struct http_request request = { .method = "GET", .url = urls[i] };
		EXA_AUTO(buf_done) struct buf body = { 0 };
		struct http_answer answer;

		assert_false(http_fetch(client, &request, &body, &answer, &err));
		assert_int_equal(err.code, EXA_USAGE);
	}
	http_client_free(client);
}

/* Its status isn't the server's: nobody asked the server. */
static void
a_proxy_that_refuses_is_a_failure_that_passes(void **state)
{
	const struct loopback_reply reply = { "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
		LOOPBACK_CLOSE };
	const struct http_request request = { .method = "GET", .url = "https://mail.example.org/" };
	EXA_AUTO(bench_done) struct bench b;

	(void)state;
	bench_start(&b, &reply, 1, NULL);
	assert_int_equal(setenv("https_proxy", loopback_url(b.server), 1), 0);
	assert_false(http_fetch(b.client, &request, &b.body, &b.answer, &b.err));
	assert_int_equal(unsetenv("https_proxy"), 0);
	assert_int_equal(b.err.code, EXA_UNREACHABLE);
	assert_non_null(strstr(b.err.text, "403"));
	assert_int_equal(b.answer.status, 0);
}

/* Of a client that says so: the proxy shows that the request went out, and whereto. */
static void
plain_http_is_for_requests_without_secrets(void **state)
{
	const struct loopback_reply reply = { OK_HELLO, LOOPBACK_KEEP };
	const struct http_options options = { .plain = true };
	const struct http_request request = { .method = "GET", .url = "http://mail.example.org/a" };
	EXA_AUTO(bench_done) struct bench b;

	(void)state;
	bench_start(&b, &reply, 1, &options);
	assert_int_equal(setenv("http_proxy", loopback_url(b.server), 1), 0);
	assert_true(http_fetch(b.client, &request, &b.body, &b.answer, &b.err));
	assert_int_equal(unsetenv("http_proxy"), 0);
	assert_int_equal(
		strncmp(loopback_request(b.server, 0), "GET http://mail.example.org/a ", 30), 0);
}

/* ---- signing in by the connection ---- */

/* A challenge of MS-NLMP, 2.2.1.2, with no target names: libcurl answers it. */
#define NTLM_CHALLENGE                                                                     \
	"HTTP/1.1 401 Who\r\nWWW-Authenticate: NTLM "                                      \
	"TlRMTVNTUAACAAAAAAAAADAAAAAFAogAASNFZ4mrze8AAAAAAAAAAAAAAAAwAAAAAAAAAAAAAAA=\r\n" \
	"Content-Length: 0\r\n\r\n"
#define NTLM_OPTIONS                                                                               \
	{                                                                                          \
		.login = {.kind = HTTP_LOGIN_NTLM, .user = "CONTOSO\\svc", .password = "hunter2" } \
	}

static bool
signs_in(struct bench *b, size_t index)
{
	return strcasestr(loopback_request(b->server, index), "\r\nAuthorization: NTLM ") != NULL;
}

static void
a_connection_signs_in_once_and_a_fresh_one_again(void **state)
{
	const struct loopback_reply replies[] = { { NTLM_CHALLENGE, LOOPBACK_KEEP },
		{ OK_HELLO, LOOPBACK_KEEP }, { OK_HELLO, LOOPBACK_KEEP },
		{ NTLM_CHALLENGE, LOOPBACK_KEEP }, { OK_HELLO, LOOPBACK_KEEP } };
	const struct http_options options = NTLM_OPTIONS;
	EXA_AUTO(bench_done) struct bench b;

	(void)state;
	bench_start(&b, replies, 5, &options);
	assert_true(post(&b, "one"));
	assert_true(post(&b, "two"));
	assert_int_equal(loopback_connection_count(b.server), 1);
	http_client_drop_connections(b.client);
	assert_true(post(&b, "three"));
	assert_int_equal(b.answer.status, 200);
	assert_int_equal(loopback_connection_count(b.server), 2);
	assert_int_equal(loopback_request_count(b.server), 5);
	assert_true(signs_in(&b, 0) && signs_in(&b, 1) && !signs_in(&b, 2));
	assert_true(signs_in(&b, 3) && signs_in(&b, 4));
	assert_non_null(strstr(loopback_request(b.server, 4), "three"));
	for (size_t i = 0; i < 5; i++)
		assert_null(strstr(loopback_request(b.server, i), "hunter2"));
}

static void
a_sign_in_that_hangs_is_cancelled(void **state)
{
	const struct loopback_reply replies[] = { { NTLM_CHALLENGE, LOOPBACK_KEEP },
		{ "", LOOPBACK_HANG } };
	struct cancel cancel = { .deadline_mono_ns = clock_mono_ns() + 50 * EXA_NS_PER_MS };
	struct http_options options = NTLM_OPTIONS;
	EXA_AUTO(bench_done) struct bench b;

	(void)state;
	options.cancel = &cancel;
	bench_start(&b, replies, 2, &options);
	assert_false(post(&b, "one"));
	assert_int_equal(b.err.code, EXA_CANCELLED);
	assert_null(strstr(b.err.text, "hunter2"));
}

static void
a_server_that_is_not_there_is_a_failure_that_passes(void **state)
{
	const struct loopback_reply reply = { OK_HELLO, LOOPBACK_KEEP };
	struct loopback *server = loopback_start(&reply, 1, NULL);
	EXA_AUTO(exa_freep) char *url = exa_strdup(loopback_url(server));
	const struct http_options options = { 0 };
	const struct http_request request = { .method = "GET", .url = url };
	EXA_AUTO(http_client_freep) struct http_client *client = NULL;
	EXA_AUTO(buf_done) struct buf body = { 0 };
	struct http_answer answer;
	struct exa_error err;

	(void)state;
	loopback_stop(server);
	assert_true(http_client_new(&options, &client, &err));
	assert_false(http_fetch(client, &request, &body, &answer, &err));
	assert_int_equal(err.code, EXA_UNREACHABLE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_goes_out_whole_and_unadorned),
		cmocka_unit_test(a_body_made_while_it_is_sent_goes_out_as_any_other),
		cmocka_unit_test(a_body_that_fails_on_its_way_fails_with_its_own_error),
		cmocka_unit_test(connections_are_kept_until_dropped),
		cmocka_unit_test(a_status_is_an_answer_and_its_head_is_told),
		cmocka_unit_test(a_redirect_is_not_followed),
		cmocka_unit_test(retry_after_may_be_a_date),
		cmocka_unit_test(a_retry_after_that_is_neither_counts_as_not_said),
		cmocka_unit_test(an_answer_that_is_cut_is_a_failure_that_passes),
		cmocka_unit_test(a_chunked_answer_with_trailers_is_whole),
		cmocka_unit_test(an_answer_that_stalls_ends_with_a_timeout),
		cmocka_unit_test(waiting_ends_when_it_is_cancelled),
		cmocka_unit_test(a_sink_that_fails_ends_the_request_with_its_error),
		cmocka_unit_test(a_head_without_end_is_refused),
		cmocka_unit_test(addresses_that_would_show_secrets_are_refused),
		cmocka_unit_test(a_proxy_that_refuses_is_a_failure_that_passes),
		cmocka_unit_test(a_connection_signs_in_once_and_a_fresh_one_again),
		cmocka_unit_test(a_sign_in_that_hangs_is_cancelled),
		cmocka_unit_test(plain_http_is_for_requests_without_secrets),
		cmocka_unit_test(a_server_that_is_not_there_is_a_failure_that_passes),
	};
	struct exa_error err;

	if (!http_global_init(&err))
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
