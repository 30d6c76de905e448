/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damage, one place after the other: thousands of small wounds to an archive, each judged in a
 * process that may die of it. Between the wounds the archive is as it was.
 */
#ifndef CRASH_SPOIL_H
#define CRASH_SPOIL_H

#include "model.h"

#define SPOIL_ROUNDS 24
#define FRAMES_MAX 512
#define JOBS_MAX ((size_t)64)

enum figure {
	FIGURE_TRIED,
	FIGURE_DETECTED, /* and located, where there is a place */
	FIGURE_REFUSED,  /* the archive didn't open: the text says why */
	FIGURE_HARMLESS,
	FIGURE_BEHIND, /* the index is one commit back, as after a crash: the next run catches up */
	FIGURE_DIED,   /* the process did */
	FIGURE_BAD,
	FIGURE_COUNT
};

/* A frame as it lies in its file; the header of a segment counts as one (offset 0). So does a file
 * that isn't a segment, as a whole (segment 0). */
struct piece {
	char file[32]; /* below the archive */
	uint32_t segment;
	uint64_t begin, end;
};

struct spoil {
	struct model model;
	const char *scratch;
	size_t every, jobs, count; /* of places: each EVERY-th; COUNT of the index */
	bool sparse;               /* of large frames not every byte */
	/* The archive that is spoilt, made once. */
	char *dir;
	struct piece pieces[FRAMES_MAX];
	size_t piece_count;
	uint64_t ends[SPOIL_ROUNDS]; /* of the last segment, behind each round's COMMIT */
	int rounds;
	struct shared *shared;
};

/* Makes an archive of ROUNDS rounds in scratch/NAME and learns where everything stands. */
bool spoil_make(struct spoil *s, const char *name, int rounds, struct exa_error *err) EXA_CHECK;
void spoil_done(struct spoil *s);
/* A copy of the archive, for one process to spoil; to be freed with exa_free. */
char *spoil_copy(const struct spoil *s, const char *name);
void spoil_remove(const char *dir);

void spoil_count(struct spoil *s, enum figure f);
/* Something that must not be: counted, and told (the first of them). */
void spoil_bad(struct spoil *s, const char *fmt, ...) EXA_PRINTF(2, 3);
uint64_t spoil_figure(const struct spoil *s, enum figure f);

/*
 * Calls FN for places 0, every, 2 * every, ... below COUNT, in `jobs` processes, each with a copy
 * of the archive. One that dies or hangs is counted, and another goes on behind the place.
 */
typedef void spoil_fn(struct spoil *s, const char *dir, size_t place);
void spoil_each(struct spoil *s, size_t count, spoil_fn *fn);

/* Changes one byte of DIR/NAME; again with the same MASK changes it back. */
void spoil_flip(const char *dir, const char *name, uint64_t offset, uint8_t mask);
void spoil_save(const char *dir, const char *name, struct bytes content);
bool spoil_load(const char *dir, const char *name, struct buf *out);

#endif
