/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "exarch/clock.h"

#include "jwt.h"
#include "token.h"

#define BODY_MAX (64 * 1024)
#define CLOCK_SKEW_S 300 /* Entra's tolerance, about */
#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

/* The HTTP status and OAuth error for each number. */
static const struct {
	int number;
	unsigned status;
	const char *error;
} failures[] = {
	{ 50012, 401, "invalid_client" },
	{ 50013, 401, "invalid_client" },
	{ 70003, 400, "unsupported_grant_type" },
	{ 70011, 400, "invalid_scope" },
	{ 90002, 400, "invalid_request" },
	{ 90014, 400, "invalid_request" },
	{ 500011, 400, "invalid_resource" },
	{ 700016, 400, "unauthorized_client" },
	{ 700024, 401, "invalid_client" },
	{ 700027, 401, "invalid_client" },
	{ 7000215, 401, "invalid_client" },
	{ 7000218, 401, "invalid_client" },
};

/* WHY is "700016: Application ...". */
static void
refuse(struct http_answer *a, const char *why)
{
	int number = (int)strtol(why, NULL, 10);
	char trace[37], correlation[37], time[CLOCK_TEXT_MAX];
	EXA_AUTO(exa_freep) char *description = NULL;
	const char *error = "invalid_request";
	json_t *o;
	char *text;

	a->status = 400;
	for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
		if (failures[i].number == number) {
			a->status = failures[i].status;
			error = failures[i].error;
		}
	}
	auth_guid(trace);
	auth_guid(correlation);
	clock_format(clock_wall_ns(), time);
	time[10] = ' ';
	description = exa_asprintf("AADSTS%s Trace ID: %s Correlation ID: %s Timestamp: %s", why,
		trace, correlation, time);
	o = json_pack("{s:s, s:s, s:[i], s:s, s:s, s:s, s:s}", "error", error, "error_description",
		description, "error_codes", number, "timestamp", time, "trace_id", trace,
		"correlation_id", correlation, "error_uri",
		"https://login.microsoftonline.com/error");
	text = json_dumps(o, 0);
	json_decref(o);
	buf_add_string(&a->body, text != NULL ? text : "{}");
	exa_free(text);
	a->content_type = "application/json; charset=utf-8";
	(void)snprintf(a->note.code, sizeof a->note.code, "AADSTS%d", number);
}

static void
unescape(char *text)
{
	char *out = text;
	unsigned byte;

	for (; *text != '\0'; text++) {
		if (*text == '%' && isxdigit((unsigned char)text[1]) &&
			isxdigit((unsigned char)text[2]) && sscanf(text + 1, "%2x", &byte) == 1) {
			*out++ = (char)byte;
			text += 2;
		} else {
			*out++ = *text == '+' ? ' ' : *text;
		}
	}
	*out = '\0';
}

/* A field of an application/x-www-form-urlencoded body; "" when it isn't there. exa_alloc'ed. */
static char *
form_field(struct bytes body, const char *name)
{
	EXA_AUTO(exa_freep) char *text = exa_strndup((const char *)body.data, body.size);
	size_t length = strlen(name);
	char *value;

	for (char *p = text; p != NULL; p = strchr(p, '&')) {
		p += *p == '&';
		if (strncmp(p, name, length) == 0 && p[length] == '=') {
			value = exa_strndup(p + length + 1, strcspn(p + length + 1, "&"));
			unescape(value);
			return value;
		}
	}
	return exa_strdup("");
}

static X509 *
find_certificate(const struct auth *a, const struct jwt *j)
{
	const char *sha256 = jwt_text(j->header, "x5t#S256"), *sha1 = jwt_text(j->header, "x5t");

	for (size_t i = 0; i < a->certificate_count; i++) {
		EXA_AUTO(buf_done) struct buf x5t = { 0 };
		EXA_AUTO(buf_done) struct buf x5t256 = { 0 };

		keys_add_thumbprint(&x5t256, a->certificates[i], EVP_sha256());
		keys_add_thumbprint(&x5t, a->certificates[i], EVP_sha1());
		if (strcmp(buf_string(&x5t256), sha256) == 0 || strcmp(buf_string(&x5t), sha1) == 0)
			return a->certificates[i];
	}
	return NULL;
}

static const char *
judge_claims(struct auth *a, const struct jwt *j, const char *endpoint)
{
	int64_t now_s = auth_now_s(a);
	json_int_t expires_s = jwt_number(j->claims, "exp");

	if (strcmp(jwt_text(j->claims, "iss"), AUTH_CLIENT_ID) != 0 ||
		strcmp(jwt_text(j->claims, "sub"), AUTH_CLIENT_ID) != 0)
		return "50013: Assertion failed: issuer and subject must be the client id.";
	if (strcmp(jwt_text(j->claims, "aud"), endpoint) != 0)
		return "50013: Assertion audience does not match the token endpoint of this "
		       "tenant.";
	if (expires_s <= now_s - CLOCK_SKEW_S || expires_s > now_s + 24 * 3600)
		return "700024: Client assertion is not within its valid time range (exp).";
	if (jwt_number(j->claims, "nbf") > now_s + CLOCK_SKEW_S)
		return "700024: Client assertion is not within its valid time range (nbf).";
	if (*jwt_text(j->claims, "jti") == '\0')
		return "50013: Assertion has no jti.";
	if (!auth_use_once(a, jwt_text(j->claims, "jti"), expires_s + CLOCK_SKEW_S))
		return "50013: Assertion was used before (jti).";
	return NULL;
}

