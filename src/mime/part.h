/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A leaf part: takes its body in any chunking, gives runs and gaps to the pieces.
 */
#ifndef MIME_PART_H
#define MIME_PART_H

#include "piece.h"
#include "run.h"

/* Text looked at together. Several windows, so that what is moved to the front stays small. */
#define MIME_PART_BLOCK (4 * MIME_RUN_WINDOW)

struct mime_part {
	struct mime_pieces *pieces; /* borrowed */
	bool base64;
	struct buf block; /* body text not yet divided; empty when not base64 */

	struct buf gap;  /* text that is in no run */
	bool gap_is_cut; /* a RAW piece of this gap is out already */

	bool running;
	struct mime_base64_form form;       /* behind the text decoded so far */
	struct mime_base64_form piece_form; /* where the piece in `decoded` begins */
	struct buf decoded;
	uint64_t quanta; /* of this part, padded ones included: where cuts are counted */
	struct mime_run_scratch scratch;
};

void mime_part_begin(struct mime_part *p, bool base64);
bool mime_part_feed(struct mime_part *p, struct bytes body, struct exa_error *err) EXA_CHECK;
bool mime_part_end(struct mime_part *p, struct exa_error *err) EXA_CHECK;
void mime_part_done(struct mime_part *p); /* frees what it holds */

#endif
