/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: one table of options, one of verbs. Both make the parser, `--help`, and the
 * tests against the documents; a new verb is one file and one line in verbs.c.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "exarch/error.h"

enum option_id {
	OPT_HELP,
	OPT_JSON,
	OPT_QUIET,
	OPT_DRY_RUN,
	OPT_THREADS,
	OPT_MAX_DURATION,
	OPT_ITEMS,
	OPT_DURATION,
	OPT_ROUNDS,
	OPT_SVG,
	OPT_SCRATCH,
	OPT_COMPRESSION,
	OPT_MAILBOX,
	OPT_FOLDER,
	OPT_SINCE,
	OPT_BEFORE,
	OPT_ID,
	OPT_ALL_VERSIONS,
	OPT_LIMIT,
	OPT_FAILED,
	OPT_RAW,
	OPT_HEADERS,
	OPT_NATIVE,
	OPT_TO,
	OPT_FORMAT,
	OPT_UPDATE,
	OPT_LAYOUT,
	OPT_FLAT,
	OPT_ICS_VCF,
	OPT_WORKERS,
	OPT_ATTACHMENTS,
	OPT_BY,
	OPT_LEVEL,
	OPT_SAMPLE,
	OPT_SEED,
	OPT_RATE,
	OPT_STATE,
	OPT_ENCRYPT,
	OPT_KEY_FILE,
	OPT_PASSPHRASE_FILE,
	OPT_NEW_KEY_FILE,
	OPT_NEW_PASSPHRASE_FILE,
	OPT_EXPIRED,
	OPT_REASON,
	OPT_ALL,
	OPT_POLICY,
	OPT_YES,
	OPT_GARBAGE,
	OPT_VERIFY,
	OPT_NO_DELETE,
	OPT_MAX_DELETE,
	OPT_OUT,
	OPT_NAME,
	OPT_DAYS,
	OPT_PROFILE,
	OPT_INTO,
	OPT_ON_DUPLICATE,
	OPT_SUBJECT,
	OPT_SENDER,
	OPT_RECIPIENT,
	OPT_CLASS,
	OPT_SIZE,
	OPT_HAS_ATTACHMENT,
	OPT_ATTACHMENT_NAME,
	OPT_MESSAGE_ID,
	OPT_ITEM_ID,
	OPT_TEXT,
	OPT_SORT,
	OPT_COUNT_ONLY,
	OPT_ATTACHMENT_NUMBER,
	OPT_TO_FILE,
	OPT_IN_CLEAR,
	OPT_ANEW,
	OPT_REMOVE,
	OPT_SETUP_OUT,
	OPT_KIND,
	OPT_CLOUD,
	OPT_TENANT,
	OPT_CLIENT_ID,
	OPT_CERTIFICATE,
	OPT_KEY,
	OPT_SECRET_FILE,
	OPT_ENDPOINT,
	OPT_TLS_CA,
	OPT_USER,
	OPT_PASSWORD_FILE,
	OPT_MAILBOXES,
	OPT_ARCHIVE,
	OPT_LOG_FILE,
	OPT_METRICS_FILE,
	OPT_LOCK_WAIT,
	OPT_HELP_FORMAT,
	OPT_BUILD,
	OPT_COUNT
};

struct option_spec {
	const char *name; /* "dry-run" */
	char letter;      /* 'n', or 0 */
	const char *arg;  /* "N", or NULL for a flag */
	bool repeats;     /* may be given more than once */
	const char *help;
};
extern const struct option_spec option_specs[OPT_COUNT];

#define CLI_REPEATS_MAX 1024

struct args {
	const char *value[OPT_COUNT]; /* NULL = not given; "" for a flag; the last one wins */
	const char **repeated;        /* values of OPT_ID */
	size_t repeated_count;
	const char **positional;
	size_t positional_count;
};

/* Exit codes: docs/report.md. The worst wins. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_INCOMPLETE = 3,
	EXIT_STOPPED = 4,
	EXIT_ABSENT = 10,
	EXIT_LOCKED = 11,
	EXIT_AUTH = 12,
	EXIT_CORRUPT = 13,
};

struct verb {
	const char *name;     /* "config check" is two words */
	const char *operands; /* "PROFILE MAILBOX"; "WORD..." at the end: one or more */
	size_t operand_count;
	const char *summary;           /* one line */
	const char *details;           /* more for `help VERB`, or NULL */
	const enum option_id *options; /* ends with OPT_COUNT */
	int (*run)(const struct args *args);
};
extern const struct verb verbs[];
extern const size_t verb_count;

bool args_parse(const struct verb *verb, int argc, char **argv, struct args *out,
	struct exa_error *err) EXA_CHECK;
void args_done(struct args *args);

const struct verb *verb_find(int argc, char **argv, int *used_out); /* NULL: no such verb */
void verb_help(const struct verb *verb, void *file);
void help_overview(void *file);

/* Prints "exarch: <text>" on stderr and gives the exit code that fits. */
int fail_with(const struct exa_error *err);
int exit_code_of(const struct exa_error *err);

/* The verbs. */
int cmd_init(const struct args *args);
int cmd_setup(const struct args *args);
int cmd_check(const struct args *args);
int cmd_cert_create(const struct args *args);
int cmd_key_list(const struct args *args);
int cmd_key_add(const struct args *args);
int cmd_key_change(const struct args *args);
int cmd_key_remove(const struct args *args);
int cmd_config_check(const struct args *args);
int cmd_config_show(const struct args *args);
int cmd_mailboxes(const struct args *args);
int cmd_folders(const struct args *args);
int cmd_archive(const struct args *args);
int cmd_bench(const struct args *args);
int cmd_list(const struct args *args);
int cmd_search(const struct args *args);
int cmd_index(const struct args *args);
int cmd_show(const struct args *args);
int cmd_export(const struct args *args);
int cmd_stats(const struct args *args);
int cmd_verify(const struct args *args);
int cmd_hold_add(const struct args *args);
int cmd_hold_remove(const struct args *args);
int cmd_hold_list(const struct args *args);
int cmd_diff(const struct args *args);
int cmd_expire(const struct args *args);
int cmd_compact(const struct args *args);
int cmd_runs(const struct args *args);
int cmd_audit(const struct args *args);
int cmd_rebuild(const struct args *args);
int cmd_restore(const struct args *args);
int cmd_version(const struct args *args);
int cmd_help(const struct args *args);

#endif
