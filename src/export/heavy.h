/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heaviest parts of very many, in bounded memory: the largest exactly, the most repeated by the
 * space-saving sketch (Metwally, Agrawal, El Abbadi 2005): HEAVY_WATCHED parts are counted, the one
 * with the least bytes makes room for a new one. A part whose copies come to more than 1/HEAVY_WATCHED
 * of all bytes is never missed.
 */
#ifndef EXPORT_HEAVY_H
#define EXPORT_HEAVY_H

#include "exarch/export.h"

#define HEAVY_WATCHED ((size_t)8192) /* of some 200 bytes */

struct heavy;

struct heavy *heavy_new(void);
void heavy_free(struct heavy *h);
/* Bodies aren't taken. */
void heavy_add(struct heavy *h, const struct recipe_part *part);
/* Fills both lists of OUT. */
void heavy_tell(struct heavy *h, struct stats_result *out);

/* The file name that the end of a part's headers gives it, safe for terminals; "" when there is none.
 * False: it is no attachment, but a text without a name. */
bool heavy_name(struct bytes headers, char out[STATS_PART_NAME_MAX + 1]);

#endif
