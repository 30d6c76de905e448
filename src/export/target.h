/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The target of an export: folders and files below one folder. Each step down is an openat() that
 * follows no symlink, so that nothing is ever written outside, whatever stands there. A file is
 * written in the workshop, TARGET_WORKSHOP at the target's top, and gets its own name only by
 * target_file_commit, which never replaces another. Folders are made with mode 0700, files with
 * 0600, as the umask allows: it is mail.
 *
 * One export at a time has a target. A struct target belongs to one thread; target_share gives
 * another thread its own.
 */
#ifndef EXPORT_TARGET_H
#define EXPORT_TARGET_H

#include "exarch/bytes.h"
#include "exarch/export.h"

/* No mailbox's folder has this name (places.c). */
#define TARGET_WORKSHOP "exarch.tmp"

struct target {
	char *path;
	int top_fd;
	int workshop_fd;
	unsigned worker; /* makes names in the workshop */
	char *place;     /* the folder entered, below path; "." = the top */
	int folder_fd;
};

/* Makes PATH and its workshop when absent. EXA_LOCKED: another export has it. Pair with
 * target_close. */
bool target_open(struct target *t, const char *path, struct exa_error *err) EXA_CHECK;
/* The same target for another thread. */
bool target_share(const struct target *t, unsigned worker, struct target *out,
	struct exa_error *err) EXA_CHECK;
void target_close(struct target *t);
/* Takes the workshop away, if nothing is left in it. */
void target_clear(struct target *t);
/* Everything written is durable (syncfs). */
bool target_sync(struct target *t, struct exa_error *err) EXA_CHECK;

/* Turns to a folder, "a/b/c", made when absent. EXA_USAGE when a part of it is no folder. */
bool target_enter(struct target *t, const char *place, struct exa_error *err) EXA_CHECK;

/* Whether NAME is in the folder entered: a file of SIZE bytes. EXA_USAGE when it is something else.
 */
bool target_has(struct target *t, const char *name, uint64_t size, bool *there_out,
	struct exa_error *err) EXA_CHECK;
/* As target_has found it: does it hold what SHA256 says? EXA_USAGE when not. */
bool target_compare(struct target *t, const char *name, const uint8_t sha256[CATALOG_SHA256_SIZE],
	struct exa_error *err) EXA_CHECK;
/* SHA-256 of the file that FD stands for, from its beginning. WHAT names it in errors. */
bool target_hash(int fd, const char *what, uint8_t sha256_out[CATALOG_SHA256_SIZE],
	struct exa_error *err) EXA_CHECK;

/* Renames, if the new name is free: EEXIST if not. Gives an errno, 0 = done. */
int target_rename(int from_fd, const char *from, int to_fd, const char *to);
/* Gives the file its time; EXA_NO_TIME leaves it. Gives an errno, 0 = done. */
int target_set_time(int fd, int64_t time_ns);

/* A file in the making, in the folder entered. */
struct target_file {
	struct target *target;
	const char *name; /* borrowed */
	char *temporary;  /* in the workshop */
	int fd;
};
bool target_file_begin(struct target *t, const char *name, struct target_file *out,
	struct exa_error *err) EXA_CHECK;
bool target_file_write(struct target_file *f, struct bytes data, struct exa_error *err) EXA_CHECK;
/* Gives the file its time (EXA_NO_TIME = now) and its name. EXA_USAGE when the name is taken. */
bool target_file_commit(struct target_file *f, int64_t time_ns, struct exa_error *err) EXA_CHECK;
void target_file_done(struct target_file *f); /* takes away what wasn't committed; for EXA_AUTO */

#endif
