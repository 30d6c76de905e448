/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `exarch setup`: a commented profile from options, or from answers where somebody sits at a
 * terminal. What is written has gone through the profile's own reader before.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exarch/clock.h"
#include "exarch/fs.h"
#include "exarch/mem.h"
#include "exarch/profile.h"

#include "options.h"
#include "setup.h"
#include "terminal.h"

#define ANSWER_MAX 1024

struct question {
	enum option_id id;
	const char *prompt;
	const char *fallback; /* NULL: an answer is needed; "" may be left out */
};

/* ---- answers ---- */

/* False at the input's end. */
static bool
read_answer(char out[ANSWER_MAX])
{
	if (fgets(out, ANSWER_MAX, stdin) == NULL)
		return false;
	out[strcspn(out, "\r\n")] = '\0';
	return true;
}

static bool
ask(const struct question *q, struct setup *s, struct exa_error *err)
{
	char answer[ANSWER_MAX] = "";

	while (answer[0] == '\0') {
		(void)fprintf(stderr, "%s%s%s%s: ", q->prompt,
			q->fallback != NULL && q->fallback[0] != '\0' ? " [" : "",
			q->fallback != NULL ? q->fallback : "",
			q->fallback != NULL && q->fallback[0] != '\0' ? "]" : "");
		if (!read_answer(answer))
			return exa_fail(err, EXA_CANCELLED, "stopped; nothing was written");
		if (answer[0] == '\0' && q->fallback != NULL)
			(void)snprintf(answer, sizeof answer, "%s", q->fallback);
		if (q->fallback != NULL && answer[0] == '\0')
			break;
	}
	s->value[q->id] = arena_strndup(s->texts, answer, ANSWER_MAX);
	return true;
}

static bool
answer(const struct question *q, const struct args *args, struct setup *s, struct exa_error *err)
{
	if (args->value[q->id] != NULL)
		s->value[q->id] = args->value[q->id];
	else if (terminal_is_there())
		return ask(q, s, err);
	else if (q->fallback != NULL)
		s->value[q->id] = q->fallback;
	else
		return exa_fail(err, EXA_USAGE,
			"--%s %s is missing, and there is no terminal to ask on: see `exarch help "
			"setup`",
			option_specs[q->id].name, option_specs[q->id].arg);
	for (const char *c = s->value[q->id]; *c != '\0'; c++) {
		if ((unsigned char)*c < ' ')
			return exa_fail(err, EXA_USAGE, "--%s holds a control character",
				option_specs[q->id].name);
	}
	return true;
}

static bool
answer_all(const struct question *q, size_t count, const struct args *args, struct setup *s,
	struct exa_error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (!answer(&q[i], args, s, err))
			return false;
	}
	return true;
}

static const struct question ask_kind = { OPT_KIND,
	"How to sign in: app-certificate or app-secret (Microsoft 365), ntlm, negotiate or basic "
	"(Exchange Server)",
	"app-certificate" };
static const struct question ask_app[] = {
	{ OPT_CLOUD, "Cloud: worldwide, us-gov, us-dod or china", "worldwide" },
	{ OPT_TENANT, "Directory (tenant) ID, or one of the tenant's domains", NULL },
	{ OPT_CLIENT_ID, "Application (client) ID of the app registration", NULL },
};
static const struct question ask_certificate[] = {
	{ OPT_CERTIFICATE, "Certificate (`exarch cert create` makes it)", NULL },
	{ OPT_KEY, "Its private key", NULL },
};
static const struct question ask_secret[] = {
	{ OPT_SECRET_FILE, "File with the client secret (chmod 600)", NULL },
};
static const struct question ask_server[] = {
	{ OPT_ENDPOINT, "EWS address, https://HOST/EWS/Exchange.asmx; empty: by Autodiscover", "" },
	{ OPT_TLS_CA, "CA certificate of your own (PEM); empty: the system's", "" },
};
static const struct question ask_password[] = {
	{ OPT_USER, "Account, DOMAIN\\user or user@domain", NULL },
	{ OPT_PASSWORD_FILE, "File with its password (chmod 600)", NULL },
};
static const struct question ask_directory = { OPT_MAILBOXES,
	"Mailboxes: `directory` (all licensed users), a file with addresses, or addresses with "
	"commas between",
	"directory" };
