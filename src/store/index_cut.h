/* SPDX-License-Identifier: Apache-2.0 */
/* The index's part in compaction. Changes are made on the writer thread, or before it runs. */
#ifndef STORE_INDEX_CUT_H
#define STORE_INDEX_CUT_H

#include "index.h"

/* Which segment is being cut: 0 = none. */
bool index_set_cutting(struct index *x, uint32_t segment, struct exa_error *err) EXA_CHECK;
bool index_get_cutting(struct index *x, uint32_t *segment_out, struct exa_error *err) EXA_CHECK;

/* All rows of objects, in short read transactions: what changes meanwhile may be seen or not. */
typedef void index_row_fn(void *ctx, const struct object_row *row);
bool index_walk_objects(
	struct index *x, index_row_fn *fn, void *ctx, struct exa_error *err) EXA_CHECK;

/* Drops those of the rows that are stale by now, a thousand at a time; W is the index's watermark
 * and follows. */
typedef bool index_stale_fn(void *ctx, const struct object_row *row);
bool index_drop_objects(struct index *x, const struct store_id *ids, size_t count,
	index_stale_fn *is_stale, void *ctx, struct watermark *w, struct exa_error *err) EXA_CHECK;

#endif
