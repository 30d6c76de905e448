/* SPDX-License-Identifier: Apache-2.0 */
/* Items in another order than that of their places. */
#ifndef EXPORT_ORDER_H
#define EXPORT_ORDER_H

#include "exarch/export.h"

#define ORDER_TEXT_BYTES 24

struct order_entry {
	uint64_t number;
	union {
		int64_t value;
		char text[ORDER_TEXT_BYTES]; /* folded, cut, NULs behind it */
	} key;
	bool has_text;
};

struct order {
	const struct selection *selection;
	struct order_entry *entries;
	size_t count, capacity;
};

/* EXA_LIMIT: more than SELECTION_SORT_MAX. */
bool order_add(struct order *o, const struct catalog_row *row, struct exa_error *err) EXA_CHECK;
/* INDEX may be NULL: then each item's head is read. */
bool order_finish(
	struct order *o, struct catalog *c, struct search *index, struct exa_error *err) EXA_CHECK;
void order_done(struct order *o);

#endif
