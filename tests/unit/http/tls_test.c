/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "exarch/http.h"
#include "exarch/mem.h"

#include "certificate.h"
#include "loopback.h"

#define DAY_S (24L * 3600)

static EVP_PKEY *key;

/* Asks a server with a certificate for NAME, valid FROM..UNTIL, which is trusted or not. */
static bool
ask(const char *name, long from_s, long until_s, bool trusted, struct exa_error *err)
{
	const struct loopback_reply reply = { "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		LOOPBACK_KEEP };
	char path[] = "/tmp/exarch-tls-XXXXXX";
	int fd = mkstemp(path);
	X509 *certificate = make_certificate(key, name, from_s, until_s);
	SSL_CTX *tls = make_server_tls(key, certificate);
	struct loopback *server = loopback_start(&reply, 1, tls);
	const struct http_options options = { .tls_ca_file = trusted ? path : NULL };
	const struct http_request request = { .method = "GET", .url = loopback_url(server) };
	EXA_AUTO(http_client_freep) struct http_client *client = NULL;
	EXA_AUTO(buf_done) struct buf body = { 0 };
	struct http_answer answer;
	bool good;

	assert_true(fd >= 0);
	(void)close(fd);
	write_certificate(path, certificate);
	assert_true(http_client_new(&options, &client, err));
	good = http_fetch(client, &request, &body, &answer, err);
	loopback_stop(server);
	SSL_CTX_free(tls);
	X509_free(certificate);
	assert_int_equal(unlink(path), 0);
	return good;
}

static void
a_server_with_the_named_authority_is_trusted(void **state)
{
	struct exa_error err = { 0 };

	(void)state;
	if (!ask("localhost", -DAY_S, DAY_S, true, &err))
		fail_msg("%s", err.text);
}

static void
an_unknown_authority_is_refused_and_the_remedy_named(void **state)
{
	struct exa_error err;

	(void)state;
	assert_false(ask("localhost", -DAY_S, DAY_S, false, &err));
	assert_int_equal(err.code, EXA_AUTH);
	assert_non_null(strstr(err.text, "localhost"));
	assert_non_null(strstr(err.text, "source.tls_ca"));
}

static void
a_certificate_for_another_host_is_refused(void **state)
{
	struct exa_error err;

	(void)state;
	assert_false(ask("elsewhere.example.org", -DAY_S, DAY_S, true, &err));
	assert_int_equal(err.code, EXA_AUTH);
	assert_non_null(strstr(err.text, "another host name"));
}

static void
a_certificate_out_of_its_time_is_refused(void **state)
{
	struct exa_error err;

	(void)state;
	assert_false(ask("localhost", -2 * DAY_S, -DAY_S, true, &err));
	assert_int_equal(err.code, EXA_AUTH);
	assert_non_null(strstr(err.text, "expired"));
	assert_false(ask("localhost", DAY_S, 2 * DAY_S, true, &err));
	assert_int_equal(err.code, EXA_AUTH);
	assert_non_null(strstr(err.text, "clock"));
}

static void
an_authority_file_that_is_none_is_a_mistake_of_the_profile(void **state)
{
	const struct http_options options = { .tls_ca_file = "/nonexistent/ca.pem" };
	const struct http_request request = { .method = "GET", .url = "https://127.0.0.1:1/" };
	EXA_AUTO(http_client_freep) struct http_client *client = NULL;
	EXA_AUTO(buf_done) struct buf body = { 0 };
	struct http_answer answer;
	struct exa_error err;
	const struct loopback_reply reply = { "", LOOPBACK_CLOSE };
	X509 *certificate = make_certificate(key, "localhost", -DAY_S, DAY_S);
	SSL_CTX *tls = make_server_tls(key, certificate);
	struct loopback *server = loopback_start(&reply, 1, tls);
	struct http_request real = request;

	(void)state;
	real.url = loopback_url(server);
	assert_true(http_client_new(&options, &client, &err));
	assert_false(http_fetch(client, &real, &body, &answer, &err));
	assert_int_equal(err.code, EXA_USAGE);
	assert_non_null(strstr(err.text, "/nonexistent/ca.pem"));
	loopback_stop(server);
	SSL_CTX_free(tls);
	X509_free(certificate);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_with_the_named_authority_is_trusted),
		cmocka_unit_test(an_unknown_authority_is_refused_and_the_remedy_named),
		cmocka_unit_test(a_certificate_for_another_host_is_refused),
		cmocka_unit_test(a_certificate_out_of_its_time_is_refused),
		cmocka_unit_test(an_authority_file_that_is_none_is_a_mistake_of_the_profile),
	};
	struct exa_error err;
	int failed;

	if (!http_global_init(&err))
		return 1;
	key = make_key(2048);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	EVP_PKEY_free(key);
	return failed;
}
