/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `exarch check`: what a run would need, looked at one thing after the other, each told in one line
 * with what to do about it. What can't be looked at because of something earlier is left out; the
 * rest goes on. Nothing is written, nothing is asked for twice.
 */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

#include "options.h"
#include "session.h"

enum check_state { CHECK_OK, CHECK_WARNING, CHECK_FAILED };

#define CHECK_HOSTS_MAX 4
#define CHECK_SAMPLE_MAX 20 /* mailboxes that --mailbox tries at most */

/* A server that the profile leads to. */
struct check_host {
	char *origin;    /* "https://outlook.office365.com" */
	const char *key; /* of the profile, that names it */
	bool reached;
};

struct check {
	const struct args *args;
	bool json;
	size_t count[3]; /* findings by state */
	int code;        /* the worst so far */

	struct profile *profile;
	struct session session; /* auth NULL: the credentials are no good */
	struct check_host hosts[CHECK_HOSTS_MAX];
	size_t host_count;
	struct plan plan;
	bool planned;
	bool refused; /* the sign-in service said no: it would again */
};

struct check_finding {
	const char *what;    /* "token": never renamed, JSON has it too */
	const char *subject; /* host, address, path; NULL = none */
	enum check_state state;
	const char *remedy; /* NULL: nothing to do, or the text says it */
	const char *name;   /* the server's own name of the failure, or NULL */
	int code;           /* CHECK_FAILED: what it means for the exit code */
};
void check_tell(struct check *c, const struct check_finding *f, const char *fmt, ...)
	EXA_PRINTF(3, 4);
/* A failure. REMEDY may be NULL; CODE 0 = what the error's code means elsewhere. */
void check_tell_error(struct check *c, const char *what, const char *subject,
	const struct exa_error *err, const char *remedy, int code);

/* The steps, in their order. */
void check_hosts(struct check *c);       /* names, connections, TLS, the clock */
void check_credentials(struct check *c); /* key, certificate, secret: no server is asked */
void check_directory(struct check *c);   /* Graph, and who is to be archived */
void check_mailboxes(struct check *c);   /* token, EWS, a sample of mailboxes */
void check_archive(struct check *c);     /* the archive, its key, its disk */

/* What check_hosts found of URL's host; true when it wasn't looked at. */
bool check_host_reached(const struct check *c, const char *url);

/*
 * A token for SCOPE, as it was issued. False: there is none, and it has been told. Credentials that
 * need no token: true with empty claims.
 */
bool check_token(struct check *c, const char *scope, struct auth_claims *out);
/* Tells what the token may do. OPENS: it was let in all the same. */
struct check_roles {
	const char *scope;
	const char *service; /* "Office 365 Exchange Online" */
	/* Of each list any role will do, the first is the one to grant. All of them end with
	 * NULL. */
	const char *const *const *wanted;
	bool opens;
};
void check_roles(struct check *c, const struct check_roles *r, const struct auth_claims *claims);

#endif
