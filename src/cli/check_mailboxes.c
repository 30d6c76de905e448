/* SPDX-License-Identifier: Apache-2.0 */
/* Who is to be archived, and whether a sample of them opens. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "exarch/clock.h"
#include "exarch/mem.h"
#include "exarch/pattern.h"

#include "check.h"

#define SAMPLE 3

/* ---- who ---- */

static bool
from_directory(const struct check *c)
{
	return c->profile->mailboxes_from == PROFILE_FROM_DIRECTORY;
}

static void
tell_plan(struct check *c)
{
	size_t chosen = plan_chosen(&c->plan);
	struct check_finding f = { .what = "mailboxes" };

	if (chosen == 0) {
		f.state = CHECK_FAILED;
		f.code = EXIT_USAGE;
		f.remedy =
			"`exarch mailboxes PROFILE` says why not; see `mailboxes` in the profile";
	}
	check_tell(c, &f, "%zu of %zu %s are to be archived", chosen, c->plan.count,
		from_directory(c) ? "users of the directory" : "listed");
}

static void
load_plan(struct check *c)
{
	static const char *const users[] = { "Directory.Read.All", "User.Read.All", NULL };
	static const char *const groups[] = { "GroupMember.Read.All", "Group.Read.All",
		"Directory.Read.All", NULL };
	const char *const *const roles[] = { users, c->profile->group_count > 0 ? groups : NULL,
		NULL };
	const struct check_roles wanted = {
		.scope = c->profile->graph_scope, .service = "Microsoft Graph", .wanted = roles
	};
	EXA_AUTO(auth_claims_done) struct auth_claims claims = { 0 };
	struct exa_error err;
	bool signed_in = false;

	if (from_directory(c)) {
		if (!check_host_reached(c, c->profile->graph_endpoint) ||
			!check_token(c, c->profile->graph_scope, &claims))
			return;
		signed_in = true;
	}
	c->planned = plan_load(&c->session, NULL, NULL, &c->plan, &err);
	if (signed_in) {
		struct check_roles told = wanted;

		told.opens = c->planned;
		check_roles(c, &told, &claims);
	}
	if (c->planned)
		tell_plan(c);
	else
		check_tell_error(c, "directory", c->profile->graph_endpoint, &err, NULL, 0);
}

void
check_directory(struct check *c)
{
	if (c->session.auth != NULL)
		load_plan(c);
}

/* ---- the sample ---- */

struct tried {
	char *smtp;
	const char *left_out; /* why the profile leaves it out; NULL = it doesn't */
	bool good;
	struct exa_error err;
};

struct sample {
	struct tried of[CHECK_SAMPLE_MAX];
	size_t count;
};

static void
sample_done(struct sample *s)
{
	for (size_t i = 0; i < CHECK_SAMPLE_MAX; i++)
		exa_free(s->of[i].smtp);
}

static void
take(struct sample *s, const struct plan_entry *e)
{
	if (s->count < CHECK_SAMPLE_MAX)
		s->of[s->count++] = (struct tried){ .smtp = exa_strdup(e->mailbox.smtp),
			.left_out =
				e->decision.verdict == RULES_ARCHIVE ? NULL : e->decision.reason };
}

/* First, middle, last of those that are to be archived. */
static void
take_some(const struct plan *p, struct sample *s)
{
	size_t chosen = plan_chosen(p), seen = 0, next = 0;

	for (size_t i = 0; i < p->count && s->count < SAMPLE; i++) {
		if (p->entries[i].decision.verdict != RULES_ARCHIVE)
			continue;
		if (seen++ == next) {
			take(s, &p->entries[i]);
			next = s->count * (chosen - 1) / (SAMPLE - 1);
			next = next < seen ? seen : next;
		}
	}
}

static bool
take_matching(struct check *c, const char *wanted, struct sample *s, struct exa_error *err)
{
	EXA_AUTO(pattern_freep) struct pattern *pattern = NULL;

	if (!pattern_compile(wanted, &pattern, err))
		return exa_while(err, "--mailbox");
	for (size_t i = 0; i < c->plan.count; i++) {
		if (pattern_matches(pattern, c->plan.entries[i].mailbox.smtp))
			take(s, &c->plan.entries[i]);
	}
	/* Whoever isn't on the profile's list is tried all the same. */
	if (s->count == 0 && strchr(wanted, '@') != NULL && strpbrk(wanted, "*?[") == NULL &&
		strncmp(wanted, "re:", 3) != 0)
		s->of[s->count++] = (struct tried){ .smtp = exa_strdup(wanted),
			.left_out = from_directory(c) ? "the directory doesn't know it"
						      : "the profile doesn't list it" };
	return true;
}

