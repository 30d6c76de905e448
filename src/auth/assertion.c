/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "assertion.h"

/* A 16384-bit RSA signature, the largest OpenSSL handles. */
#define SIGNATURE_MAX 2048

/* What the two forms differ in. */
static const struct form {
	const char *alg;
	const char *thumbprint_name;
	const EVP_MD *(*thumbprint_md)(void);
	bool pss;
} forms[] = {
	[AUTH_PS256] = { "PS256", "x5t#S256", EVP_sha256, true },
	[AUTH_RS256] = { "RS256", "x5t", EVP_sha1, false },
};

/* Takes OBJECT; appends it as base64url of its compact text. */
static bool
add_json(struct buf *out, json_t *object, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	size_t size = object == NULL ? 0 : json_dumpb(object, NULL, 0, JSON_COMPACT);

	buf_reserve(&text, size);
	if (size > 0)
		text.size = json_dumpb(object, (char *)text.data, size, JSON_COMPACT);
	json_decref(object);
	if (text.size == 0)
		return exa_fail(err, EXA_AUTH,
			"the client id or token endpoint isn't UTF-8: no assertion can be made");
	buf_add_base64url(out, buf_bytes(&text));
	return true;
}

static bool
add_header(struct buf *out, const struct form *form, const X509 *certificate, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf thumbprint = { 0 };
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	if (X509_digest(certificate, form->thumbprint_md(), digest, &size) != 1) {
		ERR_clear_error();
		return exa_fail(err, EXA_AUTH, "can't hash the certificate");
	}
	buf_add_base64url(&thumbprint, bytes_of(digest, size));
	return add_json(out,
		json_pack("{s:s, s:s, s:s}", "alg", form->alg, "typ", "JWT", form->thumbprint_name,
			buf_string(&thumbprint)),
		err);
}

static bool
add_claims(struct buf *out, const struct assertion_claims *claims, struct exa_error *err)
{
	char id[HTTP_GUID_SIZE];

	http_guid(id);
	return add_json(out,
		json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "aud", claims->audience, "iss",
			claims->client_id, "sub", claims->client_id, "jti", id, "nbf",
			(json_int_t)claims->now_s, "iat", (json_int_t)claims->now_s, "exp",
			(json_int_t)(claims->now_s + ASSERTION_LIFE_S)),
		err);
}

static bool
sign(EVP_PKEY *key, bool pss, struct bytes text, uint8_t *signature, size_t *size)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *parameters; /* belongs to md */
	bool good = md != NULL && EVP_DigestSignInit(md, &parameters, EVP_sha256(), NULL, key) == 1;

	if (good && pss)
		good = EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
		       EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1 &&
		       EVP_PKEY_CTX_set_rsa_mgf1_md(parameters, EVP_sha256()) == 1;
	good = good && EVP_DigestSign(md, signature, size, text.data, text.size) == 1;
	EVP_MD_CTX_free(md);
	ERR_clear_error();
	return good;
}

bool
assertion_make(const struct app_key *key, enum auth_assertion kind,
	const struct assertion_claims *claims, struct buf *out, struct exa_error *err)
{
	const struct form *form = &forms[kind];
	uint8_t signature[SIGNATURE_MAX];
	size_t start = out->size, size = sizeof signature;

	if (!add_header(out, form, key->certificate, err))
		goto failed;
	buf_add_byte(out, '.');
	if (!add_claims(out, claims, err))
		goto failed;
	if (!sign(key->key, form->pss, bytes_skip(buf_bytes(out), start), signature, &size)) {
		(void)exa_fail(err, EXA_AUTH, "can't sign with the application's key");
		goto failed;
	}
	buf_add_byte(out, '.');
	buf_add_base64url(out, bytes_of(signature, size));
	return true;

failed:
	out->size = start;
	return false;
}
