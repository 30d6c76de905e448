/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/pem.h>

#include "exarch/auth.h"
#include "exarch/fs.h"
#include "exarch/mem.h"

#include "certificate.h"
#include "loopback.h"

#define SCOPE "https://outlook.example.org/.default"
#define OTHER_SCOPE "https://graph.example.org/.default"
#define HOUR_S 3600L
#define DAY_S (24 * HOUR_S)

static char folder[] = "/tmp/exarch-auth-XXXXXX";
static char *key_path, *certificate_path, *secret_path;
static EVP_PKEY *key;

static char *
path_of(const char *name)
{
	return fs_join(folder, name);
}

static void
write_file(const char *path, const char *text, unsigned mode)
{
	struct exa_error err;

	if (!fs_write_file(path, bytes_of_string(text), 0600, &err))
		fail_msg("%s", err.text);
	assert_int_equal(chmod(path, (mode_t)mode), 0);
}

/* ---- opening ---- */

static bool
open_with(const char *certificate_file, const char *key_file, struct auth **out,
	struct exa_error *err)
{
	const struct auth_config config = { .kind = AUTH_APP_CERTIFICATE,
		.token_endpoint = "https://login.example.org",
		.tenant = "contoso.example.org",
		.client_id = "client-1",
		.certificate_file = certificate_file,
		.key_file = key_file };

	return auth_open(&config, out, err);
}

static void
assert_open_fails(const char *certificate_file, const char *key_file, const char *word)
{
	struct auth *auth = NULL;
	struct exa_error err;

	assert_false(open_with(certificate_file, key_file, &auth, &err));
	assert_int_equal(err.code, EXA_AUTH);
	assert_null(auth);
	if (strstr(err.text, word) == NULL)
		fail_msg("no '%s' in: %s", word, err.text);
}

static void
a_key_pair_is_accepted_as_pem_or_der(void **state)
{
	EXA_AUTO(exa_freep) char *der_path = path_of("app.cer");
	struct auth *auth = NULL;
	struct exa_error err;
	unsigned char *der = NULL;
	X509 *certificate = make_certificate(key, "app", -HOUR_S, 10 * DAY_S + HOUR_S);
	int size = i2d_X509(certificate, &der);

	(void)state;
	assert_true(open_with(certificate_path, key_path, &auth, &err));
	assert_int_equal(auth_certificate_days(auth), 9);
	auth_freep(&auth);
	assert_true(fs_write_file(der_path, bytes_of(der, (size_t)size), 0644, &err));
	if (!open_with(der_path, key_path, &auth, &err))
		fail_msg("%s", err.text);
	assert_int_equal(auth_certificate_days(auth), 10);
	auth_free(auth);
	OPENSSL_free(der);
	X509_free(certificate);
}

static void
a_key_that_others_can_read_is_refused(void **state)
{
	EXA_AUTO(exa_freep) char *path = path_of("open.key");

	(void)state;
	write_key(path, key, 0644);
	assert_open_fails(certificate_path, path, "chmod 600");
	assert_open_fails(certificate_path, path, "open.key");
	write_key(path, key, 0620);
	assert_open_fails(certificate_path, path, "chmod 600");
}

static void
key_material_that_can_not_work_is_refused_with_the_reason(void **state)
{
	EXA_AUTO(exa_freep) char *other_key = path_of("other.key");
	EXA_AUTO(exa_freep) char *bad = path_of("bad.pem");
	EXA_AUTO(exa_freep) char *ec = path_of("ec.key");
	EXA_AUTO(exa_freep) char *small = path_of("small.key");
	EVP_PKEY *other = make_key(2048), *ec_key = EVP_EC_gen("P-256"),
		 *small_key = make_key(1024);

	(void)state;
	write_key(other_key, other, 0600);
	write_key(ec, ec_key, 0600);
	write_key(small, small_key, 0600);
	write_file(bad, "nothing", 0600);
	assert_open_fails(certificate_path, other_key, "don't belong together");
	assert_open_fails(certificate_path, bad, "no private key");
	assert_open_fails(bad, key_path, "no certificate");
	assert_open_fails("/nonexistent/app.crt", key_path, "/nonexistent/app.crt");
	assert_open_fails(certificate_path, "/nonexistent/app.key", "/nonexistent/app.key");
	assert_open_fails(certificate_path, folder, "not a file");
	assert_open_fails(certificate_path, ec, "RSA");
	assert_open_fails(certificate_path, small, "2048");
	EVP_PKEY_free(other);
	EVP_PKEY_free(ec_key);
	EVP_PKEY_free(small_key);
}

