/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "io.h"

static int
system_open(void *ctx, const char *path, int flags, mode_t mode)
{
	(void)ctx;
	return open(path, flags | O_CLOEXEC | O_NOFOLLOW, mode);
}

static ssize_t
system_pwrite(void *ctx, int fd, const void *data, size_t size, off_t offset)
{
	(void)ctx;
	return pwrite(fd, data, size, offset);
}

static int
system_fdatasync(void *ctx, int fd)
{
	(void)ctx;
	return fdatasync(fd);
}

static int
system_ftruncate(void *ctx, int fd, off_t size)
{
	(void)ctx;
	return ftruncate(fd, size);
}

static int
system_rename(void *ctx, const char *from, const char *to)
{
	(void)ctx;
	return rename(from, to);
}

static int
system_unlink(void *ctx, const char *path)
{
	(void)ctx;
	return unlink(path);
}

static int
system_sync_dir(void *ctx, const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result;

	(void)ctx;
	if (fd < 0)
		return -1;
	result = fsync(fd);
	(void)close(fd);
	return result;
}

const struct seg_io seg_io_system = {
	.open = system_open,
	.pwrite = system_pwrite,
	.fdatasync = system_fdatasync,
	.ftruncate = system_ftruncate,
	.rename = system_rename,
	.unlink = system_unlink,
	.sync_dir = system_sync_dir,
};

bool
seg_io_write(const struct seg_io *io, int fd, struct bytes data, uint64_t offset, const char *path,
	struct exa_error *err)
{
	while (data.size > 0) {
		ssize_t n = io->pwrite(io->ctx, fd, data.data, data.size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return exa_fail_errno(err, n < 0 ? errno : EIO, "can't write %s", path);
		data = bytes_skip(data, (size_t)n);
		offset += (uint64_t)n;
	}
	return true;
}

/* Never tried again: after a failure the kernel may have dropped the bytes and forgotten it. */
bool
seg_io_sync(const struct seg_io *io, int fd, const char *path, struct exa_error *err)
{
	if (io->fdatasync(io->ctx, fd) != 0)
		return exa_fail_errno(err, errno, "can't make %s durable", path);
	return true;
}

bool
seg_io_sync_dir(const struct seg_io *io, const char *path, struct exa_error *err)
{
	if (io->sync_dir(io->ctx, path) != 0)
		return exa_fail_errno(err, errno, "can't make folder %s durable", path);
	return true;
}
