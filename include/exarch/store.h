/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: objects by hash and records in order, in append-only segment files, with an LMDB index
 * that can be thrown away. It knows nothing of mail or servers: objects and records are opaque
 * bytes.
 *
 *   object   bytes kept once under their id = SHA-256(kind byte, bytes): message parts, recipes.
 *   record   a fact the layer above wants remembered, in order: "mailbox 3 is anna@...", "item 17
 *            is archived".
 *   table    a key-value table of the index. Tables change in one place only: the schema's apply(),
 *            which the store calls for each record when it commits, when it recovers, and when it
 *            rebuilds the index. So whatever apply() derives from logged records comes back from
 *            the segments alone.
 *   note     a record that is applied but not logged: the index may lose it (sync states, pending
 *            items).
 *
 * A batch of records and notes is atomic: all of it is applied, or nothing. Batches are grouped
 * into epochs; an epoch ends with a COMMIT frame. Order of durability (design promise 1):
 *
 *     frames -> COMMIT frame -> fdatasync(segment) -> one LMDB transaction
 *            -> schema.committed(epoch)
 *
 * An object put before a batch is submitted, by whichever thread, is durable no later than that
 * batch.
 *
 * After a failed write or fdatasync the handle is poisoned: every later call fails with the first
 * error, nothing more is written, and what was committed before stays good. docs/format.md has the
 * bytes.
 *
 * A store may be encrypted, from its making on: then ids are keyed, what frames hold is enciphered,
 * and so are the tables' values and the parts of their keys that would tell something.
 * docs/security.md says what is hidden and what isn't.
 *
 * Threads: store_put, store_submit, store_wait and store_flush are for any thread; so are read
 * transactions and store_readers, each of which belongs to one thread at a time. schema.apply and
 * schema.committed run on the store's own writer thread (or apply in store_open, when recovering,
 * and in store_verify) and must not call back into writing. No thread may be in a call when the
 * store is closed. A process opens a store once at a time, and not across fork: LMDB allows no
 * more.
 */
#ifndef EXARCH_STORE_H
#define EXARCH_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/attr.h"
#include "exarch/bytes.h"
#include "exarch/cancel.h"
#include "exarch/error.h"

#define STORE_ID_SIZE 32
/* An object or a batch larger than this is refused with EXA_LIMIT; callers cut before. */
#define STORE_OBJECT_MAX ((size_t)8 * 1024 * 1024)
#define STORE_KEY_MAX ((size_t)480) /* LMDB's own limit is 511 bytes */

struct store;

struct store_id {
	uint8_t bytes[STORE_ID_SIZE];
};

/* The kind is hashed before the bytes, so that an object of one kind can't be passed off as
 * another. */
enum store_kind {
	STORE_DATA = 'D',   /* a piece of a message */
	STORE_RECIPE = 'R', /* how an instance is put together */
};

enum store_codec { STORE_CODEC_ZLIB = 1, STORE_CODEC_ZSTD = 2 };

/* Where a record or small object stands: a frame, and its place in the frame's directory. */
struct store_loc {
	uint32_t segment;
	uint64_t offset; /* of the frame header, bytes from the segment's start; below 2^40 */
	uint16_t slot;
};

/* ---- the schema: what the layer above gives ---- */

struct store_txn; /* a read or write transaction on the index's tables */

/* What brings about the rows of a table: what of it the segments can prove. */
enum store_table_source {
	STORE_FROM_RECORDS, /* logged records alone */
	STORE_FROM_NOTES,   /* notes too: rows that no record makes, or makes otherwise */
	STORE_FROM_BOTH, /* a record's row is there for certain, but notes may change its value */
};

struct store_table {
	const char *name;
	/* The last 16 bytes of each key tell something (a hash of an address): an encrypted store
	 * enciphers them. Walks then meet keys of one prefix in an order without meaning; a walk's
	 * prefix must end before these bytes, and FROM must be a whole key, or none. */
	bool hides_key_tail;
	enum store_table_source source;
};

struct store_schema {
	const struct store_table *tables; /* the position is the table's number from here on */
	size_t table_count;
	/*
	 * Applies one record to the tables. LOC says where a logged record stands in the segments
	 * (for store_reader_record); NULL for a note. Must be idempotent: recovery may apply a
	 * record again. Returning false poisons the store (a record that can't be applied is
	 * damage, not bad luck). store_verify applies records to an index of its own, on the
	 * calling thread: what a record does may depend on TXN and the record alone.
	 */
	bool (*apply)(void *ctx, struct store_txn *txn, const struct store_loc *loc,
		struct bytes record, struct exa_error *err);
	/* All batches up to EPOCH are durable and applied. Called before anyone who waits for EPOCH
	 * goes on. May be NULL. */
	void (*committed)(void *ctx, uint64_t epoch);
	void *ctx;
};

