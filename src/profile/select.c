/* SPDX-License-Identifier: Apache-2.0 */
/* `folders` and `filters`: what of a mailbox is archived. */
#include <string.h>

#include "exarch/clock.h"
#include "exarch/profile.h"

#include "context.h"
#include "raw.h"

/* Classes for which Exchange gives MIME that is worth keeping. */
#define CLASSES_DEFAULT                                                                  \
	(1U << RULES_CLASS_MAIL | 1U << RULES_CLASS_MEETING | 1U << RULES_CLASS_REPORT | \
		1U << RULES_CLASS_CALENDAR)
#define CLASSES_ALL ((1U << RULES_CLASS_COUNT) - 1)

/* A glob that no path can match is a mistake, not a rule. */
static const char *
folder_pattern_problem(const char *text)
{
	size_t size = strlen(text);

	if (strncmp(text, "re:", 3) == 0 || strncmp(text, "**", 2) == 0)
		return NULL;
	if (text[0] != '/')
		return "can't match: paths of folders begin with `/`, as in /Inbox/Private";
	if (size > 1 && text[size - 1] == '/')
		return "can't match: paths of folders don't end in `/` (with `/**` it means all "
		       "below)";
	return NULL;
}

static bool
take_folder_rule(const struct context *c, const struct raw_folder_rule *raw, const char *key,
	struct rules_folder_rule *out)
{
	const char *text = raw->include != NULL ? raw->include : raw->exclude;
	const char *problem;

	if ((raw->include != NULL) == (raw->exclude != NULL))
		return context_bad(c, key, "expected either `include` or `exclude`");
	problem = folder_pattern_problem(text);
	if (problem != NULL)
		return context_bad(c, key, "`%s` %s", text, problem);
	if (!pattern_compile(text, &out->pattern, c->err))
		return context_while(c, key);
	out->include = raw->include != NULL;
	return true;
}

static bool
take_folders(const struct context *c, const struct raw_folders *raw, struct rules *r)
{
	r->standard_exclusions = raw == NULL || raw->standard_exclusions != RAW_NO;
	if (raw == NULL || raw->rules == NULL)
		return true;
	r->folder_rules = exa_alloc_array(raw->rules_count, sizeof *r->folder_rules);
	for (size_t i = 0; i < raw->rules_count; i++) {
		char key[CONTEXT_KEY_MAX];

		context_entry(key, "folders.rules", i);
		if (!take_folder_rule(c, &raw->rules[i], key, &r->folder_rules[i]))
			return false;
		r->folder_rule_count = i + 1;
	}
	return true;
}

static bool
take_date(const struct context *c, const char *key, const char *text, int64_t *out)
{
	if (text == NULL)
		return true;
	return clock_parse(text, out, c->err) ? true : context_while(c, key);
}

static bool
take_older_than(const struct context *c, const struct raw_filters *raw, struct profile *p)
{
	if (raw->older_than == NULL)
		return true;
	if (raw->before != NULL)
		return context_bad(
			c, "filters.older_than", "give `before` or `older_than`, not both");
	if (!clock_before(raw->older_than, c->now_ns, &p->rules.before_ns, c->err))
		return context_while(c, "filters.older_than");
	p->older_than = context_text(c, raw->older_than);
	p->rules.older_than = p->older_than;
	return true;
}

static unsigned
class_mask(const struct raw_filters *raw)
{
	unsigned mask = 0;

	if (raw->classes == NULL)
		return CLASSES_DEFAULT;
	for (size_t i = 0; i < raw->classes_count; i++)
		mask |= raw->classes[i] == RAW_CLASS_ALL ? CLASSES_ALL
							 : 1U << (raw->classes[i] - 1);
	return mask;
}

static bool
take_filters(const struct context *c, const struct raw_filters *raw, struct profile *p)
{
	static const struct raw_filters nothing;
	struct rules *r = &p->rules;

	if (raw == NULL)
		raw = &nothing;
	r->before_ns = EXA_NO_TIME;
	r->since_ns = EXA_NO_TIME;
	r->classes = class_mask(raw);
	r->unread = raw->unread != 0 ? (enum rules_unread)(raw->unread - 1) : RULES_UNREAD_ARCHIVE;
	if (!take_date(c, "filters.before", raw->before, &r->before_ns) ||
		!take_date(c, "filters.since", raw->since, &r->since_ns) ||
		!take_older_than(c, raw, p))
		return false;
	if (raw->before != NULL && raw->since != NULL && r->since_ns >= r->before_ns)
		return context_bad(c, "filters.since",
			"must be earlier than `before`, otherwise nothing would be archived");
	return true;
}

bool
select_check(const struct context *c, const struct raw_profile *raw, struct profile *p)
{
	return take_folders(c, raw->folders, &p->rules) && take_filters(c, raw->filters, p);
}
