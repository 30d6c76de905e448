/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exarch, from the command line down. Where to look:
 *
 *     cli/        this folder: verbs, options, exit codes; one cmd_*.c for each verb
 *     profile/    the YAML profile, checked into one struct
 *     rules/      what is archived and why: pure functions
 *     crawl/      from the server into the archive; item.c is the life of an item
 *     export/     from the archive into files; selections; proof of messages
 *     retain/     how long what is kept: policies, expiry
 *     bench/      figures of runs with different numbers of threads: median, knee, picture
 *     search/     words and heads found: an index, or the messages themselves; vfs.c checks its pages
 *     message/    heads, texts, attachments of a message, for people and search
 *     work/       threads, and policy.c: what happens after a failure
 *     report/     what happened: progress, JSON lines, summary
 *     display/    some lines on a terminal that are drawn over
 *     catalog/    mailboxes, folders, items, ledger, recipes as records; apply.c changes the tables
 *     ews/        Exchange Web Services: op_*.c is one operation each
 *     directory/  who has a mailbox: Microsoft Graph
 *     discover/   Autodiscover: from an address to the EWS URL of one's own server
 *     store/      objects and records in segments, with an index; commit.c is what makes it safe
 *     mime/       a message into pieces that deduplicate; base64
 *     auth/       credentials into an Authorization header
 *     http/       one request, one streamed answer
 *     base/       errors, bytes, clock, files
 */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "exarch/http.h"
#include "exarch/store.h"
#include "options.h"

/* Keys and tokens live in this process: no core file, no other process of the user looks in. */
static void
harden(void)
{
#ifndef EXARCH_ALLOW_DUMP
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ,
		SIG_IGN); /* a write beyond the limit fails with EFBIG, and is told as such */
}

static int
run_verb(const struct verb *verb, int argc, char **argv)
{
	struct exa_error err;
	struct args args;
	int code;

	if (!args_parse(verb, argc, argv, &args, &err))
		return fail_with(&err);
	if (args.value[OPT_HELP] != NULL) {
		verb_help(verb, stdout);
		code = EXIT_DONE;
	} else {
		code = verb->run(&args);
	}
	args_done(&args);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		(void)fprintf(stderr, "exarch: can't write the result to standard output\n");
		return code == EXIT_DONE ? EXIT_FAILED : code;
	}
	return code;
}

int
main(int argc, char **argv)
{
	static const struct args none;
	const struct verb *verb;
	struct exa_error err;
	int used = 0;

	harden();
	store_guard_install();
	(void)setlocale(LC_CTYPE, "");
	if (!http_global_init(&err))
		return fail_with(&err);
	if (argc < 2) {
		help_overview(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		help_overview(stdout);
		return EXIT_DONE;
	}
	if (strcmp(argv[1], "--version") == 0)
		return cmd_version(&none);
	verb = verb_find(argc - 1, argv + 1, &used);
	if (verb == NULL) {
		(void)fprintf(
			stderr, "exarch: there is no verb '%s'; see `exarch help`\n", argv[1]);
		return EXIT_USAGE;
	}
	return run_verb(verb, argc - used, argv + used);
}