/* ---- keys of an encrypted store ---- */

#define STORE_KEY_FILE_BYTES ((size_t)32)
#define STORE_PASSPHRASE_MIN ((size_t)8)
#define STORE_PASSPHRASE_MAX ((size_t)1024)

enum store_key_kind {
	STORE_KEY_NONE,
	STORE_KEY_FILE,       /* secret = the 32 bytes a key file stands for */
	STORE_KEY_PASSPHRASE, /* secret = its bytes, without the line's end */
};

/* What opens an encrypted store. The secret is borrowed; the caller wipes it. */
struct store_key {
	enum store_key_kind kind;
	struct bytes secret;
};

/*
 * A key file is one line of 64 hex digits. Making it: EXA_USAGE when PATH is there already; mode
 * 0600, durable. Reading: EXA_USAGE when it isn't a key file, or others than its owner may read it.
 * OUT gets the 32 bytes; wipe them with exa_wipe.
 */
bool store_key_file_make(const char *path, struct exa_error *err) EXA_CHECK;
bool store_key_file_read(const char *path, struct buf *out, struct exa_error *err) EXA_CHECK;

/* A key that opens the store; there may be several. */
struct store_key_slot {
	unsigned number; /* 1, 2, ...; never reused */
	enum store_key_kind kind;
	int64_t created_ns;
};
typedef bool store_key_fn(void *ctx, const struct store_key_slot *slot, struct exa_error *err);

/*
 * All of these take the writer's lock. What is stored isn't touched: a key only wraps the master
 * key. EXA_AUTH when HAVE doesn't open the store, EXA_USAGE when it isn't encrypted. A key taken
 * away still opens copies of the archive made before. The last key can't be removed.
 */
bool store_key_each(const char *dir, store_key_fn *fn, void *ctx, struct exa_error *err) EXA_CHECK;
bool store_key_add(const char *dir, const struct store_key *have, const struct store_key *more,
	unsigned *slot_out, struct exa_error *err) EXA_CHECK;
/* MORE takes the place of HAVE. */
bool store_key_change(const char *dir, const struct store_key *have, const struct store_key *more,
	unsigned *slot_out, struct exa_error *err) EXA_CHECK;
bool store_key_remove(const char *dir, const struct store_key *have, unsigned slot,
	struct exa_error *err) EXA_CHECK;

/* ---- life of a store ---- */

struct store_create_options {
	enum store_codec codec;      /* for all new frames; each frame names its own */
	uint64_t segment_bytes;      /* target size; 0 = 256 MiB; 1 MiB to 64 GiB */
	const struct store_key *key; /* its first key; NULL or STORE_KEY_NONE = not encrypted */
};

/*
 * Makes a new store in DIR, which must be absent or an empty folder. EXA_USAGE when it is neither,
 * or on a network file system (LMDB must not be used there).
 */
bool store_create(const char *dir, const struct store_create_options *options,
	struct exa_error *err) EXA_CHECK;

/*
 * Whether somebody writes to the store in DIR now, without taking any lock: then OWNER_OUT gets
 * "process 123 on host". An answer for people: it may be another a moment later.
 */
bool store_is_locked(const char *dir, struct buf *owner_out);

/* Whether DIR holds a store, of whatever version, whole or damaged. */
bool store_exists(const char *dir);

/* The format of stores made now. Read is every minor version of that major one. */
void store_format_version(unsigned *major_out, unsigned *minor_out);

/* Whether the store in DIR is encrypted: a key is needed to open it. EXA_ABSENT as store_open. */
bool store_is_encrypted(const char *dir, bool *encrypted_out, struct exa_error *err) EXA_CHECK;

enum store_access {
	STORE_READ,  /* works beside a writer; never changes anything */
	STORE_WRITE, /* takes the lock, recovers (cuts a torn tail, replays what the index lacks) */
	STORE_REBUILD, /* takes the lock, drops the index and makes it again from the segments */
	/* Without the index and, up to STORE_VERIFY_BYTES, without a key: for store_verify alone.
	   Changes nothing. */
	STORE_SEGMENTS,
};

