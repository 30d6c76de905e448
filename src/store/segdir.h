/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder of segments: names, making and opening of files, and single frames out of them.
 * Segment N (from 1) is seg/XX/NNNNNNNN.xseg, N in hex, XX = its bits 8 to 15.
 */
#ifndef STORE_SEGDIR_H
#define STORE_SEGDIR_H

#include "format.h"
#include "io.h"

struct segdir {
	const struct seg_io *io;
	char *dir; /* of the store */
	uint8_t uuid[UUID_SIZE];
};

/* Full path, to be freed with exa_free. SUFFIX is "xseg" or "torn". */
char *segdir_path(const struct segdir *d, uint32_t segment, const char *suffix);
/* Relative to the store, for errors. */
#define SEGMENT_NAME_MAX 32
void segment_name(uint32_t segment, char *out);

/* The highest number any segment file has; 0 = there is none. */
bool segdir_highest(const struct segdir *d, uint32_t *highest_out, struct exa_error *err) EXA_CHECK;
bool segdir_exists(const struct segdir *d, uint32_t segment);

/* Makes the file with a fresh salt, durable with its name. Gives the descriptor. */
bool segdir_create(const struct segdir *d, uint32_t segment, int *fd_out, struct segment_head *out,
	uint8_t raw_out[SEGMENT_HEAD_SIZE], struct exa_error *err) EXA_CHECK;

/* Reads and checks the header of an open segment; RAW_OUT gets its bytes if it isn't NULL. */
bool segdir_read_head(const struct segdir *d, uint32_t segment, int fd, struct segment_head *out,
	uint8_t *raw_out, struct exa_error *err) EXA_CHECK;

/*
 * Opens. The file's own header may be damaged: frames say themselves where they belong, so theirs
 * are what counts. Who appends must know the header to be good: segdir_read_head.
 */
bool segdir_open(const struct segdir *d, uint32_t segment, int flags, int *fd_out,
	struct exa_error *err) EXA_CHECK;

bool segdir_size(const struct segdir *d, uint32_t segment, uint64_t *size_out,
	struct exa_error *err) EXA_CHECK;
/* How many there are, and their bytes on disk. */
bool segdir_total(const struct segdir *d, uint64_t *count_out, uint64_t *bytes_out,
	struct exa_error *err) EXA_CHECK;

/*
 * The frame header at a place (also as bytes if RAW_OUT isn't NULL), or its stored payload appended
 * to OUT and compared with the checksum. Errors name segment and offset.
 */
bool frame_read_head(int fd, struct place at, struct frame_head *out, uint8_t *raw_out,
	struct exa_error *err) EXA_CHECK;
bool frame_read_payload(int fd, struct place at, const struct frame_head *h, struct buf *out,
	struct exa_error *err) EXA_CHECK;
/* Only compares: payload checksum and padding, in small steps. */
bool frame_check_payload(
	int fd, struct place at, const struct frame_head *h, struct exa_error *err) EXA_CHECK;
/* The last bytes of a frame only fill it up to the next multiple of 8: zeros. */
bool frame_check_padding(
	int fd, struct place at, const struct frame_head *h, struct exa_error *err) EXA_CHECK;

/* Puts "segment seg/00/00000001.xseg, offset 4096: " before the text. */
bool place_while(struct exa_error *err, struct place at);

#endif
