/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <openssl/rsa.h>

#include "exarch/mem.h"

#include "jwt.h"

static bool
decode_part(const char *text, size_t size, struct buf *out)
{
	EXA_AUTO(exa_freep) char *part = exa_strndup(text, size);

	return size > 0 &&
	       strspn(part, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			    "0123456789-_") == size &&
	       buf_decode_base64(out, part);
}

static json_t *
read_object(const char *text, size_t size)
{
	EXA_AUTO(buf_done) struct buf raw = { 0 };
	json_t *o;

	if (!decode_part(text, size, &raw))
		return NULL;
	o = json_loadb((const char *)raw.data, raw.size, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(o)) {
		json_decref(o);
		return NULL;
	}
	return o;
}

bool
jwt_read(const char *text, struct jwt *out)
{
	struct jwt j = { 0 };
	size_t header = strcspn(text, "."), claims;
	const char *rest = text + header;

	if (strlen(text) > JWT_TEXT_MAX || *rest == '\0')
		return false;
	claims = strcspn(++rest, ".");
	if (rest[claims] == '\0')
		return false;
	j.header = read_object(text, header);
	j.claims = read_object(rest, claims);
	buf_add(&j.signed_part, text, header + 1 + claims);
	rest += claims + 1;
	if (j.header == NULL || j.claims == NULL ||
		!decode_part(rest, strlen(rest), &j.signature)) {
		jwt_done(&j);
		return false;
	}
	*out = j;
	return true;
}

void
jwt_done(struct jwt *j)
{
	json_decref(j->header);
	json_decref(j->claims);
	buf_done(&j->signed_part);
	buf_done(&j->signature);
	*j = (struct jwt){ 0 };
}

const char *
jwt_text(const json_t *part, const char *name)
{
	const char *text = json_string_value(json_object_get(part, name));

	return text != NULL ? text : "";
}

json_int_t
jwt_number(const json_t *part, const char *name)
{
	return json_integer_value(json_object_get(part, name));
}

bool
jwt_is_signed_by(const struct jwt *j, EVP_PKEY *key)
{
	const char *algorithm = jwt_text(j->header, "alg");
	bool pss = strcmp(algorithm, "PS256") == 0;
	EVP_MD_CTX *ctx;
	EVP_PKEY_CTX *parameters;
	bool good;

	if ((!pss && strcmp(algorithm, "RS256") != 0) || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
		return false;
	ctx = EVP_MD_CTX_new();
	good = EVP_DigestVerifyInit(ctx, &parameters, EVP_sha256(), NULL, key) == 1 &&
	       (!pss || (EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
				EVP_PKEY_CTX_set_rsa_pss_saltlen(
					parameters, RSA_PSS_SALTLEN_DIGEST) == 1)) &&
	       EVP_DigestVerify(ctx, j->signature.data, j->signature.size, j->signed_part.data,
		       j->signed_part.size) == 1;
	EVP_MD_CTX_free(ctx);
	return good;
}

static void
add_object(struct buf *out, json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT);

	buf_add_base64url(out, bytes_of_string(text));
	exa_free(text);
	json_decref(o);
}

char *
jwt_make(json_t *header, json_t *claims, EVP_PKEY *key)
{
	EXA_AUTO(buf_done) struct buf out = { 0 };
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t signature[512];
	size_t size = sizeof signature;

	add_object(&out, header);
	buf_add_byte(&out, '.');
	add_object(&out, claims);
	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 ||
		EVP_DigestSign(ctx, signature, &size, out.data, out.size) != 1)
		size = 0;
	EVP_MD_CTX_free(ctx);
	buf_add_byte(&out, '.');
	buf_add_base64url(&out, bytes_of(signature, size));
	return buf_steal(&out);
}
