/* SPDX-License-Identifier: Apache-2.0 */
/* `source`: the server, and how to sign in there. */
#include <string.h>
#include <strings.h>

#include "exarch/profile.h"

#include "context.h"
#include "raw.h"
#include "value.h"

#define TIMEOUT_DEFAULT_S 300

/* Where each cloud of Microsoft has its services; the scope's host is the one of EWS. */
struct cloud {
	const char *token, *ews_host, *graph;
};

static const struct cloud clouds[] = {
	[RAW_CLOUD_WORLDWIDE] = { "https://login.microsoftonline.com",
		"https://outlook.office365.com", "https://graph.microsoft.com" },
	[RAW_CLOUD_US_GOV] = { "https://login.microsoftonline.us", "https://outlook.office365.us",
		"https://graph.microsoft.us" },
	[RAW_CLOUD_US_DOD] = { "https://login.microsoftonline.us",
		"https://outlook-dod.office365.us", "https://dod-graph.microsoft.us" },
	[RAW_CLOUD_CHINA] = { "https://login.partner.microsoftonline.cn",
		"https://partner.outlook.cn", "https://microsoftgraph.chinacloudapi.cn" },
};

/* ---- sign-in ---- */

#define KIND_BIT(kind) (1U << (kind))
#define KINDS_PASSWORD (KIND_BIT(AUTH_BASIC) | KIND_BIT(AUTH_NTLM))
#define KINDS_OWN_SERVER (KINDS_PASSWORD | KIND_BIT(AUTH_NEGOTIATE))
#define KINDS_APP (KIND_BIT(AUTH_APP_CERTIFICATE) | KIND_BIT(AUTH_APP_SECRET))

/* Which kinds know a key. Those that are not optional and have no alternative are REQUIRED. */
static const struct {
	const char *key;
	size_t offset; /* of the text in struct raw_auth */
	unsigned kinds;
	bool required;
} auth_keys[] = {
	{ "tenant", offsetof(struct raw_auth, tenant), KINDS_APP, true },
	{ "client_id", offsetof(struct raw_auth, client_id), KINDS_APP, true },
	{ "certificate", offsetof(struct raw_auth, certificate), KIND_BIT(AUTH_APP_CERTIFICATE),
		true },
	{ "key", offsetof(struct raw_auth, key), KIND_BIT(AUTH_APP_CERTIFICATE), true },
	{ "secret_file", offsetof(struct raw_auth, secret_file), KIND_BIT(AUTH_APP_SECRET), false },
	{ "secret_command", offsetof(struct raw_auth, secret_command), KIND_BIT(AUTH_APP_SECRET),
		false },
	{ "user", offsetof(struct raw_auth, user), KINDS_PASSWORD, true },
	{ "password_file", offsetof(struct raw_auth, password_file), KINDS_PASSWORD, false },
	{ "password_command", offsetof(struct raw_auth, password_command), KINDS_PASSWORD, false },
};

static const char *
text_at(const struct raw_auth *raw, size_t offset)
{
	char *text;

	memcpy(&text, (const char *)raw + offset, sizeof text);
	return text;
}

static bool
check_auth_keys(const struct context *c, const struct raw_auth *raw, enum auth_kind kind)
{
	const char *word = raw_word("source.auth.kind", (int)kind + 1);

	for (size_t i = 0; i < sizeof auth_keys / sizeof auth_keys[0]; i++) {
		bool given = text_at(raw, auth_keys[i].offset) != NULL;
		bool known = (auth_keys[i].kinds & KIND_BIT(kind)) != 0;
		EXA_AUTO(exa_freep) char *key = exa_asprintf("source.auth.%s", auth_keys[i].key);

		if (given && !known)
			return context_bad(c, key, "has no meaning with `kind: %s`", word);
		if (!given && known && auth_keys[i].required)
			return context_bad(c, key, "missing; `kind: %s` needs it", word);
	}
	if (raw->assertion != 0 && kind != AUTH_APP_CERTIFICATE)
		return context_bad(
			c, "source.auth.assertion", "has no meaning with `kind: %s`", word);
	return true;
}

