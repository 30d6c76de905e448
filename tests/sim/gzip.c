/* SPDX-License-Identifier: Apache-2.0 */
#include <zlib.h>

#include "gzip.h"

#define GZIP_WINDOW (15 + 16)

void
gzip_add(struct buf *out, struct bytes in)
{
	z_stream z = { 0 };
	size_t room;

	(void)deflateInit2(&z, 1, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY);
	room = deflateBound(&z, (uLong)in.size) + 32;
	buf_reserve(out, room);
	z.next_in = (z_const Bytef *)(uintptr_t)in.data;
	z.avail_in = (uInt)in.size;
	z.next_out = out->data + out->size;
	z.avail_out = (uInt)room;
	(void)deflate(&z, Z_FINISH);
	out->size += room - z.avail_out;
	(void)deflateEnd(&z);
}

bool
gunzip_add(struct buf *out, struct bytes in, size_t max)
{
	z_stream z = { 0 };
	int rc = Z_OK;

	if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
		return false;
	z.next_in = (z_const Bytef *)(uintptr_t)in.data;
	z.avail_in = (uInt)in.size;
	while (rc == Z_OK && out->size < max) {
		buf_reserve(out, 65536);
		z.next_out = out->data + out->size;
		z.avail_out = 65536;
		rc = inflate(&z, Z_NO_FLUSH);
		out->size += 65536 - z.avail_out;
	}
	(void)inflateEnd(&z);
	return rc == Z_STREAM_END && z.avail_in == 0;
}
