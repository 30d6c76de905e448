/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exarch/fs.h"

#include "body_file.h"

#define BLOCK (128 * 1024)

struct body_file {
	struct body body;
	int fd;
	bool adds_cr;
	uint8_t *block; /* as it is in the file, when adds_cr */
	size_t used, filled;
	bool owes_lf; /* CR is out, LF follows */
};

/* Reads until the first CRLF; most files that have one have it in the first block. */
static bool
holds_crlf(int fd, bool *out, struct exa_error *err)
{
	EXA_AUTO(exa_freep) uint8_t *block = exa_alloc(BLOCK);
	off_t offset = 0;
	bool after_cr = false;
	ssize_t n;

	while ((n = pread(fd, block, BLOCK, offset)) > 0) {
		const uint8_t *p = block, *end = block + n;

		if (after_cr && *p == '\n') {
			*out = true;
			return true;
		}
		while ((p = memchr(p, '\r', (size_t)(end - p))) != NULL) {
			if (++p == end)
				break;
			if (*p == '\n') {
				*out = true;
				return true;
			}
		}
		after_cr = end[-1] == '\r';
		offset += n;
	}
	*out = false;
	return n == 0 || exa_fail_errno(err, errno, "reading a message");
}

static ssize_t
read_plain(struct body *b, uint8_t *out, size_t size)
{
	struct body_file *f = (struct body_file *)b;
	ssize_t n;

	do
		n = read(f->fd, out, size);
	while (n < 0 && errno == EINTR);
	return n;
}

static ssize_t
read_adding_cr(struct body *b, uint8_t *out, size_t size)
{
	struct body_file *f = (struct body_file *)b;
	size_t done = 0;

	while (done < size) {
		if (f->owes_lf) {
			out[done++] = '\n';
			f->owes_lf = false;
			continue;
		}
		if (f->used == f->filled) {
			ssize_t n = read_plain(b, f->block, BLOCK);

			if (n < 0)
				return -1;
			f->used = 0;
			f->filled = (size_t)n;
			if (n == 0)
				break;
		}
		f->owes_lf = f->block[f->used] == '\n';
		out[done++] = f->owes_lf ? '\r' : f->block[f->used];
		f->used++;
	}
	return (ssize_t)done;
}

static void
close_file(struct body *b)
{
	struct body_file *f = (struct body_file *)b;

	(void)close(f->fd);
	exa_free(f->block);
	exa_free(f);
}

bool
body_file_open(const char *path, struct body **out, struct exa_error *err)
{
	EXA_AUTO(fs_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct body_file *f;
	struct stat st;
	bool has_crlf;

	if (fd < 0 || fstat(fd, &st) != 0)
		return exa_fail_errno(err, errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return exa_fail(err, EXA_GONE, "%s is not a file", path);
	if (!holds_crlf(fd, &has_crlf, err))
		return exa_while(err, "%s", path);
	f = exa_alloc(sizeof *f);
	f->body = (struct body){ has_crlf ? read_plain : read_adding_cr, close_file };
	f->fd = fd;
	f->adds_cr = !has_crlf;
	f->block = has_crlf ? NULL : exa_alloc(BLOCK);
	fd = -1;
	*out = &f->body;
	return true;
}
