/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log file: the run's JSON lines, whatever is shown elsewhere. Whoever rotates it renames or
 * removes it and tells nobody: before each write the file that has the name is compared with the
 * one that is open.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"
#include "internal.h"

struct report_log {
	char *path;
	int fd; /* -1: it could not be opened again */
	dev_t device;
	ino_t inode;
	bool failing; /* that has been told */
};

static bool
open_it(struct report_log *l, struct exa_error *err)
{
	struct stat st;

	l->fd = open(l->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
	if (l->fd < 0 || fstat(l->fd, &st) != 0) {
		(void)exa_fail_errno(err, errno, "can't write the log file %s", l->path);
		fs_closep(&l->fd);
		l->fd = -1;
		return false;
	}
	l->device = st.st_dev;
	l->inode = st.st_ino;
	return true;
}

bool
report_log_open(const char *path, struct report_log **out, struct exa_error *err)
{
	struct report_log *l = exa_alloc(sizeof *l);

	l->path = exa_strdup(path);
	if (!open_it(l, err)) {
		exa_free(l->path);
		exa_free(l);
		return false;
	}
	*out = l;
	return true;
}

void
report_log_close(struct report_log *l)
{
	if (l == NULL)
		return;
	if (l->fd >= 0)
		(void)close(l->fd);
	exa_free(l->path);
	exa_free(l);
}

static bool
is_rotated(const struct report_log *l)
{
	struct stat st;

	return stat(l->path, &st) != 0 || st.st_dev != l->device || st.st_ino != l->inode;
}

bool
log_write(struct report_log *l, struct bytes lines, struct exa_error *err)
{
	bool good = true;

	if (lines.size == 0)
		return true;
	if (l->fd >= 0 && is_rotated(l)) {
		(void)close(l->fd);
		l->fd = -1;
	}
	if (l->fd < 0)
		good = open_it(l, err);
	good = good && fs_write_all(l->fd, lines, l->path, err);
	if (good || l->failing) {
		l->failing = !good;
		return true;
	}
	l->failing = true;
	return false;
}

void
report_log_failure(struct report_log *l, const struct exa_error *err, int exit_code)
{
	EXA_AUTO(buf_done) struct buf line = { 0 };
	struct exa_error ignored;

	json_failure(&line, err, exit_code);
	if (!log_write(l, buf_bytes(&line), &ignored))
		return; /* the program is ending with a failure of its own */
}
