/* SPDX-License-Identifier: Apache-2.0 */
/* Sources: Microsoft Graph "List users", "List group transitive members", "Advanced query
 * capabilities" (an OData cast needs ConsistencyLevel: eventual and $count=true). */
#include <string.h>

#include "exarch/mem.h"

#include "graph.h"
#include "user.h"

/* Graph gives up to 999, but a user with a large licence has 15 KB of assignedPlans: a page must
 * stay well below HTTP_SMALL_ANSWER_MAX. */
#define PAGE "&$top=250"

static bool
read_user(void *ctx, const json_t *entry, struct exa_error *err)
{
	const struct directory_sink *sink = ctx;
	struct directory_user user;

	if (!user_read(entry, &user))
		return exa_fail(err, EXA_PROTOCOL, "the directory lists a user without id");
	return sink->user(sink->ctx, &user, err);
}

/* graph_endpoint + PATH, to be freed. */
static struct buf
begin_url(const struct directory_options *options, const char *path)
{
	struct buf url = { 0 };

	buf_add_string(&url, options->graph_endpoint);
	while (url.size > 0 && url.data[url.size - 1] == '/')
		url.size--;
	buf_add_string(&url, path);
	return url;
}

bool
directory_users(const struct directory_options *options, const struct directory_sink *sink,
	struct exa_error *err)
{
	struct directory_sink users = *sink;
	EXA_AUTO(buf_done)
	struct buf url = begin_url(options, "/v1.0/users?$select=" USER_FIELDS PAGE);
	struct graph_listing listing = { .options = options,
		.url = buf_string(&url),
		.permission = "Directory.Read.All or User.Read.All",
		.entry = read_user,
		.ctx = &users };

	return graph_list(&listing, err) || exa_while(err, "listing users");
}

/* ---- groups ---- */

struct group_match {
	char *id; /* of the first */
	size_t count;
};

static void
group_match_done(struct group_match *m)
{
	exa_free(m->id);
}

static bool
read_group(void *ctx, const json_t *entry, struct exa_error *err)
{
	struct group_match *match = ctx;
	const char *id = json_string_value(json_object_get(entry, "id"));

	if (id == NULL || id[0] == '\0')
		return exa_fail(err, EXA_PROTOCOL, "the directory lists a group without id");
	if (match->count++ == 0)
		match->id = exa_strdup(id);
	return true;
}

/* displayName eq 'NAME', with ' doubled as OData wants it, escaped for the URL. */
static void
add_name_filter(struct buf *url, const char *name)
{
	EXA_AUTO(buf_done) struct buf filter = { 0 };

	buf_add_string(&filter, "displayName eq '");
	for (; *name != '\0'; name++) {
		if (*name == '\'')
			buf_add_byte(&filter, '\'');
		buf_add_byte(&filter, (uint8_t)*name);
	}
	buf_add_byte(&filter, '\'');
	http_add_escaped(url, buf_string(&filter));
}

static bool
find_group(const struct directory_options *options, const char *group, struct group_match *match,
	struct exa_error *err)
{
	EXA_AUTO(buf_done)
	struct buf url = begin_url(options, "/v1.0/groups?$select=id,displayName&$filter=");
	struct graph_listing listing = { .options = options,
		.permission = "Directory.Read.All or Group.Read.All",
		.entry = read_group,
		.ctx = match };

	add_name_filter(&url, group);
	listing.url = buf_string(&url);
	if (!graph_list(&listing, err))
		return false;
	if (match->count == 0)
		return exa_fail(err, EXA_GONE, "there is no such group");
	if (match->count > 1)
		return exa_fail(err, EXA_USAGE,
			"%zu groups have this name; rename one or list the mailboxes",
			match->count);
	return true;
}

bool
directory_group_members(const struct directory_options *options, const char *group,
	const struct directory_sink *sink, struct exa_error *err)
{
	struct directory_sink users = *sink;
	EXA_AUTO(group_match_done) struct group_match match = { 0 };
	EXA_AUTO(buf_done) struct buf url = begin_url(options, "/v1.0/groups/");
	struct graph_listing listing = { .options = options,
		.eventual = true,
		.permission = "Directory.Read.All or GroupMember.Read.All with User.Read.All",
		.entry = read_user,
		.ctx = &users };

	if (!find_group(options, group, &match, err))
		return exa_while(err, "looking for the group '%s'", group);
	http_add_escaped(&url, match.id);
	buf_add_string(&url, "/transitiveMembers/microsoft.graph.user?$count=true&$select=" //
		USER_FIELDS PAGE);
	listing.url = buf_string(&url);
	return graph_list(&listing, err) ||
	       exa_while(err, "listing members of the group '%s'", group);
}
