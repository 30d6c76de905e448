/* SPDX-License-Identifier: Apache-2.0 */
/* A recording of a run of the store: every change to segment files, every sync, and the index as it
 * stood at times. */
#ifndef TEST_RECORDING_H
#define TEST_RECORDING_H

#include <pthread.h>

#include "handle.h"
#include "support.h"

#define OPS_MAX 4000
#define FDS_MAX 256
#define FILES_MAX 32 /* that ever were */
#define NO_FILE ((size_t)FILES_MAX)
#define COMMITS_MAX 64

enum op_kind { OP_CREATE, OP_WRITE, OP_CUT, OP_SYNC, OP_SYNC_DIR, OP_RENAME, OP_UNLINK };

struct op {
	enum op_kind kind;
	size_t file;     /* which: it may be renamed; of a folder NO_FILE */
	char *path;      /* of a file made, or renamed to; relative to the store */
	uint64_t offset; /* of a write; new size of a cut */
	struct buf data;
};

struct snapshot { /* of the index, after the op with number `at` - 1 */
	size_t at;
	struct buf index;
	int rounds; /* acknowledged with it */
};

struct recording {
	const char *dir;
	pthread_mutex_t mu;     /* a compaction writes beside the store's own thread */
	char *names[FILES_MAX]; /* by file; NULL = gone */
	size_t file_count;
	size_t fds[FDS_MAX];
	struct op ops[OPS_MAX];
	size_t count;
	struct snapshot snapshots[COMMITS_MAX];
	size_t snapshot_count;
	int rounds;       /* submitted so far, one epoch each */
	bool odd_dropped; /* the odd ones were taken away again, before the recording */
	bool compacting;
};

/* DIR is borrowed; the segments that are there get the first numbers. */
struct recording *recording_new(const char *dir, int rounds);
void recording_free(struct recording *r);

/* For store_open_with. */
struct seg_io recording_io(struct recording *r);
struct store_schema recording_schema(struct recording *r); /* takes a snapshot at each commit */
/* Of the index; nobody may be writing it. */
void recording_snapshot(struct recording *r);

char *segment_name_of(uint32_t n); /* in the store; exa_free */

#endif
