/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEARCH_QUERY_H
#define SEARCH_QUERY_H

#include "exarch/search.h"

/* The query in FTS5's own syntax, made of quoted strings alone. Borrowed. */
const char *query_expression(const struct search_query *q);

#endif