/* A secret comes from a file or from a command. */
static bool
check_either(const struct context *c, const char *what, const char *file, const char *command)
{
	EXA_AUTO(exa_freep) char *key = exa_asprintf("source.auth.%s_file", what);

	if (file != NULL && command != NULL)
		return context_bad(c, key, "give `%s_file` or `%s_command`, not both", what, what);
	if (file == NULL && command == NULL)
		return context_bad(c, key, "missing; give `%s_file` or `%s_command`", what, what);
	return true;
}

/* Values aren't quoted here: the classic mistake is a secret in the wrong place. */
static bool
check_app(const struct context *c, const struct raw_auth *raw)
{
	if (!value_is_guid(raw->tenant) && !value_is_domain(raw->tenant))
		return context_bad(c, "source.auth.tenant",
			"expected the tenant's id (a GUID) or one of its domains");
	if (!value_is_guid(raw->client_id))
		return context_bad(
			c, "source.auth.client_id", "expected the application (client) id, a GUID");
	return true;
}

static bool
check_kind(const struct context *c, const struct raw_auth *raw, enum auth_kind kind)
{
	switch (kind) {
	case AUTH_APP_CERTIFICATE:
		return check_app(c, raw);
	case AUTH_APP_SECRET:
		return check_app(c, raw) &&
		       check_either(c, "secret", raw->secret_file, raw->secret_command);
	case AUTH_NEGOTIATE:
		return true;
	case AUTH_BASIC:
	case AUTH_NTLM:
		if (strchr(raw->user, ':') != NULL)
			return context_bad(
				c, "source.auth.user", "a `:` can't stand in a user's name");
		return check_either(c, "password", raw->password_file, raw->password_command);
	}
	return false;
}

/* A path into a text of struct auth_config. */
static bool
resolve(const struct context *c, const char *key, const char *text, const char **out)
{
	char *path = NULL;

	if (!value_path(c, key, text, &path))
		return false;
	*out = path;
	return true;
}

static bool
check_auth(const struct context *c, const struct raw_auth *raw, struct auth_config *auth)
{
	if (raw == NULL || raw->kind == 0)
		return context_bad(c, "source.auth.kind",
			"missing; give `app-certificate`, `app-secret`, `ntlm`, `negotiate` or "
			"`basic`");
	auth->kind = (enum auth_kind)(raw->kind - 1);
	if (!check_auth_keys(c, raw, auth->kind) || !check_kind(c, raw, auth->kind))
		return false;
	auth->tenant = context_text(c, raw->tenant);
	auth->client_id = context_text(c, raw->client_id);
	auth->assertion =
		raw->assertion != 0 ? (enum auth_assertion)(raw->assertion - 1) : AUTH_PS256;
	auth->secret_command = context_text(c, raw->secret_command);
	auth->user = context_text(c, raw->user);
	auth->password_command = context_text(c, raw->password_command);
	return resolve(c, "source.auth.certificate", raw->certificate, &auth->certificate_file) &&
	       resolve(c, "source.auth.key", raw->key, &auth->key_file) &&
	       resolve(c, "source.auth.secret_file", raw->secret_file, &auth->secret_file) &&
	       resolve(c, "source.auth.password_file", raw->password_file, &auth->password_file);
}

/* ---- the server ---- */

static void
set_defaults(const struct context *c, int cloud, struct profile *p)
{
	const struct cloud *where = &clouds[cloud != 0 ? cloud : RAW_CLOUD_WORLDWIDE];
	EXA_AUTO(exa_freep)
	char *endpoint = exa_asprintf("%s/EWS/Exchange.asmx", where->ews_host);
	EXA_AUTO(exa_freep) char *ews_scope = exa_asprintf("%s/.default", where->ews_host);
	EXA_AUTO(exa_freep) char *graph_scope = exa_asprintf("%s/.default", where->graph);

	p->endpoint = context_text(c, endpoint);
	p->token_endpoint = context_text(c, where->token);
	p->graph_endpoint = context_text(c, where->graph);
	p->ews_scope = context_text(c, ews_scope);
	p->graph_scope = context_text(c, graph_scope);
	p->timeout_s = TIMEOUT_DEFAULT_S;
}

static bool
check_scope(const struct context *c, const char *key, const char *text, char **out)
{
	static const char ending[] = "/.default";

	if (text == NULL)
		return true;
	if (strlen(text) < sizeof ending ||
		strcmp(text + strlen(text) - (sizeof ending - 1), ending) != 0 ||
		strpbrk(text, " \t\n") != NULL)
		return context_bad(c, key,
			"expected a scope that ends in /.default, as in "
			"https://outlook.office365.com/.default");
	*out = context_text(c, text);
	return true;
}

