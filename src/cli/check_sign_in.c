/* SPDX-License-Identifier: Apache-2.0 */
/* Who signs in, with what, and what the tokens allow. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "exarch/clock.h"
#include "exarch/mem.h"

#include "check.h"

#define CERTIFICATE_WARNING_DAYS 30

static bool
uses_tokens(const struct check *c)
{
	const enum auth_kind kind = c->profile->auth.kind;

	return kind == AUTH_APP_CERTIFICATE || kind == AUTH_APP_SECRET;
}

static void
tell_certificate(struct check *c)
{
	const struct profile *p = c->profile;
	int32_t days = auth_certificate_days(c->session.auth);
	struct check_finding f = { .what = "certificate", .subject = p->auth.certificate_file };
	char thumbprint[AUTH_THUMBPRINT_MAX];

	auth_certificate_thumbprint(c->session.auth, thumbprint);
	if (days <= CERTIFICATE_WARNING_DAYS) {
		f.state = CHECK_WARNING;
		f.remedy = "make a new one (exarch cert create), upload its .cer, name it in the "
			   "profile; the old one works until then";
	}
	check_tell(c, &f, "thumbprint %s, expires in %d days", thumbprint, (int)days);
}

static const char *
remedy_of_credentials(const struct exa_error *err)
{
	if (strstr(err->text, "expired on") != NULL)
		return "exarch cert create --out DIR; upload DIR/exarch.cer to the app "
		       "registration, name the other two files in source.auth";
	return NULL;
}

void
check_credentials(struct check *c)
{
	static const char *const kinds[] = {
		[AUTH_APP_CERTIFICATE] = "an application with a certificate",
		[AUTH_APP_SECRET] = "an application with a secret",
		[AUTH_BASIC] = "user and password (basic)",
		[AUTH_NTLM] = "user and password (ntlm)",
		[AUTH_NEGOTIATE] = "a Kerberos ticket",
	};
	struct exa_error err;

	if (!session_of(c->profile, NULL, &c->session, &err)) {
		c->session = (struct session){ 0 };
		check_tell_error(c, "credentials", NULL, &err, remedy_of_credentials(&err), 0);
		return;
	}
	c->profile = c->session.profile;
	check_tell(c, &(struct check_finding){ .what = "credentials" }, "%s: %s",
		kinds[c->profile->auth.kind], auth_who(c->session.auth));
	if (c->profile->auth.kind == AUTH_APP_CERTIFICATE)
		tell_certificate(c);
}

/* ---- tokens ---- */

/* Those that need no word of the profile. */
static const struct {
	const char *name, *remedy;
} refusals[] = {
	{ "AADSTS700024", "set this machine's clock (see the line `clock`)" },
	{ "AADSTS50013", "set this machine's clock (see the line `clock`)" },
	{ "AADSTS90002", "source.auth.tenant is the Directory (tenant) ID of the registration's "
			 "overview, or one of the tenant's domains" },
	{ "AADSTS65001",
		"App registrations > the application > API permissions > \"Grant admin consent\"" },
	{ "AADSTS7000112", "Enterprise applications > the application > Properties > \"Enabled for "
			   "users to sign-in\": Yes" },
	{ "AADSTS500011", "correct source.cloud, or the scope in source" },
	{ "AADSTS90038", "correct source.cloud" },
	{ "AADSTS900382", "correct source.cloud" },
	{ "AADSTS53003", "Conditional Access > the policy for workload identities: leave the "
			 "application out, or let this machine's address in" },
	{ "AADSTS530032", "Conditional Access > the policy for workload identities: leave the "
			  "application out, or let this machine's address in" },
};

static char *
remedy_of_token(const struct check *c, const struct exa_error *err)
{
	const char *app = c->profile->auth.client_id;
	char thumbprint[AUTH_THUMBPRINT_MAX];

	auth_certificate_thumbprint(c->session.auth, thumbprint);
	if (strcmp(err->name, "AADSTS700027") == 0)
		return exa_asprintf("App registrations > %s > Certificates & secrets must show the "
				    "thumbprint %s: upload the .cer that belongs to %s",
			app, thumbprint, c->profile->auth.certificate_file);
	if (strcmp(err->name, "AADSTS7000215") == 0 || strcmp(err->name, "AADSTS7000222") == 0)
		return exa_asprintf("App registrations > %s > Certificates & secrets > New client "
				    "secret; put its value where source.auth says",
			app);
	if (strcmp(err->name, "AADSTS700016") == 0)
		return exa_asprintf("source.auth.client_id is the Application (client) ID of the "
				    "registration in tenant %s, not its object id",
			c->profile->auth.tenant);
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		if (strcmp(err->name, refusals[i].name) == 0)
			return exa_strdup(refusals[i].remedy);
	}
	if (err->code == EXA_NET || err->code == EXA_THROTTLED || err->code == EXA_TIMEOUT)
		return exa_strdup("try again in some minutes");
	return NULL;
}

