/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line.
 */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include "exarch/error.h"

#include "people.h"
#include "tree_dir.h"

#define OPTIONS_REPEATED_MAX 64

struct options {
	const char *mail, *generate;
	uint64_t seed;
	unsigned mailboxes, items; /* of --generate */
	unsigned add, remove;
	bool small_mail, online_archive;
	unsigned more_folders;
	enum extra_folders folders;
	const char *host; /* numbers */
	unsigned port;
	bool plain;
	char *basic_user, *basic_password; /* NULL: no --basic */
	char *ntlm_user, *ntlm_password;   /* NULL: no --ntlm */
	unsigned token_lifetime_s;
	int clock_skew_s;     /* its clock runs so much ahead */
	const char *app_role; /* NULL: those that are needed */
	bool no_role, empty_pages, illegal_references;
	enum directory_extras extras;
	const char *denied[OPTIONS_REPEATED_MAX];
	size_t denied_count;
	const char *registered[OPTIONS_REPEATED_MAX]; /* certificate files */
	size_t registered_count;
	const char *profile, *archive, *log, *scenario;
	unsigned latency_ms;
	unsigned request_max_mib; /* 0: the usual */
};

enum options_result { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_BAD };

/* OPTIONS_BAD: err names the option. The strings are of argv. */
enum options_result options_read(int argc, char **argv, struct options *out, struct exa_error *err);
void options_done(struct options *o);
void options_print_help(void);

#endif
