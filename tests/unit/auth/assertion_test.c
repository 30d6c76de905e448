/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <openssl/rsa.h>

#include "exarch/mem.h"

#include "assertion.h"
#include "certificate.h"

#define AUDIENCE "https://login.example.org/tenant/oauth2/v2.0/token"

static struct app_key key;

struct jwt {
	json_t *header, *claims;
	struct buf signature;
	struct bytes signed_text; /* borrowed from the assertion */
};

static json_t *
read_part(const char *start, const char *end)
{
	EXA_AUTO(exa_freep) char *text = exa_strndup(start, (size_t)(end - start));
	EXA_AUTO(buf_done) struct buf plain = { 0 };

	assert_null(strpbrk(text, "+/="));
	assert_true(buf_decode_base64(&plain, text));
	return json_loadb((const char *)plain.data, plain.size, 0, NULL);
}

static void
read_jwt(struct buf *text, struct jwt *out)
{
	const char *start = buf_string(text);
	const char *dot = strchr(start, '.'), *last = strrchr(start, '.');

	*out = (struct jwt){ .header = read_part(start, dot), .claims = read_part(dot + 1, last) };
	assert_non_null(out->header);
	assert_non_null(out->claims);
	assert_true(buf_decode_base64(&out->signature, last + 1));
	out->signed_text = bytes_of(start, (size_t)(last - start));
}

static void
jwt_done(struct jwt *j)
{
	json_decref(j->header);
	json_decref(j->claims);
	buf_done(&j->signature);
}

static bool
verifies(const struct jwt *j, bool pss)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *parameters;
	EVP_PKEY *public_key = X509_get0_pubkey(key.certificate);
	int result;

	assert_int_equal(EVP_DigestVerifyInit(md, &parameters, EVP_sha256(), NULL, public_key), 1);
	if (pss) {
		assert_true(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) > 0);
		assert_true(EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, 32) > 0);
	}
	result = EVP_DigestVerify(
		md, j->signature.data, j->signature.size, j->signed_text.data, j->signed_text.size);
	EVP_MD_CTX_free(md);
	return result == 1;
}

static void
make(enum auth_assertion kind, struct buf *text, struct jwt *out)
{
	const struct assertion_claims claims = {
		.audience = AUDIENCE, .client_id = "client-1", .now_s = 1750000000
	};
	struct exa_error err;

	if (!assertion_make(&key, kind, &claims, text, &err))
		fail_msg("%s", err.text);
	read_jwt(text, out);
}

static const char *
text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static void
assert_thumbprint(const struct jwt *j, const char *name, const EVP_MD *md)
{
	EXA_AUTO(buf_done) struct buf expected = { 0 };
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned size;

	assert_int_equal(X509_digest(key.certificate, md, digest, &size), 1);
	buf_add_base64url(&expected, bytes_of(digest, size));
	assert_string_equal(text_of(j->header, name), buf_string(&expected));
}

static void
ps256_is_signed_and_names_the_certificate_by_sha_256(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(jwt_done) struct jwt j;

	(void)state;
	make(AUTH_PS256, &text, &j);
	assert_string_equal(text_of(j.header, "alg"), "PS256");
	assert_string_equal(text_of(j.header, "typ"), "JWT");
	assert_thumbprint(&j, "x5t#S256", EVP_sha256());
	assert_null(text_of(j.header, "x5t"));
	assert_true(verifies(&j, true));
	assert_false(verifies(&j, false));
}

static void
rs256_is_signed_and_names_the_certificate_by_sha_1(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(jwt_done) struct jwt j;

	(void)state;
	make(AUTH_RS256, &text, &j);
	assert_string_equal(text_of(j.header, "alg"), "RS256");
	assert_thumbprint(&j, "x5t", EVP_sha1());
	assert_null(text_of(j.header, "x5t#S256"));
	assert_true(verifies(&j, false));
	assert_false(verifies(&j, true));
}

static void
the_claims_are_those_the_identity_platform_asks_for(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(buf_done) struct buf other_text = { 0 };
	EXA_AUTO(jwt_done) struct jwt j;
	EXA_AUTO(jwt_done) struct jwt other;

	(void)state;
	make(AUTH_PS256, &text, &j);
	make(AUTH_PS256, &other_text, &other);
	assert_string_equal(text_of(j.claims, "aud"), AUDIENCE);
	assert_string_equal(text_of(j.claims, "iss"), "client-1");
	assert_string_equal(text_of(j.claims, "sub"), "client-1");
	assert_int_equal(json_integer_value(json_object_get(j.claims, "nbf")), 1750000000);
	assert_int_equal(json_integer_value(json_object_get(j.claims, "iat")), 1750000000);
	assert_int_equal(json_integer_value(json_object_get(j.claims, "exp")), 1750000600);
	assert_int_equal(strlen(text_of(j.claims, "jti")), HTTP_GUID_SIZE - 1);
	assert_string_not_equal(text_of(j.claims, "jti"), text_of(other.claims, "jti"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ps256_is_signed_and_names_the_certificate_by_sha_256),
		cmocka_unit_test(rs256_is_signed_and_names_the_certificate_by_sha_1),
		cmocka_unit_test(the_claims_are_those_the_identity_platform_asks_for),
	};
	int failed;

	key.key = make_key(2048);
	key.certificate = make_certificate(key.key, "app", -60, 3600);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	app_key_done(&key);
	return failed;
}
