/* SPDX-License-Identifier: Apache-2.0 */
/* Where public folders are: what the profile leaves open is asked of Autodiscover when the run comes
 * to them, once for the tree and once for each mailbox with content. */
#include <string.h>

#include "exarch/discover.h"
#include "exarch/mem.h"

#include "session.h"

/* "https://HOST" of a URL; exa_alloc'ed. */
static char *
origin_of(const char *url)
{
	const char *host = strstr(url, "://");
	const char *end = host != NULL ? strchr(host + 3, '/') : NULL;

	return end != NULL ? exa_asprintf("%.*s", (int)(end - url), url) : exa_strdup(url);
}

static struct discover_options
options_of(const struct session *s)
{
	return (struct discover_options){
		.auth = s->auth, .http = s->http, .server = s->public_server
	};
}

/* Autodiscover may refuse whom EWS takes: that costs the public folders, not the run. */
static bool
only_costs_them(struct exa_error *err)
{
	if (err->code == EXA_AUTH)
		err->code = EXA_DENIED;
	return false;
}

static bool
locate(void *ctx, struct exa_error *err)
{
	struct session *s = ctx;
	const struct discover_options options = options_of(s);
	EXA_AUTO(buf_done) struct buf address = { 0 };
	EXA_AUTO(buf_done) struct buf server = { 0 };

	if (s->public_routing.hierarchy != NULL)
		return true;
	if (!discover_public_tree(&options, s->profile->ews_scope, s->profile->public_as, &address,
		    &server, err)) {
		(void)exa_while(
			err, "looking for public folders (public_folder_access can name them)");
		return only_costs_them(err);
	}
	s->public_routing.hierarchy = s->public_hierarchy = exa_strdup(buf_string(&address));
	s->public_routing.hierarchy_server = s->public_hierarchy_server =
		exa_strdup(buf_string(&server));
	return true;
}

/* GUID@domain: the hierarchy's server has the domain. */
static bool
find_content(void *ctx, const char *guid, struct buf *out, struct exa_error *err)
{
	const struct session *s = ctx;
	const struct discover_options options = options_of(s);
	const char *domain = strrchr(s->public_routing.hierarchy_server, '@');
	EXA_AUTO(exa_freep)
	char *server = exa_asprintf("%s%s", guid, domain != NULL ? domain : "");

	if (s->profile->public_content_by_guid) {
		buf_add_string(out, server);
		return true;
	}
	return discover_public_content(&options, s->profile->ews_scope, server, out, err) ||
	       only_costs_them(err);
}

struct crawl_mailbox
session_public(struct session *s)
{
	const struct profile *p = s->profile;

	s->public_server = p->public_server != NULL ? exa_strdup(p->public_server)
						    : origin_of(s->ews.endpoint);
	s->public_routing = (struct crawl_public){
		.locate = locate,
		.hierarchy = p->public_hierarchy,
		.hierarchy_server = p->public_hierarchy_server,
		.content = find_content,
		.ctx = s,
	};
	return (struct crawl_mailbox){ .smtp = p->public_as,
		.display_name = p->public_as,
		.label = exa_asprintf("%s%s", p->public_as, catalog_part_suffix(CATALOG_PUBLIC)),
		.part = CATALOG_PUBLIC,
		.routing = &s->public_routing };
}