static void
an_encrypted_key_is_refused_without_asking_for_a_passphrase(void **state)
{
	EXA_AUTO(exa_freep) char *path = path_of("encrypted.key");
	FILE *f = fopen(path, "w");
	unsigned char passphrase[] = "secret";

	(void)state;
	assert_int_equal(
		PEM_write_PKCS8PrivateKey(f, key, EVP_aes_128_cbc(), NULL, 0, NULL, passphrase), 1);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0600), 0);
	assert_open_fails(certificate_path, path, "encrypted");
}

static void
a_certificate_out_of_its_time_is_refused_with_the_date(void **state)
{
	EXA_AUTO(exa_freep) char *path = path_of("old.crt");
	X509 *expired = make_certificate(key, "app", -2 * DAY_S, -DAY_S);
	X509 *early = make_certificate(key, "app", DAY_S, 2 * DAY_S);

	(void)state;
	write_certificate(path, expired);
	assert_open_fails(path, key_path, "expired on 20");
	write_certificate(path, early);
	assert_open_fails(path, key_path, "isn't valid before 20");
	X509_free(expired);
	X509_free(early);
}

/* ---- secrets ---- */

static bool
basic_header(const char *file, const char *command, struct buf *header, struct exa_error *err)
{
	const struct auth_config config = { .kind = AUTH_BASIC,
		.user = "CONTOSO\\svc",
		.password_file = file,
		.password_command = command };
	EXA_AUTO(auth_freep) struct auth *auth = NULL;

	if (!auth_open(&config, &auth, err))
		return false;
	assert_int_equal(auth_certificate_days(auth), INT32_MAX);
	assert_false(auth_refused(auth, SCOPE, "Basic x"));
	return auth_header(auth, SCOPE, NULL, header, err);
}

static void
a_password_comes_from_the_first_line_of_a_file_or_command(void **state)
{
	EXA_AUTO(buf_done) struct buf from_file = { 0 };
	EXA_AUTO(buf_done) struct buf from_command = { 0 };
	struct exa_error err;

	(void)state;
	write_file(secret_path, "hunter2\r\nsecond line\n", 0600);
	assert_true(basic_header(secret_path, NULL, &from_file, &err));
	/* base64 of CONTOSO\svc:hunter2 */
	assert_string_equal(buf_string(&from_file), "Basic Q09OVE9TT1xzdmM6aHVudGVyMg==");
	if (!basic_header(NULL, "echo hunter2; echo more", &from_command, &err))
		fail_msg("%s", err.text);
	assert_string_equal(buf_string(&from_command), buf_string(&from_file));
}

/* The connection does it; a header would show the password to each proxy of the server's. */
static void
ntlm_and_negotiate_send_no_header(void **state)
{
	static const struct {
		struct auth_config config;
		enum http_login_kind login;
	} cases[] = {
		{ { .kind = AUTH_NTLM, .user = "CONTOSO\\svc", .password_command = "echo hunter2" },
			HTTP_LOGIN_NTLM },
		{ { .kind = AUTH_NEGOTIATE }, HTTP_LOGIN_NEGOTIATE },
		{ { .kind = AUTH_BASIC, .user = "svc", .password_command = "echo hunter2" },
			HTTP_LOGIN_NONE },
	};
	struct exa_error err;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(auth_freep) struct auth *auth = NULL;
		EXA_AUTO(buf_done) struct buf header = { 0 };
		struct http_login login;

		assert_true(auth_open(&cases[i].config, &auth, &err));
		assert_true(auth_header(auth, SCOPE, NULL, &header, &err));
		auth_login(auth, &login);
		assert_int_equal(login.kind, cases[i].login);
		assert_int_equal(header.size == 0, login.kind != HTTP_LOGIN_NONE);
		assert_false(auth_refused(auth, SCOPE, buf_string(&header)));
		if (login.kind == HTTP_LOGIN_NTLM) {
			assert_string_equal(login.user, "CONTOSO\\svc");
			assert_string_equal(login.password, "hunter2");
		}
	}
}

