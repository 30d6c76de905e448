/* SPDX-License-Identifier: Apache-2.0 */
/* What the callers' side (writer.c) and the writer thread (commit.c) share. The essay is in
 * commit.c. */
#ifndef STORE_WRITER_H
#define STORE_WRITER_H

#include <pthread.h>

#include "claims.h"
#include "handle.h"
#include "pack.h"

/* Objects larger than this get a frame of their own; smaller ones gain from their neighbours. */
#define BLOB_ABOVE ((size_t)32 * 1024)
/* Finished frames that wait for the writer. More would only hide a slow disk, and cost memory. */
#define LINE_BYTES_MAX ((size_t)2 * 1024 * 1024)
/* An epoch ends when one of these is reached. Rows bound LMDB's dirty pages (about one a row). */
#define EPOCH_BYTES_MAX ((uint64_t)64 * 1024 * 1024)
#define EPOCH_ROWS_MAX ((size_t)1000)
#define EPOCH_LOG_MAX ((size_t)1024 * 1024)
#define EPOCH_AGE_NS (2 * EXA_NS_PER_S)
/* Epochs sealed but not committed before callers have to wait. */
#define EPOCHS_WAITING_MAX 2

/* Something that is done on the writer thread, in the line's order. A failure poisons. */
struct errand {
	bool (*run)(struct store *s, void *ctx, struct exa_error *err);
	void *ctx;
	bool done; /* under mu */
};

/* One place in the line: a frame in the making, the end of an epoch, or an errand. */
struct job {
	struct job *next;     /* in the line; under mu */
	struct job *next_own; /* of the thread that makes it */
	bool ready;           /* under mu; from then on it is the writer thread's */
	bool ends_epoch;
	/* A frame. */
	struct frame_head head;
	struct pack_builder pack; /* what it is made from, unless it is an object */
	struct bytes object;      /* borrowed from the caller of store_put, until ready */
	struct buf frame;
	struct object_row *rows;
	size_t row_count;
	/* The end of an epoch. */
	uint64_t epoch, records;
	struct buf log;
	struct errand *errand; /* borrowed from who waits for it */
};

struct writer {
	pthread_t thread;
	pthread_mutex_t mu;
	pthread_cond_t
		work; /* for the writer thread: the head became ready, or something to seal */
	pthread_cond_t changed; /* for callers: room in the line, an epoch committed, a failure */
	/* All under mu: */
	struct job *first, *last; /* the line, in ticket order */
	size_t line_bytes;        /* of ready frames in it */
	struct pack_builder data, meta;
	struct claims claims;
	uint64_t epoch; /* being filled */
	uint64_t sealed, committed;
	struct buf log;
	uint64_t records;
	uint32_t meta_packs; /* PACK-M frames of this epoch so far */
	uint64_t epoch_bytes;
	size_t epoch_rows;
	int64_t dirty_since_ns; /* 0 = nothing in this epoch */
	bool stop;
	bool failed;
	struct exa_error failure;
	/* The writer thread's own: */
	struct epoch gathered;
};

/* Under mu: ends the epoch. The jobs to finish are added to *OWN_TAIL. */
void writer_seal(struct writer *w, struct job ***own_tail);
/* Makes the frames of OWN ready, in order. WAITS: for room in the line, as all but the writer must.
 */
enum writer_patience { WRITER_WAITS, WRITER_HURRIES };
void writer_finish(struct store *s, struct job *own, enum writer_patience patience);
void job_free(struct job *j);

void *writer_main(void *store);

/* ---- for compaction ---- */

/* Appends a frame that is ready but for its place: HEAD's kind, codec, flags, raw length and id;
 * FRAME as frame_end left it, which is taken; ROWS, which are taken too. */
bool writer_add_frame(struct store *s, const struct frame_head *head, struct buf *frame,
	struct object_row *rows, size_t row_count, struct exa_error *err) EXA_CHECK;
/* Puts an object that is known already once more. */
bool writer_put_again(struct store *s, enum store_kind kind, const struct store_id *id,
	struct bytes data, struct exa_error *err) EXA_CHECK;
/* Runs it behind all that is in the line, and waits for that. */
bool writer_run(struct store *s, struct errand *errand, struct exa_error *err) EXA_CHECK;

#endif
