/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "crc32c.h"
#include "format.h"

static const uint8_t frame_magic[4] = { 'X', 'F', 'R', 0xa9 };
static const uint8_t segment_magic[8] = { 'X', 'A', 'R', 'S', 'E', 'G', '0', '1' };

/* The header's checksum covers where it stands, so that a stale or moved frame never validates. */
static uint32_t
frame_head_crc(const uint8_t *head, struct place at)
{
	uint8_t where[12];

	put_le32(where, at.segment);
	put_le64(where + 4, at.offset);
	return crc32c(crc32c(0, head, 60), where, sizeof where);
}

void
frame_head_put(const struct frame_head *h, struct place at, uint8_t out[FRAME_HEAD_SIZE])
{
	memcpy(out, frame_magic, 4);
	out[4] = FRAME_VERSION;
	out[5] = h->kind;
	out[6] = h->codec;
	out[7] = h->flags;
	put_le32(out + 8, h->stored);
	put_le32(out + 12, h->raw);
	put_le64(out + 16, h->sequence);
	memcpy(out + 24, h->id.bytes, STORE_ID_SIZE);
	put_le32(out + 56, h->payload_crc);
	put_le32(out + 60, frame_head_crc(out, at));
}

static bool
kind_is_known(uint8_t kind)
{
	return (kind >= FRAME_BLOB && kind <= FRAME_SEAL) || kind == FRAME_TOMB;
}

static bool
frame_is_known(const uint8_t *in, struct exa_error *err)
{
	if (in[4] != FRAME_VERSION)
		return exa_fail(err, EXA_USAGE,
			"frame header version %u is newer than this program", in[4]);
	if ((in[7] & ~(FRAME_ENCRYPTED | FRAME_DIRECTORY | FRAME_CRITICAL)) != 0 ||
		((in[7] & FRAME_ENCRYPTED) != 0 && in[5] > FRAME_PACK_M))
		return exa_fail(
			err, EXA_USAGE, "frame flags %02x are not known to this program", in[7]);
	if (in[5] < FRAME_BLOB || (!kind_is_known(in[5]) && (in[7] & FRAME_CRITICAL) != 0))
		return exa_fail(
			err, EXA_USAGE, "frame kind %u is not known to this program", in[5]);
	if (kind_is_known(in[5]) && in[6] > CODEC_ZSTD)
		return exa_fail(
			err, EXA_USAGE, "frame codec %u is not known to this program", in[6]);
	return true;
}

bool
frame_head_get(const uint8_t in[FRAME_HEAD_SIZE], struct place at, struct frame_head *out,
	struct exa_error *err)
{
	struct frame_head h = {
		.kind = in[5],
		.codec = in[6],
		.flags = in[7],
		.stored = get_le32(in + 8),
		.raw = get_le32(in + 12),
		.sequence = get_le64(in + 16),
		.payload_crc = get_le32(in + 56),
	};

	uint32_t tag = (h.flags & FRAME_ENCRYPTED) != 0 ? FRAME_TAG_SIZE : 0;

	memcpy(h.id.bytes, in + 24, STORE_ID_SIZE);
	if (!frame_head_magic(in))
		return exa_fail(err, EXA_CORRUPT, "no frame begins here");
	if (get_le32(in + 60) != frame_head_crc(in, at))
		return exa_fail(err, EXA_CORRUPT, "the frame header fails its checksum");
	if (!frame_is_known(in, err))
		return false;
	if (h.stored > FRAME_PAYLOAD_MAX || h.raw > FRAME_PAYLOAD_MAX)
		return exa_fail(err, EXA_CORRUPT,
			"a frame of %u bytes (%u unpacked) is beyond the limit", h.stored, h.raw);
	if (h.stored < tag || (h.codec == CODEC_RAW && h.stored - tag != h.raw))
		return exa_fail(err, EXA_CORRUPT, "a frame of %u bytes can't unpack to %u",
			h.stored, h.raw);
	*out = h;
	return true;
}

bool
frame_head_magic(const uint8_t in[4])
{
	return memcmp(in, frame_magic, 4) == 0;
}

uint64_t
frame_span(const struct frame_head *h)
{
	return FRAME_HEAD_SIZE +
	       ((uint64_t)h->stored + FRAME_ALIGN - 1) / FRAME_ALIGN * FRAME_ALIGN;
}

