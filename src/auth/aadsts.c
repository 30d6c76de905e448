/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources: Microsoft Entra "authentication and authorization error codes"; RFC 6749, 5.2. The
 * server's own text is not repeated: it may quote the request.
 */
#include <stddef.h>
#include <stdio.h>

#include "aadsts.h"

static const struct {
	long number;
	enum exa_code code;
	const char *remedy;
} numbers[] = {
	{ 7000215, EXA_AUTH,
		"the client secret is wrong; give the secret's value, not its id, from "
		"\"Certificates & secrets\"" },
	{ 7000222, EXA_AUTH,
		"the client secret has expired; make a new one in the app registration" },
	{ 700016, EXA_AUTH,
		"the tenant doesn't know this application; check client_id and tenant" },
	{ 700024, EXA_AUTH, "the assertion isn't within its valid time; set this machine's clock" },
	{ 7000112, EXA_AUTH,
		"the application is disabled in the tenant; enable it under "
		"\"Enterprise applications\"" },
	{ 700027, EXA_AUTH,
		"the signature isn't accepted; upload this certificate to the app registration" },
	{ 50012, EXA_AUTH,
		"the assertion isn't accepted; is this machine's clock right, and the certificate "
		"uploaded?" },
	{ 50013, EXA_AUTH,
		"the assertion isn't accepted; is this machine's clock right, and the certificate "
		"uploaded?" },
	{ 50027, EXA_AUTH, "the assertion can't be read by the server; please report this" },
	{ 7000218, EXA_AUTH, "the request held neither secret nor assertion; please report this" },
	{ 70011, EXA_AUTH, "the scope is malformed; it must be HOST/.default" },
	{ 500011, EXA_AUTH,
		"the tenant doesn't know the service of this scope; check cloud and endpoint" },
	{ 90002, EXA_AUTH, "there is no such tenant; check tenant and cloud" },
	{ 900023, EXA_AUTH, "the tenant is neither a domain nor a GUID; check tenant" },
	{ 65001, EXA_AUTH, "consent is missing; an administrator must grant the permission" },
	{ 530032, EXA_AUTH, "a conditional access policy blocks this application" },
	{ 53003, EXA_AUTH, "a conditional access policy blocks this application" },
	{ 90038, EXA_AUTH, "the tenant lives in another national cloud; set cloud to it" },
	{ 900382, EXA_AUTH, "the tenant lives in another national cloud; set cloud to it" },
	{ 50033, EXA_NET, "the sign-in service has trouble that passes" },
	{ 90033, EXA_NET, "the sign-in service has trouble that passes" },
	{ 90090, EXA_NET, "the sign-in service has trouble that passes" },
	{ 90055, EXA_THROTTLED, "the tenant asks for too many tokens" },
};

static bool
fail_by_status(int status, struct exa_error *err)
{
	if (status == 429)
		return exa_fail(err, EXA_THROTTLED, "the sign-in service is busy (HTTP 429)");
	if (status >= 500 || (status >= 300 && status < 400))
		return exa_fail(err, EXA_NET, "the sign-in service has trouble (HTTP %d)", status);
	return exa_fail(err, EXA_AUTH,
		"the sign-in service refuses (HTTP %d); check tenant, client_id and cloud", status);
}

bool
aadsts_fail(long number, int status, struct exa_error *err)
{
	char name[EXA_ERROR_NAME_MAX];

	if (number == 0) {
		(void)fail_by_status(status, err);
		err->detail = status;
		return false;
	}
	(void)snprintf(name, sizeof name, "AADSTS%ld", number);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		if (numbers[i].number == number) {
			(void)exa_fail(err, numbers[i].code, "%s: %s", name, numbers[i].remedy);
			goto named;
		}
	}
	if (status == 429 || status >= 500)
		(void)fail_by_status(status, err);
	else
		(void)exa_fail(err, EXA_AUTH,
			"sign-in refused with %s; what it means: "
			"https://login.microsoftonline.com/error?code=%ld",
			name, number);
named:
	exa_error_set_name(err, name);
	err->detail = status;
	return false;
}
