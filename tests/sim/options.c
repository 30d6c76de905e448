/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "gen_plan.h"
#include "options.h"

#define MAILBOXES_MAX 100000
#define ITEMS_TOTAL_MAX 4000000 /* sixteen bytes each are kept */

struct option {
	const char *name, *argument; /* argument NULL: takes none */
	bool (*set)(struct options *o, const char *value);
	const char *help;
};

static bool
read_number(const char *text, unsigned long max, unsigned long *out)
{
	char *end;

	errno = 0;
	*out = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *out <= max;
}

static bool
set_unsigned(const char *text, unsigned long max, unsigned *out)
{
	unsigned long n;

	if (!read_number(text, max, &n))
		return false;
	*out = (unsigned)n;
	return true;
}

static bool
set_mail(struct options *o, const char *value)
{
	o->mail = value;
	return true;
}

static bool
set_generate(struct options *o, const char *value)
{
	char *end;
	unsigned long boxes = strtoul(value, &end, 10), items;

	if (end == value || *end != 'x' || !read_number(end + 1, ITEMS_TOTAL_MAX, &items) ||
		boxes < 1 || boxes > MAILBOXES_MAX || boxes * items > ITEMS_TOTAL_MAX)
		return false;
	o->generate = value;
	o->mailboxes = (unsigned)boxes;
	o->items = (unsigned)items;
	return true;
}

static bool
set_seed(struct options *o, const char *value)
{
	unsigned long n;

	if (!read_number(value, ULONG_MAX, &n))
		return false;
	o->seed = n;
	return true;
}

static bool
set_add(struct options *o, const char *value)
{
	return set_unsigned(value, ITEMS_TOTAL_MAX, &o->add);
}

static bool
set_remove(struct options *o, const char *value)
{
	return set_unsigned(value, ITEMS_TOTAL_MAX, &o->remove);
}

static bool
set_mean_size(struct options *o, const char *value)
{
	o->small_mail = strcmp(value, "small") == 0;
	return o->small_mail || strcmp(value, "normal") == 0;
}

static bool
set_online_archive(struct options *o, const char *value)
{
	(void)value;
	o->online_archive = true;
	return true;
}

static bool
set_more_folders(struct options *o, const char *value)
{
	return set_unsigned(value, GEN_MORE_FOLDERS_MAX, &o->more_folders);
}

static bool
set_exchange_folders(struct options *o, const char *value)
{
	(void)value;
	o->folders = FOLDERS_AS_EXCHANGE;
	return true;
}

/* 127.0.0.1:PORT, 127.0.0.1, localhost:PORT or [::1]:PORT; nothing but loopback. */
static bool
set_listen(struct options *o, const char *value)
{
	static const struct {
		const char *text, *host;
	} hosts[] = { { "127.0.0.1", "127.0.0.1" }, { "localhost", "127.0.0.1" },
		{ "[::1]", "::1" } };

	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
		size_t length = strlen(hosts[i].text);

		if (strncmp(value, hosts[i].text, length) != 0)
			continue;
		o->host = hosts[i].host;
		if (value[length] == '\0')
			return true;
		return value[length] == ':' && set_unsigned(value + length + 1, 65535, &o->port);
	}
	return false;
}

static bool
set_plain(struct options *o, const char *value)
{
	(void)value;
	o->plain = true;
	return true;
}

static bool
set_account(char **user, char **password, const char *value)
{
	const char *colon = strchr(value, ':');

	if (colon == NULL || colon == value || colon - value >= MAILBOX_ADDRESS_MAX)
		return false;
	exa_free(*user);
	exa_free(*password);
	*user = exa_strndup(value, (size_t)(colon - value));
	*password = exa_strdup(colon + 1);
	return true;
}

static bool
set_basic(struct options *o, const char *value)
{
	return set_account(&o->basic_user, &o->basic_password, value);
}

static bool
set_ntlm(struct options *o, const char *value)
{
	return set_account(&o->ntlm_user, &o->ntlm_password, value);
}

static bool
set_lifetime(struct options *o, const char *value)
{
	return set_unsigned(value, 24 * 3600, &o->token_lifetime_s) && o->token_lifetime_s > 0;
}

static bool
set_clock_skew(struct options *o, const char *value)
{
	bool behind = *value == '-';
	unsigned seconds;

	if (!set_unsigned(value + behind, 10 * 24 * 3600, &seconds))
		return false;
	o->clock_skew_s = behind ? -(int)seconds : (int)seconds;
	return true;
}

static bool
set_app_role(struct options *o, const char *value)
{
	o->app_role = value;
	return *value != '\0';
}

static bool
set_no_role(struct options *o, const char *value)
{
	(void)value;
	o->no_role = true;
	return true;
}