/* A damaged place. What lies between AT and END, or the frames FIRST to LAST, can't be read. */
struct store_damage {
	struct store_loc at;   /* segment 0: not a place in a segment (FORMAT, the index) */
	struct store_loc end;  /* the next good frame; segment 0 = there is none */
	uint64_t first, last;  /* sequences of the frames lost; first > last: none is */
	struct exa_error what; /* names the file and offset */
};
typedef void store_damaged_fn(void *ctx, const struct store_damage *damage);

struct store_open_options {
	enum store_access access;
	const struct store_key *key; /* NULL or STORE_KEY_NONE: none at hand */
	/* STORE_REBUILD: damage that was stepped over. NULL is fine. */
	store_damaged_fn *damaged;
	/* STORE_REBUILD: bytes of segments looked at so far. NULL is fine. */
	void (*progress)(void *ctx, uint64_t done_bytes, uint64_t total_bytes);
	void *ctx;
};

/*
 * EXA_ABSENT: no store here. EXA_LOCKED: another writer (pid and host in the text). EXA_USAGE: a
 * format version or feature this program doesn't know, or the index can't be opened here. EXA_AUTH:
 * encrypted, and there is no key or a wrong one. EXA_CORRUPT: damaged, or the index is not of these
 * segments (the text says whether `exarch rebuild` helps and what would be lost).
 */
bool store_open(const char *dir, const struct store_open_options *options,
	const struct store_schema *schema, struct store **out, struct exa_error *err) EXA_CHECK;

/* Commits what was submitted and closes. False if that failed; the handle is gone in any case. */
bool store_close(struct store *s, struct exa_error *err) EXA_CHECK;
void store_abandon(struct store *s); /* closes without committing, as a crash would; NULL is fine */
void store_abandonp(struct store **s); /* for EXA_AUTO */

/*
 * For programs: takes SIGSEGV and SIGBUS, so that an index whose damage or failing disk would kill
 * the process ends it with a line that names the remedy, and exit code 13. Faults elsewhere go to
 * whoever had the signal before. Once, before threads are started.
 */
void store_guard_install(void);

/* ---- writing ---- */

/*
 * Puts an object and gives its id. Bytes known already (committed, or put by any thread since) are
 * not stored again; *new_out (may be NULL) says which. Compresses on the calling thread; blocks
 * while the writer's queue is full. DATA is borrowed for the call.
 */
bool store_put(struct store *s, enum store_kind kind, struct bytes data, struct store_id *id_out,
	bool *new_out, struct exa_error *err) EXA_CHECK;

/* Records and notes that belong together. `struct store_batch b = { 0 };`, then store_batch_done.
 */
struct store_batch {
	struct buf body;
	size_t count;
};

void store_batch_record(struct store_batch *b, struct bytes record);
void store_batch_note(struct store_batch *b, struct bytes note);
void store_batch_done(struct store_batch *b);

/* Takes the batch's content (leaves it empty) and gives its epoch. Doesn't wait for the commit. */
bool store_submit(struct store *s, struct store_batch *b, uint64_t *epoch_out,
	struct exa_error *err) EXA_CHECK;

/* Waits until EPOCH is committed; hurries the commit along. */
bool store_wait(struct store *s, uint64_t epoch, struct exa_error *err) EXA_CHECK;

/* Commits everything submitted so far and waits for it. */
bool store_flush(struct store *s, struct exa_error *err) EXA_CHECK;

/* ---- tables ---- */

/*
 * Begins a read transaction: one consistent view. Keep it short (it pins pages); end it in the
 * function that began it.
 */
bool store_read_begin(struct store *s, struct store_txn **out, struct exa_error *err) EXA_CHECK;
void store_read_end(struct store_txn *txn);
void store_read_endp(struct store_txn **txn); /* for EXA_AUTO */

/* Whether the store is encrypted: what a key's numbers tell stands open in the index then. */
bool store_txn_encrypted(const struct store_txn *txn);

/* *VALUE_OUT is borrowed until the transaction ends (or, in apply, until the next change). Absence
 * is an answer. */
bool store_get(struct store_txn *txn, size_t table, struct bytes key, bool *found_out,
	struct bytes *value_out, struct exa_error *err) EXA_CHECK;

/* Only in apply. Deleting what isn't there is fine. */
bool store_set(struct store_txn *txn, size_t table, struct bytes key, struct bytes value,
	struct exa_error *err) EXA_CHECK;
