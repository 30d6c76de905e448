/* SPDX-License-Identifier: Apache-2.0 */
/* `public_folders` and `public_folder_access`: whether they are archived, with whose rights, and how
 * their servers are found. */
#include "exarch/profile.h"

#include "context.h"
#include "raw.h"
#include "value.h"

#define KEY "public_folder_access"

static bool
take_address(const struct context *c, const char *key, const char *text, char **out)
{
	const char *problem = text != NULL ? value_address_problem(text) : NULL;

	if (problem != NULL)
		return context_bad(c, key, "`%s` is %s", text, problem);
	*out = context_text(c, text);
	return true;
}

bool
public_check(const struct context *c, const struct raw_profile *profile, struct profile *p)
{
	static const struct raw_public nothing;
	const struct raw_public *raw =
		profile->public_access != NULL ? profile->public_access : &nothing;

	if (profile->public_folders != RAW_YES)
		return profile->public_access == NULL ||
		       context_bad(c, KEY, "has a meaning with `public_folders: true` only");
	if (raw->as == NULL)
		return context_bad(c, profile->public_access != NULL ? KEY ".as" : "public_folders",
			"needs `" KEY ": { as: ADDRESS }`, the mailbox whose rights to public "
			"folders are used");
	if ((raw->hierarchy == NULL) != (raw->hierarchy_server == NULL))
		return context_bad(c, KEY, "give `hierarchy` and `hierarchy_server`, or neither");
	p->public_content_by_guid = raw->content == RAW_CONTENT_GUID;
	return take_address(c, KEY ".as", raw->as, &p->public_as) &&
	       take_address(c, KEY ".hierarchy", raw->hierarchy, &p->public_hierarchy) &&
	       take_address(c, KEY ".hierarchy_server", raw->hierarchy_server,
		       &p->public_hierarchy_server) &&
	       value_url(c, KEY ".autodiscover", raw->autodiscover, &p->public_server);
}
