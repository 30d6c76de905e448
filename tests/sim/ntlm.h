/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NTLMv2, the server's side of it: a connection is challenged, proves that it knows the password,
 * and is signed in from then on (MS-NLMP). No session security: HTTP uses none.
 */
#ifndef SIM_NTLM_H
#define SIM_NTLM_H

#include "exarch/bytes.h"
#include "exarch/error.h"

/* Of one connection; all zero at its begin. One request at a time. */
struct ntlm_peer {
	uint8_t challenge[8];
	bool is_challenged, is_signed_in;
};

struct ntlm_account;

/* USER as "user", "DOMAIN\\user" or "user@domain". Fails when OpenSSL comes without MD4 (its legacy
 * provider). */
bool ntlm_new(const char *user, const char *password, struct ntlm_account **out,
	struct exa_error *err) EXA_CHECK;
void ntlm_free(struct ntlm_account *a); /* NULL is fine */

/* The message that challenges the connection, in base64; noted in PEER. exa_alloc'ed. */
char *ntlm_challenge(struct ntlm_peer *peer);

/* Is MESSAGE the first of the handshake (negotiate)? */
bool ntlm_is_first(struct bytes message);
/* Does the last one (authenticate) prove that its sender knows the password? */
bool ntlm_is_good(const struct ntlm_account *a, const struct ntlm_peer *peer, struct bytes message);

#endif
