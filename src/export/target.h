/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The target of an export: folders and files below one folder. Each step down is an openat() that
 * follows no symlink, so that nothing is ever written outside, whatever stands there. A file is
 * written under a temporary name and gets its own only by target_file_commit, which never replaces
 * another. Folders are made with mode 0700, files with 0600, as the umask allows: it is mail.
 */
#ifndef EXPORT_TARGET_H
#define EXPORT_TARGET_H

#include "exarch/bytes.h"
#include "exarch/export.h"

struct target {
	char *path;
	int top_fd;
	char *place; /* the folder entered, below path */
	int folder_fd;
};

/* Makes PATH when absent. Pair with target_close. */
bool target_open(struct target *t, const char *path, struct exa_error *err) EXA_CHECK;
void target_close(struct target *t);
/* Everything written is durable (syncfs). */
bool target_sync(struct target *t, struct exa_error *err) EXA_CHECK;

/* Turns to a folder, "a/b/c", made when absent. EXA_USAGE when a part of it is no folder. */
bool target_enter(struct target *t, const char *place, struct exa_error *err) EXA_CHECK;

/* Whether NAME is in the folder entered: a file of SIZE bytes. EXA_USAGE when it is something else.
 */
bool target_has(struct target *t, const char *name, uint64_t size, bool *there_out,
	struct exa_error *err) EXA_CHECK;

/* A file in the making, in the folder entered. */
struct target_file {
	struct target *target;
	const char *name; /* borrowed */
	char *temporary;
	int fd;
};
bool target_file_begin(struct target *t, const char *name, struct target_file *out,
	struct exa_error *err) EXA_CHECK;
bool target_file_write(struct target_file *f, struct bytes data, struct exa_error *err) EXA_CHECK;
/* Gives the file its time (EXA_NO_TIME = now) and its name. EXA_USAGE when the name is taken. */
bool target_file_commit(struct target_file *f, int64_t time_ns, struct exa_error *err) EXA_CHECK;
void target_file_done(struct target_file *f); /* takes away what wasn't committed; for EXA_AUTO */

#endif
