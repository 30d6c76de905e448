/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cut segments: what compaction leaves in a segment's place. The file has the segment's name and
 * number, and in it
 *
 *     segment header | TOMB | PACK-M ... | COMMIT
 *     with flag 1 and  what   the records   the segment's last one,
 *     a salt of its    it     that stay     its payload and sequence
 *     own              was                  unchanged
 *
 * so that whoever walks the segments finds sequence, commit numbers and chain going on behind it as
 * if nothing had been taken away (scan.h). docs/format.md, "Cut segments".
 */
#ifndef STORE_CUT_H
#define STORE_CUT_H

#include "codec.h"
#include "crypt.h"
#include "pack.h"
#include "segdir.h"

/* Whether an open segment begins with a TOMB; OUT is it then. False: it has one, which is damaged,
 * or it can't be read. The TOMB's id isn't compared. */
bool cut_look(
	int fd, uint32_t segment, bool *cut_out, struct tomb *out, struct exa_error *err) EXA_CHECK;
/* As cut_look, by number; a segment that isn't there, or whose header is damaged, isn't cut. */
bool cut_look_in(const struct segdir *files, uint32_t segment, bool *cut_out, struct tomb *out,
	struct exa_error *err) EXA_CHECK;

/* The frames between TOMB and end, and whether they are those the TOMB stands for: for verify. */
struct cut_check {
	struct sha256 heads;
	uint32_t frames;
};

void cut_check_begin(struct cut_check *c); /* at the TOMB */
void cut_check_add(struct cut_check *c, const uint8_t *frame_head);
/* At the COMMIT, itself added. */
bool cut_check_end(
	const struct cut_check *c, const struct tomb *t, struct exa_error *err) EXA_CHECK;
void cut_check_done(struct cut_check *c);

/* ---- writing one ---- */

struct cut_writer {
	const struct segdir *files;
	const struct crypt *crypt;
	enum store_codec wanted;
	struct codec *codec;
	char *path; /* "....cut", until it takes the segment's place */
	int fd;
	struct place at; /* of the next frame */
	uint64_t sequence;
	struct tomb tomb;
	struct frame_cipher cipher; /* has the key of the new salt */
	struct cut_check behind;
	struct pack_builder pack;
	struct buf frame;
};

/* TOMB: all but what is kept (frames, heads), salt and time. */
bool cut_begin(struct cut_writer *w, const struct segdir *files, const struct crypt *crypt,
	uint32_t segment, enum store_codec wanted, const struct tomb *tomb,
	struct exa_error *err) EXA_CHECK;
bool cut_keep(struct cut_writer *w, struct bytes record, struct exa_error *err) EXA_CHECK;
/* The segment's last COMMIT; the file is durable then, under its own name. */
bool cut_end(struct cut_writer *w, const struct frame_head *commit, struct bytes payload,
	struct exa_error *err) EXA_CHECK;
/* Into the segment's place; what is left of the segment elsewhere (.torn) goes too. Not durable
 * before the folder is synced. */
bool cut_put_in_place(struct cut_writer *w, struct exa_error *err) EXA_CHECK;
/* Away with what isn't in its place. Also on zeros with fd -1. */
void cut_done(struct cut_writer *w);
/* Unlinks what a compaction that was cut short left of a segment: .cut, and .torn if it is cut. */
void cut_tidy(const struct segdir *files, uint32_t segment, bool is_cut);

#endif
