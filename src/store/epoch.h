/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one COMMIT adds to the index: rows of objects, and records and notes in order of submission.
 * The writer gathers it from what was handed to it, recovery and rebuild from the frames; from
 * there on both go the same way, so that a rebuilt index equals the lost one.
 */
#ifndef STORE_EPOCH_H
#define STORE_EPOCH_H

#include "index.h"
#include "scan.h"
#include "unpack.h"

struct epoch {
	struct object_row *rows;
	size_t row_count, row_capacity;
	struct place *packs; /* of the PACK-M frames, in order */
	size_t pack_count, pack_capacity;
	struct buf log;
	uint64_t frames, object_bytes, records;
};

void epoch_reset(struct epoch *e); /* memory kept */
void epoch_done(struct epoch *e);

/* Rows and packs get their places as the frames are written. */
void epoch_add_row(struct epoch *e, const struct object_row *row);
void epoch_add_pack(struct epoch *e, struct place at);

/* The log: records name their pack by its number within the epoch. */
void epoch_log_record(struct buf *log, uint32_t pack, uint16_t slot, struct bytes record);
void epoch_log_note(struct buf *log, struct bytes note);

/* The rows of a pack's objects, without their place. */
bool epoch_rows_of_pack(struct bytes raw, struct object_row **rows_out, size_t *count_out,
	struct exa_error *err) EXA_CHECK;

/* Adds a frame found by a scan. */
bool epoch_add_scanned(struct epoch *e, const struct scan_frame *f, struct unpacker *unpacker,
	struct exa_error *err) EXA_CHECK;

/* One LMDB transaction: rows, log, watermark. W's object_bytes is brought up to date. */
bool epoch_apply(struct epoch *e, struct index *x, const struct store_schema *schema,
	struct watermark *w, struct exa_error *err) EXA_CHECK;

#endif
