/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The C library's calls that change files, as libexarch-faults.so has them. Each goes to the
 * kernel by number: no symbol of the C library is needed that might be ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "faults.h"

#define PIECES_MAX 128

/* Every call that writes no data. */
static long
change(struct call *c, long number, long a1, long a2, long a3, long a4, long a5)
{
	enum act act;
	long result;

	(void)pthread_mutex_lock(&faults_mu);
	act = faults_judge(c);
	result = faults_fails(act) ? faults_fail() : syscall(number, a1, a2, a3, a4, a5);
	if (result >= 0)
		faults_write_down(c, false, 0, 0);
	if (act == ACT_KILL_AFTER)
		faults_die();
	(void)pthread_mutex_unlock(&faults_mu);
	return result;
}

/* ---- open and close ---- */

static int
open_inside(int dirfd, const char *path, int flags, mode_t mode, struct call *c)
{
	struct stat st;
	bool there = fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
	bool creates = (flags & O_CREAT) != 0 && !there;
	bool cuts = (flags & O_TRUNC) != 0 && there && st.st_size > 0;

	if ((flags & O_ACCMODE) == O_RDONLY && !creates)
		return (int)syscall(SYS_openat, dirfd, path, flags, mode);
	c->op = creates ? "create" : cuts ? "cut" : "open";
	c->classes = creates ? CLASS_ROOM : CLASS_REST;
	return (int)change(c, SYS_openat, dirfd, (long)path, flags, mode, 0);
}

static int
open_any(int dirfd, const char *path, int flags, mode_t mode)
{
	struct call c = { .op = "open" };
	bool inside = faults_name(dirfd, path, c.name);
	int fd = inside ? open_inside(dirfd, path, flags, mode, &c)
			: (int)syscall(SYS_openat, dirfd, path, flags, mode);

	faults_remember(fd, path, inside ? c.name : NULL, flags);
	return fd;
}

/* The names of the C library, whose headers would have them declared as it likes. */
int faults_open(const char *path, int flags, ...) __asm__("open");
int faults_openat(int dirfd, const char *path, int flags, ...) __asm__("openat");
int faults_close(int fd) __asm__("close");
ssize_t faults_write(int fd, const void *data, size_t size) __asm__("write");
ssize_t faults_writev(int fd, const struct iovec *pieces, int count) __asm__("writev");
ssize_t faults_pwrite(int fd, const void *data, size_t size, off_t at) __asm__("pwrite");
ssize_t faults_pwritev(int fd, const struct iovec *pieces, int count, off_t at) __asm__("pwritev");
int faults_ftruncate(int fd, off_t size) __asm__("ftruncate");
int faults_fallocate(int fd, int mode, off_t at, off_t size) __asm__("fallocate");
int faults_fsync(int fd) __asm__("fsync");
int faults_fdatasync(int fd) __asm__("fdatasync");
int faults_syncfs(int fd) __asm__("syncfs");
int faults_rename(const char *from, const char *to) __asm__("rename");
int faults_renameat(int fd, const char *from, int to_fd, const char *to) __asm__("renameat");
int faults_renameat2(int fd, const char *from, int to_fd, const char *to, unsigned flags) __asm__(
	"renameat2");
int faults_link(const char *from, const char *to) __asm__("link");
int faults_linkat(int fd, const char *from, int to_fd, const char *to, int flags) __asm__("linkat");
int faults_unlink(const char *path) __asm__("unlink");
int faults_unlinkat(int dirfd, const char *path, int flags) __asm__("unlinkat");
int faults_rmdir(const char *path) __asm__("rmdir");
int faults_mkdir(const char *path, mode_t mode) __asm__("mkdir");
int faults_mkdirat(int dirfd, const char *path, mode_t mode) __asm__("mkdirat");

static mode_t
mode_of(int flags, va_list args)
{
	return (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
}

int
faults_open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	return open_any(AT_FDCWD, path, flags, mode);
}

int
faults_openat(int dirfd, const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	return open_any(dirfd, path, flags, mode);
}

int
faults_close(int fd)
{
	if (fd >= 0 && fd < FDS_MAX)
		faults_files[fd] = (struct file){ 0 };
	return (int)syscall(SYS_close, fd);
}

/* ---- data ---- */

static size_t
size_of(const struct iovec *pieces, int count)
{
	size_t size = 0;

	for (int i = 0; i < count; i++)
		size += pieces[i].iov_len;
	return size;
}

/* The first MOST bytes, at AT or (-1) where the file stands. */
static ssize_t
write_most(int fd, const struct iovec *pieces, int count, off_t at, size_t most)
{
	struct iovec cut[PIECES_MAX];
	int n = 0;

	for (; n < count && n < PIECES_MAX && most > 0; n++) {
		cut[n] = pieces[n];
		if (cut[n].iov_len > most)
			cut[n].iov_len = most;
		most -= cut[n].iov_len;
	}
	if (at < 0)
		return syscall(SYS_writev, fd, cut, n);
	return syscall(SYS_pwritev, fd, cut, n, at, 0L);
}

