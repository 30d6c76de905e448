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
	{ 403, EXA_DENIED,
		"refused by a policy. Is EWS on for organisation and user (EwsEnabled), the "
		"application in EwsAllowedAppIDs, its user agent allowed (EwsAllowList), the "
		"mailbox within the application access policy or RBAC scope, and "
		"full_access_as_app granted?" },
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
			"(the server asks for: %.60s)",
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
status_explain(const struct http_answer *answer, const char *roles, struct exa_error *err)
{
	if (answer->status == 401)
		(void)explain_refusal(answer, roles, err);
	else
		(void)explain_other(answer, err);
	err->detail = answer->status;
	err->retry_after_ms = answer->retry_after_ms;
	return false;
}