static bool
set_deny(struct options *o, const char *value)
{
	if (o->denied_count == OPTIONS_REPEATED_MAX)
		return false;
	o->denied[o->denied_count++] = value;
	return true;
}

static bool
set_register(struct options *o, const char *value)
{
	if (o->registered_count == AUTH_CERTIFICATES_MAX - 1)
		return false;
	o->registered[o->registered_count++] = value;
	return true;
}

static bool
set_directory_extras(struct options *o, const char *value)
{
	(void)value;
	o->extras = PEOPLE_AND_OTHERS;
	return true;
}

static bool
set_empty_pages(struct options *o, const char *value)
{
	(void)value;
	o->empty_pages = true;
	return true;
}

static bool
set_illegal(struct options *o, const char *value)
{
	(void)value;
	o->illegal_references = true;
	return true;
}

static bool
set_profile(struct options *o, const char *value)
{
	o->profile = value;
	return *value != '\0';
}

static bool
set_archive(struct options *o, const char *value)
{
	o->archive = value;
	return *value != '\0';
}

static bool
set_log(struct options *o, const char *value)
{
	o->log = value;
	return *value != '\0';
}

static bool
set_scenario(struct options *o, const char *value)
{
	o->scenario = value;
	return *value != '\0';
}

static bool
set_latency(struct options *o, const char *value)
{
	return set_unsigned(value, 600000, &o->latency_ms);
}

static bool
set_request_max(struct options *o, const char *value)
{
	return set_unsigned(value, 1024, &o->request_max_mib) && o->request_max_mib > 0;
}

static const struct option table[] = {
	{ "--mail", "DIR", set_mail,
		"serve mail from DIR/MAILBOX/Folder/Sub/*.eml; a MAILBOX without '@' is\n"
		"MAILBOX@sim.example; .eml files right in MAILBOX are in the Inbox" },
	{ "--generate", "MAILBOXESxITEMS", set_generate,
		"serve generated mail, for instance 20x1000: 20 mailboxes of 1000 items" },
	{ "--seed", "S", set_seed, "other mail with another number; 1 if not given" },
	{ "--add", "N", set_add, "with --generate: N newer messages, spread over the mailboxes" },
	{ "--remove", "N", set_remove, "with --generate: N messages are gone, spread alike" },
	{ "--mean-size", "small|normal", set_mean_size,
		"with --generate: without attachments, or with (normal, about 100 KB)" },
	{ "--online-archive", NULL, set_online_archive,
		"with --generate: the folder Archive is in an online archive mailbox" },
	{ "--more-folders", "N", set_more_folders,
		"with --generate: N folders more in each mailbox" },
	{ "--exchange-folders", NULL, set_exchange_folders,
		"also the hidden, search, calendar, contacts and sync issues folders" },
	{ "--listen", "127.0.0.1:PORT", set_listen,
		"where to listen, loopback only; PORT 0 or no --listen: a free one" },
	{ "--plain", NULL, set_plain, "http instead of https" },
	{ "--basic", "USER:PASSWORD", set_basic,
		"accept Basic too; USER may impersonate every mailbox" },
	{ "--ntlm", "USER:PASSWORD", set_ntlm,
		"accept NTLM (v2) too; USER may impersonate every mailbox" },
	{ "--token-lifetime", "SECONDS", set_lifetime, "of access tokens; 3599 if not given" },
	{ "--clock-skew", "SECONDS", set_clock_skew,
		"its clock runs so much ahead of this machine's; -SECONDS: behind" },
	{ "--app-role", "ROLE,ROLE", set_app_role,
		"tokens carry these roles (Mail.Read) instead of those that are needed" },
	{ "--no-role", NULL, set_no_role,
		"issue tokens without roles, as when nobody gave consent" },
	{ "--deny", "ADDRESS", set_deny, "this mailbox may not be impersonated; repeatable" },
	{ "--register", "FILE", set_register,
		"a certificate (.cer, .crt) that is registered for the application; repeatable" },
	{ "--directory-extras", NULL, set_directory_extras,
		"Graph also lists a guest, a user without licence and a disabled one" },
	{ "--empty-pages", NULL, set_empty_pages, "some pages of Graph come without users" },
	{ "--illegal-references", NULL, set_illegal,
		"characters XML can't hold come as &#x1; and the like, as Exchange sends them" },
	{ "--latency", "MS", set_latency, "each EWS request waits so long first" },
	{ "--request-max", "MIB", set_request_max,
		"requests larger than this get 413; 64 if not given, as Exchange's" },
	{ "--scenario", "FILE", set_scenario,
		"misbehave and change as this file says (docs/simulator.md)" },
	{ "--log", "FILE", set_log, "one JSON line for each request, appended" },
	{ "--write-profile", "FILE", set_profile,
		"write an exarch profile for this simulator, and FILE.d/ with its keys" },
	{ "--archive", "DIR", set_archive, "the archive the profile names" },
};

