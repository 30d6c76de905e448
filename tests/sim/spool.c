/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exarch/fs.h"

#include "spool.h"

struct spool {
	int fd;
	_Atomic uint64_t end;
};

bool
spool_open(struct spool **out, struct exa_error *err)
{
	char path[] = "/tmp/exarch-sim-spool-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd < 0)
		return exa_fail_errno(err, errno, "%s", path);
	(void)unlink(path);
	*out = exa_alloc(sizeof **out);
	(*out)->fd = fd;
	return true;
}

void
spool_close(struct spool *s)
{
	if (s == NULL)
		return;
	(void)close(s->fd);
	exa_free(s);
}

bool
spool_add(struct spool *s, struct bytes data, uint64_t *offset_out, struct exa_error *err)
{
	uint64_t offset = atomic_fetch_add(&s->end, data.size);

	if (!fs_pwrite_all(s->fd, data, offset, "the simulator's spool", err))
		return false;
	*offset_out = offset;
	return true;
}

struct spool_body {
	struct body body;
	struct spool *spool;
	uint64_t offset, left;
};

static ssize_t
read_spool(struct body *body, uint8_t *out, size_t size)
{
	struct spool_body *b = (struct spool_body *)body;
	ssize_t n =
		pread(b->spool->fd, out, size < b->left ? size : (size_t)b->left, (off_t)b->offset);

	if (n > 0) {
		b->offset += (uint64_t)n;
		b->left -= (uint64_t)n;
	}
	return n;
}

static void
close_spool_body(struct body *body)
{
	exa_free(body);
}

struct body *
spool_body(struct spool *s, uint64_t offset, uint64_t size)
{
	struct spool_body *b = exa_alloc(sizeof *b);

	*b = (struct spool_body){ { read_spool, close_spool_body }, s, offset, size };
	return &b->body;
}

struct prefixed {
	struct body body;
	struct buf head;
	size_t done;
	struct body *rest;
};

static ssize_t
read_prefixed(struct body *body, uint8_t *out, size_t size)
{
	struct prefixed *b = (struct prefixed *)body;
	struct bytes left = bytes_take(bytes_skip(buf_bytes(&b->head), b->done), size);

	if (left.size == 0)
		return b->rest->read(b->rest, out, size);
	memcpy(out, left.data, left.size);
	b->done += left.size;
	return (ssize_t)left.size;
}

static void
close_prefixed(struct body *body)
{
	struct prefixed *b = (struct prefixed *)body;

	body_close(b->rest);
	buf_done(&b->head);
	exa_free(b);
}

struct body *
prefixed_body(struct bytes head, struct body *rest)
{
	struct prefixed *b = exa_alloc(sizeof *b);

	*b = (struct prefixed){ .body = { read_prefixed, close_prefixed }, .rest = rest };
	buf_add_bytes(&b->head, head);
	return &b->body;
}
