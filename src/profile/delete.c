/* SPDX-License-Identifier: Apache-2.0 */
/* `delete`: what goes at the server once it is archived. Nothing does unless the profile says so in
 * as many words: a condition alone doesn't switch it on. */
#include "exarch/clock.h"
#include "exarch/profile.h"

#include "context.h"
#include "raw.h"
#include "value.h"

#define WHEN_ARCHIVED 2

static bool
check_switch(const struct context *c, const struct raw_delete *raw)
{
	static const char advice[] = "has a meaning with `when: archived` only";

	if (raw->when == WHEN_ARCHIVED)
		return true;
	if (raw->older_than != NULL)
		return context_bad(c, "delete.older_than", advice);
	if (raw->how != 0)
		return context_bad(c, "delete.how", advice);
	return raw->max == NULL || context_bad(c, "delete.max", advice);
}

bool
delete_check(const struct context *c, const struct raw_profile *raw, struct profile *p)
{
	const struct value_range max = { 1, 1000000000 };
	const struct raw_delete *d = raw->delete;

	p->delete_before_ns = EXA_NO_TIME;
	if (d == NULL)
		return true;
	if (!check_switch(c, d) || !value_count(c, "delete.max", d->max, max, &p->delete_max))
		return false;
	if (d->older_than != NULL &&
		!clock_before(d->older_than, c->now_ns, &p->delete_before_ns, c->err))
		return context_while(c, "delete.older_than");
	p->delete_archived = d->when == WHEN_ARCHIVED;
	p->delete_how = d->how != 0 ? (enum profile_delete_how)(d->how - 1) : PROFILE_DELETE_SOFT;
	p->delete_older_than = context_text(c, d->older_than);
	return true;
}
