/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Appends frames to the last segment, and begins the next one when it is full. Segments change only
 * just before the first frame after a COMMIT: so an epoch lies in one segment whole, and what a
 * crash leaves uncommitted is always the tail of the last file. Belongs to the writer thread.
 */
#ifndef STORE_APPENDER_H
#define STORE_APPENDER_H

#include "crypt.h"
#include "segdir.h"

struct appender {
	const struct segdir *files;
	const struct crypt *crypt;
	uint64_t segment_bytes;
	struct place at; /* of the next frame; segment 0 = there is none yet */
	bool at_commit;  /* the last frame written is a COMMIT */
	uint64_t sequence;
	struct chain chain;
	int fd; /* -1 = not open yet */
	char *path;
	uint8_t salt[SALT_SIZE];    /* of the open segment */
	struct frame_cipher cipher; /* has its key */
	/* For the SEAL; made again from the headers when a segment is resumed. */
	struct buf table;
	uint32_t table_count;
	struct sha256 heads;
	struct store_id previous_seal;
};

/* AT and SEQUENCE as recovered; the caller has set a->chain. */
void appender_begin(struct appender *a, const struct segdir *files, const struct crypt *crypt,
	uint64_t segment_bytes, struct place at, uint64_t sequence);

/*
 * Appends a frame: FRAME holds 64 bytes for the header (filled in here), the payload and its
 * padding. Gives where it stands.
 */
bool appender_add(struct appender *a, struct frame_head *head, struct buf *frame,
	struct place *at_out, struct exa_error *err) EXA_CHECK;

/* Appends the COMMIT and makes everything durable. C's chain and salt are filled in here. */
bool appender_commit(struct appender *a, struct commit *c, struct place *at_out,
	uint64_t *sequence_out, struct exa_error *err) EXA_CHECK;
/* At a COMMIT: closes the segment in good order and begins the next one, although it isn't full.
 * *SEALED_OUT: whether it has got its SEAL. */
bool appender_rotate(struct appender *a, bool *sealed_out, struct exa_error *err) EXA_CHECK;
void appender_done(struct appender *a);

/* Begins a frame in BUF (room for the header), and ends it (lengths, checksum, padding). One with
 * FRAME_ENCRYPTED set gets room for the tag: it is enciphered when it is appended. */
void frame_begin(struct buf *frame);
void frame_end(struct buf *frame, struct frame_head *head);

#endif
