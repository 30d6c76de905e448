/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file LOCK. Its lock is an "open file description" lock: it belongs to the descriptor, the
 * kernel drops it when the process dies, so there is no stale lock to judge by age. The text in the
 * file is for people only.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "handle.h"

#define OWNER_MAX 300

static bool
take(int fd, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

static void
read_owner(int fd, char owner[OWNER_MAX + 1])
{
	ssize_t n = pread(fd, owner, OWNER_MAX, 0);

	owner[n > 0 ? (size_t)n : 0] = '\0';
	owner[strcspn(owner, "\n")] = '\0';
}

static bool
fail_locked(int fd, const char *dir, struct exa_error *err)
{
	char owner[OWNER_MAX + 1];

	if (errno != EAGAIN && errno != EACCES)
		return exa_fail_errno(err, errno, "can't lock %s/LOCK", dir);
	read_owner(fd, owner);
	return exa_fail(err, EXA_LOCKED, "the archive %s is in use%s%s", dir,
		owner[0] != '\0' ? " by " : "", owner);
}

static void
write_owner(int fd)
{
	char host[256] = "";
	char owner[OWNER_MAX];
	int size;

	(void)gethostname(host, sizeof host - 1);
	size = snprintf(owner, sizeof owner, "process %ld on %s\n", (long)getpid(), host);
	if (ftruncate(fd, 0) != 0 || pwrite(fd, owner, (size_t)size, 0) < 0)
		return; /* the lock itself holds */
}

bool
lock_for_writing(const char *dir, int *fd_out, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, "LOCK");
	EXA_AUTO(fs_closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return exa_fail_errno(err, errno, "can't open %s", path);
	if (!take(fd, F_WRLCK))
		return fail_locked(fd, dir, err);
	write_owner(fd);
	*fd_out = fd;
	fd = -1;
	return true;
}

/* The owner's name goes with the lock, so that a run that changed nothing leaves nothing changed.
 */
void
lock_release(int *fd)
{
	if (*fd >= 0 && (fcntl(*fd, F_GETFL) & O_ACCMODE) == O_RDWR && ftruncate(*fd, 0) != 0) {
		/* The text is for people only: what stays is a name that no longer holds the lock.
		 */
	}
	fs_closep(fd);
}

bool
lock_for_reading(const char *dir, int *fd_out, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, "LOCK");
	EXA_AUTO(fs_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return exa_fail_errno(err, errno, "can't open %s", path);
	if (!take(fd, F_RDLCK))
		return fail_locked(fd, dir, err);
	*fd_out = fd;
	fd = -1;
	return true;
}

bool
store_is_locked(const char *dir, struct buf *owner_out)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, "LOCK");
	EXA_AUTO(fs_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	char owner[OWNER_MAX + 1];

	if (fd < 0 || fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
		return false;
	read_owner(fd, owner);
	buf_add_string(owner_out, owner);
	return true;
}

bool
check_file_system(const char *dir, struct exa_error *err)
{
	/* LMDB shares memory between processes through the file: no network file system keeps that.
	 */
	static const struct {
		uint32_t magic;
		const char *name;
	} refused[] = {
		{ 0x6969, "NFS" },
		{ 0xff534d42, "CIFS" },
		{ 0xfe534d42, "SMB" },
		{ 0x517b, "SMB" },
		{ 0x65735546, "FUSE" },
	};
	struct statfs fs;

	if (statfs(dir, &fs) != 0)
		return exa_fail_errno(err, errno, "can't look at the file system of %s", dir);
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		if ((uint32_t)fs.f_type == refused[i].magic)
			return exa_fail(err, EXA_USAGE,
				"%s is on a network or user-space file system (%s), where an "
				"archive "
				"would be damaged; put it on a local disk",
				dir, refused[i].name);
	}
	return true;
}