bool
check_token(struct check *c, const char *scope, struct auth_claims *out)
{
	EXA_AUTO(http_client_freep) struct http_client *http = NULL;
	EXA_AUTO(buf_wipe) struct buf header = { 0 };
	EXA_AUTO(exa_freep) char *remedy = NULL;
	struct exa_error err;

	*out = (struct auth_claims){ 0 };
	if (!uses_tokens(c))
		return true;
	if (c->refused || !check_host_reached(c, c->profile->token_endpoint))
		return false;
	if (http_client_new(&c->session.http, &http, &err) &&
		auth_header(c->session.auth, scope, http, &header, &err)) {
		if (!auth_token_claims(c->session.auth, scope, out))
			*out = (struct auth_claims){ 0 };
		return true;
	}
	remedy = remedy_of_token(c, &err);
	check_tell_error(c, "token", scope, &err, remedy, 0);
	/* 500011 is about this scope alone. */
	c->refused = err.code == EXA_AUTH && strcmp(err.name, "AADSTS500011") != 0;
	return false;
}

static bool
has_role(const char *roles, const char *role)
{
	size_t size = strlen(role);

	for (const char *p = roles; p != NULL && *p != '\0';
		p = strchr(p, ','), p += p != NULL ? strspn(p, ", ") : 0) {
		if (strncmp(p, role, size) == 0 && (p[size] == '\0' || p[size] == ','))
			return true;
	}
	return false;
}

static bool
has_one_of(const char *roles, const char *const *wanted)
{
	while (*wanted != NULL && !has_role(roles, *wanted))
		wanted++;
	return *wanted != NULL;
}

/* aud is the service's URL, as in the scope; a GUID says the same in a way nobody can compare. */
static bool
is_for(const struct auth_claims *claims, const char *scope)
{
	const char *end = strrchr(scope, '/');
	size_t size = end != NULL ? (size_t)(end - scope) : strlen(scope);

	return strstr(claims->audience, "://") == NULL ||
	       (strncasecmp(claims->audience, scope, size) == 0 &&
		       strspn(claims->audience + size, "/") == strlen(claims->audience + size));
}

static void
tell_missing(struct check *c, const struct check_roles *r, const char *role,
	const struct auth_claims *claims)
{
	EXA_AUTO(exa_freep)
	char *grant = exa_asprintf("App registrations > %s > API permissions > Add: %s > "
				   "Application permissions > %s, then \"Grant admin consent\"",
		c->profile->auth.client_id, r->service, role);
	struct check_finding f = { .what = "roles",
		.subject = r->scope,
		.state = CHECK_FAILED,
		.remedy = grant,
		.code = EXIT_AUTH };

	if (r->opens) {
		f.state = CHECK_WARNING;
		f.remedy = "right if the application is limited by RBAC for Applications";
	}
	if (claims->roles[0] == '\0')
		check_tell(c, &f,
			"the token carries no roles: %s isn't granted, or an administrator's "
			"consent is missing",
			role);
	else
		check_tell(c, &f, "the token's roles are %s, not %s", claims->roles, role);
}

void
check_roles(struct check *c, const struct check_roles *r, const struct auth_claims *claims)
{
	struct check_finding f = { .what = "roles", .subject = r->scope };
	bool all = true;

	if (claims->roles == NULL) {
		f.what = "token";
		check_tell(c, &f, "issued; it can't be looked into");
		return;
	}
	check_tell(c, &(struct check_finding){ .what = "token", .subject = r->scope },
		"issued to %s by tenant %s for %lld min",
		claims->application[0] != '\0' ? claims->application : "nobody it names",
		claims->tenant[0] != '\0' ? claims->tenant : "it doesn't name",
		(long long)((claims->expires_s - claims->issued_s) / 60));
	if (!is_for(claims, r->scope)) {
		f.state = CHECK_FAILED;
		f.code = EXIT_AUTH;
		f.remedy = "correct source.cloud, or the scope in source";
		check_tell(c, &f, "the token is for %s", claims->audience);
		return;
	}
	for (const char *const *const *any = r->wanted; *any != NULL; any++) {
		if (!has_one_of(claims->roles, *any)) {
			tell_missing(c, r, (*any)[0], claims);
			all = false;
		}
	}
	if (all)
		check_tell(c, &f, "%s", claims->roles);
}
