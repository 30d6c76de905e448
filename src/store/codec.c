/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <libdeflate.h>
#include <zstd.h>

#include "exarch/mem.h"

#include "codec.h"
#include "format.h"

#define ZLIB_LEVEL 6       /* 8 costs 29 % more time for 0.2 %; 10 four times for 1.4 % */
#define ZSTD_LEVEL 3       /* 9 costs four times the time for 1 to 4 % */
#define ZSTD_WINDOW_LOG 20 /* bounds the compressor's memory to some 3 MiB */
#define PROBE_SIZE ((size_t)16 * 1024)
#define PROBE_WORTH 99 /* percent: what doesn't get below is stored raw */

struct codec {
	/* Made when first wanted. */
	struct libdeflate_compressor *zlib_pack;
	struct libdeflate_decompressor *zlib_unpack;
	ZSTD_CCtx *zstd_pack;
	ZSTD_DCtx *zstd_unpack;
};

struct codec *
codec_new(void)
{
	return exa_alloc(sizeof(struct codec));
}

void
codec_free(struct codec *c)
{
	if (c == NULL)
		return;
	libdeflate_free_compressor(c->zlib_pack);
	libdeflate_free_decompressor(c->zlib_unpack);
	(void)ZSTD_freeCCtx(c->zstd_pack);
	(void)ZSTD_freeDCtx(c->zstd_unpack);
	exa_free(c);
}

void
codec_freep(struct codec **c)
{
	codec_free(*c);
}

/* The libraries' setup fails only for want of memory, which ends the program here as elsewhere. */
static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* The size packed into TO, or 0 when ROOM isn't enough. */
static size_t
zlib_pack(struct codec *c, struct bytes raw, uint8_t *to, size_t room)
{
	if (c->zlib_pack == NULL)
		c->zlib_pack = libdeflate_alloc_compressor(ZLIB_LEVEL);
	must(c->zlib_pack != NULL);
	return libdeflate_zlib_compress(c->zlib_pack, raw.data, raw.size, to, room);
}

static size_t
zstd_pack(struct codec *c, struct bytes raw, uint8_t *to, size_t room)
{
	size_t size;

	if (c->zstd_pack == NULL) {
		c->zstd_pack = ZSTD_createCCtx();
		must(c->zstd_pack != NULL);
		must(!ZSTD_isError(
			ZSTD_CCtx_setParameter(c->zstd_pack, ZSTD_c_compressionLevel, ZSTD_LEVEL)));
	}
	/* An attempt that ran out of room leaves the session open. */
	must(!ZSTD_isError(ZSTD_CCtx_reset(c->zstd_pack, ZSTD_reset_session_only)));
	/* Small inputs get a smaller window by themselves; only for large ones is it set. */
	must(!ZSTD_isError(ZSTD_CCtx_setParameter(c->zstd_pack, ZSTD_c_windowLog,
		raw.size > ((size_t)1 << ZSTD_WINDOW_LOG) ? ZSTD_WINDOW_LOG : 0)));
	size = ZSTD_compress2(c->zstd_pack, to, room, raw.data, raw.size);
	return ZSTD_isError(size) ? 0 : size;
}

static bool
is_worth_trying(struct codec *c, struct bytes raw)
{
	EXA_AUTO(buf_done) struct buf scratch = { 0 };
	const size_t room = PROBE_SIZE * PROBE_WORTH / 100;

	if (raw.size <= PROBE_SIZE)
		return true;
	buf_reserve(&scratch, room);
	return zlib_pack(c, bytes_take(raw, PROBE_SIZE), scratch.data, room) != 0;
}

/* Room for what the packed bytes must undercut: so "not smaller" ends the attempt early. */
static uint8_t
try_to_pack(struct codec *c, enum store_codec wanted, struct bytes raw, struct buf *out)
{
	uint8_t *to = out->data + out->size;
	size_t size = wanted == STORE_CODEC_ZSTD ? zstd_pack(c, raw, to, raw.size - 1)
						 : zlib_pack(c, raw, to, raw.size - 1);

	if (size == 0)
		return CODEC_RAW;
	out->size += size;
	return wanted == STORE_CODEC_ZSTD ? CODEC_ZSTD : CODEC_ZLIB;
}

uint8_t
codec_pack(struct codec *c, enum store_codec wanted, enum codec_probe probe, struct bytes raw,
	struct buf *out)
{
	uint8_t used = CODEC_RAW;

	buf_reserve(out, raw.size);
	if (raw.size > 1 &&
		(wanted != STORE_CODEC_ZLIB || probe == CODEC_NO_PROBE || is_worth_trying(c, raw)))
		used = try_to_pack(c, wanted, raw, out);
	if (used == CODEC_RAW)
		buf_add_bytes(out, raw);
	return used;
}

static bool
zlib_unpack(struct codec *c, struct bytes stored, uint8_t *to, size_t size)
{
	size_t used;

	if (c->zlib_unpack == NULL)
		c->zlib_unpack = libdeflate_alloc_decompressor();
	must(c->zlib_unpack != NULL);
	/* Without a place for the size it wants exactly SIZE. */
	return libdeflate_zlib_decompress_ex(c->zlib_unpack, stored.data, stored.size, to, size,
		       &used, NULL) == LIBDEFLATE_SUCCESS &&
	       used == stored.size;
}

static bool
zstd_unpack(struct codec *c, struct bytes stored, uint8_t *to, size_t size)
{
	if (c->zstd_unpack == NULL)
		c->zstd_unpack = ZSTD_createDCtx();
	must(c->zstd_unpack != NULL);
	return ZSTD_decompressDCtx(c->zstd_unpack, to, size, stored.data, stored.size) == size;
}

bool
codec_unpack(struct codec *c, uint8_t frame_codec, struct bytes stored, size_t raw_size,
	struct buf *out, struct exa_error *err)
{
	bool good = false;

	buf_reserve(out, raw_size + 1); /* a place even for nothing */
	if (frame_codec == CODEC_RAW) {
		good = stored.size == raw_size;
		if (good && raw_size > 0)
			memcpy(out->data + out->size, stored.data, raw_size);
	} else if (frame_codec == CODEC_ZLIB) {
		good = zlib_unpack(c, stored, out->data + out->size, raw_size);
	} else if (frame_codec == CODEC_ZSTD) {
		good = zstd_unpack(c, stored, out->data + out->size, raw_size);
	}
	if (!good)
		return exa_fail(err, EXA_CORRUPT, "the payload can't be unpacked");
	out->size += raw_size;
	return true;
}

void
codec_pool_init(struct codec_pool *p)
{
	(void)pthread_mutex_init(&p->mu, NULL);
	p->count = 0;
}

void
codec_pool_done(struct codec_pool *p)
{
	while (p->count > 0)
		codec_free(p->idle[--p->count]);
	(void)pthread_mutex_destroy(&p->mu);
}

struct codec *
codec_pool_take(struct codec_pool *p)
{
	struct codec *c = NULL;

	(void)pthread_mutex_lock(&p->mu);
	if (p->count > 0)
		c = p->idle[--p->count];
	(void)pthread_mutex_unlock(&p->mu);
	return c != NULL ? c : codec_new();
}

void
codec_pool_give(struct codec_pool *p, struct codec *c)
{
	(void)pthread_mutex_lock(&p->mu);
	if (p->count < CODEC_POOL_MAX) {
		p->idle[p->count++] = c;
		c = NULL;
	}
	(void)pthread_mutex_unlock(&p->mu);
	codec_free(c);
}
