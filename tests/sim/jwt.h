/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Web Tokens, both ways: client assertions are checked, access tokens made and checked again.
 * Only PS256 and RS256 exist here; "none" and the HMAC kinds are no signature.
 */
#ifndef SIM_JWT_H
#define SIM_JWT_H

#include <jansson.h>
#include <openssl/evp.h>

#include "exarch/bytes.h"

#define JWT_TEXT_MAX (32 * 1024)

struct jwt {
	json_t *header, *claims;
	struct buf signed_part, signature;
};

/* Three base64url parts, the first two JSON objects; says nothing of the signature. */
bool jwt_read(const char *text, struct jwt *out) EXA_CHECK;
void jwt_done(struct jwt *j);
bool jwt_is_signed_by(const struct jwt *j, EVP_PKEY *key) EXA_CHECK;
/* "" when it isn't there or is no text. Borrowed. */
const char *jwt_text(const json_t *part, const char *name);
json_int_t jwt_number(const json_t *part, const char *name); /* 0 when it isn't there */

/* Signs with RS256; takes both objects. exa_alloc'ed. */
char *jwt_make(json_t *header, json_t *claims, EVP_PKEY *key);

#endif
