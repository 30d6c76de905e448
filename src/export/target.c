/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "exarch/clock.h"
#include "exarch/fs.h"
#include "exarch/mem.h"
#include "exarch/sha256.h"
#include "target.h"

#define FOLDER_MODE 0700
#define FILE_MODE 0600
#define HASH_BLOCK ((size_t)64 * 1024)
#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

static bool
lock(struct target *t, struct exa_error *err)
{
	/* File systems that can't lock a folder: two exports at a time are the user's care there. */
	if (flock(t->top_fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return true;
	return exa_fail(err, EXA_LOCKED, "another export is writing to %s", t->path);
}

/* What another export left in the workshop is for the journal to judge. */
static bool
open_workshop(struct target *t, struct exa_error *err)
{
	if (mkdirat(t->top_fd, TARGET_WORKSHOP, FOLDER_MODE) != 0 && errno != EEXIST)
		return exa_fail_errno(
			err, errno, "can't make folder %s/%s", t->path, TARGET_WORKSHOP);
	t->workshop_fd = openat(t->top_fd, TARGET_WORKSHOP, FOLDER_FLAGS | O_NOFOLLOW);
	if (t->workshop_fd < 0 && (errno == ELOOP || errno == ENOTDIR))
		return exa_fail(err, EXA_USAGE,
			"%s/%s is a symbolic link or a file: nothing was written through it",
			t->path, TARGET_WORKSHOP);
	if (t->workshop_fd < 0)
		return exa_fail_errno(
			err, errno, "can't open folder %s/%s", t->path, TARGET_WORKSHOP);
	return true;
}

bool
target_open(struct target *t, const char *path, struct exa_error *err)
{
	*t = (struct target){ .top_fd = -1, .workshop_fd = -1, .folder_fd = -1 };
	if (!fs_make_dirs(path, FOLDER_MODE, err))
		return false;
	t->top_fd = open(path, FOLDER_FLAGS);
	if (t->top_fd < 0)
		return exa_fail_errno(err, errno, "can't open folder %s", path);
	t->path = exa_strdup(path);
	return lock(t, err) && open_workshop(t, err);
}

bool
target_share(const struct target *t, unsigned worker, struct target *out, struct exa_error *err)
{
	*out = (struct target){ .path = exa_strdup(t->path),
		.worker = worker,
		.top_fd = fcntl(t->top_fd, F_DUPFD_CLOEXEC, 0),
		.workshop_fd = fcntl(t->workshop_fd, F_DUPFD_CLOEXEC, 0),
		.folder_fd = -1 };
	if (out->top_fd < 0 || out->workshop_fd < 0)
		return exa_fail_errno(err, errno, "can't open folder %s", t->path);
	return true;
}

void
target_close(struct target *t)
{
	fs_closep(&t->folder_fd);
	fs_closep(&t->workshop_fd);
	fs_closep(&t->top_fd);
	exa_free(t->place);
	exa_free(t->path);
	t->place = NULL;
	t->path = NULL;
}

void
target_clear(struct target *t)
{
	(void)unlinkat(t->top_fd, TARGET_WORKSHOP, AT_REMOVEDIR);
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

static bool
fail_other(struct target *t, const char *name, struct exa_error *err)
{
	return exa_fail(err, EXA_USAGE,
		"%s/%s/%s is there and isn't this message; it was left alone: export to another "
		"folder, or move it away",
		t->path, t->place, name);
}

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
		return fail_other(t, name, err);
	*there_out = true;
	return true;
}

bool
target_hash(
	int fd, const char *what, uint8_t sha256_out[CATALOG_SHA256_SIZE], struct exa_error *err)
{
	EXA_AUTO(exa_freep) uint8_t *block = exa_alloc(HASH_BLOCK);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint64_t at = 0;
	ssize_t n = 0;
	int failure = 0;
	bool good = md != NULL && EVP_DigestInit_ex(md, exa_sha256(), NULL) == 1;

	while (good && (n = pread(fd, block, HASH_BLOCK, (off_t)at)) > 0) {
		good = EVP_DigestUpdate(md, block, (size_t)n) == 1;
		at += (uint64_t)n;
	}
	failure = n < 0 ? errno : 0;
	good = good && failure == 0 && EVP_DigestFinal_ex(md, sha256_out, NULL) == 1;
	EVP_MD_CTX_free(md);
	if (failure != 0)
		return exa_fail_errno(err, failure, "can't read %s", what);
	return good || exa_fail(err, EXA_FAILED, "SHA-256 is not available");
}

bool
target_compare(struct target *t, const char *name, const uint8_t sha256[CATALOG_SHA256_SIZE],
	struct exa_error *err)
{
	EXA_AUTO(fs_closep) int fd = openat(t->folder_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	uint8_t found[CATALOG_SHA256_SIZE];

	if (fd < 0)
		return exa_fail_errno(err, errno, "can't read %s/%s/%s", t->path, t->place, name);
	if (!target_hash(fd, name, found, err))
		return exa_while(err, "%s/%s", t->path, t->place);
	return memcmp(found, sha256, sizeof found) == 0 || fail_other(t, name, err);
}

bool
target_file_begin(
	struct target *t, const char *name, struct target_file *out, struct exa_error *err)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

	*out = (struct target_file){ .target = t, .name = name, .fd = -1 };
	/* One that is there was left by an export that was killed. */
	out->temporary = exa_asprintf("file-%u", t->worker);
	(void)unlinkat(t->workshop_fd, out->temporary, 0);
	out->fd = openat(t->workshop_fd, out->temporary, flags, FILE_MODE);
	if (out->fd < 0)
		return exa_fail_errno(
			err, errno, "can't make a file in %s/%s", t->path, TARGET_WORKSHOP);
	return true;
}

bool
target_file_write(struct target_file *f, struct bytes data, struct exa_error *err)
{
	return fs_write_all(f->fd, data, f->name, err) ||
	       exa_while(err, "%s/%s", f->target->path, f->target->place);
}

/* File systems without RENAME_NOREPLACE can link. */
int
target_rename(int from_fd, const char *from, int to_fd, const char *to)
{
	if (renameat2(from_fd, from, to_fd, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return errno;
	if (linkat(from_fd, from, to_fd, to, 0) != 0)
		return errno;
	(void)unlinkat(from_fd, from, 0);
	return 0;
}

int
target_set_time(int fd, int64_t time_ns)
{
	int64_t seconds = time_ns / EXA_NS_PER_S, rest = time_ns % EXA_NS_PER_S;
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };

	if (time_ns == EXA_NO_TIME)
		return 0;
	if (rest < 0) {
		seconds--;
		rest += EXA_NS_PER_S;
	}
	times[1] = (struct timespec){ .tv_sec = (time_t)seconds, .tv_nsec = (long)rest };
	return futimens(fd, times) == 0 ? 0 : errno;
}

bool
target_file_commit(struct target_file *f, int64_t time_ns, struct exa_error *err)
{
	int failure = target_set_time(f->fd, time_ns);

	if (failure != 0)
		return exa_fail_errno(err, failure, "can't set the time of %s/%s/%s",
			f->target->path, f->target->place, f->name);
	/* Network file systems tell of a full disk when the file is closed. */
	failure = close(f->fd) == 0 ? 0 : errno;
	f->fd = -1;
	if (failure == 0)
		failure = target_rename(
			f->target->workshop_fd, f->temporary, f->target->folder_fd, f->name);
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
		(void)unlinkat(f->target->workshop_fd, f->temporary, 0);
	exa_free(f->temporary);
	f->temporary = NULL;
}
