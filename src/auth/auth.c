/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of tokens that all threads share, one for each scope. A token goes through
 *
 *     none --fetch--> good --5 minutes before its end--> due --fetch--> good
 *                       \--401--> refused --fetch--> replacements
 *                                                       \--401, young--> credentials refused
 *
 * One thread fetches, without holding the lock; the others go on with a token that is merely due,
 * or wait when there is none.
 */
#include <pthread.h>
#include <string.h>

#include "exarch/auth.h"
#include "exarch/clock.h"
#include "exarch/mem.h"

#include "secret.h"
#include "token.h"

#define RENEW_BEFORE_S 300
/* A renewal that failed while the old token is still good is tried again after this. */
#define RENEW_AGAIN_S 60
/* One may be refused with the token it replaced, by a server that is only busy. */
#define REPLACEMENTS_MOST 2
/* The last of them that is refused so soon, and before half its life, shows that the token is not
 * what's wrong. */
#define REPLACEMENT_YOUNG_S 300

struct cached_token {
	struct cached_token *next;
	char *scope;
	/* under auth.mu: */
	char *header;      /* "Bearer ...", NULL = none */
	int64_t issued_ns; /* monotonic, as all moments here */
	int64_t renew_ns;
	int64_t end_ns;
	int64_t young_ns;      /* refused before this age: another token won't help */
	bool refused;          /* a server answered 401 to it */
	uint32_t replacements; /* in a row, none of which is known to be good */
	bool fetching;         /* by the thread that set this */
};

struct auth {
	enum auth_kind kind;
	char *user;     /* AUTH_BASIC, AUTH_NTLM */
	char *password; /* AUTH_NTLM */
	char *basic_header;
	struct token_source source;
	pthread_mutex_t mu;
	pthread_cond_t fetched;
	struct cached_token *tokens; /* under mu; grows only */
};

/* ---- opening ---- */

static bool
has_token(const struct auth *a)
{
	return a->kind == AUTH_APP_CERTIFICATE || a->kind == AUTH_APP_SECRET;
}

static bool
get_password(const struct auth_config *config, char **out, struct exa_error *err)
{
	if (config->user == NULL || config->user[0] == '\0' || strchr(config->user, ':') != NULL)
		return exa_fail(err, EXA_USAGE, "user must be user@domain or DOMAIN\\user");
	return secret_get(config->password_file, config->password_command, out, err) ||
	       exa_while(err, "password");
}

static bool
open_basic(const struct auth_config *config, struct auth *a, struct exa_error *err)
{
	EXA_AUTO(buf_wipe) struct buf plain = { 0 };
	EXA_AUTO(buf_wipe) struct buf coded = { 0 };
	EXA_AUTO(secret_string_freep) char *password = NULL;

	if (!get_password(config, &password, err))
		return false;
	buf_reserve(&plain, strlen(config->user) + strlen(password) + 1);
	buf_reserve(&coded, 2 * plain.capacity + sizeof "Basic ");
	buf_add_string(&plain, config->user);
	buf_add_byte(&plain, ':');
	buf_add_string(&plain, password);
	buf_add_string(&coded, "Basic ");
	buf_add_base64(&coded, buf_bytes(&plain));
	a->user = exa_strdup(config->user);
	a->basic_header = exa_strdup(buf_string(&coded));
	return true;
}

static bool
is_ascii(const char *text)
{
	while (*text > 0 && *text < 0x7f)
		text++;
	return *text == '\0';
}

/* libcurl widens bytes to UTF-16 one by one: another character would only be a wrong password, and
 * those lock accounts. */
static bool
open_ntlm(const struct auth_config *config, struct auth *a, struct exa_error *err)
{
	if (!get_password(config, &a->password, err))
		return false;
	if (!is_ascii(config->user) || !is_ascii(a->password))
		return exa_fail(err, EXA_USAGE,
			"`kind: ntlm` takes users and passwords of ASCII characters only; use "
			"`negotiate`, or an account that has such");
	a->user = exa_strdup(config->user);
	return true;
}

