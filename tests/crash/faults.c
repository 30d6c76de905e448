/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libexarch-faults.so, for LD_PRELOAD: stands between a program (exarch, or store-torture) with
 * its libraries (LMDB) and the kernel. It counts the calls that change files below one folder, lets
 * the n-th of them go wrong, and can write down every one of them. It is for tests alone: exarch
 * doesn't know it and reads none of its variables.
 *
 *   EXARCH_FAULT_DIR     the folder, absolute. Without it nothing happens at all.
 *   EXARCH_FAULT_KIND    what goes wrong: see `kinds` below. Without it nothing does.
 *   EXARCH_FAULT_AT      at which call, from 1; only calls the kind applies to are counted
 *   EXARCH_FAULT_REPORT  file that gets "fired N OP PATH" when it does, "calls N" at the exit
 *   EXARCH_FAULT_TRACE   file that gets each call that succeeded, in order
 *   EXARCH_FAULT_ACK     a file outside of the folder: what is written to it stands in the trace
 *
 * The trace has a line "OP SURE OFFSET SIZE PATH OTHER" for each call, parted by tabs, and behind
 * that of a write or an ack its SIZE bytes. SURE is 1 when the file was opened with O_DSYNC: the
 * write was durable when it returned.
 *
 * One lock is held around each call below the folder, so that the order in the trace is the order
 * in which things happened. Calls go to the kernel by number: no symbol of the C library is needed
 * that might be ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "faults.h"

struct kind {
	const char *name;
	unsigned classes;
	enum act act;
	int error;
};

static const struct kind kinds[] = {
	{ "kill-before", CLASS_ANY, ACT_KILL_BEFORE, 0 },
	{ "kill-after", CLASS_ANY, ACT_KILL_AFTER, 0 },
	{ "kill-within", CLASS_WRITE, ACT_KILL_WITHIN, 0 },
	{ "enospc", CLASS_WRITE | CLASS_ROOM, ACT_FAIL, ENOSPC },
	{ "enospc-on", CLASS_WRITE | CLASS_ROOM, ACT_FAIL_ON, ENOSPC },
	{ "eio", CLASS_ANY, ACT_FAIL, EIO },
	{ "eio-on", CLASS_ANY, ACT_FAIL_ON, EIO },
	{ "eintr", CLASS_WRITE, ACT_FAIL, EINTR },
	{ "eintr-rest", CLASS_SYNC | CLASS_ROOM, ACT_FAIL, EINTR },
	{ "short", CLASS_WRITE, ACT_SHORT, 0 },
	{ "sync-eio", CLASS_SYNC, ACT_FAIL, EIO },
	{ "sync-drop", CLASS_SYNC, ACT_FAIL_DROP, EIO },
};

/* What stood where a write went, until the file's next sync: for sync-drop. */
struct undo {
	struct undo *older;
	ino_t file;
	off_t at, file_size;
	size_t size, room;
	uint8_t bytes[];
};

pthread_mutex_t faults_mu = PTHREAD_MUTEX_INITIALIZER;
/* Set before main, then read only. */
static const char *folder, *ack_path, *report_path;
static size_t folder_size;
static const struct kind *kind;
static unsigned long fire_at;
static int trace = -1;
/* Under mu; `files` as far as the program shares descriptors between threads itself. */
struct file faults_files[FDS_MAX];
static unsigned long calls;
static struct undo *undos;

