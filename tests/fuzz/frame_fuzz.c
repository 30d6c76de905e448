/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a segment: its header, then frame headers with their payloads. A good checksum
 * stands in no one's way: the input's first frame header is given the right one before a second
 * look.
 */
#include <string.h>

#include "exarch/bytes.h"

#include "codec.h"
#include "crc32c.h"
#include "format.h"

/* A fuzzer may ask for 16 MiB with each input; a small bound finds the same mistakes sooner. */
#define RAW_MAX ((uint32_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look_at_payload(const struct frame_head *h, struct bytes payload)
{
	EXA_AUTO(codec_freep) struct codec *codec = codec_new();
	EXA_AUTO(buf_done) struct buf raw = { 0 };
	struct exa_error err;
	struct commit commit;
	struct seal seal;
	struct tomb tomb;

	payload = bytes_take(payload, h->stored);
	if (h->raw > RAW_MAX || !codec_unpack(codec, h->codec, payload, h->raw, &raw, &err))
		return;
	(void)!commit_get(buf_bytes(&raw), &commit, &err);
	(void)!seal_get(buf_bytes(&raw), &seal, &err);
	(void)!tomb_get(buf_bytes(&raw), &tomb, &err);
}

static void
look_at_frame(const uint8_t *head, struct bytes payload)
{
	struct place at = { 1, SEGMENT_HEAD_SIZE };
	uint8_t where[12] = { 0 };
	uint8_t good[FRAME_HEAD_SIZE];
	struct frame_head h;
	struct exa_error err;

	if (frame_head_get(head, at, &h, &err))
		look_at_payload(&h, payload);
	memcpy(good, head, sizeof good);
	put_le32(where, at.segment);
	put_le64(where + 4, at.offset);
	put_le32(good + 60, crc32c(crc32c(0, good, 60), where, sizeof where));
	if (frame_head_get(good, at, &h, &err))
		look_at_payload(&h, payload);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t uuid[UUID_SIZE];
	struct store_format format;
	struct segment_head segment;
	struct exa_error err;

	(void)!format_get(bytes_of(data, size), &format, &err);
	if (size >= SEGMENT_HEAD_SIZE)
		(void)!segment_head_get(data, 1, uuid, &segment, &err);
	if (size >= FRAME_HEAD_SIZE)
		look_at_frame(data, bytes_of(data + FRAME_HEAD_SIZE, size - FRAME_HEAD_SIZE));
	return 0;
}