static bool
open_app(const struct auth_config *config, struct auth *a, struct exa_error *err)
{
	size_t length;

	if (config->token_endpoint == NULL || config->tenant == NULL || config->client_id == NULL)
		return exa_fail(err, EXA_USAGE,
			"an application needs a token endpoint, tenant and client_id");
	if (strspn(config->tenant, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789.-") != strlen(config->tenant))
		return exa_fail(err, EXA_USAGE, "tenant must be a GUID or a domain");
	length = strlen(config->token_endpoint);
	while (length > 0 && config->token_endpoint[length - 1] == '/')
		length--;
	a->source.url = exa_asprintf(
		"%.*s/%s/oauth2/v2.0/token", (int)length, config->token_endpoint, config->tenant);
	a->source.client_id = exa_strdup(config->client_id);
	a->source.assertion = config->assertion;
	if (config->kind == AUTH_APP_CERTIFICATE) {
		if (config->certificate_file == NULL || config->key_file == NULL)
			return exa_fail(err, EXA_USAGE, "certificate and key are both needed");
		return app_key_open(
			config->certificate_file, config->key_file, &a->source.key, err);
	}
	if (!secret_get(config->secret_file, config->secret_command, &a->source.secret, err))
		return exa_while(err, "client secret");
	return true;
}

static bool
open_kind(const struct auth_config *config, struct auth *a, struct exa_error *err)
{
	switch (config->kind) {
	case AUTH_APP_CERTIFICATE:
	case AUTH_APP_SECRET:
		return open_app(config, a, err);
	case AUTH_BASIC:
		return open_basic(config, a, err);
	case AUTH_NTLM:
		return open_ntlm(config, a, err);
	case AUTH_NEGOTIATE:
		return true;
	}
	return exa_fail(err, EXA_USAGE, "no such way of signing in");
}

bool
auth_open(const struct auth_config *config, struct auth **out, struct exa_error *err)
{
	struct auth *a = exa_alloc(sizeof *a);
	bool good;

	a->kind = config->kind;
	(void)pthread_mutex_init(&a->mu, NULL);
	(void)pthread_cond_init(&a->fetched, NULL);
	good = open_kind(config, a, err);
	if (!good) {
		auth_free(a);
		return false;
	}
	*out = a;
	return true;
}

void
auth_free(struct auth *a)
{
	if (a == NULL)
		return;
	while (a->tokens != NULL) {
		struct cached_token *t = a->tokens;

		a->tokens = t->next;
		secret_string_freep(&t->header);
		exa_free(t->scope);
		exa_free(t);
	}
	exa_free(a->user);
	secret_string_freep(&a->password);
	secret_string_freep(&a->basic_header);
	secret_string_freep(&a->source.secret);
	app_key_done(&a->source.key);
	exa_free(a->source.url);
	exa_free(a->source.client_id);
	(void)pthread_cond_destroy(&a->fetched);
	(void)pthread_mutex_destroy(&a->mu);
	exa_free(a);
}

void
auth_freep(struct auth **a)
{
	auth_free(*a);
	*a = NULL;
}

/* ---- the cache; everything here is called with mu held ---- */

static struct cached_token *
find_token(struct auth *a, const char *scope)
{
	struct cached_token *t = a->tokens;

	while (t != NULL && strcmp(t->scope, scope) != 0)
		t = t->next;
	if (t == NULL) {
		t = exa_alloc(sizeof *t);
		t->scope = exa_strdup(scope);
		t->next = a->tokens;
		a->tokens = t;
	}
	return t;
}

static bool
still_good(const struct cached_token *t)
{
	return t->header != NULL && !t->refused && clock_mono_ns() < t->end_ns;
}

static bool
renewal_due(const struct cached_token *t)
{
	return !still_good(t) || clock_mono_ns() >= t->renew_ns;
}

/* Takes TOKEN's text. */
static void
keep_token(struct cached_token *t, struct token *token)
{
	const int64_t half_s = token->life_s / 2;
	int64_t margin_s = half_s < RENEW_BEFORE_S ? half_s : RENEW_BEFORE_S;

	t->replacements = t->refused ? t->replacements + 1 : 0;
	t->refused = false;
	secret_string_freep(&t->header);
	t->header = exa_asprintf("Bearer %s", token->text);
	t->issued_ns = clock_mono_ns();
	t->end_ns = t->issued_ns + token->life_s * EXA_NS_PER_S;
	t->renew_ns = t->end_ns - margin_s * EXA_NS_PER_S;
	t->young_ns = (half_s < REPLACEMENT_YOUNG_S ? half_s : REPLACEMENT_YOUNG_S) * EXA_NS_PER_S;
	secret_string_freep(&token->text);
}

/* Lets go of the lock while asking the server. */
static bool
renew(struct auth *a, struct cached_token *t, struct http_client *http, struct exa_error *err)
{
	struct token token = { 0 };
	struct exa_error why;
	bool good;

	t->fetching = true;
	(void)pthread_mutex_unlock(&a->mu);
	good = token_fetch(&a->source, t->scope, http, &token, &why);
	(void)pthread_mutex_lock(&a->mu);
	t->fetching = false;
	if (good)
		keep_token(t, &token);
	else if (still_good(t))
		t->renew_ns = clock_mono_ns() + RENEW_AGAIN_S * EXA_NS_PER_S;
	(void)pthread_cond_broadcast(&a->fetched);
	if (good || still_good(t))
		return true;
	*err = why;
	return false;
}

static bool
get_token(struct auth *a, struct cached_token *t, struct http_client *http, struct exa_error *err)
{
	while (t->fetching && !still_good(t))
		(void)pthread_cond_wait(&a->fetched, &a->mu);
	if (t->fetching || !renewal_due(t))
		return true;
	return renew(a, t, http, err);
}

/* ---- verbs ---- */

void
auth_login(const struct auth *a, struct http_login *out)
{
	*out = (struct http_login){ .kind = HTTP_LOGIN_NONE };
	if (a->kind == AUTH_NTLM)
		*out = (struct http_login){
			.kind = HTTP_LOGIN_NTLM, .user = a->user, .password = a->password
		};
	else if (a->kind == AUTH_NEGOTIATE)
		out->kind = HTTP_LOGIN_NEGOTIATE;
}

bool
auth_header(struct auth *a, const char *scope, struct http_client *http, struct buf *header_out,
	struct exa_error *err)
{
	struct cached_token *t;
	bool good;

	if (!has_token(a)) {
		if (a->basic_header != NULL)
			buf_add_string(header_out, a->basic_header);
		return true;
	}
	(void)pthread_mutex_lock(&a->mu);
	t = find_token(a, scope);
	good = get_token(a, t, http, err);
	if (good)
		buf_add_string(header_out, t->header);
	(void)pthread_mutex_unlock(&a->mu);
	return good;
}

bool
auth_refused(struct auth *a, const char *scope, const char *header)
{
	struct cached_token *t;
	bool worth_another = true;

	if (!has_token(a))
		return false;
	(void)pthread_mutex_lock(&a->mu);
	t = find_token(a, scope);
	if (t->header != NULL && strcmp(t->header, header) == 0) {
		worth_another = t->replacements < REPLACEMENTS_MOST ||
				clock_mono_ns() - t->issued_ns > t->young_ns;
		t->refused = t->refused || worth_another;
	}
	(void)pthread_mutex_unlock(&a->mu);
	return worth_another;
}

void
auth_accepted(struct auth *a, const char *scope, const char *header)
{
	struct cached_token *t;

	if (!has_token(a))
		return;
	(void)pthread_mutex_lock(&a->mu);
	t = find_token(a, scope);
	if (t->header != NULL && strcmp(t->header, header) == 0)
		t->replacements = 0;
	(void)pthread_mutex_unlock(&a->mu);
}

bool
auth_token_roles(struct auth *a, const char *scope, struct buf *roles_out)
{
	struct cached_token *t;
	bool good;

	if (!has_token(a))
		return false;
	(void)pthread_mutex_lock(&a->mu);
	t = find_token(a, scope);
	good = t->header != NULL && token_roles(t->header, roles_out);
	(void)pthread_mutex_unlock(&a->mu);
	return good;
}

bool
auth_token_claims(struct auth *a, const char *scope, struct auth_claims *out)
{
	struct cached_token *t;
	bool good;

	if (!has_token(a))
		return false;
	(void)pthread_mutex_lock(&a->mu);
	t = find_token(a, scope);
	good = t->header != NULL && token_claims(t->header, out);
	(void)pthread_mutex_unlock(&a->mu);
	return good;
}

void
auth_claims_done(struct auth_claims *c)
{
	exa_free(c->audience);
	exa_free(c->application);
	exa_free(c->tenant);
	exa_free(c->roles);
	*c = (struct auth_claims){ 0 };
}

const char *
auth_who(const struct auth *a)
{
	if (has_token(a))
		return a->source.client_id;
	return a->user != NULL ? a->user : "the holder of the Kerberos ticket";
}

int32_t
auth_certificate_days(const struct auth *a)
{
	return a->kind == AUTH_APP_CERTIFICATE ? app_key_days_left(&a->source.key) : INT32_MAX;
}

void
auth_certificate_thumbprint(const struct auth *a, char out[AUTH_THUMBPRINT_MAX])
{
	out[0] = '\0';
	if (a->kind == AUTH_APP_CERTIFICATE)
		app_key_thumbprint(&a->source.key, out);
}
