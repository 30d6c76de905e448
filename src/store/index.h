/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index: one LMDB environment with the tables `meta` and `obj` and those of the schema. All of
 * it can be made again from the segments. LMDB has no checksums over its pages, so nothing read
 * here is believed without looking at the frame it points to.
 *
 * One write transaction at a time, on the store's writer thread. Read transactions are lent from a
 * pool; while the map grows there must be none.
 */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <lmdb.h>

#include "exarch/error.h"
#include "exarch/store.h"

#include "format.h"

#define INDEX_SPARE_MAX 16

struct crypt;
struct row_cipher;

struct index {
	MDB_env *env; /* NULL: not open */
	char *path;
	unsigned guard; /* guard.h */
	MDB_dbi meta, obj;
	MDB_dbi *tables;
	bool *hides_tail;
	bool *present; /* a reader may meet an index whose tables no writer has made yet */
	size_t table_count;
	bool read_only;
	pthread_mutex_t mu;
	pthread_cond_t idle;             /* live reached 0, or growing ended */
	MDB_txn *spare[INDEX_SPARE_MAX]; /* under mu: reset read transactions */
	size_t spare_count;              /* under mu */
	unsigned live;                   /* under mu: read transactions lent out */
	bool growing;                    /* under mu */
	struct crypt *crypt; /* borrowed; set by the opener before the first transaction */
	bool full;           /* the write transaction met MDB_MAP_FULL; writer thread only */
	pthread_mutex_t commit_mu;
	struct exa_error broken; /* under commit_mu: the commit that LMDB takes nothing after */
};

/* How far the index has come: the last COMMIT it holds. All zeros before the first. */
struct watermark {
	struct place commit_at; /* its frame */
	uint64_t end;           /* offset behind it */
	uint64_t sequence;      /* its */
	uint64_t commit;        /* its number */
	uint8_t chain[SHA256_SIZE];
	uint64_t object_bytes; /* of all objects, raw */
};

/*
 * So much of an id is the key of its object. Two ids that agree in it take 2^96 attempts, which
 * nobody has; 16 bytes would take 2^64, and whoever can pay for those could have the second object
 * taken for known and never stored.
 */
#define OBJECT_KEY_SIZE 24

struct object_row {
	struct store_id id; /* as found by a walk: zeros behind OBJECT_KEY_SIZE */
	struct place at;
	uint32_t raw;
	uint16_t slot;
	uint8_t kind;
};

struct store_txn {
	struct index *index;
	MDB_txn *txn;
	bool writable;
	struct row_cipher *cipher; /* NULL: the store isn't encrypted */
};

enum txn_use { TXN_READS, TXN_WRITES };

/* Around an LMDB transaction that is the caller's to end, after txn_done. */
void txn_init(struct store_txn *t, struct index *x, MDB_txn *txn, enum txn_use use);
void txn_done(struct store_txn *t);

enum index_life {
	INDEX_LASTING,
	INDEX_SCRATCH, /* nothing of it needs to be durable */
};

/* Makes an empty index in the folder PATH (made too). */
bool index_create(const char *path, const uint8_t uuid[UUID_SIZE], enum index_life life,
	struct exa_error *err) EXA_CHECK;

/* Away with the files of one; whatever isn't there is fine. */
void index_remove(const char *path);

enum index_mode {
	INDEX_READ,
	INDEX_READ_NOLOCK, /* the caller has made sure that there is no writer */
	INDEX_WRITE,
	INDEX_BUILD, /* not durable until index_settle */
};

/* EXA_CORRUPT: missing, damaged, or of another archive; the text names `exarch rebuild`. */
bool index_open(struct index *x, const char *path, enum index_mode mode,
	const struct store_schema *schema, const uint8_t uuid[UUID_SIZE],
	struct exa_error *err) EXA_CHECK;
bool index_settle(struct index *x, struct exa_error *err) EXA_CHECK;
void index_close(struct index *x); /* also on zeros */

bool index_read_begin(struct index *x, MDB_txn **out, struct exa_error *err) EXA_CHECK;
void index_read_end(struct index *x, MDB_txn *txn);
/*
 * Keeps the file longer than LMDB counts pages, by a hole. LMDB doesn't write a page that the
 * transaction which made it has freed again, so by itself the file may end some pages early, and
 * couldn't be told from one that was cut. Ahead of a commit (INDEX_SLACK_PAGES is more than one
 * frees at the end), so that no reader ever sees it short.
 */
#define INDEX_SLACK_PAGES 256
bool index_stretch(struct index *x, struct exa_error *err) EXA_CHECK;
/* Enlarges the map; waits for live read transactions to end, but not for ever. */
bool index_grow(struct index *x, struct exa_error *err) EXA_CHECK;

/* One write transaction around FN, which is called again when the index had to grow for it. */
typedef bool index_change_fn(struct index *x, MDB_txn *txn, void *ctx, struct exa_error *err);
bool index_change(struct index *x, index_change_fn *fn, void *ctx, struct exa_error *err) EXA_CHECK;

bool index_get_watermark(
	struct index *x, MDB_txn *txn, struct watermark *out, struct exa_error *err) EXA_CHECK;
bool index_set_watermark(
	struct index *x, MDB_txn *txn, const struct watermark *w, struct exa_error *err) EXA_CHECK;

bool index_get_object(struct index *x, MDB_txn *txn, const struct store_id *id, bool *found_out,
	struct object_row *out, struct exa_error *err) EXA_CHECK;
/* An object that is there already is now where ROW says: of two copies the later one counts. */
bool index_add_object(struct index *x, MDB_txn *txn, const struct object_row *row, bool *new_out,
	struct exa_error *err) EXA_CHECK;
bool index_object_known(struct index *x, const struct store_id *id, bool *known_out,
	struct exa_error *err) EXA_CHECK;
/* An entry of `obj`, as a walk finds it, and its value. */
bool object_row_get(struct bytes key, struct bytes value, struct object_row *out,
	struct exa_error *err) EXA_CHECK;
void object_row_put(const struct object_row *row, struct buf *out);

/*
 * Ends a write transaction. Should that fail, LMDB may refuse everything from then on, readers on
 * other threads first of all: they are told of this failure, and not that the index is damaged.
 */
bool index_commit(
	struct index *x, MDB_txn *txn, const char *doing, struct exa_error *err) EXA_CHECK;

/* For LMDB's calls; borrows DATA. */
MDB_val index_value(const void *data, size_t size);
/* For a failed LMDB call. */
bool index_fail(struct index *x, struct exa_error *err, int rc, const char *doing);

#endif
