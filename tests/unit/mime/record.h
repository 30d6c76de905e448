/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a splitter handed out, written down: the pieces, their data, and the message they make.
 */
#ifndef TEST_MIME_RECORD_H
#define TEST_MIME_RECORD_H

#include "exarch/mime.h"

#define RECORD_PIECES_MAX ((size_t)4096)

struct record {
	struct mime_splitter *splitter;
	struct mime_piece pieces[RECORD_PIECES_MAX]; /* .data: only its size counts */
	size_t offsets[RECORD_PIECES_MAX];           /* of the data in `data` */
	size_t count;
	struct buf data;    /* of all pieces, one behind the other */
	struct buf message; /* put together again */
	size_t fail_at;     /* the piece (from 1) that the sink refuses; 0 = none */
};

struct record *record_new(void);
void record_freep(struct record **r);

/* Splits MESSAGE in chunks of CHUNK bytes, each in memory of its own size so that a sanitizer sees
 * a read too many; false when the sink refused. */
bool record_split(struct record *r, struct bytes message, size_t chunk);

struct bytes record_data(const struct record *r, size_t piece);
bool record_equal(const struct record *a, const struct record *b);

/* "L57 R2048 B768/76+0c L3": kind, data size; of base64 the form: line, column, c(rlf) or l(f).
 * Borrowed until the next call. */
const char *record_text(const struct record *r);

/* A message of known contents: pseudo-random bytes from a seed, and base64 laid out the slow way.
 */
void add_noise(struct buf *b, uint32_t seed, size_t size);
void add_base64_lines(struct buf *b, struct bytes data, size_t line, const char *eol);

#endif
