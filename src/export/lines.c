/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "exarch/fs.h"
#include "lines.h"

#define BLOCK ((size_t)64 * 1024)

/* Hands out what is whole and keeps the rest. */
static bool
hand_out(struct buf *b, lines_fn *fn, void *ctx, struct exa_error *err)
{
	size_t at = 0;
	const uint8_t *end;

	while (at < b->size && (end = memchr(b->data + at, '\n', b->size - at)) != NULL) {
		size_t size = (size_t)(end - (b->data + at));

		if (!fn(ctx, (const char *)b->data + at, size, err))
			return false;
		at += size + 1;
	}
	buf_consume(b, at);
	return b->size <= LINES_SIZE_MAX ||
	       exa_fail(err, EXA_LIMIT, "a line is longer than %zu bytes", LINES_SIZE_MAX);
}

bool
lines_each(int fd, uint64_t end, lines_fn *fn, void *ctx, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf b = { 0 };
	uint64_t at = 0;

	while (at < end) {
		size_t size = end - at < BLOCK ? (size_t)(end - at) : BLOCK;

		buf_reserve(&b, size);
		if (!fs_pread_all(fd, b.data + b.size, size, at, "the manifest", err))
			return false;
		b.size += size;
		at += size;
		if (!hand_out(&b, fn, ctx, err))
			return false;
	}
	return true;
}
