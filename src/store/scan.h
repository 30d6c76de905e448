/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks frames in the order they were written, over segment borders: for recovery, rebuild and
 * verify. It checks headers, sequence numbers and (if asked) payload bytes; what the frames say is
 * the caller's business.
 */
#ifndef STORE_SCAN_H
#define STORE_SCAN_H

#include "segdir.h"

struct scan {
	const struct segdir *files;
	bool check_payloads;
	/* What can't be read is damage as any other, to be told and stepped over. For verify, which
	 * changes nothing; without it nobody knows what stands there: SCAN_FAILED. */
	bool reads_on;
	struct place stop; /* segment 0 = go on to the end of the files */
	int fd;            /* of `at`'s segment; -1 = not open */
	uint64_t size;     /* of that file */
	bool head_told;    /* its header is good, or SCAN_HEAD was given */
	bool head_bad;
	struct place at;   /* of the next frame */
	uint64_t sequence; /* which the next frame must have */
	/* Of a cut segment. In it the sequence may leap to its COMMIT, nowhere else. */
	bool is_cut;
	struct tomb tomb;
	bool seal_told;
};

struct scan_frame {
	struct place at;
	struct frame_head head;
	uint8_t raw_head[FRAME_HEAD_SIZE];
	int fd; /* the scan's */
	/* The TOMB of the cut segment it stands in, or NULL; the scan's. */
	const struct tomb *tomb;
	/* The SEAL that a cut segment had: comes behind its COMMIT, since chain and sequence go on
	 * from it. Nothing of it is in the file but what the TOMB tells: RAW_HEAD without its last
	 * four bytes, and of HEAD kind, sequence and id. */
	bool is_told;
};

enum scan_result {
	SCAN_FRAME,
	SCAN_END,   /* the files (or `stop`) end exactly between two frames */
	SCAN_HEAD,  /* the segment's own header is damaged: err tells; its frames come next */
	SCAN_BAD,   /* no good frame here: err tells; scan_skip goes on behind it */
	SCAN_FAILED /* the files can't be opened or read: err tells */
};

void scan_begin(struct scan *s, const struct segdir *files, struct place at, uint64_t sequence);
enum scan_result scan_next(struct scan *s, struct scan_frame *out, struct exa_error *err);
/* After SCAN_BAD: to the next good header (SCAN_FRAME), in this segment or a later one. SCAN_END:
 * there is none; SCAN_FAILED: a file can't be read, so nobody knows. */
enum scan_result scan_skip(struct scan *s, struct exa_error *err);
void scan_done(struct scan *s);

#endif
