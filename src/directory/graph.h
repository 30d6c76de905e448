/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A collection of Microsoft Graph, page by page. nextLinks are followed as given, but only on the
 * scheme, host and port the caller configured: the requests carry a bearer token.
 */
#ifndef EXARCH_DIRECTORY_GRAPH_H
#define EXARCH_DIRECTORY_GRAPH_H

#include <jansson.h>

#include "exarch/directory.h"

/* 250 entries a page: enough for 25 million, and an end for a listing that goes in circles. */
#define GRAPH_PAGES_MAX 100000

struct graph_listing {
	const struct directory_options *options;
	const char *url;        /* of the first page */
	bool eventual;          /* an advanced query: needs ConsistencyLevel: eventual */
	const char *permission; /* for people: what to grant when it is refused */
	/* Called for each entry. */
	bool (*entry)(void *ctx, const json_t *entry, struct exa_error *err);
	void *ctx;
};

bool graph_list(const struct graph_listing *listing, struct exa_error *err) EXA_CHECK;

/* True when URL has the scheme, host and port of ENDPOINT and a path. */
bool graph_same_origin(const char *endpoint, const char *url);

#endif