/* libcurl would send another password, and another is a wrong one. */
static void
ntlm_refuses_what_it_can_not_carry(void **state)
{
	const struct auth_config configs[] = {
		{ .kind = AUTH_NTLM, .user = "svc", .password_command = "printf 'gr\\303\\266n'" },
		{ .kind = AUTH_NTLM, .user = "j\303\266rg", .password_command = "echo hunter2" },
	};
	struct auth *auth = NULL;
	struct exa_error err;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_false(auth_open(&configs[i], &auth, &err));
		assert_int_equal(err.code, EXA_USAGE);
		assert_non_null(strstr(err.text, "ASCII"));
		assert_null(strstr(err.text, "hunter2"));
	}
}

static void
secrets_that_can_not_be_had_are_told_without_telling_them(void **state)
{
	static const struct {
		const char *command;
		const char *word;
	} cases[] = {
		{ "echo hunter2; exit 3", "exit status 3" },
		{ "kill -9 $$", "signal 9" },
		{ "true", "empty" },
		{ "/nonexistent/command", "exit status 127" },
	};
	EXA_AUTO(buf_done) struct buf header = { 0 };
	struct exa_error err;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_false(basic_header(NULL, cases[i].command, &header, &err));
		assert_int_equal(err.code, EXA_AUTH);
		assert_non_null(strstr(err.text, cases[i].word));
		assert_null(strstr(err.text, "hunter2"));
	}
	write_file(secret_path, "\nhunter2\n", 0600);
	assert_false(basic_header(secret_path, NULL, &header, &err));
	assert_int_equal(err.code, EXA_AUTH);
	assert_null(strstr(err.text, "hunter2"));
	write_file(secret_path, "hunter2\n", 0644);
	assert_false(basic_header(secret_path, NULL, &header, &err));
	assert_int_equal(err.code, EXA_AUTH);
	assert_false(basic_header(NULL, NULL, &header, &err));
	assert_int_equal(err.code, EXA_USAGE);
	assert_false(basic_header(secret_path, "echo x", &header, &err));
	assert_int_equal(err.code, EXA_USAGE);
}

static void
a_command_with_much_output_ends_and_gives_its_first_line(void **state)
{
	EXA_AUTO(buf_done) struct buf header = { 0 };
	struct exa_error err;

	(void)state;
	assert_true(basic_header(NULL, "echo hunter2; head -c 1000000 /dev/zero", &header, &err));
	assert_string_equal(buf_string(&header), "Basic Q09OVE9TT1xzdmM6aHVudGVyMg==");
}

/* ---- tokens ---- */