/* ---- asking ---- */

static bool
ignore_folder(void *ctx, const struct ews_folder *folder, struct exa_error *err)
{
	(void)ctx;
	(void)folder;
	(void)err;
	return true;
}

/* What the server says of this mailbox, as against what it says of us or is. */
static bool
is_about_the_mailbox(const struct tried *t)
{
	return t->good || t->err.code == EXA_ASIDE || t->err.code == EXA_GONE ||
	       t->err.code == EXA_DENIED;
}

static bool
is_switched_off(const struct tried *t)
{
	return !t->good && t->err.code == EXA_DENIED && t->err.detail == 403;
}

static bool
locate(struct check *c, const struct sample *s)
{
	struct crawl_mailbox mailboxes[CHECK_SAMPLE_MAX];
	struct exa_error err;

	if (!c->profile->autodiscover)
		return true;
	for (size_t i = 0; i < s->count; i++)
		mailboxes[i] = (struct crawl_mailbox){ .smtp = s->of[i].smtp };
	if (!session_locate(&c->session, mailboxes, s->count, NULL, &err)) {
		check_tell_error(c, "autodiscover", NULL, &err,
			"or set source.endpoint instead of autodiscover", 0);
		return false;
	}
	check_tell(c, &(struct check_finding){ .what = "autodiscover" }, "%s",
		c->session.ews.endpoint);
	return true;
}

/* One after the other; what the server says of us, it would say for each. */
static void
ask(struct check *c, struct sample *s)
{
	EXA_AUTO(ews_freep) struct ews *ews = NULL;
	const struct ews_folder_sink sink = { .folder = ignore_folder };
	bool goes_on = true;

	for (size_t i = 0; i < s->count && goes_on; i++) {
		struct tried *t = &s->of[i];
		const struct ews_mailbox mailbox = { .smtp = t->smtp };

		t->good = (ews != NULL || ews_new(&c->session.ews, &ews, &t->err)) &&
			  ews_get_folder(ews, &mailbox, NULL, &sink, &t->err);
		goes_on = is_about_the_mailbox(t);
		if (!goes_on)
			s->count = i + 1;
	}
}

/* ---- telling ---- */

#define NO_MAILBOX                                                                        \
	"is the address right, and has the user an Exchange licence? Otherwise leave it " \
	"out: mailboxes.exclude"

static const struct {
	const char *name, *remedy;
} remedies[] = {
	{ "ErrorNonExistentMailbox", NO_MAILBOX },
	{ "ErrorMissingExchangePrincipal", NO_MAILBOX },
	{ "ErrorMissingEmailAddress", NO_MAILBOX },
	{ "ErrorInvalidLicense", "assign an Exchange licence, or leave it out: mailboxes.exclude" },
	{ "ErrorAccountDisabled", "enable it, or leave it out: mailboxes.exclude" },
	{ "ErrorNonPrimarySmtpAddress", "name the mailbox by its primary address" },
};

static const char *
remedy_of_mailbox(const struct check *c, const struct exa_error *err)
{
	for (size_t i = 0; i < sizeof remedies / sizeof remedies[0]; i++) {
		if (strcmp(err->name, remedies[i].name) == 0)
			return remedies[i].remedy;
	}
	if (err->detail == 403)
		return "only this one? Then its own switch (Get-CASMailbox ADDRESS: EwsEnabled), "
		       "or the application's policy or scope leaves it out";
	if (strstr(err->name, "Impersonat") != NULL && ews_is_online(c->session.ews.endpoint))
		return "is this mailbox in the scope of the application "
		       "(Get-ApplicationAccessPolicy, "
		       "Get-ManagementRoleAssignment)? Changes take an hour and more";
	if (strstr(err->name, "Impersonat") != NULL)
		return "Exchange Server: New-ManagementRoleAssignment -Role "
		       "ApplicationImpersonation "
		       "-User ACCOUNT; Exchange Online: the application's access policy or scope";
	return NULL;
}

