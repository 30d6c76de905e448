/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the crash tests archive, so that any process can say afterwards what must be there. Batch
 * (thread, round) is made from a seed alone: OBJECTS_A_BATCH objects, a record that names each by
 * its id, and a note with the round. What was acknowledged stands in a log outside of the archive:
 * a line "THREAD ROUND" for each batch, "made" for the archive itself, "rekeyed" for its second
 * key, and "rebuilding" before notes may be lost.
 */
#ifndef CRASH_MODEL_H
#define CRASH_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/bytes.h"
#include "exarch/error.h"
#include "exarch/store.h"

#define OBJECTS_A_BATCH 4
#define THREADS_MAX 8
#define ROUNDS_MAX 64

struct model {
	uint64_t seed;
	size_t large_bytes; /* of the batch's first object, about; 0 = it is small too */
	bool encrypted;
	bool orphans; /* each batch brings an object that no record names: work for a compaction */
};

/* Who was told what. A rebuild may lose notes from when it begins. */
struct acks {
	bool made, rekeyed;
	bool batch[THREADS_MAX][ROUNDS_MAX];
	int note[THREADS_MAX]; /* the round after the last one noted; 0 = none */
};

extern const struct store_schema model_schema;

/* "seed=N", "large=BYTES", "encrypted", "orphans": false when TEXT is none of these. */
bool model_setting(struct model *m, const char *text);
/* The same for a number of the caller's: NAME is "every=". */
bool number_setting(const char *text, const char *name, size_t *out);

bool model_create(const struct model *m, const char *dir, struct exa_error *err) EXA_CHECK;
/* Gives an encrypted one its second key for its first. */
bool model_rekey(const struct model *m, const char *dir, struct exa_error *err) EXA_CHECK;
/* With either key. */
bool model_open(const struct model *m, const char *dir, enum store_access access,
	struct store **out, struct exa_error *err) EXA_CHECK;

/* The bytes of an object; appended to OUT. */
void model_object(const struct model *m, int thread, int round, int i, struct buf *out);
/* Puts and submits one batch, and waits for it. */
bool model_write(const struct model *m, struct store *s, int thread, int round,
	struct exa_error *err) EXA_CHECK;

/* Gives back the room of what no record names. */
bool model_compact(struct store *s, struct exa_error *err) EXA_CHECK;

/* Adds what the log says; a line that isn't whole doesn't count. No file is an empty one. */
bool model_acks_read(struct acks *a, const char *path, struct exa_error *err) EXA_CHECK;
void model_acks_add(struct acks *a, struct bytes text);

/* Looking at a store: one view of its tables, and a reader. Zero-initialise. */
struct look {
	struct store_txn *txn;
	struct store_reader *reader;
};
bool look_begin(struct look *l, struct store *s, struct exa_error *err) EXA_CHECK;
void look_end(struct look *l);

/* One object of a batch: whether its record is there; if so, the object has the right bytes. */
bool model_look(const struct model *m, struct look *l, int thread, int round, int i,
	bool *there_out, struct exa_error *err) EXA_CHECK;
/* How many of a batch's objects are there. */
bool model_batch(const struct model *m, struct look *l, int thread, int round, int *there_out,
	struct exa_error *err) EXA_CHECK;

/* Every acknowledged batch is there whole, every other one whole or not at all. */
bool model_check(const struct model *m, struct store *s, const struct acks *acks,
	struct exa_error *err) EXA_CHECK;

/*
 * All that is asked of an archive after a crash: it opens for writing (or, if its making was never
 * acknowledged, can be made), holds what model_check asks for, has no damage, is the same after a
 * second recovery, takes a new batch, and holds all of it after that too.
 */
bool model_judge(const struct model *m, const char *dir, const struct acks *acks,
	struct exa_error *err) EXA_CHECK;

#endif