#define TOKEN(name, life)                                                                         \
	{                                                                                         \
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 57\r\n\r\n" \
		"{\"access_token\":\"" name "\",\"expires_in\":" life ",\"pad\":\"xx\"}",         \
			LOOPBACK_KEEP                                                             \
	}
#define REFUSAL                                                                             \
	{                                                                                   \
		"HTTP/1.1 401 No\r\nContent-Length: 25\r\n\r\n{\"error_codes\":[7000215]}", \
			LOOPBACK_KEEP                                                       \
	}

struct bench {
	struct loopback *server;
	struct http_client *http;
	struct auth *auth;
};

static void
bench_start(struct bench *b, const struct loopback_reply *replies, size_t count, bool certificate)
{
	struct auth_config config = { .kind = certificate ? AUTH_APP_CERTIFICATE : AUTH_APP_SECRET,
		.tenant = "contoso.example.org",
		.client_id = "client-1" };
	const struct http_options options = { 0 };
	struct exa_error err;

	b->server = loopback_start(replies, count, NULL);
	config.token_endpoint = loopback_url(b->server);
	if (certificate) {
		config.certificate_file = certificate_path;
		config.key_file = key_path;
	} else {
		write_file(secret_path, "s3cret&=\n", 0600);
		config.secret_file = secret_path;
	}
	if (!auth_open(&config, &b->auth, &err) || !http_client_new(&options, &b->http, &err))
		fail_msg("%s", err.text);
}

static void
bench_done(struct bench *b)
{
	auth_free(b->auth);
	http_client_free(b->http);
	loopback_stop(b->server);
}

static void
assert_header(struct bench *b, const char *scope, const char *expected)
{
	EXA_AUTO(buf_done) struct buf header = { 0 };
	struct exa_error err;

	if (!auth_header(b->auth, scope, b->http, &header, &err))
		fail_msg("%s", err.text);
	assert_string_equal(buf_string(&header), expected);
}

static void
a_token_is_fetched_once_for_each_scope(void **state)
{
	const struct loopback_reply replies[] = { TOKEN("token-one", "3600"),
		TOKEN("token-two", "3600") };
	EXA_AUTO(bench_done) struct bench b;

	(void)state;
	bench_start(&b, replies, 2, false);
	assert_header(&b, SCOPE, "Bearer token-one");
	assert_header(&b, SCOPE, "Bearer token-one");
	assert_header(&b, OTHER_SCOPE, "Bearer token-two");
	assert_header(&b, SCOPE, "Bearer token-one");
	assert_int_equal(loopback_request_count(b.server), 2);
}

static void
a_secret_is_sent_as_a_form_field(void **state)
{
	const struct loopback_reply replies[] = { TOKEN("token-one", "3600") };
	EXA_AUTO(bench_done) struct bench b;
	const char *sent;

	(void)state;
	bench_start(&b, replies, 1, false);
	assert_header(&b, SCOPE, "Bearer token-one");
	sent = loopback_request(b.server, 0);
	assert_int_equal(
		strncmp(sent, "POST /contoso.example.org/oauth2/v2.0/token HTTP/1.1\r\n", 54), 0);
	assert_non_null(strstr(sent, "Content-Type: application/x-www-form-urlencoded\r\n"));
	assert_string_equal(strstr(sent, "\r\n\r\n") + 4,
		"client_id=client-1&scope=https%3A%2F%2Foutlook.example.org%2F.default&"
		"grant_type=client_credentials&client_secret=s3cret%26%3D");
}

static void
a_certificate_is_sent_as_an_assertion(void **state)
{
	const struct loopback_reply replies[] = { TOKEN("token-one", "3600") };
	EXA_AUTO(bench_done) struct bench b;
	const char *sent;

	(void)state;
	bench_start(&b, replies, 1, true);
	assert_header(&b, SCOPE, "Bearer token-one");
	sent = loopback_request(b.server, 0);
	assert_non_null(strstr(sent, "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-"
				     "assertion-type%3Ajwt-bearer&client_assertion=ey"));
	assert_null(strstr(sent, "client_secret"));
}

static void
a_refused_token_is_renewed_once_however_many_report_it(void **state)
{
	const struct loopback_reply replies[] = { TOKEN("token-one", "3600"),
		TOKEN("token-two", "3600"), TOKEN("token-3rd", "3600") };
	EXA_AUTO(bench_done) struct bench b;

	(void)state;
	bench_start(&b, replies, 3, false);
	assert_header(&b, SCOPE, "Bearer token-one");
	assert_true(auth_refused(b.auth, SCOPE, "Bearer token-one"));
	assert_true(auth_refused(b.auth, SCOPE, "Bearer token-one"));
	assert_header(&b, SCOPE, "Bearer token-two");
	assert_true(auth_refused(b.auth, SCOPE, "Bearer token-one")); /* a late reporter */
	assert_header(&b, SCOPE, "Bearer token-two");
	assert_int_equal(loopback_request_count(b.server), 2);
	assert_true(auth_refused(b.auth, SCOPE, "Bearer token-two"));
	assert_header(&b, SCOPE, "Bearer token-3rd");
	/* Two replacements were refused: another would be no better. */
	assert_false(auth_refused(b.auth, SCOPE, "Bearer token-3rd"));
	assert_int_equal(loopback_request_count(b.server), 3);
}

static void
a_replacement_that_was_good_may_be_replaced_as_well(void **state)
{
	const struct loopback_reply replies[] = { TOKEN("token-one", "3600"),
		TOKEN("token-two", "3600"), TOKEN("token-3rd", "3600"),
		TOKEN("token-4th", "3600") };
	EXA_AUTO(bench_done) struct bench b;

	(void)state;
	bench_start(&b, replies, 4, false);
	assert_header(&b, SCOPE, "Bearer token-one");
	assert_true(auth_refused(b.auth, SCOPE, "Bearer token-one"));
	assert_header(&b, SCOPE, "Bearer token-two");
	assert_true(auth_refused(b.auth, SCOPE, "Bearer token-two"));
	assert_header(&b, SCOPE, "Bearer token-3rd");
	auth_accepted(b.auth, SCOPE, "Bearer token-one"); /* an answer that comes late */
	assert_false(auth_refused(b.auth, SCOPE, "Bearer token-3rd"));
	auth_accepted(b.auth, SCOPE, "Bearer token-3rd");
	assert_true(auth_refused(b.auth, SCOPE, "Bearer token-3rd"));
	assert_header(&b, SCOPE, "Bearer token-4th");
}

static void
a_token_near_its_end_is_renewed(void **state)
{
	EXA_AUTO(bench_done) struct bench b;
	const struct loopback_reply replies[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 43\r\n\r\n"
		  "{\"access_token\":\"token-one\",\"expires_in\":0}",
			LOOPBACK_KEEP },
		TOKEN("token-two", "3600")
	};

	(void)state;
	bench_start(&b, replies, 2, false);
	assert_header(&b, SCOPE, "Bearer token-one");
	assert_header(&b, SCOPE, "Bearer token-two");
}

