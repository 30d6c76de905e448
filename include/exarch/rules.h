/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules: which mailboxes, folders and items are archived, and the words that explain why. Pure
 * functions over facts: no server, no archive, no clock (the moment of the run is given).
 * Everything that decides is in this module, so that `exarch mailboxes`, `exarch folders`, a dry
 * run and the crawl can't disagree.
 *
 * A struct rules is immutable once checked: any thread.
 */
#ifndef EXARCH_RULES_H
#define EXARCH_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/attr.h"
#include "exarch/error.h"
#include "exarch/pattern.h"

#define RULES_REASON_MAX 256

/* ---- what the profile says ---- */

struct rules_folder_rule {
	bool include;
	struct pattern *pattern; /* on the folder's path, "/Inbox/Private" */
};

/* A folder's part in the mailbox, as far as rules care; the standard ones are what
 * standard_exclusions leaves out. */
enum rules_role {
	RULES_ROLE_PLAIN = 0,
	RULES_ROLE_ROOT,
	RULES_ROLE_DELETED,
	RULES_ROLE_DRAFTS,
	RULES_ROLE_JUNK,
	RULES_ROLE_OUTBOX,
	RULES_ROLE_SYNC_ISSUES,
};

enum rules_unread { RULES_UNREAD_ARCHIVE, RULES_UNREAD_DEFER };

struct rules {
	/* mailboxes */
	bool only_licensed;
	bool only_enabled;
	struct pattern **mailbox_include; /* empty = all */
	size_t mailbox_include_count;
	struct pattern **mailbox_exclude;
	size_t mailbox_exclude_count;
	/* folders */
	bool standard_exclusions;
	struct rules_folder_rule *folder_rules; /* first match decides; no match = archived */
	size_t folder_rule_count;
	/* items */
	enum rules_unread unread;
	int64_t before_ns;      /* only items received before; EXA_NO_TIME = any. `older_than` is
				   resolved to this by the profile */
	int64_t since_ns;       /* only items received at or after; EXA_NO_TIME = any */
	const char *older_than; /* borrowed: the span before_ns came from, for reasons; NULL = it
				   came from `before` */
	unsigned classes;       /* bit mask of 1 << enum rules_class */
};

void rules_done(struct rules *r); /* frees patterns and arrays, zeroes */

/* ---- verdicts ---- */

enum rules_verdict {
	RULES_ARCHIVE,
	RULES_EXCLUDE, /* by a rule; stays so until the profile changes */
	RULES_DEFER,   /* not now: too young, unread; looked at again at every run */
};

struct rules_decision {
	enum rules_verdict verdict;
	char reason[RULES_REASON_MAX]; /* names the rule as the user wrote it, e.g.
					  "folders.rules[2] exclude '/Inbox/Private'";
					  cut at whole characters, never "" */
};

/* A mailbox as the directory or a list names it. LICENSED and ENABLED: 1, 0, -1 = not known
 * (lists), which no rule excludes. */
struct rules_mailbox {
	const char *smtp;
	int licensed;
	int enabled;
	bool guest;
};
void rules_judge_mailbox(
	const struct rules *r, const struct rules_mailbox *m, struct rules_decision *out);

/*
 * A folder. What decides, in this order: search folders, hidden folders and folders of internal
 * classes ("IPF.Configuration") are never archived; then the first of folder_rules that matches;
 * then standard_exclusions; else it is archived. So an `include` rule brings back a standard
 * folder ("/Deleted Items"), but nothing brings back an internal one.
 *
 * An excluded folder doesn't exclude those below it: each is judged by its own path (a rule that
 * ends in two stars covers the tree), except that standard exclusions cover everything below the
 * standard folder. Rules are counted from 1 in reasons.
 */
struct rules_folder {
	const char *path; /* "/Inbox/Private"; '/' inside a name is shown as '\xe2\x88\x95' (U+2215)
			     by whoever builds paths */
	const char *class; /* "IPF.Note", "" */
	enum rules_role role;
	bool below_standard; /* some folder above it has one of the standard roles */
	bool hidden;
	bool search_folder;
};
void rules_judge_folder(
	const struct rules *r, const struct rules_folder *f, struct rules_decision *out);

/* Item classes as people name them in `filters.classes`. */
enum rules_class {
	RULES_CLASS_MAIL,     /* IPM.Note*, IPM.Post*, and whatever isn't named below */
	RULES_CLASS_MEETING,  /* IPM.Schedule.Meeting.* */
	RULES_CLASS_REPORT,   /* REPORT.* */
	RULES_CLASS_CALENDAR, /* IPM.Appointment* */
	RULES_CLASS_CONTACT,  /* IPM.Contact*, IPM.DistList*, IPM.AbchPerson */
	RULES_CLASS_TASK,     /* IPM.Task* */
	RULES_CLASS_NOTE,     /* IPM.StickyNote* */
	RULES_CLASS_JOURNAL,  /* IPM.Activity* */
	RULES_CLASS_COUNT
};
enum rules_class rules_class_of(
	const char *item_class); /* by prefix, ASCII case ignored; "" = mail */
const char *rules_class_name(enum rules_class c);
bool rules_class_parse(const char *name, enum rules_class *out) EXA_CHECK;

/* The facts of an item that filters need; kept in the ledger for what is held back. */
struct rules_item {
	const char *class;
	int64_t received_ns; /* EXA_NO_TIME = not known: date filters don't hold it back */
	int is_read;         /* 1, 0, -1 = not known: counts as read */
};
void rules_judge_item(
	const struct rules *r, const struct rules_item *i, struct rules_decision *out);

/* A number that changes when anything that judges folders or items changes: a changed profile
 * re-judges the ledger. before_ns resolved from `older_than` moves with each run and doesn't count;
 * its text does. */
uint64_t rules_fingerprint(const struct rules *r);

#endif
