/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of verify share. verify.c walks, verify_frame.c checks a frame's content,
 * verify_rows.c compares objects with the index, verify_index.c its other tables, verify_files.c
 * looks at what isn't a segment.
 */
#ifndef STORE_VERIFY_H
#define STORE_VERIFY_H

#include "exarch/pace.h"

#include "cut.h"
#include "handle.h"

struct verify_index;

struct verify {
	struct store *store;
	const struct store_verify_options *options;
	struct store_verify_result result;
	struct watermark end; /* the last COMMIT that is looked at */
	struct scan scan;
	struct pace pace;
	struct unpacker unpacker;
	struct buf raw; /* a frame's payload, unpacked */

	/* The chain, as COMMITs see it. */
	struct chain chain;
	bool gap; /* something was stepped over since the last COMMIT: its chain can't fit */
	uint64_t last_commit;
	uint8_t last_chain[SHA256_SIZE];
	uint8_t last_head[FRAME_HEAD_SIZE];

	/* The segment being walked, as its SEAL sees it. */
	uint32_t segment;
	bool segment_gap;
	bool sealed; /* its SEAL was passed */
	struct sha256 heads;
	struct buf table;
	/* The SEAL of the segment before. */
	uint8_t seal_head[FRAME_HEAD_SIZE]; /* zeros = none was seen */

	struct cut_check cut; /* of the cut segment being walked */

	/* The index. */
	uint32_t
		cutting; /* rows that name this segment may be of objects that are gone; 0 = none */
	uint64_t rows_matched, rows_wrong;
	struct exa_error first_wrong;
	/* Objects stood in what is lost, or were moved since an earlier part of this round: then
	 * the counts say nothing. */
	bool rows_unsure;
	uint64_t bytes_at_begin; /* of the segments in front of the last one */
	/* Size of the segments in front of this one, each as it was when the walk was there. */
	uint32_t passed;
	uint64_t passed_bytes;
	struct verify_index *replay; /* NULL: the tables aren't compared */

	uint64_t done, total, told;
};

/* Tells of damage. AT.segment 0: not in a segment. */
void verify_report(struct verify *v, const struct store_damage *damage);
/* Of a whole frame; LOST: it can't be read. ERR's text may name the place already. */
enum verify_loss { VERIFY_NOTHING_LOST, VERIFY_FRAME_LOST };
void verify_report_frame(struct verify *v, const struct scan_frame *f, enum verify_loss loss,
	const struct exa_error *what);

/* Reads and checks what the level asks for of a frame whose header is good. */
bool verify_frame(struct verify *v, const struct scan_frame *f, struct exa_error *err) EXA_CHECK;

/* Whether all frames are read and there is an index to compare them with. */
bool verify_compares(const struct verify *v);
/* Compares the index's row of an object that stands in a frame. */
bool verify_row(struct verify *v, const struct object_row *row, struct exa_error *err) EXA_CHECK;
/* Tells what the rows came to; after the last part of a round also of rows that the segments don't
 * have. */
bool verify_rows_end(struct verify *v, struct exa_error *err) EXA_CHECK;
/* Size of the segments in front of SEGMENT, as they are now. */
uint64_t verify_bytes_before(const struct verify *v, uint32_t segment);

/*
 * The schema's tables, compared with what the records passed say; the result tells whether they
 * were. `take` is for each frame that was read and is good, with v->raw; `end` reports.
 */
void verify_index_begin(struct verify *v);
void verify_index_take(struct verify *v, const struct scan_frame *f);
void verify_index_end(struct verify *v);
void verify_index_done(struct verify *v);

/* FORMAT and KEYRING. */
void verify_files(struct verify *v);

#endif
