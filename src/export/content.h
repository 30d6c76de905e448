/* SPDX-License-Identifier: Apache-2.0 */
/* A selection's conditions on content, ready to be asked: by the search index where it knows the
 * item, else by the item itself. */
#ifndef EXPORT_CONTENT_H
#define EXPORT_CONTENT_H

#include "exarch/export.h"

struct content;

/* NULL when there are no such conditions, and no sorting by texts. */
bool content_open(struct catalog *c, const struct selection *s, struct content **out,
	struct exa_error *err) EXA_CHECK;
void content_close(struct content *k);

/* In doubt, since it can't be read, an item holds. K may be NULL: it holds. */
bool content_holds(struct content *k, const struct catalog_row *row, bool *holds_out,
	struct exa_error *err) EXA_CHECK;
/* What the index doesn't know of this item as it is now. */
bool content_is_unknown(const struct content *k, const struct catalog_row *row);
/* Around the words in an item that holds, asked last; "" when there is nothing to show. */
const char *content_snippet(struct content *k, const struct catalog_row *row);

/* The walk follows the rank of hits in the index: then content_holds may be asked only for its
 * hits, and for what the index doesn't know. */
bool content_is_ranked(const struct content *k);
/* The index failed while it was asked: it is none from here on, and the person is told why. */
void content_give_up_index(struct content *k, const struct exa_error *why);
/* The index, or NULL. */
struct search *content_index(struct content *k);

#endif
