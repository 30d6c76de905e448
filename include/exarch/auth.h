/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials in, an Authorization header out. Tokens of an application (OAuth 2 client
 * credentials, EWS.md-style facts: Microsoft identity platform "client credentials flow" and
 * "certificate credentials"; RFC 7521, 7523, 7515) are fetched once, shared by all threads, renewed
 * five minutes before they expire, and once more when a server answers 401 to one.
 *
 * One struct auth serves all threads; each thread brings its own http_client for the rare fetch
 * (one fetch at a time). Secrets are kept in memory only while needed, wiped after, and never stand
 * in an error text.
 */
#ifndef EXARCH_AUTH_H
#define EXARCH_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "exarch/attr.h"
#include "exarch/bytes.h"
#include "exarch/error.h"
#include "exarch/http.h"

enum auth_kind {
	AUTH_APP_CERTIFICATE,
	AUTH_APP_SECRET,
	AUTH_BASIC,
	AUTH_NTLM,      /* by the connection: auth_login */
	AUTH_NEGOTIATE, /* likewise, with Kerberos */
};

enum auth_assertion {
	AUTH_PS256, /* PS256 + x5t#S256 */
	AUTH_RS256, /* RS256 + x5t (SHA-1), the older form */
};

/* All texts borrowed for auth_open only. Paths are absolute or relative to the working directory.
 */
struct auth_config {
	enum auth_kind kind;
	const char *token_endpoint; /* "https://login.microsoftonline.com":
				       /{tenant}/oauth2/v2.0/token is put behind it */
	const char *tenant;
	const char *client_id;
	const char *certificate_file; /* PEM or DER */
	const char
		*key_file; /* PEM, not encrypted; readable by the owner only, otherwise refused */
	enum auth_assertion assertion;
	const char *secret_file;    /* AUTH_APP_SECRET: first line of a file ... */
	const char *secret_command; /* ... or of a command's output (/bin/sh -c); exactly one of the
				       two */
	const char *user;           /* AUTH_BASIC, AUTH_NTLM: user@domain or DOMAIN\user */
	const char *password_file;  /* ... with the same choice for the password */
	const char *password_command;
};

struct auth;

/*
 * Reads and checks the key material; asks no server. EXA_AUTH names the file and the remedy:
 * unreadable, not a key, key and certificate don't belong together, certificate expired (with date)
 * or not yet valid, key file open to others, empty secret, command failed.
 */
bool auth_open(
	const struct auth_config *config, struct auth **out, struct exa_error *err) EXA_CHECK;
void auth_free(struct auth *a);
void auth_freep(struct auth **a);

/* How connections sign in, for http_options.login: HTTP_LOGIN_NONE unless NTLM or Negotiate. Texts
 * are borrowed from A. */
void auth_login(const struct auth *a, struct http_login *out);

/*
 * Appends "Bearer <token>" or "Basic <credentials>" for SCOPE
 * ("https://outlook.office365.com/.default"; ignored for Basic), fetching or renewing the token
 * when needed; nothing at all when the connection signs in. EXA_AUTH carries the AADSTS number in
 * err->name ("AADSTS7000215") and says what to do; transient AADSTS codes and 429/5xx come as
 * EXA_NET or EXA_THROTTLED.
 */
bool auth_header(struct auth *a, const char *scope, struct http_client *http,
	struct buf *header_out, struct exa_error *err) EXA_CHECK;

/*
 * The server answered 401 to HEADER. True: a new token may help, ask auth_header again (at most one
 * renewal for each token, however many threads report it). False: the credentials themselves are
 * refused.
 */
bool auth_refused(struct auth *a, const char *scope, const char *header);

/* The server took HEADER: were it refused later, a new token may help again. */
void auth_accepted(struct auth *a, const char *scope, const char *header);

/*
 * What the cached token for SCOPE says of itself, for explanations only (the signature is not
 * checked): its roles joined with ", " ("" when it has none). False when there is no token or it
 * can't be read.
 */
bool auth_token_roles(struct auth *a, const char *scope, struct buf *roles_out);

/*
 * The rest of it, for explanations likewise. Texts are "" where the token doesn't say; owned:
 * auth_claims_done.
 */
struct auth_claims {
	char *audience;              /* aud: the service it is for, a URL or a GUID */
	char *application;           /* appid */
	char *tenant;                /* tid */
	char *roles;                 /* joined with ", " */
	int64_t issued_s, expires_s; /* iat, exp, since 1970; 0 = not said */
};
bool auth_token_claims(struct auth *a, const char *scope, struct auth_claims *out);
void auth_claims_done(struct auth_claims *c);

/* Whose credentials these are, for error texts: the user name, or the application's client id.
 * Borrowed. */
const char *auth_who(const struct auth *a);

/* Days until the app certificate expires; INT32_MAX when there is none. */
int32_t auth_certificate_days(const struct auth *a);

/* The app certificate's SHA-1 as Entra ID shows it ("Thumbprint": upper case hex); "" when there is
 * none. */
#define AUTH_THUMBPRINT_MAX 41
void auth_certificate_thumbprint(const struct auth *a, char out[AUTH_THUMBPRINT_MAX]);

#endif
