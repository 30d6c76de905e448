/* SPDX-License-Identifier: Apache-2.0 */
/* The search index, beside what other verbs do. */
#ifndef CLI_INDEXING_H
#define CLI_INDEXING_H

#include "exarch/cancel.h"
#include "exarch/catalog.h"

/*
 * Takes what has expired out of the index, if there is one. PURGE: so that nothing of it stays in
 * the file. An index that can't be cleaned is removed. False: not even that; it was told on stderr.
 */
bool indexing_clean(struct catalog *c, bool purge);

/* Brings the index up to date. What goes wrong is told on stderr, and is no reason to fail: the
 * archive has it all. */
void indexing_update(struct catalog *c, struct cancel *cancel);

#endif
