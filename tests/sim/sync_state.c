/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <zlib.h>

#include "exarch/clock.h"

#include "gzip.h"
#include "sync_state.h"

#define HEAD_SIZE 36
#define INFLATED_MAX (64U * 1024 * 1024) /* four million items of 16 bytes; stops a bomb */

static const uint8_t magic[4] = { 'x', 's', 's', '1' };

void
sync_state_wrap(const struct mailbox_id *m, uint64_t folder, struct bytes inner, struct buf *out)
{
	static _Atomic uint64_t serial;
	EXA_AUTO(buf_done) struct buf plain = { 0 };
	EXA_AUTO(buf_done) struct buf packed = { 0 };

	buf_add(&plain, magic, sizeof magic);
	buf_add(&plain, m->guid, sizeof m->guid);
	buf_add_le64(&plain, folder);
	buf_add_le64(&plain, (uint64_t)clock_wall_ns() + atomic_fetch_add(&serial, 1));
	buf_add_bytes(&plain, inner);
	buf_add_le32(&plain, (uint32_t)crc32_z(0, plain.data, plain.size));
	gzip_add(&packed, buf_bytes(&plain));
	buf_add_base64(out, buf_bytes(&packed));
}

bool
sync_state_unwrap(
	const struct mailbox_id *m, uint64_t folder, const char *text, struct buf *inner_out)
{
	EXA_AUTO(buf_done) struct buf packed = { 0 };
	EXA_AUTO(buf_done) struct buf plain = { 0 };
	size_t size;

	if (!buf_decode_base64(&packed, text) ||
		!gunzip_add(&plain, buf_bytes(&packed), INFLATED_MAX) || plain.size < HEAD_SIZE + 4)
		return false;
	size = plain.size - 4;
	if (get_le32(plain.data + size) != (uint32_t)crc32_z(0, plain.data, size) ||
		memcmp(plain.data, magic, sizeof magic) != 0 ||
		memcmp(plain.data + 4, m->guid, sizeof m->guid) != 0 ||
		get_le64(plain.data + 20) != folder)
		return false;
	buf_add(inner_out, plain.data + HEAD_SIZE, size - HEAD_SIZE);
	return true;
}
