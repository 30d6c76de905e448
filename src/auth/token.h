/* SPDX-License-Identifier: Apache-2.0 */
/* One access token: asked for with client credentials, and what the answer means. */
#ifndef EXARCH_AUTH_TOKEN_H
#define EXARCH_AUTH_TOKEN_H

#include "exarch/auth.h"

#include "key.h"

/* Tokens are 1.5 to 4 KB; servers refuse headers beyond 16 to 64 KB. */
#define TOKEN_MAX ((size_t)32 * 1024)

struct token_source {
	char *url; /* of the token endpoint */
	char *client_id;
	char *secret; /* or NULL: then key */
	struct app_key key;
	enum auth_assertion assertion;
};

struct token {
	char *text;
	int64_t life_s;
};

bool token_fetch(const struct token_source *source, const char *scope, struct http_client *http,
	struct token *out, struct exa_error *err) EXA_CHECK;

/* Reads BODY, answered with STATUS. */
bool token_read_answer(const struct http_answer *answer, struct buf *body, struct token *out,
	struct exa_error *err) EXA_CHECK;

/* The claims of a JWT; false when they can't be read. */
bool token_claims(const char *token, struct auth_claims *out);

/* The roles claim of a JWT, joined with ", "; false when it can't be read. */
bool token_roles(const char *token, struct buf *out);

#endif
