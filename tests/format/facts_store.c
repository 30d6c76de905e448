/* SPDX-License-Identifier: Apache-2.0 */
/* The store's part. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "exarch/clock.h"

#include "crc32c.h"
#include "facts.h"
#include "format.h"
#include "keyring.h"
#include "pack.h"
#include "segdir.h"
#include "writer.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- layouts ---- */

static bool
segment_head_bytes(const void *fields, struct buf *out, struct exa_error *err)
{
	uint8_t bytes[SEGMENT_HEAD_SIZE];

	(void)err;
	segment_head_put(fields, bytes);
	buf_add(out, bytes, sizeof bytes);
	return true;
}

static const struct probe segment_head_probes[] = {
	PROBE(segment_head, flags, "flags"),
	PROBE(segment_head, number, "segment number"),
	PROBE(segment_head, uuid, "uuid"),
	PROBE(segment_head, salt, "salt"),
	PROBE(segment_head, created_ns, "created"),
};

static bool
frame_head_bytes(const void *fields, struct buf *out, struct exa_error *err)
{
	const struct place at = { 1, SEGMENT_HEAD_SIZE };
	uint8_t bytes[FRAME_HEAD_SIZE];

	(void)err;
	frame_head_put(fields, at, bytes);
	buf_add(out, bytes, sizeof bytes);
	return true;
}

static const struct probe frame_head_probes[] = {
	PROBE(frame_head, kind, "kind"),
	PROBE(frame_head, codec, "codec"),
	PROBE(frame_head, flags, "flags"),
	PROBE(frame_head, stored, "stored length"),
	PROBE(frame_head, raw, "raw length"),
	PROBE(frame_head, sequence, "sequence"),
	PROBE(frame_head, id, "id"),
	PROBE(frame_head, payload_crc, "payload CRC32C"),
};

static bool
commit_bytes(const void *fields, struct buf *out, struct exa_error *err)
{
	uint8_t bytes[COMMIT_SIZE];

	(void)err;
	commit_put(fields, bytes);
	buf_add(out, bytes, sizeof bytes);
	return true;
}

static const struct probe commit_probes[] = {
	PROBE(commit, number, "commit number"),
	PROBE(commit, first_sequence, "first sequence"),
	PROBE(commit, last_sequence, "last sequence"),
	PROBE(commit, frames, "frames"),
	PROBE(commit, chain, "chain"),
	PROBE(commit, wall_ns, "time"),
	PROBE(commit, objects, "objects"),
	PROBE(commit, object_bytes, "object bytes"),
	PROBE(commit, records, "records"),
	PROBE(commit, salt, "salt"),
};

static bool
seal_bytes(const void *fields, struct buf *out, struct exa_error *err)
{
	(void)err;
	seal_put(fields, out);
	return true;
}

static const struct probe seal_probes[] = {
	PROBE(seal, frames, "frames"),
	PROBE(seal, heads_sha256, "heads"),
	PROBE(seal, previous, "previous"),
};

struct seal_line {
	uint64_t offset;
	struct frame_head head;
};

static bool
seal_line_bytes(const void *fields, struct buf *out, struct exa_error *err)
{
	const struct seal_line *line = fields;
	uint8_t bytes[SEAL_ENTRY_SIZE];

	(void)err;
	seal_entry_put(&line->head, line->offset, bytes);
	buf_add(out, bytes, sizeof bytes);
	return true;
}

static const struct probe seal_line_probes[] = {
	PROBE(seal_line, offset, "offset"),
	PROBE(seal_line, head.stored, "stored length"),
	PROBE(seal_line, head.raw, "raw length"),
	PROBE(seal_line, head.kind, "kind"),
	PROBE(seal_line, head.codec, "codec"),
	PROBE(seal_line, head.id, "id"),
};

static bool
tomb_bytes(const void *fields, struct buf *out, struct exa_error *err)
{
	uint8_t bytes[TOMB_SIZE];

	(void)err;
	tomb_put(fields, bytes);
	buf_add(out, bytes, sizeof bytes);
	return true;
}

static const struct probe tomb_probes[] = {
	PROBE(tomb, first, "first sequence"),
	PROBE(tomb, last, "last sequence"),
	PROBE(tomb, first_commit, "first commit"),
	PROBE(tomb, last_commit, "last commit"),
	PROBE(tomb, chain, "chain"),
	PROBE(tomb, heads_sha256, "heads"),
	PROBE(tomb, previous, "previous"),
	PROBE(tomb, seal_head, "SEAL"),
	PROBE(tomb, frames, "frames"),
	PROBE(tomb, salt, "salt"),
	PROBE(tomb, wall_ns, "time"),
};

bool
tell_store_layouts(struct exa_error *err)
{
	static const struct layout layouts[] = {
		{ "Segments", sizeof(struct segment_head), segment_head_probes,
			COUNT(segment_head_probes), segment_head_bytes },
		{ "Frame header", sizeof(struct frame_head), frame_head_probes,
			COUNT(frame_head_probes), frame_head_bytes },
		{ "COMMIT", sizeof(struct commit), commit_probes, COUNT(commit_probes),
			commit_bytes },
		{ "SEAL", sizeof(struct seal), seal_probes, COUNT(seal_probes), seal_bytes },
		{ "SEAL/table", sizeof(struct seal_line), seal_line_probes, COUNT(seal_line_probes),
			seal_line_bytes },
		{ "TOMB", sizeof(struct tomb), tomb_probes, COUNT(tomb_probes), tomb_bytes },
	};

	for (size_t i = 0; i < COUNT(layouts); i++)
		if (!tell_layout(&layouts[i], err))
			return false;
	return true;
}

