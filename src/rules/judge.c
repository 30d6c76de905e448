/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdicts. Each subject has a list of steps, tried from the top: the first that has something
 * to say decides, and when none has, the subject is archived. The lists at the ends of the three
 * sections are the order that the header and docs/profile.md promise.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "exarch/clock.h"
#include "exarch/rules.h"

#include "class.h"

static bool decide(struct rules_decision *out, enum rules_verdict verdict, const char *fmt, ...)
	EXA_PRINTF(3, 4);

/* A reason cut at its limit must not end in half a UTF-8 character. */
static void
drop_broken_tail(char *text)
{
	size_t size = strlen(text), tail = 0;
	unsigned char lead;

	while (tail < size && tail < 3 && ((unsigned char)text[size - 1 - tail] & 0xc0) == 0x80)
		tail++;
	if (tail == size)
		return;
	lead = (unsigned char)text[size - 1 - tail];
	if (tail < (lead >= 0xf0 ? 3U : lead >= 0xe0 ? 2U : lead >= 0xc0 ? 1U : 0U))
		text[size - 1 - tail] = '\0';
}

static bool
decide(struct rules_decision *out, enum rules_verdict verdict, const char *fmt, ...)
{
	va_list args;

	out->verdict = verdict;
	va_start(args, fmt);
	if (vsnprintf(out->reason, sizeof out->reason, fmt, args) >= (int)sizeof out->reason)
		drop_broken_tail(out->reason);
	va_end(args);
	return true;
}

static const struct pattern *
first_match(struct pattern *const *patterns, size_t count, const char *subject)
{
	for (size_t i = 0; i < count; i++) {
		if (pattern_matches(patterns[i], subject))
			return patterns[i];
	}
	return NULL;
}

/* ---- mailboxes ---- */

typedef bool mailbox_step(
	const struct rules *r, const struct rules_mailbox *m, struct rules_decision *out);

static bool
mailbox_has_no_address(
	const struct rules *r, const struct rules_mailbox *m, struct rules_decision *out)
{
	(void)r;
	return m->smtp[0] == '\0' && decide(out, RULES_EXCLUDE, "has no mail address");
}

static bool
mailbox_is_guest(const struct rules *r, const struct rules_mailbox *m, struct rules_decision *out)
{
	(void)r;
	return m->guest && decide(out, RULES_EXCLUDE, "guest account: its mailbox is elsewhere");
}

static bool
mailbox_is_excluded(
	const struct rules *r, const struct rules_mailbox *m, struct rules_decision *out)
{
	const struct pattern *p =
		first_match(r->mailbox_exclude, r->mailbox_exclude_count, m->smtp);

	return p != NULL && decide(out, RULES_EXCLUDE, "mailboxes.exclude '%s'", pattern_text(p));
}

static bool
mailbox_is_not_included(
	const struct rules *r, const struct rules_mailbox *m, struct rules_decision *out)
{
	return r->mailbox_include_count > 0 &&
	       first_match(r->mailbox_include, r->mailbox_include_count, m->smtp) == NULL &&
	       decide(out, RULES_EXCLUDE, "mailboxes.include: no pattern of it matches");
}

static bool
mailbox_is_unlicensed(
	const struct rules *r, const struct rules_mailbox *m, struct rules_decision *out)
{
	return r->only_licensed && m->licensed == 0 &&
	       decide(out, RULES_EXCLUDE, "mailboxes.only_licensed: has no Exchange licence");
}

static bool
mailbox_is_disabled(
	const struct rules *r, const struct rules_mailbox *m, struct rules_decision *out)
{
	return r->only_enabled && m->enabled == 0 &&
	       decide(out, RULES_EXCLUDE, "mailboxes.only_enabled: sign-in is disabled");
}

void
rules_judge_mailbox(
	const struct rules *r, const struct rules_mailbox *m, struct rules_decision *out)
{
	static mailbox_step *const steps[] = {
		mailbox_has_no_address,
		mailbox_is_guest,
		mailbox_is_excluded,
		mailbox_is_not_included,
		mailbox_is_unlicensed,
		mailbox_is_disabled,
	};

	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		if (steps[i](r, m, out))
			return;
	}
	(void)decide(out, RULES_ARCHIVE, "no rule excludes it");
}

/* ---- folders ---- */

typedef bool folder_step(
	const struct rules *r, const struct rules_folder *f, struct rules_decision *out);

static bool
folder_is_search(const struct rules *r, const struct rules_folder *f, struct rules_decision *out)
{
	(void)r;
	return f->search_folder &&
	       decide(out, RULES_EXCLUDE, "search folder: its items live elsewhere");
}

static bool
folder_is_hidden(const struct rules *r, const struct rules_folder *f, struct rules_decision *out)
{
	(void)r;
	return f->hidden && decide(out, RULES_EXCLUDE, "hidden folder: not shown to users");
}

