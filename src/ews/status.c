/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources: RFC 9110; "Authenticate an EWS application by using OAuth" and observation for
 * x-ms-diagnostics: `2000008;reason="...";error_category="invalid_grant"`.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "status.h"

/* The reasons for a 401 that x-ms-diagnostics begins with. */
static const struct {
	long id;
	enum exa_code code;
	const char *words;
} diagnostics[] = {
	{ 2000000, EXA_AUTH, "the token's signature isn't accepted; is it the right cloud?" },
	{ 2000001, EXA_AUTH, "the token is malformed" },
	{ 2000002, EXA_AUTH, "the token has expired at once; is this machine's clock right?" },
	{ 2000003, EXA_AUTH, "the token is for another service; check cloud and endpoint" },
	{ 2000004, EXA_AUTH, "the token is from another tenant" },
	{ 2000005, EXA_AUTH, "the token's user isn't accepted" },
	{ 2000006, EXA_AUTH, "the application isn't accepted" },
	{ 2000007, EXA_NET, "the server has trouble checking the token" },
};
#define NO_PERMISSION 2000008

/* What is worth its own words or code; the rest goes by class. */
static const struct {
	int status;
	enum exa_code code;
	const char *words;
} statuses[] = {
	{ 404, EXA_FAILED, "nothing there; check source.endpoint" },
	{ 405, EXA_FAILED, "this is no EWS endpoint; check source.endpoint" },
	{ 408, EXA_TIMEOUT, "the server gave up waiting" },
	{ 413, EXA_LIMIT, "the request is too large for the server" },
	{ 415, EXA_FAILED, "this is no EWS endpoint; check source.endpoint" },
	{ 429, EXA_THROTTLED, "the server is busy" },
	{ 456, EXA_DENIED, "the account is blocked" },
	{ 457, EXA_DENIED, "the account's password has expired" },
	{ 503, EXA_THROTTLED, "the server is busy or not available" },
};

/*
 * A 403 has no body and doesn't say which policy it was. Sources: "Exchange Online EWS, Your Time
 * is Almost Up"; "Control access to EWS in Exchange"; "Limiting application permissions to specific
 * Exchange Online mailboxes".
 */
static bool
explain_forbidden(const struct status_asked *asked, struct exa_error *err)
{
	if (!asked->online)
		return exa_fail(err, EXA_DENIED,
			"HTTP 403: the server refuses EWS to %s. Is EwsEnabled not false and "
			"exarch's user agent allowed (Get-OrganizationConfig, Get-CASMailbox: "
			"EwsEnabled, EwsApplicationAccessPolicy, EwsAllowList), this machine's "
			"address allowed in IIS, and the account's ApplicationImpersonation role "
			"in force? (The retirement of EWS is Exchange Online's alone.)",
			asked->who);
	return exa_fail(err, EXA_DENIED,
		"HTTP 403: Exchange Online refuses EWS. Switched off? From October 2026 it is, "
		"unless an administrator allows this application: Set-OrganizationConfig "
		"-EwsEnabled $true -EwsAllowedAppIDs \"%s\" (replaces the list: name all; takes up "
		"to 24 h); from 1 April 2027 for everybody, without exception. Otherwise a policy: "
		"Set-CASMailbox -EwsEnabled, EwsAllowList, application access policy, RBAC scope, "
		"or full_access_as_app not granted",
		asked->who);
}

static bool
explain_refusal(const struct http_answer *answer, const char *roles, struct exa_error *err)
{
	long id = strtol(answer->diagnostics, NULL, 10);
	char name[EXA_ERROR_NAME_MAX];

	if (id == NO_PERMISSION)
		(void)exa_fail(err, EXA_AUTH,
			"the token carries no permission for this (its roles: %s); grant the "
			"application permission full_access_as_app of Office 365 Exchange Online "
			"and give admin consent",
			roles != NULL && roles[0] != '\0' ? roles : "none");
	else if (roles == NULL)
		(void)exa_fail(err, EXA_AUTH,
			"user name or password is not accepted, or this way of signing in is off "
			"or wants Extended Protection (the server asks for: %.60s)",
			answer->authenticate[0] != '\0' ? answer->authenticate : "nothing");
	else
		(void)exa_fail(err, EXA_AUTH, "the server doesn't accept the token (HTTP 401)");
	for (size_t i = 0; i < sizeof diagnostics / sizeof diagnostics[0]; i++) {
		if (diagnostics[i].id == id)
			(void)exa_fail(
				err, diagnostics[i].code, "%s (HTTP 401)", diagnostics[i].words);
	}
	if (id > 0) {
		(void)snprintf(name, sizeof name, "%ld", id);
		exa_error_set_name(err, name);
	}
	return false;
}

static bool
explain_other(const struct http_answer *answer, struct exa_error *err)
{
	int status = answer->status;

	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
		if (statuses[i].status == status)
			return exa_fail(
				err, statuses[i].code, "HTTP %d: %s", status, statuses[i].words);
	}
	if (status >= 300 && status < 400)
		return exa_fail(err, EXA_NET,
			"HTTP %d leads to %s; not followed (front-end trouble, or source.endpoint "
			"is wrong)",
			status, answer->location[0] != '\0' ? answer->location : "nowhere");
	if (status >= 400 && status < 500)
		return exa_fail(
			err, EXA_FAILED, "the server refuses the request (HTTP %d)", status);
	if (status >= 500)
		return exa_fail(err, EXA_NET, "the server has trouble (HTTP %d)", status);
	return exa_fail(err, EXA_NET, "a web page instead of an answer (HTTP %d, %.60s)", status,
		answer->content_type);
}

bool
status_explain(
	const struct http_answer *answer, const struct status_asked *asked, struct exa_error *err)
{
	if (answer->status == 401)
		(void)explain_refusal(answer, asked->roles, err);
	else if (answer->status == 403)
		(void)explain_forbidden(asked, err);
	else
		(void)explain_other(answer, err);
	err->detail = answer->status;
	err->retry_after_ms = answer->retry_after_ms;
	return false;
}