/* ---- names: a switch each, so that the compiler misses one that is new ---- */

static const char *
kind_name(unsigned n)
{
	switch ((enum frame_kind)n) {
	case FRAME_BLOB:
		return "BLOB";
	case FRAME_RBLOB:
		return "RBLOB";
	case FRAME_PACK_D:
		return "PACK-D";
	case FRAME_PACK_M:
		return "PACK-M";
	case FRAME_COMMIT:
		return "COMMIT";
	case FRAME_SEAL:
		return "SEAL";
	case FRAME_TOMB:
		return "TOMB";
	}
	return NULL;
}

static const char *
codec_word(unsigned n)
{
	switch ((enum frame_codec)n) {
	case CODEC_RAW:
		return "raw";
	case CODEC_ZLIB:
		return "zlib";
	case CODEC_ZSTD:
		return "zstd";
	}
	return NULL;
}

static const char *
flag_word(unsigned n)
{
	switch ((enum frame_flag)n) {
	case FRAME_ENCRYPTED:
		return "encrypted";
	case FRAME_DIRECTORY:
		return "payload begins with a directory";
	case FRAME_CRITICAL:
		return "critical";
	}
	return NULL;
}

static void
tell_format_line(void)
{
	EXA_AUTO(buf_done) struct buf line = { 0 };
	struct store_format f = { .major = FORMAT_MAJOR,
		.minor = FORMAT_MINOR,
		.codec = STORE_CODEC_ZLIB,
		.segment_bytes = (uint64_t)256 << 20 };

	format_put(&f, &line);
	(void)printf("word\tFORMAT\t%s", buf_string(&line));
}

/* The lines of a keyring, zeros where they are random, without the checksum's. */
static void
tell_keyring(void)
{
	const int64_t created_ns = INT64_C(1784714400) * EXA_NS_PER_S; /* 2026-07-22T10:00:00Z */
	const struct keyring k = { .generation = 3,
		.next = 4,
		.count = 2,
		.slots = { { .number = 1,
				   .kind = STORE_KEY_PASSPHRASE,
				   .created_ns = created_ns,
				   .cost = KEYRING_COST_DEFAULT },
			{ .number = 3, .kind = STORE_KEY_FILE, .created_ns = created_ns } } };
	EXA_AUTO(buf_done) struct buf text = { 0 };
	const char *line;

	keyring_put(&k, &text);
	line = buf_string(&text);
	for (int i = 1; i <= 3; i++) {
		int size = (int)strcspn(line, "\n");

		(void)printf("word\tKEYRING %d\t%.*s\n", i, size, line);
		line += size + 1;
	}
}

static void
limit(const char *name, uint64_t value)
{
	(void)printf("limit\t%s\t%" PRIu64 "\n", name, value);
}

void
tell_store_words(void)
{
	char name[SEGMENT_NAME_MAX];

	tell_choices("Frame header", "kind", kind_name);
	tell_choices("Frame header", "codec", codec_word);
	tell_choices("Frame header", "flags", flag_word);
	tell_format_line();
	tell_keyring();
	segment_name(1, name);
	(void)printf("word\tsegment\t%s\n", name);
	(void)printf("word\tversion\t%u.%u\n", FORMAT_MAJOR, FORMAT_MINOR);
	(void)printf("word\tcrc32c\t%08" PRIx32 "\n", crc32c(0, "123456789", 9));
	(void)printf("word\tprefix of data\t%02x\n", (unsigned)STORE_DATA);
	(void)printf("word\tprefix of recipes\t%02x\n", (unsigned)STORE_RECIPE);
	(void)printf("word\tprefix of frames\t%02x\n", (unsigned)HASH_FRAME);
	(void)printf("word\tpack entry of a record\t%02x\n", (unsigned)PACK_RECORD);
	(void)printf("word\tkey of an object\t%d\n", OBJECT_KEY_SIZE);
	limit("FORMAT line", FORMAT_LINE_MAX);
	limit("keyring", KEYRING_TEXT_MAX);
	limit("keyring slots", KEYRING_SLOTS_MAX);
	limit("scrypt n from", KEYRING_N_MIN);
	limit("scrypt n to", KEYRING_N_MAX);
	limit("scrypt r", KEYRING_R_MAX);
	limit("scrypt p", KEYRING_P_MAX);
	limit("scrypt memory", KEYRING_MEMORY_MAX);
	limit("scrypt work", KEYRING_WORK_MAX);
	limit("object", STORE_OBJECT_MAX);
	limit("payload", FRAME_PAYLOAD_MAX);
	limit("pack entries", PACK_ENTRIES_MAX);
	limit("pack target", PACK_TARGET);
	limit("own frame above", BLOB_ABOVE);
	limit("frames of a segment", SEGMENT_FRAMES_MAX);
	limit("epoch bytes", EPOCH_BYTES_MAX);
	limit("epoch rows", EPOCH_ROWS_MAX);
	limit("epoch log", EPOCH_LOG_MAX);
	limit("epoch seconds", EPOCH_AGE_NS / EXA_NS_PER_S);
	limit("frame alignment", FRAME_ALIGN);
}

/* ---- packs ---- */

bool
tell_pack(struct bytes pack, struct exa_error *err)
{
	struct pack_walk w;
	struct pack_entry e;

	if (!pack_walk_begin(pack, &w, err))
		return false;
	while (pack_walk_next(&w, &e)) {
		char id[2 * STORE_ID_SIZE + 1];

		hex_encode(bytes_of(e.id.bytes, STORE_ID_SIZE), id);
		(void)printf("entry\t%u\t%02x\t%s\t%.*s\n", e.slot, e.kind, id, (int)e.data.size,
			(const char *)e.data.data);
	}
	return true;
}