__attribute__((constructor)) static void
begin(void)
{
	const char *name = getenv("EXARCH_FAULT_KIND");
	const char *at = getenv("EXARCH_FAULT_AT");
	const char *trace_path = getenv("EXARCH_FAULT_TRACE");

	folder = getenv("EXARCH_FAULT_DIR");
	folder_size = folder == NULL ? 0 : strlen(folder);
	ack_path = getenv("EXARCH_FAULT_ACK");
	report_path = getenv("EXARCH_FAULT_REPORT");
	fire_at = at == NULL ? 0 : strtoul(at, NULL, 10);
	for (size_t i = 0; name != NULL && i < sizeof kinds / sizeof kinds[0]; i++) {
		if (strcmp(kinds[i].name, name) == 0)
			kind = &kinds[i];
	}
	if (name != NULL && kind == NULL)
		abort(); /* a test that means to break something and doesn't is worth nothing */
	if (trace_path != NULL)
		trace = (int)syscall(SYS_openat, AT_FDCWD, trace_path,
			O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* ---- writing down ---- */

static void
put(int fd, const void *data, size_t size)
{
	const uint8_t *p = data;

	while (size > 0) {
		long n = syscall(SYS_write, fd, p, size);

		if (n <= 0)
			abort();
		p += n;
		size -= (size_t)n;
	}
}

static void
report(const char *text, size_t size)
{
	int fd;

	if (report_path == NULL)
		return;
	fd = (int)syscall(SYS_openat, AT_FDCWD, report_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fd < 0)
		abort();
	put(fd, text, size);
	(void)syscall(SYS_close, fd);
}

__attribute__((destructor)) static void
end(void)
{
	char line[64];
	int size = snprintf(line, sizeof line, "calls %lu\n", calls);

	if (folder != NULL)
		report(line, (size_t)size);
}

void
faults_write_down(const struct call *c, bool sure, off_t offset, size_t size)
{
	char line[2 * NAME_SIZE + 128];
	int n;

	if (trace < 0)
		return;
	n = snprintf(line, sizeof line, "%s\t%d\t%lld\t%zu\t%s\t%s\n", c->op, sure,
		(long long)offset, size, c->name, c->other);
	put(trace, line, (size_t)n);
}

/* ---- what is below the folder ---- */

/* False: PATH lies elsewhere. */
bool
faults_name(int dirfd, const char *path, char *out)
{
	char full[PATH_MAX];

	if (folder == NULL || path == NULL)
		return false;
	if (path[0] == '/') {
		(void)snprintf(full, sizeof full, "%s", path);
	} else if (dirfd >= 0 && dirfd < FDS_MAX && faults_files[dirfd].inside) {
		(void)snprintf(out, NAME_SIZE, "%s%s%s", faults_files[dirfd].name,
			faults_files[dirfd].name[0] == '\0' ? "" : "/", path);
		return true;
	} else {
		char here[PATH_MAX / 2];

		if (dirfd != AT_FDCWD || syscall(SYS_getcwd, here, sizeof here) < 0)
			return false;
		(void)snprintf(full, sizeof full, "%s/%.*s", here, PATH_MAX / 2 - 2, path);
	}
	if (strncmp(full, folder, folder_size) != 0 ||
		(full[folder_size] != '/' && full[folder_size] != '\0'))
		return false;
	(void)snprintf(out, NAME_SIZE, "%.*s", NAME_SIZE - 1,
		full[folder_size] == '/' ? full + folder_size + 1 : "");
	return true;
}

struct file *
faults_file(int fd)
{
	if (folder == NULL || fd < 0 || fd >= FDS_MAX)
		return NULL;
	return faults_files[fd].inside || faults_files[fd].is_ack ? &faults_files[fd] : NULL;
}

/* ---- going wrong ---- */

void
faults_die(void)
{
	(void)syscall(SYS_kill, getpid(), SIGKILL);
	for (;;)
		(void)syscall(SYS_pause);
}

/* Under mu. Counts the call and says what becomes of it. */
enum act
faults_judge(const struct call *c)
{
	char line[NAME_SIZE + 64];
	int size;

	if (kind == NULL) {
		calls++;
		return ACT_GO_ON;
	}
	if ((c->classes & kind->classes) == 0)
		return ACT_GO_ON;
	calls++;
	if (calls < fire_at || (calls > fire_at && kind->act != ACT_FAIL_ON))
		return ACT_GO_ON;
	if (calls == fire_at) {
		size = snprintf(line, sizeof line, "fired %lu %s %s\n", calls, c->op, c->name);
		report(line, (size_t)size);
	}
	if (kind->act == ACT_KILL_BEFORE)
		faults_die();
	return kind->act;
}

int
faults_fail(void)
{
	errno = kind->error;
	return -1;
}

bool
faults_fails(enum act a)
{
	return a == ACT_FAIL || a == ACT_FAIL_ON || a == ACT_FAIL_DROP;
}

size_t
faults_part(enum act a, size_t size)
{
	if (a == ACT_SHORT && size > 1)
		return size / 2;
	return a == ACT_KILL_WITHIN ? fire_at * 2654435761UL % size : size;
}

void
faults_remember(int fd, const char *path, const char *name, int flags)
{
	struct file *f;

	if (folder == NULL || fd < 0 || fd >= FDS_MAX)
		return;
	f = &faults_files[fd];
	*f = (struct file){ .inside = name != NULL, .sure = (flags & O_DSYNC) != 0 };
	f->is_ack = ack_path != NULL && strcmp(path, ack_path) == 0;
	if (name != NULL)
		(void)snprintf(f->name, sizeof f->name, "%s", name);
}

void
faults_write_down_bytes(const void *data, size_t size)
{
	if (trace >= 0)
		put(trace, data, size);
}

/* ---- what a failed sync may lose ---- */

void
faults_keep(int fd, const struct file *f, off_t at, size_t size)
{
	size_t room = sizeof(struct undo) + size;
	struct stat st;
	struct undo *u;
	long n;

	if (kind == NULL || kind->act != ACT_FAIL_DROP || f->sure || fstat(fd, &st) != 0)
		return;
	u = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (u == MAP_FAILED)
		abort();
	u->room = room;
	u->at = at;
	u->file_size = st.st_size;
	u->file = st.st_ino;
	/* The descriptor may be open for writing alone: read through one of our own. */
	if (size > 0) {
		char self[64];
		int in;

		(void)snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
		in = (int)syscall(SYS_openat, AT_FDCWD, self, O_RDONLY | O_CLOEXEC);
		n = in < 0 ? -1 : syscall(SYS_pread64, in, u->bytes, size, at);
		u->size = n > 0 ? (size_t)n : 0;
		if (in >= 0)
			(void)syscall(SYS_close, in);
	}
	u->older = undos;
	undos = u;
}

/* A sync: BACK puts what stood there before, as a kernel may that lost the pages. */
void
faults_settle(int fd, bool back)
{
	struct undo **at = &undos;
	char self[64];
	struct stat st;
	int out = fd;

	if (undos == NULL || fstat(fd, &st) != 0)
		return;
	(void)snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
	if (back)
		out = (int)syscall(SYS_openat, AT_FDCWD, self, O_RDWR | O_CLOEXEC);
	while (*at != NULL) {
		struct undo *u = *at;

		if (u->file != st.st_ino) {
			at = &u->older;
			continue;
		}
		if (back && (syscall(SYS_pwrite64, out, u->bytes, u->size, u->at) < 0 ||
				    syscall(SYS_ftruncate, out, u->file_size) != 0))
			abort();
		*at = u->older;
		(void)munmap(u, u->room);
	}
	if (back)
		(void)syscall(SYS_close, out);
}
