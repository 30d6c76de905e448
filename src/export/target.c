/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exarch/clock.h"
#include "exarch/fs.h"
#include "exarch/mem.h"
#include "target.h"

#define FOLDER_MODE 0700
#define FILE_MODE 0600
#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

bool
target_open(struct target *t, const char *path, struct exa_error *err)
{
	*t = (struct target){ .top_fd = -1, .folder_fd = -1 };
	if (!fs_make_dirs(path, FOLDER_MODE, err))
		return false;
	t->top_fd = open(path, FOLDER_FLAGS);
	if (t->top_fd < 0)
		return exa_fail_errno(err, errno, "can't open folder %s", path);
	t->path = exa_strdup(path);
	return true;
}

void
target_close(struct target *t)
{
	fs_closep(&t->folder_fd);
	fs_closep(&t->top_fd);
	exa_free(t->place);
	exa_free(t->path);
	t->place = NULL;
	t->path = NULL;
}

bool
target_sync(struct target *t, struct exa_error *err)
{
	if (syncfs(t->top_fd) != 0)
		return exa_fail_errno(err, errno, "can't make %s durable", t->path);
	return true;
}

/* ---- folders ---- */

/* Opens or makes NAME in the folder of *FD, which is closed and becomes the new one. */
static bool
step_down(struct target *t, int *fd, const char *name, const char *place, struct exa_error *err)
{
	int next;

	if (mkdirat(*fd, name, FOLDER_MODE) != 0 && errno != EEXIST)
		return exa_fail_errno(err, errno, "can't make folder %s/%s", t->path, place);
	next = openat(*fd, name, FOLDER_FLAGS | O_NOFOLLOW);
	if (next < 0 && (errno == ELOOP || errno == ENOTDIR))
		return exa_fail(err, EXA_USAGE,
			"%s/%s is a symbolic link or a file where the export needs a folder: "
			"nothing was written through it",
			t->path, place);
	if (next < 0)
		return exa_fail_errno(err, errno, "can't open folder %s/%s", t->path, place);
	fs_closep(fd);
	*fd = next;
	return true;
}

static bool
walk_down(struct target *t, const char *place, int *fd_out, struct exa_error *err)
{
	EXA_AUTO(fs_closep) int fd = fcntl(t->top_fd, F_DUPFD_CLOEXEC, 0);
	const char *at = place;

	if (fd < 0)
		return exa_fail_errno(err, errno, "can't open folder %s", t->path);
	while (*at != '\0') {
		size_t size = strcspn(at, "/");
		EXA_AUTO(exa_freep) char *name = exa_strndup(at, size);
		EXA_AUTO(exa_freep)
		char *so_far = exa_strndup(place, (size_t)(at - place) + size);

		if (!step_down(t, &fd, name, so_far, err))
			return false;
		at += size;
		at += *at == '/';
	}
	*fd_out = fd;
	fd = -1;
	return true;
}

bool
target_enter(struct target *t, const char *place, struct exa_error *err)
{
	int fd;

	if (t->place != NULL && strcmp(t->place, place) == 0)
		return true;
	if (!walk_down(t, place, &fd, err))
		return false;
	fs_closep(&t->folder_fd);
	t->folder_fd = fd;
	exa_free(t->place);
	t->place = exa_strdup(place);
	return true;
}

/* ---- files ---- */

bool
target_has(
	struct target *t, const char *name, uint64_t size, bool *there_out, struct exa_error *err)
{
	struct stat st;

	if (fstatat(t->folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno != ENOENT)
			return exa_fail_errno(
				err, errno, "can't look at %s/%s/%s", t->path, t->place, name);
		*there_out = false;
		return true;
	}
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != size)
		return exa_fail(err, EXA_USAGE,
			"%s/%s/%s is there and isn't this message; it was left alone: export to "
			"another folder, or move it away",
			t->path, t->place, name);
	*there_out = true;
	return true;
}

bool
target_file_begin(
	struct target *t, const char *name, struct target_file *out, struct exa_error *err)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

	*out = (struct target_file){ .target = t, .name = name, .fd = -1 };
	/* No name of ours begins with a dot. One that is there was left by a process of this number
	 * that was killed. */
	out->temporary = exa_asprintf(".exarch-%ld.tmp", (long)getpid());
	(void)unlinkat(t->folder_fd, out->temporary, 0);
	out->fd = openat(t->folder_fd, out->temporary, flags, FILE_MODE);
	if (out->fd < 0)
		return exa_fail_errno(err, errno, "can't make a file in %s/%s", t->path, t->place);
	return true;
}

bool
target_file_write(struct target_file *f, struct bytes data, struct exa_error *err)
{
	return fs_write_all(f->fd, data, f->name, err) ||
	       exa_while(err, "%s/%s", f->target->path, f->target->place);
}

/* The file's own name, which must be free. File systems without RENAME_NOREPLACE can link. */
static int
rename_to_free_name(struct target_file *f)
{
	int folder = f->target->folder_fd;

	if (renameat2(folder, f->temporary, folder, f->name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return errno;
	if (linkat(folder, f->temporary, folder, f->name, 0) != 0)
		return errno;
	(void)unlinkat(folder, f->temporary, 0);
	return 0;
}

static bool
set_time(struct target_file *f, int64_t time_ns, struct exa_error *err)
{
	int64_t seconds = time_ns / EXA_NS_PER_S, rest = time_ns % EXA_NS_PER_S;
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };

	if (time_ns == EXA_NO_TIME)
		return true;
	if (rest < 0) {
		seconds--;
		rest += EXA_NS_PER_S;
	}
	times[1] = (struct timespec){ .tv_sec = (time_t)seconds, .tv_nsec = (long)rest };
	if (futimens(f->fd, times) != 0)
		return exa_fail_errno(err, errno, "can't set the time of %s/%s/%s", f->target->path,
			f->target->place, f->name);
	return true;
}

bool
target_file_commit(struct target_file *f, int64_t time_ns, struct exa_error *err)
{
	int failure;

	if (!set_time(f, time_ns, err))
		return false;
	/* Network file systems tell of a full disk when the file is closed. */
	failure = close(f->fd) == 0 ? 0 : errno;
	f->fd = -1;
	if (failure == 0)
		failure = rename_to_free_name(f);
	if (failure == EEXIST)
		return exa_fail(err, EXA_USAGE,
			"%s/%s/%s has appeared meanwhile; it was left alone", f->target->path,
			f->target->place, f->name);
	if (failure != 0)
		return exa_fail_errno(err, failure, "can't write %s/%s/%s", f->target->path,
			f->target->place, f->name);
	exa_free(f->temporary);
	f->temporary = NULL;
	return true;
}

void
target_file_done(struct target_file *f)
{
	fs_closep(&f->fd);
	if (f->temporary != NULL)
		(void)unlinkat(f->target->folder_fd, f->temporary, 0);
	exa_free(f->temporary);
	f->temporary = NULL;
}