bool
frame_is_object(const struct frame_head *h)
{
	return h->kind == FRAME_BLOB || h->kind == FRAME_RBLOB;
}

bool
frame_is_hidden(const struct frame_head *h)
{
	return h->kind >= FRAME_BLOB && h->kind <= FRAME_PACK_M;
}

enum store_kind
frame_object_kind(const struct frame_head *h)
{
	return h->kind == FRAME_BLOB ? STORE_DATA : STORE_RECIPE;
}

void
segment_head_put(const struct segment_head *h, uint8_t out[SEGMENT_HEAD_SIZE])
{
	memcpy(out, segment_magic, 8);
	out[8] = FORMAT_MAJOR;
	out[9] = FORMAT_MINOR;
	put_le16(out + 10, h->flags);
	put_le64(out + 12, h->number);
	memcpy(out + 20, h->uuid, UUID_SIZE);
	memcpy(out + 36, h->salt, SALT_SIZE);
	put_le64(out + 52, (uint64_t)h->created_ns);
	put_le32(out + 60, crc32c(0, out, 60));
}

bool
segment_head_get(const uint8_t in[SEGMENT_HEAD_SIZE], uint32_t number,
	const uint8_t uuid[UUID_SIZE], struct segment_head *out, struct exa_error *err)
{
	if (memcmp(in, segment_magic, 8) != 0)
		return exa_fail(err, EXA_CORRUPT, "it doesn't begin as a segment does");
	if (get_le32(in + 60) != crc32c(0, in, 60))
		return exa_fail(err, EXA_CORRUPT, "the segment header fails its checksum");
	if (in[8] != FORMAT_MAJOR || (get_le16(in + 10) & ~SEGMENT_CUT) != 0)
		return exa_fail(
			err, EXA_USAGE, "segment format %u is not known to this program", in[8]);
	if (get_le64(in + 12) != number)
		return exa_fail(err, EXA_CORRUPT, "it is segment %llx by its header",
			(unsigned long long)get_le64(in + 12));
	if (memcmp(in + 20, uuid, UUID_SIZE) != 0)
		return exa_fail(err, EXA_CORRUPT, "it belongs to another archive");
	out->number = number;
	out->flags = get_le16(in + 10);
	memcpy(out->uuid, uuid, UUID_SIZE);
	memcpy(out->salt, in + 36, SALT_SIZE);
	out->created_ns = (int64_t)get_le64(in + 52);
	return true;
}

void
commit_put(const struct commit *c, uint8_t out[COMMIT_SIZE])
{
	put_le64(out, c->number);
	put_le64(out + 8, c->first_sequence);
	put_le64(out + 16, c->last_sequence);
	put_le32(out + 24, c->frames);
	put_le32(out + 28, 0);
	memcpy(out + 32, c->chain, SHA256_SIZE);
	put_le64(out + 64, (uint64_t)c->wall_ns);
	put_le64(out + 72, c->objects);
	put_le64(out + 80, c->object_bytes);
	put_le64(out + 88, c->records);
	memcpy(out + 96, c->salt, SALT_SIZE);
}

bool
commit_get(struct bytes in, struct commit *out, struct exa_error *err)
{
	struct commit c;

	if (in.size < COMMIT_SIZE)
		return exa_fail(err, EXA_CORRUPT, "a COMMIT of %zu bytes is too short", in.size);
	c.number = get_le64(in.data);
	c.first_sequence = get_le64(in.data + 8);
	c.last_sequence = get_le64(in.data + 16);
	c.frames = get_le32(in.data + 24);
	memcpy(c.chain, in.data + 32, SHA256_SIZE);
	c.wall_ns = (int64_t)get_le64(in.data + 64);
	c.objects = get_le64(in.data + 72);
	c.object_bytes = get_le64(in.data + 80);
	c.records = get_le64(in.data + 88);
	memcpy(c.salt, in.data + 96, SALT_SIZE);
	*out = c;
	return true;
}

void
seal_put(const struct seal *s, struct buf *out)
{
	buf_add_le32(out, s->frames);
	buf_add_le32(out, 0);
	buf_add(out, s->heads_sha256, SHA256_SIZE);
	buf_add(out, s->previous.bytes, STORE_ID_SIZE);
	buf_add_bytes(out, s->entries);
}