static void
a_failed_sign_in_says_what_to_do_and_no_secret(void **state)
{
	const struct loopback_reply replies[] = { REFUSAL };
	EXA_AUTO(bench_done) struct bench b;
	EXA_AUTO(buf_done) struct buf header = { 0 };
	struct exa_error err;

	(void)state;
	bench_start(&b, replies, 1, false);
	assert_false(auth_header(b.auth, SCOPE, b.http, &header, &err));
	assert_int_equal(err.code, EXA_AUTH);
	assert_string_equal(err.name, "AADSTS7000215");
	assert_int_equal(header.size, 0);
	assert_null(strstr(err.text, "s3cret"));
	assert_false(auth_token_roles(b.auth, SCOPE, &header));
}

static void *
get_header(void *ctx)
{
	const struct bench *shared = ctx;
	struct bench own = *shared;
	const struct http_options options = { 0 };
	struct exa_error err;

	if (!http_client_new(&options, &own.http, &err))
		return NULL;
	assert_header(&own, SCOPE, "Bearer token-one");
	http_client_free(own.http);
	return ctx;
}

static void
many_threads_share_one_fetch(void **state)
{
	enum { THREADS = 8 };
	const struct loopback_reply replies[] = { TOKEN("token-one", "3600") };
	EXA_AUTO(bench_done) struct bench b;
	pthread_t threads[THREADS];
	void *result;

	(void)state;
	bench_start(&b, replies, 1, false);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, get_header, &b), 0);
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_non_null(result);
	}
	assert_int_equal(loopback_request_count(b.server), 1);
}

/* ---- the folder ---- */

static int
make_files(void **state)
{
	X509 *certificate;

	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	key_path = path_of("app.key");
	certificate_path = path_of("app.crt");
	secret_path = path_of("secret");
	key = make_key(2048);
	certificate = make_certificate(key, "app", -HOUR_S, 9 * DAY_S + HOUR_S);
	write_key(key_path, key, 0600);
	write_certificate(certificate_path, certificate);
	X509_free(certificate);
	return 0;
}

static int
remove_files(void **state)
{
	EXA_AUTO(exa_freep) char *command = exa_asprintf("rm -r %s", folder);

	(void)state;
	exa_free(key_path);
	exa_free(certificate_path);
	exa_free(secret_path);
	EVP_PKEY_free(key);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_pair_is_accepted_as_pem_or_der),
		cmocka_unit_test(a_key_that_others_can_read_is_refused),
		cmocka_unit_test(key_material_that_can_not_work_is_refused_with_the_reason),
		cmocka_unit_test(an_encrypted_key_is_refused_without_asking_for_a_passphrase),
		cmocka_unit_test(a_certificate_out_of_its_time_is_refused_with_the_date),
		cmocka_unit_test(a_password_comes_from_the_first_line_of_a_file_or_command),
		cmocka_unit_test(ntlm_and_negotiate_send_no_header),
		cmocka_unit_test(ntlm_refuses_what_it_can_not_carry),
		cmocka_unit_test(secrets_that_can_not_be_had_are_told_without_telling_them),
		cmocka_unit_test(a_command_with_much_output_ends_and_gives_its_first_line),
		cmocka_unit_test(a_token_is_fetched_once_for_each_scope),
		cmocka_unit_test(a_secret_is_sent_as_a_form_field),
		cmocka_unit_test(a_certificate_is_sent_as_an_assertion),
		cmocka_unit_test(a_refused_token_is_renewed_once_however_many_report_it),
		cmocka_unit_test(a_replacement_that_was_good_may_be_replaced_as_well),
		cmocka_unit_test(a_token_near_its_end_is_renewed),
		cmocka_unit_test(a_failed_sign_in_says_what_to_do_and_no_secret),
		cmocka_unit_test(many_threads_share_one_fetch),
	};
	struct exa_error err;

	if (!http_global_init(&err))
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
