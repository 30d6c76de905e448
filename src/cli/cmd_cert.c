/* SPDX-License-Identifier: Apache-2.0 */
/* `exarch cert create`: what an app registration wants uploaded, and the key that belongs to it. */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "deed.h"
#include "exarch/cert.h"
#include "exarch/clock.h"

#define DAYS_DEFAULT 365

static bool
read_days(const char *text, uint32_t *out, struct exa_error *err)
{
	unsigned long n;
	char *end;

	*out = DAYS_DEFAULT;
	if (text == NULL)
		return true;
	n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || n == 0 || n > CERT_DAYS_MAX)
		return exa_fail(err, EXA_USAGE, "--days is a number from 1 to %d, not '%s'",
			CERT_DAYS_MAX, text);
	*out = (uint32_t)n;
	return true;
}

static void
print_json(const struct cert *c)
{
	deed_print_json(json_pack("{s:s, s:o, s:o, s:o, s:s, s:s, s:o}", "event", "certificate",
		"key", deed_json_text(c->key_file), "certificate", deed_json_text(c->crt_file),
		"upload", deed_json_text(c->cer_file), "sha1", c->sha1, "sha256", c->sha256,
		"expires", deed_json_time(c->expires_ns)));
}

static void
print_text(const struct cert *c)
{
	char expires[CLOCK_TEXT_MAX];

	clock_format(c->expires_ns, expires);
	(void)printf("upload         %s   (Entra ID: App registrations > your app > Certificates & "
		     "secrets)\n"
		     "certificate    %s\n"
		     "private key    %s   (stays on this machine, readable by its owner only)\n"
		     "SHA-1          %s   (Entra ID's \"Thumbprint\")\n"
		     "SHA-256        %s\n"
		     "expires        %s\n\n"
		     "In the profile:\n"
		     "  auth: { kind: app-certificate, tenant: TENANT-ID, client_id: CLIENT-ID,\n"
		     "          certificate: %s, key: %s }\n",
		c->cer_file, c->crt_file, c->key_file, c->sha1, c->sha256, expires, c->crt_file,
		c->key_file);
}

int
cmd_cert_create(const struct args *args)
{
	struct cert_options options = { .dir = args->value[OPT_OUT],
		.name = args->value[OPT_NAME] != NULL ? args->value[OPT_NAME] : "exarch" };
	struct exa_error err;
	struct cert cert;

	if (options.dir == NULL) {
		(void)exa_fail(&err, EXA_USAGE, "--out DIR is missing: where the files go");
		return fail_with(&err);
	}
	if (!read_days(args->value[OPT_DAYS], &options.days, &err) ||
		!cert_create(&options, &cert, &err))
		return fail_with(&err);
	if (args->value[OPT_JSON] != NULL)
		print_json(&cert);
	else
		print_text(&cert);
	cert_done(&cert);
	return EXIT_DONE;
}
