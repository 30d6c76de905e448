/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Microsoft Graph, the little of it that tells who has a mailbox: users, groups by name, and the
 * users in a group.
 */
#ifndef SIM_GRAPH_H
#define SIM_GRAPH_H

#include "auth.h"
#include "people.h"

#define GRAPH_PATH "/v1.0/"

struct graph_options {
	struct mailstore *store;
	const struct auth *auth;
	enum directory_extras extras;
	bool empty_pages; /* now and then a page without users, but with a nextLink */
};

void graph_handle(
	const struct graph_options *o, const struct http_request *r, struct http_answer *answer);

#endif
