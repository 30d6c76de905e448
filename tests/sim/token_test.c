/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/rsa.h>

#include "exarch/clock.h"

#include "jwt.h"
#include "token.h"

#define ENDPOINT "https://127.0.0.1:1/" AUTH_TENANT TOKEN_PATH_END

static struct auth auth;
static struct key_pair registered, stranger;

/* What an assertion is made of; NULL and 0 stand for what is right. */
struct assertion {
	const char *what, *algorithm, *audience, *issuer, *subject, *jti;
	int64_t expires_in_s, begins_in_s;
	struct key_pair *key, *named; /* signs; is named by the thumbprint */
	bool sha1, no_expiry;
	int flip; /* this character from the end of the text is changed */
	int code; /* AADSTS wanted, 0: accepted */
};

static void
add_object(struct buf *out, json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT);

	buf_add_base64url(out, bytes_of_string(text));
	exa_free(text);
	json_decref(o);
}

static void
sign(struct buf *out, EVP_PKEY *key, bool pss)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *parameters;
	uint8_t signature[512];
	size_t size = sizeof signature;

	assert_int_equal(EVP_DigestSignInit(ctx, &parameters, EVP_sha256(), NULL, key), 1);
	if (pss) {
		assert_int_equal(
			EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING), 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, 32), 1);
	}
	assert_int_equal(EVP_DigestSign(ctx, signature, &size, out->data, out->size), 1);
	EVP_MD_CTX_free(ctx);
	buf_add_byte(out, '.');
	buf_add_base64url(out, bytes_of(signature, size));
}

static char *
make(const struct assertion *a, int number)
{
	EXA_AUTO(buf_done) struct buf out = { 0 };
	EXA_AUTO(buf_done) struct buf thumbprint = { 0 };
	const char *algorithm = a->algorithm != NULL ? a->algorithm : "PS256";
	json_int_t now = clock_wall_ns() / EXA_NS_PER_S;
	json_t *claims;
	char jti[32];

	(void)snprintf(jti, sizeof jti, "jti-%d", number);
	keys_add_thumbprint(&thumbprint, (a->named != NULL ? a->named : &registered)->certificate,
		a->sha1 ? EVP_sha1() : EVP_sha256());
	add_object(&out, json_pack("{s:s, s:s, s:s}", "alg", algorithm, "typ", "JWT",
				 a->sha1 ? "x5t" : "x5t#S256", buf_string(&thumbprint)));
	buf_add_byte(&out, '.');
	claims = json_pack("{s:s, s:s, s:s, s:s, s:I}", "aud",
		a->audience != NULL ? a->audience : ENDPOINT, "iss",
		a->issuer != NULL ? a->issuer : AUTH_CLIENT_ID, "sub",
		a->subject != NULL ? a->subject : AUTH_CLIENT_ID, "jti",
		a->jti != NULL ? a->jti : jti, "nbf", now + a->begins_in_s);
	if (!a->no_expiry)
		(void)json_object_set_new(claims, "exp",
			json_integer(now + (a->expires_in_s != 0 ? a->expires_in_s : 300)));
	add_object(&out, claims);
	sign(&out, (a->key != NULL ? a->key : &registered)->key, strcmp(algorithm, "RS256") != 0);
	if (a->flip > 0) {
		uint8_t *c = &out.data[out.size - (size_t)a->flip];

		*c = *c == 'A' ? 'B' : 'A';
	}
	return buf_steal(&out);
}

static const struct assertion assertions[] = {
	{ .what = "PS256 as it should be" },
	{ .what = "RS256 with x5t", .algorithm = "RS256", .sha1 = true },
	{ .what = "signed by another key", .key = &stranger, .code = 700027 },
	{ .what = "names another certificate",
		.named = &stranger,
		.key = &stranger,
		.code = 700027 },
	{ .what = "signature changed", .flip = 20, .code = 700027 },
	{ .what = "claims RS256, is PSS", .algorithm = "none", .code = 700027 },
	{ .what = "for another tenant",
		.audience = "https://127.0.0.1:1/other/oauth2/v2.0/token",
		.code = 50013 },
	{ .what = "another issuer", .issuer = "x", .code = 50013 },
	{ .what = "another subject", .subject = "x", .code = 50013 },
	{ .what = "expired", .expires_in_s = -3600, .code = 700024 },
	{ .what = "without end", .no_expiry = true, .code = 700024 },
	{ .what = "not yet good", .begins_in_s = 3600, .expires_in_s = 7200, .code = 700024 },
	{ .what = "without id", .jti = "", .code = 50013 },
};

static int
code_of(const char *why)
{
	return why == NULL ? 0 : (int)strtol(why, NULL, 10);
}

static void
assertions_are_judged_by_signature_and_claims(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof assertions / sizeof assertions[0]; i++) {
		EXA_AUTO(exa_freep) char *text = make(&assertions[i], (int)i);
		const char *why = token_judge_assertion(&auth, text, ENDPOINT);

		if (code_of(why) != assertions[i].code)
			fail_msg("%s: %s", assertions[i].what, why != NULL ? why : "accepted");
	}
}

static void
an_assertion_works_only_once(void **state)
{
	const struct assertion a = { .jti = "only once" };
	EXA_AUTO(exa_freep) char *text = make(&a, 0);

	(void)state;
	assert_null(token_judge_assertion(&auth, text, ENDPOINT));
	assert_int_equal(code_of(token_judge_assertion(&auth, text, ENDPOINT)), 50013);
}

static void
what_is_no_token_is_malformed(void **state)
{
	static const char *const texts[] = { "", ".", "..", "a.b.c", "e30.e30.", "e30.e30",
		"e30.W10.AA", "e30=.e30.AA", "e30.e30.A A" };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_int_equal(code_of(token_judge_assertion(&auth, texts[i], ENDPOINT)), 50012);
}

static int
set_up(void **state)
{
	struct exa_error err;

	(void)state;
	if (!auth_init(&auth, &err) || !keys_make_application(&registered, &err) ||
		!keys_make_application(&stranger, &err))
		return -1;
	(void)X509_up_ref(registered.certificate);
	return auth_register(&auth, registered.certificate, &err) ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	auth_done(&auth);
	key_pair_done(&registered);
	key_pair_done(&stranger);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(assertions_are_judged_by_signature_and_claims),
		cmocka_unit_test(an_assertion_works_only_once),
		cmocka_unit_test(what_is_no_token_is_malformed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