static void
write_down_data(struct call *c, const struct file *f, const struct iovec *pieces, int count,
	off_t at, size_t size)
{
	faults_write_down(c, f->sure, at, size);
	for (int i = 0; i < count && size > 0; i++) {
		size_t n = pieces[i].iov_len < size ? pieces[i].iov_len : size;

		faults_write_down_bytes(pieces[i].iov_base, n);
		size -= n;
	}
}

static off_t
place_of(int fd, off_t at)
{
	struct stat st;

	if (at >= 0)
		return at;
	if ((fcntl(fd, F_GETFL) & O_APPEND) != 0 && fstat(fd, &st) == 0)
		return st.st_size;
	return lseek(fd, 0, SEEK_CUR);
}

static ssize_t
write_as_judged(
	struct call *c, int fd, const struct iovec *pieces, int count, off_t at, size_t size)
{
	enum act act = faults_judge(c);
	ssize_t n;

	if (faults_fails(act))
		return faults_fail();
	n = write_most(fd, pieces, count, at, faults_part(act, size));
	if (act == ACT_KILL_WITHIN || act == ACT_KILL_AFTER)
		faults_die();
	return n;
}

static ssize_t
write_any(int fd, const struct iovec *pieces, int count, off_t at)
{
	const struct file *f = faults_file(fd);
	size_t size = size_of(pieces, count);
	struct call c = { .op = "write", .classes = CLASS_WRITE };
	off_t place;
	ssize_t n;

	if (f == NULL || size == 0)
		return write_most(fd, pieces, count, at, size);
	(void)pthread_mutex_lock(&faults_mu);
	place = place_of(fd, at);
	(void)snprintf(c.name, sizeof c.name, "%s", f->name);
	if (f->is_ack) {
		c.op = "ack";
		n = write_most(fd, pieces, count, at, size);
	} else {
		faults_keep(fd, f, place, size);
		n = write_as_judged(&c, fd, pieces, count, at, size);
	}
	if (n > 0)
		write_down_data(&c, f, pieces, count, place, (size_t)n);
	(void)pthread_mutex_unlock(&faults_mu);
	return n;
}

static struct iovec
piece(const void *data, size_t size)
{
	struct iovec p = { .iov_len = size };

	memcpy(&p.iov_base, &data, sizeof data);
	return p;
}

ssize_t
faults_write(int fd, const void *data, size_t size)
{
	struct iovec p = piece(data, size);

	return write_any(fd, &p, 1, -1);
}

ssize_t
faults_writev(int fd, const struct iovec *pieces, int count)
{
	return write_any(fd, pieces, count, -1);
}

ssize_t
faults_pwrite(int fd, const void *data, size_t size, off_t at)
{
	struct iovec p = piece(data, size);

	return write_any(fd, &p, 1, at);
}

ssize_t
faults_pwritev(int fd, const struct iovec *pieces, int count, off_t at)
{
	return write_any(fd, pieces, count, at);
}

static int
cut_any(int fd, off_t size)
{
	const struct file *f = faults_file(fd);
	struct call c = { .op = "cut", .classes = CLASS_ROOM };
	enum act act;
	int result;

	if (f == NULL)
		return (int)syscall(SYS_ftruncate, fd, size);
	(void)snprintf(c.name, sizeof c.name, "%s", f->name);
	(void)pthread_mutex_lock(&faults_mu);
	faults_keep(fd, f, size, 0);
	act = faults_judge(&c);
	result = faults_fails(act) ? faults_fail() : (int)syscall(SYS_ftruncate, fd, size);
	if (result == 0)
		faults_write_down(&c, false, size, 0);
	if (act == ACT_KILL_AFTER)
		faults_die();
	(void)pthread_mutex_unlock(&faults_mu);
	return result;
}

int
faults_ftruncate(int fd, off_t size)
{
	return cut_any(fd, size);
}

static int
allocate_any(int fd, int mode, off_t at, off_t size)
{
	const struct file *f = faults_file(fd);
	struct call c = { .op = "allocate", .classes = CLASS_ROOM };

	if (f == NULL)
		return (int)syscall(SYS_fallocate, fd, mode, at, size);
	(void)snprintf(c.name, sizeof c.name, "%s", f->name);
	return (int)change(&c, SYS_fallocate, fd, mode, at, size, 0);
}

int
faults_fallocate(int fd, int mode, off_t at, off_t size)
{
	return allocate_any(fd, mode, at, size);
}

/* ---- syncs ---- */