static const struct option *
find_option(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		if (strlen(table[i].name) == length && strncmp(table[i].name, name, length) == 0)
			return &table[i];
	}
	return NULL;
}

static bool
check_together(const struct options *o, struct exa_error *err)
{
	if ((o->mail == NULL) == (o->generate == NULL))
		return exa_fail(err, EXA_USAGE, "give --mail DIR or --generate MAILBOXESxITEMS");
	if (o->profile != NULL && o->archive == NULL)
		return exa_fail(err, EXA_USAGE, "--write-profile needs --archive DIR");
	if (o->archive != NULL && o->profile == NULL)
		return exa_fail(err, EXA_USAGE, "--archive goes with --write-profile FILE");
	if (o->generate == NULL && (o->add > 0 || o->remove > 0 || o->small_mail ||
					   o->online_archive || o->more_folders > 0))
		return exa_fail(err, EXA_USAGE,
			"--add, --remove, --mean-size, --online-archive and --more-folders go with "
			"--generate");
	return true;
}

enum options_result
options_read(int argc, char **argv, struct options *out, struct exa_error *err)
{
	*out = (struct options){ .host = "127.0.0.1", .token_lifetime_s = 3599, .seed = 1 };
	for (int i = 1; i < argc; i++) {
		const char *value = strchr(argv[i], '=');
		size_t length = value != NULL ? (size_t)(value - argv[i]) : strlen(argv[i]);
		const struct option *option = find_option(argv[i], length);

		if (strcmp(argv[i], "--help") == 0)
			return OPTIONS_HELP;
		if (option == NULL || (value != NULL && option->argument == NULL)) {
			(void)exa_fail(err, EXA_USAGE, "%s: no such option", argv[i]);
			return OPTIONS_BAD;
		}
		if (value != NULL) {
			value++;
		} else if (option->argument != NULL) {
			value = i + 1 < argc ? argv[++i] : NULL;
		}
		if (option->argument != NULL && value == NULL) {
			(void)exa_fail(
				err, EXA_USAGE, "%s needs %s", option->name, option->argument);
			return OPTIONS_BAD;
		}
		if (!option->set(out, value)) {
			(void)exa_fail(err, EXA_USAGE, "%s %s: not possible here (%s)",
				option->name,
				option->set == set_basic || option->set == set_ntlm ? "..." : value,
				option->argument);
			return OPTIONS_BAD;
		}
	}
	return check_together(out, err) ? OPTIONS_RUN : OPTIONS_BAD;
}

void
options_done(struct options *o)
{
	exa_free(o->basic_user);
	exa_free(o->basic_password);
	exa_free(o->ntlm_user);
	exa_free(o->ntlm_password);
}

/* HELP's lines after the first go under the first. */
static void
print_option(const struct option *o)
{
	char left[48];
	const char *line = o->help;

	(void)snprintf(left, sizeof left, "%s %s", o->name, o->argument != NULL ? o->argument : "");
	while (line != NULL) {
		const char *end = strchr(line, '\n');
		int length = (int)(end != NULL ? (size_t)(end - line) : strlen(line));

		(void)printf("  %-30s %.*s\n", left, length, line);
		left[0] = '\0';
		line = end != NULL ? end + 1 : NULL;
	}
}

void
options_print_help(void)
{
	(void)printf(
		"usage: exarch-sim (--mail DIR | --generate MAILBOXESxITEMS) [options]\n\n"
		"Serves mailboxes as Exchange and Microsoft Graph would, on this machine only:\n"
		"to try exarch and rehearse a profile without a tenant. Prints one line,\n"
		"\"ready URL\", when it serves; ends on SIGINT or SIGTERM.\n\noptions:\n");
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		print_option(&table[i]);
	(void)printf("\npaths:\n"
		     "  /EWS/Exchange.asmx                reading, syncing, creating, changing, "
		     "deleting\n"
		     "  /autodiscover/autodiscover.xml, .svc, .json\n"
		     "  /sim/stats, /sim/scenario         counters; another scenario (POST)\n"
		     "  /TENANT/oauth2/v2.0/token         client credentials\n"
		     "  /v1.0/users, /v1.0/groups, /v1.0/groups/ID/transitiveMembers/"
		     "microsoft.graph.user\n\n"
		     "credentials:\n"
		     "  tenant     " AUTH_TENANT "\n"
		     "  client id  " AUTH_CLIENT_ID "\n"
		     "  secret     " AUTH_SECRET "\n"
		     "  or a certificate: FILE.d/app.crt of --write-profile, or one given with "
		     "--register\n");
}