bool store_delete(
	struct store_txn *txn, size_t table, struct bytes key, struct exa_error *err) EXA_CHECK;

/*
 * Walks the entries of a table whose key begins with PREFIX (may be empty), from the first key >=
 * FROM (may be empty), in byte order. `next` gives false at the end or on failure: err->code tells
 * (EXA_OK = end). Key and value are borrowed until the next call. The table must not be changed
 * while walking.
 */
struct store_cursor;

bool store_cursor_open(struct store_txn *txn, size_t table, struct bytes prefix, struct bytes from,
	struct store_cursor **out, struct exa_error *err) EXA_CHECK;
bool store_cursor_next(struct store_cursor *c, struct bytes *key_out, struct bytes *value_out,
	struct exa_error *err) EXA_CHECK;
void store_cursor_close(struct store_cursor *c);
void store_cursor_closep(struct store_cursor **c);

/* ---- objects and records back ---- */

/* Reads frames and keeps the last few unpacked ones, since neighbours are mostly wanted next. */
struct store_reader;

bool store_reader_new(struct store *s, struct store_reader **out, struct exa_error *err) EXA_CHECK;
void store_reader_free(struct store_reader *r);
void store_reader_freep(struct store_reader **r);
struct store *store_reader_store(struct store_reader *r);

/*
 * The object's bytes, checked against its id (promise 3). Borrowed until the reader's next call.
 * EXA_CORRUPT when the frame is damaged or the index points wrong; EXA_GONE when the id isn't in
 * the store.
 */
bool store_reader_object(struct store_reader *r, enum store_kind kind, const struct store_id *id,
	struct bytes *out, struct exa_error *err) EXA_CHECK;

/* Where an object stands by the index (slot 0 for one with a frame of its own). */
bool store_locate(struct store_txn *txn, const struct store_id *id, bool *found_out,
	struct store_loc *out, struct exa_error *err) EXA_CHECK;

/* A logged record as it was given to store_batch_record. Borrowed until the reader's next call. */
bool store_reader_record(struct store_reader *r, const struct store_loc *loc, struct bytes *out,
	struct exa_error *err) EXA_CHECK;

/* ---- proof ---- */

enum store_level {
	STORE_VERIFY_HEADERS, /* frame headers, sequence, commit chain */
	STORE_VERIFY_BYTES,   /* and the checksum of every stored byte */
	STORE_VERIFY_BLOBS,   /* and everything decompressed and compared with its id, index against
				 segments: objects, and the tables (store_table.source) */
};

/*
 * How far a verify had come: between two segments. Plain data that the caller may keep; it names
 * the store. Zeros = the first segment.
 */
struct store_verify_position {
	uint8_t uuid[16];
	uint32_t segment;         /* to begin with */
	bool gap;                 /* what came just before was damaged: the next chain can't fit */
	uint64_t sequence;        /* of its first frame */
	uint64_t commit;          /* the last one before it */
	uint64_t objects_matched; /* so many rows of the index were found in the segments before */
	uint64_t bytes_before;    /* size of these */
	uint8_t chain[32];        /* at that commit */
	uint8_t commit_head[64];  /* its frame's header */
	uint8_t seal_head[64];    /* that of the SEAL behind it; zeros = none */
};

struct store_verify_options {
	enum store_level level;
	/* This share of the frames is read, by chance made from SEED; of the others only the header
	 * (COMMIT and SEAL are always read). 0 = all are. The index is compared only when all are.
	 */
	double sample;
	uint64_t seed;
	uint64_t bytes_per_s;              /* read no faster; 0 = as fast as can be */
	struct store_verify_position from; /* EXA_USAGE when it is none of this store's */
	/* A folder with room for another index of this size, which is made there for comparison and
	 * is gone in the end; NULL = /var/tmp, or if there is none /tmp. */
	const char *scratch;
	struct cancel *cancel;     /* looked at after each frame; NULL is fine */
	store_damaged_fn *damaged; /* the walk goes on behind it */
	/* Bytes checked so far of the total. NULL is fine. */
	void (*progress)(void *ctx, uint64_t done_bytes, uint64_t total_bytes);
	/* All segments before it are done. NULL is fine. */
	void (*reached)(void *ctx, const struct store_verify_position *position);
	void *ctx;
};

