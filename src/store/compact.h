/* SPDX-License-Identifier: Apache-2.0 */
/* What the steps of a compaction share. The essay is in compact.c. */
#ifndef STORE_COMPACT_H
#define STORE_COMPACT_H

#include "cut.h"
#include "handle.h"
#include "marks.h"

/* What the index names in a segment. */
struct segment_use {
	uint64_t size; /* of the file */
	uint64_t live, dead;
	uint64_t live_bytes, dead_bytes; /* raw */
	bool chosen;
};

struct compaction {
	struct store *store;
	const struct store_compact_options *options;
	struct store_compact_result result;
	struct store_marks marks;
	struct segment_use *use; /* by number */
	uint32_t highest;
	uint32_t *order; /* the chosen ones, worst first */
	size_t chosen;
	uint64_t done_bytes, total_bytes;
};

/* ---- compact_choose.c ---- */

/* Marks what is needed, sums up what the index names in each segment, and chooses. */
bool compact_choose(struct compaction *c, struct exa_error *err) EXA_CHECK;
void compact_forget(struct compaction *c);

/* ---- compact_survey.c ---- */

/* A segment as compaction found it: every frame and the chain through it are good. */
struct survey {
	struct tomb tomb; /* all but what is kept, salt and time */
	struct frame_head commit_head;
	struct buf commit; /* payload of its last COMMIT */
};

/* EXA_CORRUPT: the segment is damaged, or what leads up to it. */
bool compact_survey(
	struct store *s, uint32_t segment, struct survey *out, struct exa_error *err) EXA_CHECK;
void survey_done(struct survey *v);

/* ---- compact_segment.c ---- */

/* Cuts one segment down. EXA_CORRUPT and not poisoned: it is damaged and was left as it is. */
bool compact_segment(struct compaction *c, uint32_t segment, struct exa_error *err) EXA_CHECK;

#endif
