/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "exarch/clock.h"

#include "auth.h"
#include "jwt.h"

#define OBJECT_ID "5b0b1d7e-3c57-4d55-8a0e-90c1c1f0a7d4"
#define REPLAYS_MAX 65536 /* assertions live minutes; the oldest give way */

static const char *const audiences[] = {
	[RESOURCE_EWS] = "https://outlook.office365.com",
	[RESOURCE_GRAPH] = "https://graph.microsoft.com",
};

struct replay {
	uint64_t id;
	int64_t expires_s;
};

struct replay_table {
	pthread_mutex_t mu;
	struct replay *rows; /* under mu */
	size_t count, next;
};

void
auth_guid(char *out)
{
	uint8_t raw[16];
	char hex[33];

	(void)RAND_bytes(raw, sizeof raw);
	raw[6] = (uint8_t)(0x40 | (raw[6] & 0x0f));
	raw[8] = (uint8_t)(0x80 | (raw[8] & 0x3f));
	hex_encode(bytes_of(raw, sizeof raw), hex);
	(void)snprintf(
		out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

bool
auth_init(struct auth *a, struct exa_error *err)
{
	*a = (struct auth){
		.signing_key = keys_make_rsa(), .token_lifetime_s = 3599, .scheme = "https"
	};
	if (a->signing_key == NULL)
		return exa_fail(err, EXA_FAILED, "can't make a signing key");
	a->replays = exa_alloc(sizeof *a->replays);
	(void)pthread_mutex_init(&a->replays->mu, NULL);
	a->replays->rows = exa_alloc_array(REPLAYS_MAX, sizeof *a->replays->rows);
	return true;
}

void
auth_done(struct auth *a)
{
	EVP_PKEY_free(a->signing_key);
	ntlm_free(a->ntlm);
	for (size_t i = 0; i < a->certificate_count; i++)
		X509_free(a->certificates[i]);
	if (a->replays != NULL) {
		(void)pthread_mutex_destroy(&a->replays->mu);
		exa_free(a->replays->rows);
		exa_free(a->replays);
	}
	*a = (struct auth){ 0 };
}

bool
auth_register(struct auth *a, X509 *certificate, struct exa_error *err)
{
	if (a->certificate_count == AUTH_CERTIFICATES_MAX) {
		X509_free(certificate);
		return exa_fail(err, EXA_LIMIT, "more than %d certificates", AUTH_CERTIFICATES_MAX);
	}
	a->certificates[a->certificate_count++] = certificate;
	return true;
}

int64_t
auth_now_s(const struct auth *a)
{
	return clock_wall_ns() / EXA_NS_PER_S + a->clock_skew_s;
}

bool
auth_use_once(struct auth *a, const char *jti, int64_t expires_s)
{
	struct replay_table *t = a->replays;
	uint64_t id = stable_hash("jti", bytes_of_string(jti), bytes_of(NULL, 0));
	int64_t now_s = auth_now_s(a);
	bool fresh = true;

	(void)pthread_mutex_lock(&t->mu);
	for (size_t i = 0; i < t->count && fresh; i++)
		fresh = t->rows[i].id != id || t->rows[i].expires_s < now_s;
	if (fresh) {
		t->rows[t->next] = (struct replay){ id, expires_s };
		t->next = (t->next + 1) % REPLAYS_MAX;
		t->count += t->count < REPLAYS_MAX;
	}
	(void)pthread_mutex_unlock(&t->mu);
	return fresh;
}

enum auth_resource
auth_resource_of(const char *scope)
{
	static const struct {
		const char *scope;
		enum auth_resource resource;
	} known[] = {
		{ "https://outlook.office365.com/.default", RESOURCE_EWS },
		{ "https://outlook.office.com/.default", RESOURCE_EWS },
		{ "https://graph.microsoft.com/.default", RESOURCE_GRAPH },
	};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (strcmp(known[i].scope, scope) == 0)
			return known[i].resource;
	}
	return RESOURCE_NONE;
}

/* "A,B" as ["A", "B"]. */
static json_t *
list_of(const char *words)
{
	json_t *list = json_array();

	for (const char *p = words; *p != '\0'; p += *p == ',') {
		size_t size = strcspn(p, ",");

		(void)json_array_append_new(list, json_stringn(p, size));
		p += size;
	}
	return list;
}

char *
auth_issue(const struct auth *a, enum auth_resource resource)
{
	json_int_t now_ns = clock_wall_ns(), now = auth_now_s(a);
	const char *needed = resource == RESOURCE_EWS ? "full_access_as_app" : "Directory.Read.All";
	const char *role = a->app_role != NULL ? a->app_role : needed;
	json_t *claims = json_pack("{s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:s}", "aud",
		audiences[resource], "iss", "https://sts.windows.net/" AUTH_TENANT "/", "iat", now,
		"nbf", now - 5, "exp", now + (json_int_t)a->token_lifetime_s, "appid",
		AUTH_CLIENT_ID, "idtyp", "app", "oid", OBJECT_ID, "tid", AUTH_TENANT, "ver", "1.0");

	(void)json_object_set_new(claims, "iat_ns", json_integer(now_ns)); /* finer than iat */
	if (!a->grants_no_role)
		(void)json_object_set_new(claims, "roles", list_of(role));
	return jwt_make(
		json_pack("{s:s, s:s, s:s}", "typ", "JWT", "alg", "RS256", "kid", "exarch-sim-1"),
		claims, a->signing_key);
}

/* What is wrong with a bearer token, in the terms of x-ms-diagnostics. */
struct refusal {
	int id; /* 0: nothing */
	const char *category, *reason;
};

/* One of WANTED, which ends with NULL. */
static bool
has_role(const struct jwt *j, const char *const *wanted)
{
	json_t *roles = json_object_get(j->claims, "roles"), *entry;
	size_t i;

	for (; *wanted != NULL; wanted++) {
		json_array_foreach(roles, i, entry)
		{
			if (json_is_string(entry) && strcmp(json_string_value(entry), *wanted) == 0)
				return true;
		}
	}
	return false;
}

static struct refusal
judge(const struct auth *a, const struct jwt *j, enum auth_resource resource,
	const char *const *roles)
{
	int64_t now_s = auth_now_s(a);

	if (!jwt_is_signed_by(j, a->signing_key))
		return (struct refusal){ 2000000, "invalid_signature",
			"The token has an invalid signature." };
	if (jwt_number(j->claims, "exp") <= now_s)
		return (struct refusal){ 2000002, "token_expired",
			"The token has expired and can not be used." };
	if (jwt_number(j->claims, "iat_ns") <= atomic_load(&a->revoked_before_ns))
		return (struct refusal){ 2000002, "token_expired",
			"The token was revoked and can not be used." };
	if (strcmp(jwt_text(j->claims, "aud"), audiences[resource]) != 0)
		return (struct refusal){ 2000003, "invalid_resource",
			"The audience claim value is invalid for the current resource." };
	if (!has_role(j, roles))
		return (struct refusal){
			2000008, "invalid_grant",
			"The token contains no permissions, or permissions can not be understood."
		};
	return (struct refusal){ 0 };
}

static const char *
bearer_of(const struct http_request *r)
{
	const char *value = http_header(r, "Authorization");

	return value != NULL && strncasecmp(value, "Bearer ", 7) == 0 ? value + 7 : NULL;
}

static struct refusal
check_bearer(const struct auth *a, const char *token, enum auth_resource resource,
	const char *const *roles)
{
	struct refusal why = { 2000001, "invalid_token", "The token is malformed." };
	struct jwt j;

	if (jwt_read(token, &j)) {
		why = judge(a, &j, resource, roles);
		jwt_done(&j);
	}
	return why;
}

static void
refuse_ews(const struct auth *a, struct http_answer *answer, const struct refusal *why)
{
	answer->status = 401;
	http_add_header(answer, "WWW-Authenticate",
		"Bearer client_id=\"00000002-0000-0ff1-ce00-000000000000\", "
		"trusted_issuers=\"00000001-0000-0000-c000-000000000000@*\", "
		"token_types=\"app_asserted_user_v1 service_asserted_app_v1\", "
		"authorization_uri=\"%s://login.microsoftonline.com/common/oauth2/authorize\"%s",
		"https", why->id != 0 ? ", error=\"invalid_token\"" : "");
	if (a->basic_user != NULL)
		http_add_header(answer, "WWW-Authenticate", "Basic Realm=\"\"");
	if (a->ntlm != NULL)
		http_add_header(answer, "WWW-Authenticate", "NTLM");
	if (why->id != 0)
		http_add_header(answer, "x-ms-diagnostics",
			"%d;reason=\"%s\";error_category=\"%s\"", why->id, why->reason,
			why->category);
	if (why->id != 0)
		note_code(&answer->note, why->category);
}

/* The user name when the request carries the right name and password. */
static bool
basic_is_good(const struct auth *a, const struct http_request *r)
{
	const char *value = http_header(r, "Authorization");
	EXA_AUTO(buf_done) struct buf given = { 0 };
	EXA_AUTO(exa_freep) char *wanted = NULL;

	if (a->basic_user == NULL || value == NULL || strncasecmp(value, "Basic ", 6) != 0 ||
		!buf_decode_base64(&given, value + 6))
		return false;
	wanted = exa_asprintf("%s:%s", a->basic_user, a->basic_password);
	return given.size == strlen(wanted) && CRYPTO_memcmp(given.data, wanted, given.size) == 0;
}

enum ntlm_step { NTLM_NOT_ASKED, NTLM_CHALLENGED, NTLM_SIGNED_IN };

/* NTLM is of the connection: it is challenged, proves itself, and is signed in from then on. */
static enum ntlm_step
go_on_with_ntlm(const struct auth *a, const struct http_request *r, struct http_answer *answer)
{
	const char *value = http_header(r, "Authorization");
	EXA_AUTO(buf_done) struct buf message = { 0 };
	EXA_AUTO(exa_freep) char *challenge = NULL;

	if (a->ntlm == NULL || r->peer == NULL)
		return NTLM_NOT_ASKED;
	if (value == NULL)
		return r->peer->is_signed_in ? NTLM_SIGNED_IN : NTLM_NOT_ASKED;
	if (strncasecmp(value, "NTLM ", 5) != 0 || !buf_decode_base64(&message, value + 5))
		return NTLM_NOT_ASKED;
	r->peer->is_signed_in = ntlm_is_good(a->ntlm, r->peer, buf_bytes(&message));
	r->peer->is_challenged = false; /* each challenge is good for one try */
	if (r->peer->is_signed_in)
		return NTLM_SIGNED_IN;
	if (!ntlm_is_first(buf_bytes(&message)))
		return NTLM_NOT_ASKED;
	challenge = ntlm_challenge(r->peer);
	answer->status = 401;
	http_add_header(answer, "WWW-Authenticate", "NTLM %s", challenge);
	note_code(&answer->note, "challenge");
	return NTLM_CHALLENGED;
}

bool
auth_check_ews(const struct auth *a, const struct http_request *r, struct identity *out,
	struct http_answer *answer)
{
	static const char *const roles[] = { "full_access_as_app", NULL };
	const char *token = bearer_of(r);
	struct refusal why = { 0 };

	*out = (struct identity){ "" };
	if (basic_is_good(a, r)) {
		(void)snprintf(out->user, sizeof out->user, "%s", a->basic_user);
		return true;
	}
	switch (go_on_with_ntlm(a, r, answer)) {
	case NTLM_SIGNED_IN:
		(void)snprintf(out->user, sizeof out->user, "%s", a->ntlm_user);
		return true;
	case NTLM_CHALLENGED:
		return false;
	case NTLM_NOT_ASKED:
		break;
	}
	if (token != NULL) {
		why = check_bearer(a, token, RESOURCE_EWS, roles);
		if (why.id == 0)
			return true;
	}
	refuse_ews(a, answer, &why);
	return false;
}

bool
auth_check_graph(const struct auth *a, const struct http_request *r, const char *const *roles,
	struct http_answer *answer)
{
	const char *token = bearer_of(r), *code = "InvalidAuthenticationToken",
		   *message = "Access token is empty.";
	struct refusal why = { 2000001, "", "" };
	char request_id[37];

	if (token != NULL) {
		why = check_bearer(a, token, RESOURCE_GRAPH, roles);
		if (why.id == 0)
			return true;
		message = "Access token validation failure.";
	}
	answer->status = 401;
	if (why.id == 2000002)
		message = "Lifetime validation failed, the token is expired.";
	if (why.id == 2000003)
		message = "Access token validation failure. Invalid audience.";
	if (why.id == 2000008) {
		answer->status = 403;
		code = "Authorization_RequestDenied";
		message = "Insufficient privileges to complete the operation.";
	}
	auth_guid(request_id);
	answer->content_type = "application/json";
	note_code(&answer->note, code);
	buf_printf(&answer->body,
		"{\"error\":{\"code\":\"%s\",\"message\":\"%s\",\"innerError\":{\"request-id\":\"%"
		"s\"}}}",
		code, message, request_id);
	return false;
}
