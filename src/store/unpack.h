/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payloads back from their frames: read, compared with the checksum, deciphered, unpacked, compared
 * with the frame's id. An unpacker belongs to one thread at a time.
 */
#ifndef STORE_UNPACK_H
#define STORE_UNPACK_H

#include "codec.h"
#include "crypt.h"
#include "segdir.h"

struct unpacker {
	const struct segdir *files;
	const struct crypt *crypt;
	struct codec_pool *codecs;
	struct codec *codec;
	struct buf stored;
	/* The cipher has the key of this segment, as long as that has this header: cutting a
	 * segment down gives it a new salt. */
	struct frame_cipher cipher;
	uint32_t segment; /* 0 = none */
	uint8_t segment_head[SEGMENT_HEAD_SIZE];
};

/* Borrows all three until unpacker_done. */
void unpacker_init(struct unpacker *u, const struct segdir *files, const struct crypt *crypt,
	struct codec_pool *codecs);
void unpacker_done(struct unpacker *u); /* also on zeros */

/* Appends the raw payload to RAW_OUT. The id isn't looked at. EXA_AUTH: it is encrypted, and the
 * store was opened without a key. */
bool unpack_frame(struct unpacker *u, int fd, struct place at, const struct frame_head *head,
	struct buf *raw_out, struct exa_error *err) EXA_CHECK;

/* The same for a frame that isn't one object, its id compared. */
bool unpack_proven(struct unpacker *u, int fd, struct place at, const struct frame_head *head,
	struct buf *raw_out, struct exa_error *err) EXA_CHECK;

#endif