static const struct question ask_list = { OPT_MAILBOXES,
	"Mailboxes: a file with addresses, one a line, or addresses with commas between", NULL };
static const struct question ask_archive = { OPT_ARCHIVE, "Folder of the archive", NULL };

#define ASK(questions) \
	answer_all((questions), sizeof(questions) / sizeof(questions)[0], args, s, err)

static bool
ask_about_server(const struct args *args, struct setup *s, struct exa_error *err)
{
	return ASK(ask_server) &&
	       (strcmp(s->value[OPT_KIND], "negotiate") == 0 || ASK(ask_password));
}

static bool
ask_everything(const struct args *args, struct setup *s, struct exa_error *err)
{
	const char *kind;

	if (!answer(&ask_kind, args, s, err))
		return false;
	kind = s->value[OPT_KIND];
	s->is_app = strncmp(kind, "app-", 4) == 0;
	if (!(s->is_app ? ASK(ask_app) : ask_about_server(args, s, err)))
		return false;
	if (s->is_app &&
		!(strcmp(kind, "app-secret") == 0 ? ASK(ask_secret) : ASK(ask_certificate)))
		return false;
	/* Against a server of one's own these are asked for; an app may need them too. */
	if (s->is_app) {
		s->value[OPT_ENDPOINT] = args->value[OPT_ENDPOINT];
		s->value[OPT_TLS_CA] = args->value[OPT_TLS_CA];
	}
	return answer(s->is_app ? &ask_directory : &ask_list, args, s, err) &&
	       answer(&ask_archive, args, s, err);
}

/* An option that has no meaning with this kind of sign-in is a mistake, not a remark. */
static bool
check_unused(const struct args *args, const struct setup *s, struct exa_error *err)
{
	for (size_t i = 0; i < OPT_COUNT; i++) {
		if (args->value[i] != NULL && i != OPT_SETUP_OUT && s->value[i] == NULL)
			return exa_fail(err, EXA_USAGE, "--%s has no meaning with --kind %s",
				option_specs[i].name, s->value[OPT_KIND]);
	}
	return true;
}

/* ---- writing ---- */

static bool
write_new(const char *path, struct bytes text, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *dir = fs_dir_of(path);
	EXA_AUTO(fs_closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0 && errno == EEXIST)
		return exa_fail(err, EXA_USAGE, "%s is there already; nothing was changed", path);
	if (fd < 0)
		return exa_fail_errno(err, errno, "can't make %s", path);
	if (!fs_write_all(fd, text, path, err)) {
		(void)unlink(path);
		return false;
	}
	if (fsync(fd) != 0)
		return exa_fail_errno(err, errno, "can't write %s", path);
	return fs_sync_dir(dir, err);
}

static bool
setup(const struct args *args, struct setup *s, struct exa_error *err)
{
	const char *path = args->value[OPT_SETUP_OUT];
	EXA_AUTO(profile_freep) struct profile *checked = NULL;
	EXA_AUTO(buf_done) struct buf text = { 0 };

	if (path == NULL)
		return exa_fail(err, EXA_USAGE, "--out FILE is missing: where the profile goes");
	if (fs_exists(path))
		return exa_fail(err, EXA_USAGE, "%s is there already; nothing was changed", path);
	if (!ask_everything(args, s, err) || !check_unused(args, s, err))
		return false;
	setup_write(s, &text);
	return profile_parse(buf_bytes(&text), path, clock_wall_ns(), &checked, err) &&
	       write_new(path, buf_bytes(&text), err);
}

int
cmd_setup(const struct args *args)
{
	EXA_AUTO(arena_freep) struct arena *texts = arena_new();
	struct setup s = { .texts = texts };
	const char *path = args->value[OPT_SETUP_OUT];
	struct exa_error err;

	if (!setup(args, &s, &err))
		return fail_with(&err);
	(void)printf("wrote %s\n\nnext:\n  exarch check %s\n  exarch mailboxes %s\n"
		     "  exarch archive %s\n",
		path, path, path, path);
	return EXIT_DONE;
}