bool
seal_get(struct bytes in, struct seal *out, struct exa_error *err)
{
	struct seal s;

	if (in.size < SEAL_HEAD_SIZE)
		return exa_fail(err, EXA_CORRUPT, "a SEAL of %zu bytes is too short", in.size);
	s.frames = get_le32(in.data);
	memcpy(s.heads_sha256, in.data + 8, SHA256_SIZE);
	memcpy(s.previous.bytes, in.data + 40, STORE_ID_SIZE);
	s.entries = bytes_skip(in, SEAL_HEAD_SIZE);
	if (s.entries.size != (uint64_t)s.frames * SEAL_ENTRY_SIZE)
		return exa_fail(err, EXA_CORRUPT, "a SEAL of %u frames has %zu bytes of table",
			s.frames, s.entries.size);
	*out = s;
	return true;
}

void
seal_entry_put(const struct frame_head *h, uint64_t offset, uint8_t out[SEAL_ENTRY_SIZE])
{
	put_le64(out, offset);
	put_le32(out + 8, h->stored);
	put_le32(out + 12, h->raw);
	out[16] = h->kind;
	out[17] = h->codec;
	put_le16(out + 18, 0);
	memcpy(out + 20, h->id.bytes, STORE_ID_SIZE);
}

void
tomb_put(const struct tomb *t, uint8_t out[TOMB_SIZE])
{
	put_le64(out, t->first);
	put_le64(out + 8, t->last);
	put_le64(out + 16, t->first_commit);
	put_le64(out + 24, t->last_commit);
	memcpy(out + 32, t->chain, SHA256_SIZE);
	memcpy(out + 64, t->heads_sha256, SHA256_SIZE);
	memcpy(out + 96, t->previous.bytes, STORE_ID_SIZE);
	memcpy(out + 128, t->seal_head, HEAD_CHAINED);
	put_le32(out + 188, t->frames);
	memcpy(out + 192, t->salt, SALT_SIZE);
	put_le64(out + 208, (uint64_t)t->wall_ns);
}

bool
tomb_get(struct bytes in, struct tomb *out, struct exa_error *err)
{
	struct frame_head seal;
	struct tomb t;

	if (in.size < TOMB_SIZE)
		return exa_fail(err, EXA_CORRUPT, "a TOMB of %zu bytes is too short", in.size);
	t.first = get_le64(in.data);
	t.last = get_le64(in.data + 8);
	t.first_commit = get_le64(in.data + 16);
	t.last_commit = get_le64(in.data + 24);
	memcpy(t.chain, in.data + 32, SHA256_SIZE);
	memcpy(t.heads_sha256, in.data + 64, SHA256_SIZE);
	memcpy(t.previous.bytes, in.data + 96, STORE_ID_SIZE);
	memcpy(t.seal_head, in.data + 128, HEAD_CHAINED);
	t.frames = get_le32(in.data + 188);
	memcpy(t.salt, in.data + 192, SALT_SIZE);
	t.wall_ns = (int64_t)get_le64(in.data + 208);
	if (t.first == 0 || t.first >= t.last || t.first_commit == 0 ||
		t.first_commit > t.last_commit || t.last == UINT64_MAX)
		return exa_fail(err, EXA_CORRUPT, "a TOMB names a segment that can't have been");
	if (tomb_seal(&t, &seal) &&
		(seal.kind != FRAME_SEAL || seal.sequence != t.last || t.first + 1 >= t.last))
		return exa_fail(err, EXA_CORRUPT, "a TOMB names a SEAL that can't have been");
	*out = t;
	return true;
}

bool
tomb_seal(const struct tomb *t, struct frame_head *out)
{
	static const uint8_t none[HEAD_CHAINED];

	if (memcmp(t->seal_head, none, HEAD_CHAINED) == 0)
		return false;
	*out = (struct frame_head){ .kind = t->seal_head[5],
		.sequence = get_le64(t->seal_head + 16) };
	memcpy(out->id.bytes, t->seal_head + 24, STORE_ID_SIZE);
	return true;
}

uint64_t
tomb_commit_sequence(const struct tomb *t)
{
	struct frame_head seal;

	return tomb_seal(t, &seal) ? t->last - 1 : t->last;
}