static bool
folder_is_internal(const struct rules *r, const struct rules_folder *f, struct rules_decision *out)
{
	const char *internal = class_never_archived(f->class);

	(void)r;
	return internal != NULL &&
	       decide(out, RULES_EXCLUDE, "folder class %s: internal to Exchange and its clients",
		       internal);
}

static bool
folder_is_named(const struct rules *r, const struct rules_folder *f, struct rules_decision *out)
{
	for (size_t i = 0; i < r->folder_rule_count; i++) {
		const struct rules_folder_rule *rule = &r->folder_rules[i];

		if (pattern_matches(rule->pattern, f->path))
			return decide(out, rule->include ? RULES_ARCHIVE : RULES_EXCLUDE,
				"folders.rules[%zu] %s '%s'", i + 1,
				rule->include ? "include" : "exclude", pattern_text(rule->pattern));
	}
	return false;
}

/* NULL: not one of the standard folders that are left out. */
static const char *
standard_name(enum rules_role role)
{
	switch (role) {
	case RULES_ROLE_PLAIN:
	case RULES_ROLE_ROOT:
		return NULL;
	case RULES_ROLE_DELETED:
		return "Deleted Items";
	case RULES_ROLE_DRAFTS:
		return "Drafts";
	case RULES_ROLE_JUNK:
		return "Junk Email";
	case RULES_ROLE_OUTBOX:
		return "Outbox";
	case RULES_ROLE_SYNC_ISSUES:
		return "Sync Issues";
	}
	return NULL;
}

static bool
folder_is_standard(const struct rules *r, const struct rules_folder *f, struct rules_decision *out)
{
	const char *name = standard_name(f->role);

	if (!r->standard_exclusions)
		return false;
	if (name != NULL)
		return decide(out, RULES_EXCLUDE, "folders.standard_exclusions: %s", name);
	return f->below_standard && decide(out, RULES_EXCLUDE,
					    "folders.standard_exclusions: inside one of the "
					    "standard folders that are left out");
}

void
rules_judge_folder(const struct rules *r, const struct rules_folder *f, struct rules_decision *out)
{
	static folder_step *const steps[] = {
		folder_is_search,
		folder_is_hidden,
		folder_is_internal,
		folder_is_named,
		folder_is_standard,
	};

	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		if (steps[i](r, f, out))
			return;
	}
	(void)decide(out, RULES_ARCHIVE, "no rule excludes it");
}

/* ---- items ---- */

typedef bool item_step(
	const struct rules *r, const struct rules_item *i, struct rules_decision *out);

static bool
item_is_of_another_class(
	const struct rules *r, const struct rules_item *i, struct rules_decision *out)
{
	enum rules_class class = rules_class_of(i->class);

	return (r->classes & 1U << class) == 0 &&
	       decide(out, RULES_EXCLUDE, "filters.classes: %s is not among them",
		       rules_class_name(class));
}

static bool
item_is_too_old(const struct rules *r, const struct rules_item *i, struct rules_decision *out)
{
	char received[CLOCK_TEXT_MAX], since[CLOCK_TEXT_MAX];

	if (r->since_ns == EXA_NO_TIME || i->received_ns == EXA_NO_TIME ||
		i->received_ns >= r->since_ns)
		return false;
	clock_format(i->received_ns, received);
	clock_format(r->since_ns, since);
	return decide(out, RULES_EXCLUDE, "filters.since %s: received %s", since, received);
}

static bool
item_is_too_young(const struct rules *r, const struct rules_item *i, struct rules_decision *out)
{
	char received[CLOCK_TEXT_MAX], before[CLOCK_TEXT_MAX];

	if (r->before_ns == EXA_NO_TIME || i->received_ns == EXA_NO_TIME ||
		i->received_ns < r->before_ns)
		return false;
	clock_format(i->received_ns, received);
	if (r->older_than != NULL)
		return decide(out, RULES_DEFER, "filters.older_than '%s': received %s",
			r->older_than, received);
	clock_format(r->before_ns, before);
	return decide(out, RULES_DEFER, "filters.before %s: received %s", before, received);
}

static bool
item_is_unread(const struct rules *r, const struct rules_item *i, struct rules_decision *out)
{
	return r->unread == RULES_UNREAD_DEFER && i->is_read == 0 &&
	       decide(out, RULES_DEFER, "filters.unread defer: not read yet");
}

void
rules_judge_item(const struct rules *r, const struct rules_item *i, struct rules_decision *out)
{
	static item_step *const steps[] = {
		item_is_of_another_class,
		item_is_too_old,
		item_is_too_young,
		item_is_unread,
	};

	for (size_t n = 0; n < sizeof steps / sizeof steps[0]; n++) {
		if (steps[n](r, i, out))
			return;
	}
	(void)decide(out, RULES_ARCHIVE, "no rule excludes it");
}
