/* SPDX-License-Identifier: Apache-2.0 */
/* The store's handle, and what its files share. */
#ifndef STORE_HANDLE_H
#define STORE_HANDLE_H

#include "appender.h"
#include "codec.h"
#include "crypt.h"
#include "epoch.h"
#include "index.h"
#include "pack_cache.h"

struct writer;

struct store {
	char *dir;
	enum store_access access;
	struct store_format format;
	struct store_schema schema;
	struct segdir files;
	struct crypt crypt;
	struct index index;
	struct codec_pool codecs;
	struct pack_cache packs;
	int lock; /* descriptor; -1 = none held */
	/* Until the writer thread runs these belong to the opener, then to that thread. */
	struct appender appender;
	struct watermark watermark;
	struct writer *writer;                    /* NULL when opened for reading */
	const struct store_open_options *opening; /* the caller's; NULL once it is open */
};

/* As the public ones, with the segments' I/O given; for tests. */
bool store_create_with(const char *dir, const struct store_create_options *options,
	const struct seg_io *io, struct exa_error *err) EXA_CHECK;
bool store_open_with(const char *dir, const struct store_open_options *options,
	const struct store_schema *schema, const struct seg_io *io, struct store **out,
	struct exa_error *err) EXA_CHECK;

/* The file FORMAT. EXA_ABSENT: there is no archive in DIR. */
bool read_format(const char *dir, struct store_format *out, struct exa_error *err) EXA_CHECK;

/* ---- lock.c ---- */

/* The one writer. EXA_LOCKED names who holds it. The lock ends with the descriptor. */
bool lock_for_writing(const char *dir, int *fd_out, struct exa_error *err) EXA_CHECK;
/* Keeps writers out; for a reader who can't take part in the index's own locking. */
bool lock_for_reading(const char *dir, int *fd_out, struct exa_error *err) EXA_CHECK;
/* Ends either; takes the writer's name out of the file first. */
void lock_release(int *fd);
/* EXA_USAGE on a network file system. */
bool check_file_system(const char *dir, struct exa_error *err) EXA_CHECK;

/* ---- recover.c ---- */

enum recovery {
	RECOVER_TAIL, /* from the index's last commit on; damage refuses */
	RECOVER_ALL,  /* everything, into an empty index; damage is stepped over */
};

/* Brings the index up to the segments, cuts what was never committed, readies the appender. */
bool recover(struct store *s, enum recovery how, struct exa_error *err) EXA_CHECK;
/* Is the index's last commit in the segments as it should be? */
bool check_watermark(struct store *s, struct exa_error *err) EXA_CHECK;

/* ---- stale.c ---- */

/* After check_watermark: isn't the index from an older copy? For readers; writers catch up. */
bool check_not_stale(struct store *s, struct exa_error *err) EXA_CHECK;

/* ---- rebuild.c ---- */

/* How far the index in the folder PATH had come; zeros when it can't be said. */
void old_watermark(const char *path, const uint8_t uuid[UUID_SIZE], struct watermark *out);

struct rebuild_gap {
	struct place at, end; /* end.segment 0: nothing good follows */
	uint64_t first, last; /* sequences lost */
	const struct exa_error *why;
};
void rebuild_tell(const struct store *s, const struct rebuild_gap *gap);
void rebuild_progress(const struct store *s, struct place at);
/* Tells when the old index had come further than the new one does. */
void rebuild_compare(const struct store *s, const struct watermark *old);

/* ---- compact_settle.c ---- */

/*
 * What a compaction that was cut short left: rows of objects that are gone, files. REPLAYED: the
 * index has been brought up to the segments, so it may be older than a segment that was cut.
 */
bool compact_settle(
	struct store *s, enum recovery how, bool replayed, struct exa_error *err) EXA_CHECK;

/* ---- writer.c ---- */

bool writer_start(struct store *s, struct exa_error *err) EXA_CHECK;
/* Ends the thread; what isn't committed is dropped. NULL writer is fine. */
void writer_stop(struct store *s);

#endif
