/* SPDX-License-Identifier: Apache-2.0 */
/* What verify says: each damaged place and each item that suffers, and what it all came to. */
#ifndef CLI_VERIFY_TELL_H
#define CLI_VERIFY_TELL_H

#include "exarch/export.h"
#include "options.h"

struct verify_outcome {
	const char *level;
	bool segments_looked_at, items_looked_at, all_items; /* in this call */
	struct store_verify_result store;
	struct export_verify_result items;
	uint64_t damaged;        /* places and items told of in this call */
	uint64_t index_damaged;  /* of these, what a rebuild mends */
	uint64_t damaged_before; /* places and items told of by earlier calls of the round */
	const char *stopped;     /* why, or NULL: the round is finished */
	bool goes_on;            /* --state remembers where */
	bool no_further;         /* stopped in the segment it began with */
};

void tell_damage(const struct args *args, const struct store_damage *damage);
void tell_item(const struct args *args, const struct selected *item, const struct exa_error *why);
void tell_outcome(const struct args *args, const struct verify_outcome *o, int exit_code);

#endif
