/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compression of frame payloads. A codec holds the compressor's and decompressor's state, which is
 * reset, not made anew, for each payload; it belongs to one thread at a time. The pool lends them.
 */
#ifndef STORE_CODEC_H
#define STORE_CODEC_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/bytes.h"
#include "exarch/error.h"
#include "exarch/store.h"

struct codec;

struct codec *codec_new(void);
void codec_free(struct codec *c);
void codec_freep(struct codec **c);

enum codec_probe { CODEC_NO_PROBE, CODEC_PROBE };

/*
 * Appends RAW to OUT, compressed with WANTED if that makes it smaller, and gives the frame codec
 * used. With CODEC_PROBE and zlib the first 16 KiB decide first whether it is worth trying.
 */
uint8_t codec_pack(struct codec *c, enum store_codec wanted, enum codec_probe probe,
	struct bytes raw, struct buf *out);

/* Appends exactly RAW_SIZE bytes to OUT, or fails with EXA_CORRUPT. */
bool codec_unpack(struct codec *c, uint8_t frame_codec, struct bytes stored, size_t raw_size,
	struct buf *out, struct exa_error *err) EXA_CHECK;

#define CODEC_POOL_MAX 16 /* idle ones kept; a thread more makes its own */

struct codec_pool {
	pthread_mutex_t mu;
	struct codec *idle[CODEC_POOL_MAX]; /* under mu */
	size_t count;                       /* under mu */
};

void codec_pool_init(struct codec_pool *p);
void codec_pool_done(struct codec_pool *p);
struct codec *codec_pool_take(struct codec_pool *p);
void codec_pool_give(struct codec_pool *p, struct codec *c);

#endif