static int
sync_any(int fd, long number)
{
	const struct file *f = faults_file(fd);
	struct call c = { .op = "sync", .classes = CLASS_SYNC };
	struct stat st;
	enum act act;
	int result;

	if (f == NULL || f->is_ack)
		return (int)syscall(number, fd);
	if (number == SYS_syncfs)
		c.op = "syncall";
	else if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		c.op = "syncdir";
	(void)snprintf(c.name, sizeof c.name, "%s", f->name);
	(void)pthread_mutex_lock(&faults_mu);
	act = faults_judge(&c);
	if (act == ACT_FAIL_DROP || act == ACT_GO_ON)
		faults_settle(fd, act == ACT_FAIL_DROP);
	result = faults_fails(act) ? faults_fail() : (int)syscall(number, fd);
	if (result == 0)
		faults_write_down(&c, false, 0, 0);
	if (act == ACT_KILL_AFTER)
		faults_die();
	(void)pthread_mutex_unlock(&faults_mu);
	return result;
}

int
faults_fsync(int fd)
{
	return sync_any(fd, SYS_fsync);
}

int
faults_fdatasync(int fd)
{
	return sync_any(fd, SYS_fdatasync);
}

int
faults_syncfs(int fd)
{
	return sync_any(fd, SYS_syncfs);
}

/* ---- names ---- */

/* Descriptors below FROM, or FROM's own: theirs is the new name now. */
static void
follow(struct file *f, const char *from, const char *to)
{
	size_t size = strlen(from);
	char name[NAME_SIZE];

	(void)snprintf(name, sizeof name, "%s%.*s", to, NAME_SIZE - 1, f->name + size);
	(void)snprintf(f->name, sizeof f->name, "%s", name);
}

static bool
is_at_or_below(const struct file *f, const char *name)
{
	size_t size = strlen(name);

	return f->inside && strncmp(f->name, name, size) == 0 &&
	       (f->name[size] == '\0' || f->name[size] == '/');
}

static int
rename_any(int fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	bool both = (flags & RENAME_EXCHANGE) != 0;
	struct call c = { .op = both ? "exchange" : "rename", .classes = CLASS_ROOM };
	int result;

	if (!faults_name(fd, from, c.name) || !faults_name(to_fd, to, c.other))
		return (int)syscall(SYS_renameat2, fd, from, to_fd, to, flags);
	result = (int)change(&c, SYS_renameat2, fd, (long)from, to_fd, (long)to, flags);
	for (size_t i = 0; result == 0 && i < FDS_MAX; i++) {
		if (is_at_or_below(&faults_files[i], c.name))
			follow(&faults_files[i], c.name, c.other);
		else if (both && is_at_or_below(&faults_files[i], c.other))
			follow(&faults_files[i], c.other, c.name);
	}
	return result;
}

int
faults_rename(const char *from, const char *to)
{
	return rename_any(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int
faults_renameat(int fd, const char *from, int to_fd, const char *to)
{
	return rename_any(fd, from, to_fd, to, 0);
}

int
faults_renameat2(int fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	return rename_any(fd, from, to_fd, to, flags);
}

int
faults_linkat(int fd, const char *from, int to_fd, const char *to, int flags)
{
	struct call c = { .op = "link", .classes = CLASS_ROOM };

	if (!faults_name(to_fd, to, c.other))
		return (int)syscall(SYS_linkat, fd, from, to_fd, to, flags);
	(void)faults_name(fd, from, c.name);
	return (int)change(&c, SYS_linkat, fd, (long)from, to_fd, (long)to, flags);
}

int
faults_link(const char *from, const char *to)
{
	return faults_linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int
faults_unlinkat(int dirfd, const char *path, int flags)
{
	struct call c = { .op = (flags & AT_REMOVEDIR) != 0 ? "rmdir" : "unlink",
		.classes = CLASS_REST };

	if (!faults_name(dirfd, path, c.name))
		return (int)syscall(SYS_unlinkat, dirfd, path, flags);
	return (int)change(&c, SYS_unlinkat, dirfd, (long)path, flags, 0, 0);
}

int
faults_unlink(const char *path)
{
	return faults_unlinkat(AT_FDCWD, path, 0);
}

int
faults_rmdir(const char *path)
{
	return faults_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int
faults_mkdirat(int dirfd, const char *path, mode_t mode)
{
	struct call c = { .op = "mkdir", .classes = CLASS_ROOM };

	if (!faults_name(dirfd, path, c.name))
		return (int)syscall(SYS_mkdirat, dirfd, path, mode);
	return (int)change(&c, SYS_mkdirat, dirfd, (long)path, mode, 0, 0);
}

int
faults_mkdir(const char *path, mode_t mode)
{
	return faults_mkdirat(AT_FDCWD, path, mode);
}

/* Where off_t has 64 bits anyway both names are one function. */
#define ALSO(name, other) \
	__asm__(".globl " #other "\n.set " #other ", " #name "\n.type " #other ", @function")
ALSO(open, open64);
ALSO(openat, openat64);
ALSO(pwrite, pwrite64);
ALSO(pwritev, pwritev64);
ALSO(ftruncate, ftruncate64);
ALSO(fallocate, fallocate64);
