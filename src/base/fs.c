/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#define READ_STEP ((size_t)64 * 1024)

void
fs_closep(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

char *
fs_join(const char *dir, const char *name)
{
	size_t size = strlen(dir);

	if (name[0] == '/')
		return exa_strdup(name);
	return exa_asprintf(size > 0 && dir[size - 1] == '/' ? "%s%s" : "%s/%s", dir, name);
}

char *
fs_dir_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return exa_strdup(".");
	return slash == path ? exa_strdup("/") : exa_strndup(path, (size_t)(slash - path));
}

bool
fs_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

bool
fs_read_file(const char *path, size_t limit, struct buf *out, struct exa_error *err)
{
	EXA_AUTO(fs_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t start = out->size;

	if (fd < 0)
		return exa_fail_errno(err, errno, "can't open %s", path);
	for (;;) {
		ssize_t n;

		buf_reserve(out, READ_STEP);
		n = read(fd, out->data + out->size, READ_STEP);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return exa_fail_errno(err, errno, "can't read %s", path);
		if (n == 0)
			return true;
		out->size += (size_t)n;
		if (out->size - start > limit)
			return exa_fail(err, EXA_LIMIT,
				"%s is larger than the %zu bytes allowed here", path, limit);
	}
}

/*
 * A file of root's own may be readable by root's group: that is how systemd hands out credentials
 * (the group bits are the mask of an access list that names only the service's user).
 */
static bool
is_open_to_others(const struct stat *st)
{
	mode_t forbidden = S_IRWXG | S_IRWXO;

	if (st->st_uid == 0 && st->st_gid == 0)
		forbidden &= ~(mode_t)S_IRGRP;
	return (st->st_mode & forbidden) != 0;
}

bool
fs_read_private(const char *path, size_t limit, struct buf *out, struct exa_error *err)
{
	EXA_AUTO(fs_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	size_t size;

	if (fd < 0 || fstat(fd, &st) != 0)
		return exa_fail_errno(err, errno, "can't read %s", path);
	if (!S_ISREG(st.st_mode))
		return exa_fail(err, EXA_USAGE, "%s is not a file", path);
	if (is_open_to_others(&st))
		return exa_fail(err, EXA_USAGE,
			"%s can be read by others (mode %04o); run: chmod 600 %s", path,
			(unsigned)st.st_mode & 07777U, path);
	if ((uint64_t)st.st_size > limit)
		return exa_fail(err, EXA_USAGE, "%s is larger than %zu bytes: not a key or secret",
			path, limit);
	size = (size_t)st.st_size;
	buf_reserve(out, size + 1);
	if (!fs_pread_all(fd, out->data + out->size, size, 0, path, err))
		return false;
	out->size += size;
	return true;
}

bool
fs_write_all(int fd, struct bytes data, const char *what, struct exa_error *err)
{
	while (data.size > 0) {
		ssize_t n = write(fd, data.data, data.size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return exa_fail_errno(err, n < 0 ? errno : EIO, "can't write %s", what);
		data = bytes_skip(data, (size_t)n);
	}
	return true;
}

bool
fs_pwrite_all(int fd, struct bytes data, uint64_t offset, const char *what, struct exa_error *err)
{
	while (data.size > 0) {
		ssize_t n = pwrite(fd, data.data, data.size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return exa_fail_errno(err, n < 0 ? errno : EIO, "can't write %s", what);
		data = bytes_skip(data, (size_t)n);
		offset += (uint64_t)n;
	}
	return true;
}

bool
fs_pread_all(
	int fd, void *out, size_t size, uint64_t offset, const char *what, struct exa_error *err)
{
	uint8_t *to = out;

	while (size > 0) {
		ssize_t n = pread(fd, to, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return exa_fail_errno(err, errno, "can't read %s", what);
		if (n == 0)
			return exa_fail(err, EXA_CORRUPT, "%s ends before offset %llu", what,
				(unsigned long long)(offset + size));
		to += n;
		size -= (size_t)n;
		offset += (uint64_t)n;
	}
	return true;
}

bool
fs_sync_dir(const char *path, struct exa_error *err)
{
	EXA_AUTO(fs_closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return exa_fail_errno(err, errno, "can't open folder %s", path);
	if (fsync(fd) != 0)
		return exa_fail_errno(err, errno, "can't make folder %s durable", path);
	return true;
}

static bool
write_and_sync(const char *path, struct bytes content, unsigned mode, struct exa_error *err)
{
	EXA_AUTO(fs_closep)
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);

	if (fd < 0)
		return exa_fail_errno(err, errno, "can't create %s", path);
	if (!fs_write_all(fd, content, path, err))
		return false;
	if (fsync(fd) != 0)
		return exa_fail_errno(err, errno, "can't make %s durable", path);
	return true;
}

bool
fs_write_file(const char *path, struct bytes content, unsigned mode, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *temporary = exa_asprintf("%s.tmp%ld", path, (long)getpid());
	EXA_AUTO(exa_freep) char *dir = fs_dir_of(path);

	if (!write_and_sync(temporary, content, mode, err)) {
		(void)unlink(temporary);
		return false;
	}
	if (rename(temporary, path) != 0) {
		int reason = errno;

		(void)unlink(temporary);
		return exa_fail_errno(err, reason, "can't put %s in its place", path);
	}
	return fs_sync_dir(dir, err);
}

bool
fs_make_dirs(const char *path, unsigned mode, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *parent = fs_dir_of(path);
	struct stat st;

	if (stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return true;
		return exa_fail_errno(err, ENOTDIR, "can't use %s as a folder", path);
	}
	if (strcmp(parent, path) != 0 && strcmp(parent, ".") != 0 &&
		!fs_make_dirs(parent, mode, err))
		return false;
	if (mkdir(path, mode) != 0 && errno != EEXIST)
		return exa_fail_errno(err, errno, "can't make folder %s", path);
	return fs_sync_dir(parent, err);
}
