/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signed statement that stands for a client secret: a JWT (RFC 7519, 7515, 7523) with the
 * claims that the Microsoft identity platform asks for ("certificate credentials").
 */
#ifndef EXARCH_AUTH_ASSERTION_H
#define EXARCH_AUTH_ASSERTION_H

#include "exarch/auth.h"

#include "key.h"

#define ASSERTION_LIFE_S 600

struct assertion_claims {
	const char *audience; /* the token endpoint's URL */
	const char *client_id;
	int64_t now_s; /* since 1970 */
};

/* Appends header.claims.signature. */
bool assertion_make(const struct app_key *key, enum auth_assertion kind,
	const struct assertion_claims *claims, struct buf *out, struct exa_error *err) EXA_CHECK;

#endif
