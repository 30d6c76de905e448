/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files: whole small files read with a limit, and written so that after a crash there is the old
 * content or the new, never half of either. All errors are EXA_IO with errno and the path in the
 * text, unless said otherwise. Any thread.
 */
#ifndef EXARCH_FS_H
#define EXARCH_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/bytes.h"
#include "exarch/error.h"

/* Appends the file to *out. A file of more than LIMIT bytes fails with EXA_LIMIT. */
bool fs_read_file(const char *path, size_t limit, struct buf *out, struct exa_error *err) EXA_CHECK;

/*
 * The same for a file with a secret: EXA_USAGE when others than its owner may read it (the text
 * says chmod 600), when it isn't a regular file, or when it holds more than LIMIT bytes. Reserves
 * OUT's memory once, so that buf_wipe finds all of it.
 */
bool fs_read_private(
	const char *path, size_t limit, struct buf *out, struct exa_error *err) EXA_CHECK;

/* Temporary file beside it, write, fsync, rename, fsync of the folder. MODE as open(2), umask
 * applies. */
bool fs_write_file(
	const char *path, struct bytes content, unsigned mode, struct exa_error *err) EXA_CHECK;

/* Makes the folder and its parents; one that exists is fine. Each folder made is fsynced into its
 * parent. */
bool fs_make_dirs(const char *path, unsigned mode, struct exa_error *err) EXA_CHECK;

bool fs_sync_dir(const char *path, struct exa_error *err) EXA_CHECK;

/* True when the path exists (of whatever kind); a path that can't be looked at counts as absent. */
bool fs_exists(const char *path);

/* All of it or an error; EINTR and short writes are continued. WHAT names the file in errors. */
bool fs_pwrite_all(int fd, struct bytes data, uint64_t offset, const char *what,
	struct exa_error *err) EXA_CHECK;
bool fs_write_all(int fd, struct bytes data, const char *what, struct exa_error *err) EXA_CHECK;
/* Fills SIZE bytes; fewer because the file ends is EXA_CORRUPT. */
bool fs_pread_all(int fd, void *out, size_t size, uint64_t offset, const char *what,
	struct exa_error *err) EXA_CHECK;

/* "dir/name", to be freed with exa_free. An absolute NAME is given back as it is. */
char *fs_join(const char *dir, const char *name);
/* The folder part of PATH ("." when there is none), to be freed with exa_free. */
char *fs_dir_of(const char *path);

/* For EXA_AUTO: closes a descriptor that isn't -1. */
void fs_closep(int *fd);

#endif
