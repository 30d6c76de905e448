/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of the store, as docs/format.md lays them out: put to bytes and got from bytes, and
 * nothing else. Whatever is got was checked as far as it can be by itself; a failure is
 * EXA_CORRUPT, or EXA_USAGE when the bytes are good but newer than this program.
 */
#ifndef STORE_FORMAT_H
#define STORE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/bytes.h"
#include "exarch/error.h"
#include "exarch/store.h"

#include "hash.h"

#define FORMAT_MAJOR 1U
#define FORMAT_MINOR 0U
#define FORMAT_LINE_MAX 512

#define UUID_SIZE 16
#define SALT_SIZE 16
#define SEGMENT_HEAD_SIZE 64
#define FRAME_HEAD_SIZE 64
#define FRAME_ALIGN 8
#define FRAME_VERSION 1
/* No payload is larger, stored or raw: an object or batch of at most 8 MiB, and the directory. */
#define FRAME_PAYLOAD_MAX ((uint32_t)16 * 1024 * 1024)
/* Bounds the SEAL table (and the memory for it) whatever the segment's size: 3.4 MB. */
#define SEGMENT_FRAMES_MAX ((uint32_t)65535)
/* Bounds tables with a place for each segment, and loops over their numbers: 4 PiB of 256 MiB each.
 */
#define SEGMENT_NUMBER_MAX ((uint32_t)1 << 24)
#define SEGMENT_OFFSET_MAX ((uint64_t)1 << 40) /* index rows keep 40 bits */

/* Where a frame begins. */
struct place {
	uint32_t segment;
	uint64_t offset;
};

enum frame_kind {
	FRAME_BLOB = 1,  /* one data object */
	FRAME_RBLOB = 2, /* one recipe too large for a pack */
	FRAME_PACK_D = 3,
	FRAME_PACK_M = 4,
	FRAME_COMMIT = 5,
	FRAME_SEAL = 6,
	/* 7 LIST, 8 DICT, 9 CHECKPOINT are reserved */
	FRAME_TOMB = 10, /* what a cut segment was; its first frame */
};

enum frame_codec { CODEC_RAW = 0, CODEC_ZLIB = 1, CODEC_ZSTD = 2 };

enum frame_flag {
	FRAME_ENCRYPTED = 1, /* all objects and packs of an encrypted store, nothing else */
	FRAME_DIRECTORY = 2, /* the raw payload begins with a directory */
	FRAME_CRITICAL = 8,  /* a reader that doesn't know the kind must refuse */
};

#define FRAME_TAG_SIZE 16 /* ends an encrypted payload */

struct frame_head {
	uint8_t kind, codec, flags;
	uint32_t stored, raw; /* payload bytes in the file, and unpacked */
	uint64_t sequence;
	struct store_id id;
	uint32_t payload_crc;
};

void frame_head_put(const struct frame_head *h, struct place at, uint8_t out[FRAME_HEAD_SIZE]);
bool frame_head_get(const uint8_t in[FRAME_HEAD_SIZE], struct place at, struct frame_head *out,
	struct exa_error *err) EXA_CHECK;
bool frame_head_magic(const uint8_t in[4]);      /* quick look, for resynchronising */
uint64_t frame_span(const struct frame_head *h); /* header, payload and padding */
bool frame_is_object(const struct frame_head *h);
bool frame_is_hidden(const struct frame_head *h); /* of a kind that an encrypted store enciphers */
enum store_kind frame_object_kind(const struct frame_head *h); /* of one that is */

#define SEGMENT_CUT ((uint16_t)1) /* flag: a cut segment, which begins with a TOMB */

struct segment_head {
	uint64_t number;
	uint16_t flags;
	uint8_t uuid[UUID_SIZE];
	uint8_t salt[SALT_SIZE];
	int64_t created_ns;
};

void segment_head_put(const struct segment_head *h, uint8_t out[SEGMENT_HEAD_SIZE]);
bool segment_head_get(const uint8_t in[SEGMENT_HEAD_SIZE], uint32_t number,
	const uint8_t uuid[UUID_SIZE], struct segment_head *out, struct exa_error *err) EXA_CHECK;

#define COMMIT_SIZE 112

struct commit {
	uint64_t number;
	uint64_t first_sequence, last_sequence; /* of the frames it closes, without itself */
	uint32_t frames;
	uint8_t chain[SHA256_SIZE];
	int64_t wall_ns;
	uint64_t objects, object_bytes, records; /* of this commit */
	uint8_t salt[SALT_SIZE]; /* its segment's, so that a damaged segment header costs nothing */
};

void commit_put(const struct commit *c, uint8_t out[COMMIT_SIZE]);
bool commit_get(struct bytes in, struct commit *out, struct exa_error *err) EXA_CHECK;

#define SEAL_HEAD_SIZE 72
#define SEAL_ENTRY_SIZE 52

struct seal {
	uint32_t frames;
	uint8_t heads_sha256[SHA256_SIZE]; /* segment header, and of all frame headers before the
					      SEAL the HEAD_CHAINED bytes */
	struct store_id previous;          /* id of the SEAL of the segment before; zeros if none */
	struct bytes entries;              /* borrowed */
};

void seal_put(const struct seal *s, struct buf *out);
bool seal_get(struct bytes in, struct seal *out, struct exa_error *err) EXA_CHECK;
void seal_entry_put(const struct frame_head *h, uint64_t offset, uint8_t out[SEAL_ENTRY_SIZE]);

#define TOMB_SIZE 216

/* What a cut segment was, and what is left of it. */
struct tomb {
	uint64_t first, last;               /* sequences; the last is its SEAL's, if it has one */
	uint64_t first_commit, last_commit; /* numbers */
	uint8_t chain[SHA256_SIZE];         /* at the COMMIT before its first; zeros if none */
	uint8_t heads_sha256[SHA256_SIZE];  /* HEAD_CHAINED bytes of the headers behind this one */
	struct store_id previous;        /* id of the SEAL of the segment before; zeros if none */
	uint8_t seal_head[HEAD_CHAINED]; /* of its SEAL; zeros if it has none */
	uint32_t frames;                 /* behind this one, in this file */
	uint8_t salt[SALT_SIZE];         /* of this file, as in its header */
	int64_t wall_ns;                 /* when it was cut */
};

void tomb_put(const struct tomb *t, uint8_t out[TOMB_SIZE]);
bool tomb_get(struct bytes in, struct tomb *out, struct exa_error *err) EXA_CHECK;
/* Its SEAL's header, of which only kind, sequence and id are told; false if it has none. */
bool tomb_seal(const struct tomb *t, struct frame_head *out);
uint64_t tomb_commit_sequence(const struct tomb *t); /* of the COMMIT that ends it */

/* ---- the FORMAT file ---- */

/* Bits of the feature word `incompatible`. */
#define FORMAT_ENCRYPTED ((uint32_t)1)

struct store_format {
	unsigned major, minor;
	uint8_t uuid[UUID_SIZE];
	enum store_codec codec;
	uint64_t segment_bytes;
	uint32_t incompatible, read_compatible, compatible; /* feature words */
};

void format_put(const struct store_format *f, struct buf *out);
bool format_get(struct bytes in, struct store_format *out, struct exa_error *err) EXA_CHECK;

#endif
