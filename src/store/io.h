/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every change to segment files goes through this table, so that tests can record the changes, fail
 * one of them, or play back what a power cut would have left. Calls are as the system's: -1 and
 * errno on failure. Reading isn't here: it changes nothing.
 */
#ifndef STORE_IO_H
#define STORE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "exarch/bytes.h"
#include "exarch/error.h"

struct seg_io {
	int (*open)(void *ctx, const char *path, int flags, mode_t mode);
	ssize_t (*pwrite)(void *ctx, int fd, const void *data, size_t size, off_t offset);
	int (*fdatasync)(void *ctx, int fd);
	int (*ftruncate)(void *ctx, int fd, off_t size);
	int (*rename)(void *ctx, const char *from, const char *to);
	int (*unlink)(void *ctx, const char *path);
	int (*sync_dir)(void *ctx, const char *path);
	void *ctx;
};

extern const struct seg_io seg_io_system;

/* All of it or an error that names the file and, when the disk is full, says so. */
bool seg_io_write(const struct seg_io *io, int fd, struct bytes data, uint64_t offset,
	const char *path, struct exa_error *err) EXA_CHECK;
bool seg_io_sync(
	const struct seg_io *io, int fd, const char *path, struct exa_error *err) EXA_CHECK;
bool seg_io_sync_dir(const struct seg_io *io, const char *path, struct exa_error *err) EXA_CHECK;

#endif
