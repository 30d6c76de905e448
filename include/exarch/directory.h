/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has a mailbox: users and groups from Microsoft Graph (v1.0 /users,
 * /groups/{id}/transitiveMembers). Pages are followed by their nextLink as given, on the same host
 * only. No policy: each call is one listing; a transient failure ends it and the caller lists
 * again.
 *
 * Any thread with its own http_client.
 */
#ifndef EXARCH_DIRECTORY_H
#define EXARCH_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "exarch/attr.h"
#include "exarch/auth.h"
#include "exarch/error.h"
#include "exarch/http.h"

struct directory_options {
	const char *graph_endpoint; /* "https://graph.microsoft.com" */
	const char *scope;          /* "https://graph.microsoft.com/.default" */
	struct auth *auth;
	struct http_client *http;
};

struct directory_user {
	const char *id;
	const char *principal_name;
	const char *smtp; /* the SMTP: entry of proxyAddresses, else mail, else "" */
	const char *display_name;
	bool enabled;  /* accountEnabled */
	bool licensed; /* an assignedPlan of service exchange is Enabled or Warning */
	bool guest;
};

struct directory_sink {
	bool (*user)(void *ctx, const struct directory_user *user, struct exa_error *err);
	void *ctx;
};

/* All users. EXA_AUTH / EXA_DENIED say which application permission is missing (Directory.Read.All
 * or User.Read.All). */
bool directory_users(const struct directory_options *options, const struct directory_sink *sink,
	struct exa_error *err) EXA_CHECK;

/* Members of the group with that display name, members of its groups included. EXA_GONE: no such
 * group; EXA_USAGE: the name isn't unique. */
bool directory_group_members(const struct directory_options *options, const char *group,
	const struct directory_sink *sink, struct exa_error *err) EXA_CHECK;

#endif