/* An Autodiscover service has one path; what counts is the host. */
static bool
check_autodiscover_server(const struct context *c, const char *text, char **out)
{
	static const char folder[] = "/autodiscover/";
	char *path;

	if (strstr(text, "://") == NULL)
		return context_bad(c, "source.autodiscover",
			"expected `true`, `false` or a URL that begins with https://");
	if (!value_url(c, "source.autodiscover", text, out))
		return false;
	path = strchr(strstr(*out, "://") + 3, '/');
	if (path != NULL && strncasecmp(path, folder, sizeof folder - 1) != 0)
		return context_bad(c, "source.autodiscover",
			"expected `true`, `false` or the server, as in "
			"https://HOST/autodiscover/autodiscover.xml");
	if (path != NULL)
		*path = '\0';
	return true;
}

static bool
check_autodiscover(const struct context *c, const struct raw_source *raw, struct profile *p)
{
	static const char *const words[][2] = { { "false", "true" }, { "no", "yes" },
		{ "off", "on" } };
	const char *text = raw->autodiscover;

	if (text == NULL)
		return true;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(text, words[i][0]) == 0)
			return true;
		p->autodiscover = p->autodiscover || strcmp(text, words[i][1]) == 0;
	}
	if (!p->autodiscover && !check_autodiscover_server(c, text, &p->autodiscover_server))
		return false;
	p->autodiscover = true;
	if ((KIND_BIT(p->auth.kind) & KINDS_OWN_SERVER) == 0)
		return context_bad(c, "source.autodiscover",
			"has no meaning with `kind: %s`: Exchange Online's address is fixed by "
			"`cloud`",
			raw_word("source.auth.kind", (int)p->auth.kind + 1));
	if (raw->endpoint != NULL)
		return context_bad(
			c, "source.autodiscover", "give `endpoint` or `autodiscover`, not both");
	p->endpoint = NULL;
	return true;
}

static bool
check_endpoint(const struct context *c, const struct raw_source *raw, struct profile *p)
{
	if (!check_autodiscover(c, raw, p))
		return false;
	if (p->autodiscover)
		return true;
	if (raw->endpoint == NULL && (KIND_BIT(p->auth.kind) & KINDS_OWN_SERVER) != 0)
		return context_bad(c, "source.endpoint",
			"missing; `kind: %s` is for your own Exchange servers, Exchange Online "
			"refuses it (write https://HOST/EWS/Exchange.asmx, or `autodiscover: "
			"true`)",
			raw_word("source.auth.kind", (int)p->auth.kind + 1));
	if (!value_url(c, "source.endpoint", raw->endpoint, &p->endpoint))
		return false;
	if (strchr(strstr(p->endpoint, "://") + 3, '/') == NULL)
		return context_bad(
			c, "source.endpoint", "the path is missing, mostly /EWS/Exchange.asmx");
	return true;
}

bool
source_check(const struct context *c, const struct raw_profile *profile, struct profile *p)
{
	const struct raw_source *raw = profile->source;
	const struct value_range timeout = { 5, 3600 };

	if (raw == NULL)
		return context_bad(c, "source", "missing; it says where the mailboxes are");
	if (raw->kind == 0)
		return context_bad(c, "source.kind", "missing; give `ews`");
	set_defaults(c, raw->cloud, p);
	if (!check_auth(c, raw->auth, &p->auth) || !check_endpoint(c, raw, p) ||
		!value_url(c, "source.token_endpoint", raw->token_endpoint, &p->token_endpoint) ||
		!value_url(c, "source.graph_endpoint", raw->graph_endpoint, &p->graph_endpoint) ||
		!check_scope(c, "source.ews_scope", raw->ews_scope, &p->ews_scope) ||
		!check_scope(c, "source.graph_scope", raw->graph_scope, &p->graph_scope) ||
		!value_path(c, "source.tls_ca", raw->tls_ca, &p->tls_ca) ||
		!value_count(c, "source.timeout_s", raw->timeout_s, timeout, &p->timeout_s))
		return false;
	p->gzip = raw->gzip != RAW_NO;
	p->auth.token_endpoint = p->token_endpoint;
	return true;
}
