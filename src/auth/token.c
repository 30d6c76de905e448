/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <jansson.h>

#include "exarch/clock.h"
#include "exarch/mem.h"

#include "aadsts.h"
#include "assertion.h"
#include "secret.h"
#include "token.h"

#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
/* When the answer doesn't say: what Entra gives at least. And no token is kept beyond a day. */
#define DEFAULT_LIFE_S 3600
#define LIFE_MAX_S ((int64_t)24 * 3600)
/* Taken at once, so that growing leaves no copies of secrets behind. */
#define SECRET_BUFFER_BYTES ((size_t)128 * 1024)

static void
add_field(struct buf *form, const char *name, const char *value)
{
	if (form->size > 0)
		buf_add_byte(form, '&');
	buf_add_string(form, name);
	buf_add_byte(form, '=');
	http_add_escaped(form, value);
}

static bool
make_form(const struct token_source *s, const char *scope, struct buf *form, struct exa_error *err)
{
	EXA_AUTO(buf_wipe) struct buf assertion = { 0 };
	struct assertion_claims claims = { .audience = s->url,
		.client_id = s->client_id,
		.now_s = clock_wall_ns() / EXA_NS_PER_S };

	add_field(form, "client_id", s->client_id);
	add_field(form, "scope", scope);
	add_field(form, "grant_type", "client_credentials");
	if (s->secret != NULL) {
		add_field(form, "client_secret", s->secret);
		return true;
	}
	if (!assertion_make(&s->key, s->assertion, &claims, &assertion, err))
		return false;
	add_field(form, "client_assertion_type", ASSERTION_TYPE);
	add_field(form, "client_assertion", buf_string(&assertion));
	return true;
}

static bool
fit_for_a_header(const char *token)
{
	size_t length = strlen(token);

	for (size_t i = 0; i < length; i++) {
		if (token[i] <= ' ' || token[i] > '~')
			return false;
	}
	return length > 0 && length <= TOKEN_MAX;
}

static bool
read_good_answer(const json_t *answer, struct token *out, struct exa_error *err)
{
	const char *text = json_string_value(json_object_get(answer, "access_token"));
	const json_t *life = json_object_get(answer, "expires_in");

	if (text == NULL || !fit_for_a_header(text))
		return exa_fail(err, EXA_PROTOCOL, "the sign-in service's answer holds no token");
	out->life_s = json_is_integer(life) ? (int64_t)json_integer_value(life) : DEFAULT_LIFE_S;
	if (json_is_string(life)) /* the older endpoint quotes it */
		out->life_s = strtoll(json_string_value(life), NULL, 10);
	if (out->life_s < 0)
		out->life_s = 0;
	if (out->life_s > LIFE_MAX_S)
		out->life_s = LIFE_MAX_S;
	out->text = exa_strdup(text);
	return true;
}

bool
token_read_answer(const struct http_answer *answer, struct buf *body, struct token *out,
	struct exa_error *err)
{
	json_t *json = json_loadb((const char *)buf_string(body), body->size, 0, NULL);
	bool good;

	if (answer->status == 200 && json != NULL) {
		good = read_good_answer(json, out, err);
	} else if (answer->status == 200) {
		good = exa_fail(err, EXA_PROTOCOL, "the sign-in service's answer is not JSON");
	} else {
		const json_t *codes = json_object_get(json, "error_codes");

		good = aadsts_fail(
			(long)json_integer_value(json_array_get(codes, 0)), answer->status, err);
		err->retry_after_ms = answer->retry_after_ms;
	}
	json_decref(json);
	return good;
}

bool
token_fetch(const struct token_source *source, const char *scope, struct http_client *http,
	struct token *out, struct exa_error *err)
{
	EXA_AUTO(buf_wipe) struct buf form = { 0 };
	EXA_AUTO(buf_wipe) struct buf body = { 0 };
	const char *const headers[] = { "Content-Type: application/x-www-form-urlencoded",
		"Accept: application/json" };
	struct http_request request = {
		.method = "POST", .url = source->url, .headers = headers, .header_count = 2
	};
	struct http_answer answer;

	buf_reserve(&form, SECRET_BUFFER_BYTES);
	buf_reserve(&body, SECRET_BUFFER_BYTES);
	if (!make_form(source, scope, &form, err))
		return false;
	request.body = buf_bytes(&form);
	if (!http_fetch(http, &request, &body, &answer, err) ||
		!token_read_answer(&answer, &body, out, err))
		return exa_while(err, "signing in");
	return true;
}

/* The claims, to be dropped; NULL when they can't be read. */
static json_t *
read_claims(const char *token)
{
	EXA_AUTO(buf_wipe) struct buf claims = { 0 };
	const char *start = strchr(token, '.');
	const char *end = start == NULL ? NULL : strchr(start + 1, '.');
	EXA_AUTO(secret_string_freep) char *part = NULL;
	json_t *json;

	if (end == NULL)
		return NULL;
	part = exa_strndup(start + 1, (size_t)(end - start - 1));
	if (!buf_decode_base64(&claims, part))
		return NULL;
	json = json_loadb((const char *)buf_string(&claims), claims.size, 0, NULL);
	if (json_is_object(json))
		return json;
	json_decref(json);
	return NULL;
}

static void
join_roles(const json_t *claims, struct buf *out)
{
	const json_t *role;
	size_t i;

	json_array_foreach(json_object_get(claims, "roles"), i, role)
	{
		if (json_string_value(role) == NULL)
			continue;
		if (i > 0)
			buf_add_string(out, ", ");
		buf_add_string(out, json_string_value(role));
	}
}

bool
token_roles(const char *token, struct buf *out)
{
	json_t *claims = read_claims(token);

	if (claims == NULL)
		return false;
	join_roles(claims, out);
	json_decref(claims);
	return true;
}

static char *
text_of(const json_t *claims, const char *name)
{
	const char *text = json_string_value(json_object_get(claims, name));

	return exa_strdup(text != NULL ? text : "");
}

bool
token_claims(const char *token, struct auth_claims *out)
{
	EXA_AUTO(buf_done) struct buf roles = { 0 };
	json_t *claims = read_claims(token);

	if (claims == NULL)
		return false;
	join_roles(claims, &roles);
	*out = (struct auth_claims){ .audience = text_of(claims, "aud"),
		.application = text_of(claims, "appid"),
		.tenant = text_of(claims, "tid"),
		.roles = exa_strdup(buf_string(&roles)),
		.issued_s = json_integer_value(json_object_get(claims, "iat")),
		.expires_s = json_integer_value(json_object_get(claims, "exp")) };
	json_decref(claims);
	return true;
}