const char *
token_judge_assertion(struct auth *a, const char *assertion, const char *endpoint)
{
	const char *why;
	X509 *certificate;
	struct jwt j;

	if (!jwt_read(assertion, &j))
		return "50012: Client assertion is malformed.";
	certificate = find_certificate(a, &j);
	if (certificate == NULL)
		why = "700027: Client assertion failed signature validation: the certificate of "
		      "its "
		      "thumbprint isn't registered.";
	else if (!jwt_is_signed_by(&j, X509_get0_pubkey(certificate)))
		why = "700027: Client assertion failed signature validation.";
	else
		why = judge_claims(a, &j, endpoint);
	jwt_done(&j);
	return why;
}

static const char *
judge_client(struct auth *a, const struct http_request *r, const char *host)
{
	EXA_AUTO(exa_freep) char *secret = form_field(r->body, "client_secret");
	EXA_AUTO(exa_freep) char *assertion = form_field(r->body, "client_assertion");
	EXA_AUTO(exa_freep) char *type = form_field(r->body, "client_assertion_type");
	EXA_AUTO(exa_freep) char *endpoint = exa_asprintf("%s://%s%s", a->scheme, host, r->path);

	if (*assertion != '\0' && strcmp(type, ASSERTION_TYPE) != 0)
		return "50012: Client assertion type is not supported.";
	if (*assertion != '\0')
		return token_judge_assertion(a, assertion, endpoint);
	if (*secret == '\0')
		return "7000218: The request body must contain the following parameter: "
		       "'client_assertion' or 'client_secret'.";
	if (strcmp(secret, AUTH_SECRET) != 0)
		return "7000215: Invalid client secret provided. Ensure the secret being sent in "
		       "the "
		       "request is the client secret value, not the client secret ID.";
	return NULL;
}

static const char *
judge_request(struct auth *a, const struct http_request *r, enum auth_resource *resource_out)
{
	EXA_AUTO(exa_freep) char *client = form_field(r->body, "client_id");
	EXA_AUTO(exa_freep) char *grant = form_field(r->body, "grant_type");
	EXA_AUTO(exa_freep) char *scope = form_field(r->body, "scope");
	const char *host = http_header(r, "Host"), *why;
	size_t scope_size = strlen(scope);

	if (strncasecmp(r->path + 1, AUTH_TENANT TOKEN_PATH_END, sizeof AUTH_TENANT - 1) != 0)
		return "90002: Tenant not found. Check to make sure you have the correct tenant "
		       "ID.";
	if (*grant == '\0')
		return "90014: The required field 'grant_type' is missing from the credential.";
	if (strcmp(grant, "client_credentials") != 0)
		return "70003: The app requested an unsupported grant type.";
	if (strcasecmp(client, AUTH_CLIENT_ID) != 0)
		return "700016: Application was not found in the directory. This can happen if the "
		       "application has not been installed by the administrator of the tenant.";
	if (scope_size < 9 || strcmp(scope + scope_size - 9, "/.default") != 0)
		return "70011: The provided value for the input parameter 'scope' is not valid.";
	why = judge_client(a, r, host != NULL ? host : "");
	if (why != NULL)
		return why;
	*resource_out = auth_resource_of(scope);
	if (*resource_out == RESOURCE_NONE)
		return "500011: The resource principal was not found in the tenant.";
	return NULL;
}

void
token_handle(struct auth *a, const struct http_request *r, struct http_answer *answer)
{
	enum auth_resource resource = RESOURCE_NONE;
	EXA_AUTO(exa_freep) char *token = NULL;
	const char *why = NULL;

	(void)snprintf(answer->note.operation, sizeof answer->note.operation, "token");
	if (strcmp(r->method, "POST") != 0) {
		answer->status = 405;
		return;
	}
	if (r->body.size > BODY_MAX)
		why = "90014: The request body is too large.";
	else
		why = judge_request(a, r, &resource);
	if (why != NULL) {
		refuse(answer, why);
		return;
	}
	token = auth_issue(a, resource);
	answer->status = 200;
	answer->content_type = "application/json; charset=utf-8";
	http_add_header(answer, "Cache-Control", "no-store, no-cache");
	note_code(&answer->note, "NoError");
	buf_printf(&answer->body,
		"{\"token_type\":\"Bearer\",\"expires_in\":%u,\"ext_expires_in\":%u,"
		"\"access_token\":\"%s\"}",
		a->token_lifetime_s, a->token_lifetime_s, token);
}
