/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The token endpoint: POST /{tenant}/oauth2/v2.0/token, client credentials only.
 */
#ifndef SIM_TOKEN_H
#define SIM_TOKEN_H

#include "auth.h"

#define TOKEN_PATH_END "/oauth2/v2.0/token"

void token_handle(struct auth *a, const struct http_request *r, struct http_answer *answer);

/* The checks of a client assertion against ENDPOINT; NULL: good, else the AADSTS number and text as
 * "700027: ...". For tests too. */
const char *token_judge_assertion(struct auth *a, const char *assertion, const char *endpoint);

#endif
