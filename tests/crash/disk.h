/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file system in memory that plays a trace of faults.c, and what a power cut may leave of it.
 *
 * The rules are the weakest ones that POSIX and the known file systems grant. Data and length of a
 * file are sure after a sync of that file; an entry of a folder (create, rename, unlink, mkdir)
 * after a sync of that folder, a sync of the file doesn't help it; a write through O_DSYNC when it
 * has returned. Anything else that was done before the cut may be there or not, each by itself, in
 * any combination. Of a write that isn't sure any run of its sectors may have got through, and a
 * part of a file that is new may be there in length but zero. Never torn is a sector of 512 bytes.
 * (What the lock files hold is left out of the game: it means nothing after a cut.)
 */
#ifndef CRASH_DISK_H
#define CRASH_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/bytes.h"
#include "exarch/error.h"

#define SECTOR_BYTES ((size_t)512)
#define PAGE_BYTES ((size_t)4096)
#define NODES_MAX 256
#define ENTRIES_MAX 256

enum op_kind {
	OP_NOTHING, /* an open, say */
	OP_ACK,
	OP_CREATE,
	OP_MKDIR,
	OP_WRITE,
	OP_CUT,
	OP_SYNC,
	OP_SYNC_DIR,
	OP_SYNC_ALL,
	OP_RENAME,
	OP_EXCHANGE,
	OP_LINK,
	OP_UNLINK, /* and rmdir */
};

struct op {
	enum op_kind kind;
	bool sure; /* a write through O_DSYNC */
	uint64_t offset;
	struct bytes data;  /* into the trace */
	char *path, *other; /* below the folder */
	size_t node;        /* what PATH meant then */
	size_t sure_from;   /* sure when this many ops were done; SIZE_MAX = never */
};

struct trace {
	struct buf text;
	struct op *ops;
	size_t count;
};

/* What becomes of an op that isn't sure. */
enum fate_kind { FATE_KEEP, FATE_DROP, FATE_ZERO, FATE_TEAR };

struct fate {
	enum fate_kind kind;
	uint64_t at; /* FATE_TEAR: bytes of the file from here on didn't get through */
};

struct node {
	bool is_dir, borrowed; /* `content` is another disk's, and not to be changed */
	bool hashed;
	struct buf content; /* behind it, up to `size`, are zeros */
	uint64_t size, hash;
};

struct entry {
	char *path; /* NULL: a free place */
	size_t node;
};

struct disk {
	struct node nodes[NODES_MAX];
	size_t node_count;
	struct entry entries[ENTRIES_MAX];
	size_t entry_count;
};

/* Reads the folder BASE: all of it is sure. NULL: there is nothing. */
bool disk_load(struct disk *d, const char *base, struct exa_error *err) EXA_CHECK;
/* What is in TO is replaced by what is in FROM, of which TO borrows: FROM must stay as it is as
 * long as TO is used. Hashes that are needed are kept in FROM. */
void disk_copy(struct disk *to, struct disk *from);
void disk_done(struct disk *d);

/* Reads a trace that began on BASE; finds what each op's path means and when it becomes sure. */
bool trace_load(
	struct trace *t, const char *path, struct disk *base, struct exa_error *err) EXA_CHECK;
void trace_done(struct trace *t);

/* Whether op I is one whose fate is open when the power is cut after COUNT ops. */
bool trace_is_open(const struct trace *t, size_t i, size_t count);

/* Plays the ops FROM to COUNT - 1 on D, where those before have been played. FATES has one for each
 * op of the trace; those of ops that are sure don't matter, and if it is NULL all are kept. */
void disk_play(
	struct disk *d, const struct trace *t, size_t from, size_t count, const struct fate *fates);

/*
 * Over all that can be seen, by name and content, but for what the lock files hold: they are for
 * people (LOCK) or begun anew by whoever comes first (lock.mdb).
 */
uint64_t disk_hash(struct disk *d);
/* Makes DIR and what is in it. */
bool disk_write(const struct disk *d, const char *dir, struct exa_error *err) EXA_CHECK;

#endif
