/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may ask: the one tenant with its one application, its credentials, the tokens issued to it,
 * and Basic. The token endpoint (token.c) issues; auth_check_* look at requests. Immutable once set
 * up, apart from the replay table, which has its own lock, and what is atomic. Any thread.
 */
#ifndef SIM_AUTH_H
#define SIM_AUTH_H

#include <pthread.h>
#include <stdatomic.h>

#include "http.h"
#include "keys.h"

#define AUTH_TENANT "27c6adff-5f0a-4b1c-9d5e-2f6b7a3c1d10"
#define AUTH_CLIENT_ID "cb9fe2cb-7a44-4f0b-8f3c-6d1e5a90b2e7"
#define AUTH_SECRET "exarch-sim~test.secret-0123456789"
#define AUTH_CERTIFICATES_MAX 8

enum auth_resource { RESOURCE_EWS, RESOURCE_GRAPH, RESOURCE_NONE };

struct replay_table;

struct auth {
	EVP_PKEY *signing_key;                     /* of access tokens; new at each start */
	X509 *certificates[AUTH_CERTIFICATES_MAX]; /* registered for the application */
	size_t certificate_count;
	_Atomic unsigned token_lifetime_s;
	_Atomic int64_t revoked_before_ns; /* tokens issued until then are good no more */
	bool grants_no_role;
	const char *app_role; /* granted instead of what is needed, with commas between; or NULL */
	int clock_skew_s;     /* our clock runs so much ahead */
	const char *basic_user, *basic_password; /* NULL: no Basic */
	const char *ntlm_user;                   /* NULL: no NTLM */
	struct ntlm_account *ntlm;
	const char *scheme; /* "https", for the endpoint's own URL */
	struct replay_table *replays;
};

/* An application has no mailbox of its own: user is "". */
struct identity {
	char user[MAILBOX_ADDRESS_MAX];
};

bool auth_init(struct auth *a, struct exa_error *err) EXA_CHECK;
void auth_done(struct auth *a);
bool auth_register(
	struct auth *a, X509 *certificate, struct exa_error *err) EXA_CHECK; /* takes it */

/* The time here, in seconds. */
int64_t auth_now_s(const struct auth *a);

/* The resource of a scope such as "https://graph.microsoft.com/.default". */
enum auth_resource auth_resource_of(const char *scope);

/* An access token for the resource, as JWT. exa_alloc'ed. */
char *auth_issue(const struct auth *a, enum auth_resource resource);

/* False: the refusal is in the answer. */
bool auth_check_ews(const struct auth *a, const struct http_request *r, struct identity *out,
	struct http_answer *answer);
/* ROLES: any of these will do; ends with NULL. */
bool auth_check_graph(const struct auth *a, const struct http_request *r, const char *const *roles,
	struct http_answer *answer);

/* Notes an assertion's id; false when it was used before and hasn't run out since. */
bool auth_use_once(struct auth *a, const char *jti, int64_t expires_s);

/* A fresh random GUID as text (37 bytes). */
void auth_guid(char *out);

#endif