/* Whether the index's tables were compared with the segments. */
enum store_tables_proof {
	STORE_TABLES_NOT_ASKED, /* by the level, or there is no index */
	STORE_TABLES_COMPARED,
	STORE_TABLES_SKIPPED, /* a sample, a part of a round, or frames are lost */
	STORE_TABLES_FAILED,  /* most likely there was no room for it */
};

struct store_verify_result {
	uint64_t segments, frames, objects, commits;
	uint64_t stored_bytes; /* of all frames passed */
	uint64_t damaged;      /* how often `damaged` was called */
	enum store_tables_proof tables;
	struct exa_error tables_why; /* when they were skipped, or it failed */
	bool finished;               /* false: stopped by cancel; go on from `next`, the
					segment it was in */
	struct store_verify_position next;
};

/*
 * False only when the check itself couldn't be done; damage is in the result. FORMAT and KEYRING
 * are looked at too. The last commit seen by the index bounds the walk; opened with STORE_SEGMENTS,
 * the last one in the segments does, and blobs are checked without the index.
 *
 * To compare the tables it makes an index of its own in TMPDIR (else /var/tmp), which nobody else
 * sees and which is gone when it ends, however it ends. Compared is one view of the index, kept
 * open only while it is.
 */
bool store_verify(struct store *s, const struct store_verify_options *options,
	struct store_verify_result *out, struct exa_error *err) EXA_CHECK;

/* ---- giving room back ---- */

struct store_marks;
void store_mark(struct store_marks *m, const struct store_id *id);

struct store_compact_options {
	/* Leaves segments alone as long as no more than this share of the whole is garbage; 0 =
	 * cuts down every segment with anything dead in it. */
	unsigned garbage_percent;
	bool dry_run;
	struct cancel *cancel; /* between two segments; NULL is fine */
	/* Marks every object that is still needed, recipes too. */
	bool (*mark)(
		void *ctx, struct store_txn *txn, struct store_marks *marks, struct exa_error *err);
	/*
	 * A record of a segment that will be cut down. KEEP gets what stays in its place (the
	 * record itself, or a shorter one; left empty: nothing), AGAIN what is logged anew at the
	 * archive's end (left empty: nothing). Both together must bring about the same tables when
	 * they are applied in order, and so must the record and AGAIN; but for where a record
	 * stands: a table that has LOC gets the new place by AGAIN alone. TXN is a fresh look for
	 * each few records; what was logged anew for those before may be in it.
	 */
	bool (*carry)(void *ctx, struct store_txn *txn, const struct store_loc *loc,
		struct bytes record, struct buf *keep, struct buf *again, struct exa_error *err);
	/* Before the first of so many segments is cut down; not when there are none, nor in a dry
	 * run. On the caller's thread; it may submit and wait. False ends it. NULL is fine. */
	bool (*begins)(void *ctx, uint64_t segments, struct exa_error *err);
	/* After each segment. NULL is fine. */
	void (*progress)(void *ctx, uint64_t done_bytes, uint64_t total_bytes);
	void *ctx;
};

struct store_compact_result {
	uint64_t segments, segments_cut; /* looked at; cut down */
	uint64_t segments_damaged; /* left as they are: store_verify tells what is wrong there */
	uint64_t bytes_before, bytes_after;             /* of all segments, on disk */
	uint64_t objects_dropped, object_bytes_dropped; /* raw */
	bool finished; /* false: stopped by cancel; what was done stands */
};

/*
 * Cuts segments down to what is still needed, one after the other: what lives in one is written
 * anew at the end and committed, then a short segment takes its place by rename, which says what
 * was there and keeps its records. A crash at any step leaves a valid archive, at worst with
 * something in it twice; running it again goes on. Needs the room of one segment. Opened with
 * STORE_WRITE, and nothing else writing meanwhile. docs/format.md, "Cut segments".
 */
bool store_compact(struct store *s, const struct store_compact_options *options,
	struct store_compact_result *out, struct exa_error *err) EXA_CHECK;

struct store_stats {
	uint64_t segment_count;
	uint64_t segment_bytes; /* on disk */
	uint64_t index_bytes;   /* on disk */
	uint64_t object_count;
	uint64_t object_raw_bytes; /* unique bytes before compression */
	uint64_t last_commit;
	uint8_t uuid[16];
	enum store_codec codec;
	bool encrypted;
};

/* The folder it is in, as it was given. Borrowed. */
const char *store_dir(const struct store *s);

bool store_stat(struct store *s, struct store_stats *out, struct exa_error *err) EXA_CHECK;

#endif