static void
tell_mailbox(struct check *c, const struct tried *t)
{
	const struct check_finding f = { .what = "mailbox",
		.subject = t->smtp,
		.state = t->left_out != NULL ? CHECK_WARNING : CHECK_OK,
		.remedy = t->left_out != NULL ? "see `mailboxes` in the profile" : NULL };

	if (!t->good)
		check_tell_error(c, "mailbox", t->smtp, &t->err, remedy_of_mailbox(c, &t->err),
			EXIT_INCOMPLETE);
	else if (t->left_out != NULL)
		check_tell(c, &f, "opens, but isn't archived: %s", t->left_out);
	else
		check_tell(c, &f, "opens");
}

static const char *
remedy_of_server(const struct check *c, const struct exa_error *err)
{
	if (err->detail == 404 || err->detail == 405 || err->detail == 415 ||
		(err->detail >= 300 && err->detail < 400))
		return c->profile->autodiscover
			       ? "the server's administrator knows the address that works"
			       : "leave source.endpoint out for Exchange Online; otherwise it is "
				 "https://HOST/EWS/Exchange.asmx";
	if (strcmp(err->name, "2000008") == 0)
		return "see the line `roles`";
	if (err->code == EXA_NET || err->code == EXA_THROTTLED || err->code == EXA_TIMEOUT)
		return "try again in some minutes";
	return NULL;
}

/* A mailbox that can't be had is left out by a run; a server that can't be had ends it. */
static void
tell_server(struct check *c, const struct sample *s)
{
	const struct tried *last = &s->of[s->count - 1];
	const char *endpoint = c->session.ews.endpoint;
	size_t off = 0;

	for (size_t i = 0; i < s->count; i++)
		off += is_switched_off(&s->of[i]);
	if (!is_about_the_mailbox(last)) {
		check_tell_error(
			c, "ews", endpoint, &last->err, remedy_of_server(c, &last->err), 0);
		if (s->count == 1)
			return;
	} else if (off == s->count) {
		check_tell_error(c, "ews", endpoint, &last->err,
			"ask the tenant's administrator to allow this application, then wait a day",
			0);
		return;
	} else {
		check_tell(c, &(struct check_finding){ .what = "ews", .subject = endpoint },
			"answers");
	}
	for (size_t i = 0; i < s->count; i++) {
		if (is_about_the_mailbox(&s->of[i]))
			tell_mailbox(c, &s->of[i]);
	}
}

static bool
any_is_good(const struct sample *s)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->of[i].good)
			return true;
	}
	return false;
}

static bool
choose(struct check *c, struct sample *s)
{
	const char *wanted = c->args->value[OPT_MAILBOX];
	struct check_finding f = {
		.what = "mailbox", .state = CHECK_WARNING, .remedy = "name one: --mailbox ADDRESS"
	};
	struct exa_error err;

	if (wanted == NULL) {
		take_some(&c->plan, s);
	} else if (!take_matching(c, wanted, s, &err)) {
		check_tell_error(c, "mailbox", wanted, &err, NULL, 0);
		return false;
	}
	if (s->count > 0)
		return true;
	if (wanted == NULL)
		check_tell(c, &f, "none is known to try");
	else
		check_tell_error(c, "mailbox", wanted,
			&(struct exa_error){ .code = EXA_USAGE, .text = "matches no mailbox" },
			"`exarch mailboxes PROFILE` lists them", 0);
	return false;
}

void
check_mailboxes(struct check *c)
{
	static const char *const role[] = { "full_access_as_app", NULL };
	static const char *const *const roles[] = { role, NULL };
	EXA_AUTO(auth_claims_done) struct auth_claims claims = { 0 };
	struct check_roles wanted = {
		.scope = c->profile->ews_scope,
		.service = "Office 365 Exchange Online (under \"APIs my organization uses\")",
		.wanted = roles,
	};
	EXA_AUTO(sample_done) struct sample sample = { 0 };
	struct sample *s = &sample;
	bool chosen;

	if (c->session.auth == NULL || !check_host_reached(c, c->profile->endpoint) ||
		!check_token(c, c->profile->ews_scope, &claims))
		return;
	chosen = choose(c, s) && locate(c, s);
	if (chosen)
		ask(c, s);
	wanted.opens = any_is_good(s);
	if (claims.roles != NULL || c->profile->auth.kind == AUTH_APP_CERTIFICATE ||
		c->profile->auth.kind == AUTH_APP_SECRET)
		check_roles(c, &wanted, &claims);
	if (chosen)
		tell_server(c, s);
}
