/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retention: how long the archive keeps what it has. A policy is a YAML file with rules, of which
 * the first that matches an item decides; retain_expire walks the archive and gives up what is
 * older than its rule says, unless a hold covers it (exarch/catalog.h). docs/retention.md is the
 * manual.
 *
 *     version: 1
 *     rules:
 *       - name: finance
 *         mailboxes: ["*@finance.contoso.com"]
 *         folders: [/Inbox, /Sent Items]
 *         classes: [mail, calendar]
 *         keep: 10 years
 *       - name: default
 *         keep: forever
 *
 * An item that no rule matches is kept. Age counts from when an item was received; where that isn't
 * known from when it was sent, created or last changed. An item without any date is kept.
 *
 * One thread.
 */
#ifndef EXARCH_RETAIN_H
#define EXARCH_RETAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/attr.h"
#include "exarch/bytes.h"
#include "exarch/cancel.h"
#include "exarch/catalog.h"
#include "exarch/error.h"
#include "exarch/mem.h"
#include "exarch/pattern.h"

#define RETAIN_FILE_MAX ((size_t)1024 * 1024)
#define RETAIN_RULES_MAX 1000 /* a policy that nobody can read is none */
#define RETAIN_PATTERNS_MAX \
	1000 /* of one kind in one rule: each is tried for each mailbox or folder */

/* ---- the policy ---- */

struct retain_patterns {
	struct pattern **of;
	size_t count; /* none = everything matches */
};

struct retain_rule {
	const char *name;
	const char *keep;  /* as written: "10 years", "forever" */
	int64_t before_ns; /* what is older than this goes; EXA_NO_TIME = nothing does */
	struct retain_patterns mailboxes, folders;
	unsigned classes; /* 1 << enum rules_class; 0 = all */
};

struct retain_policy {
	const char *path;                    /* as given */
	uint8_t sha256[CATALOG_SHA256_SIZE]; /* of the file, for the audit record */
	struct retain_rule *rules;
	size_t rule_count;
	struct arena *texts;
};

/* EXA_USAGE names file, line, key and what was expected. NOW_NS is what `keep` counts back from. */
bool retain_policy_load(const char *path, int64_t now_ns, struct retain_policy **out,
	struct exa_error *err) EXA_CHECK;
bool retain_policy_parse(struct bytes text, const char *path, int64_t now_ns,
	struct retain_policy **out, struct exa_error *err) EXA_CHECK;
void retain_policy_free(struct retain_policy *p);
void retain_policy_freep(struct retain_policy **p);

/* Whether the rule is about this folder. Of which items there: `classes` says. */
bool retain_rule_covers(const struct retain_rule *rule, const char *smtp, const char *folder_path);

/* ---- expiring ---- */

/* An item that goes. Texts are borrowed for the call. */
struct retain_item {
	uint64_t number;
	const char *mailbox, *folder;
	const struct retain_rule *rule;
	int64_t received_ns; /* EXA_NO_TIME: another date decided */
	uint64_t mime_bytes;
};

struct retain_options {
	bool dry_run;   /* judge and count; the archive may be open for reading */
	uint64_t limit; /* at most so many items; 0 = all */
	int64_t now_ns; /* the moment of the records */
	const char *user, *host, *program; /* for the audit records */
	struct cancel *cancel;             /* what was begun is written; NULL is fine */
	void (*item)(void *ctx, const struct retain_item *item); /* each that goes; NULL is fine */
	/* An item whose record can't be read stays. NULL is fine. */
	void (*unreadable)(void *ctx, uint64_t number, const struct exa_error *why);
	void *ctx;
};

struct retain_tally {
	uint64_t items, bytes;        /* that go */
	int64_t oldest_ns, newest_ns; /* of their dates; EXA_NO_TIME without items */
	uint64_t held;     /* that would go but for a hold; by the first hold that covers each: */
	uint64_t *held_by; /* [index of the hold in `holds`] */
};

struct retain_result {
	struct retain_tally *rules; /* as the policy's */
	size_t rule_count;
	struct catalog_holds *holds; /* in force when it was done */
	uint64_t items, bytes, held;
	uint64_t undated;    /* kept because they have no date at all */
	uint64_t unreadable; /* kept because their record can't be read */
	bool stopped;        /* by cancel: the rest wasn't looked at */
	bool limited;        /* by the limit: the same */
};
void retain_result_done(struct retain_result *r);

/*
 * Expires what the policy says, in batches, each with its audit record: what is reported is
 * durable. Again right after it finds nothing. The room isn't given back before catalog_compact.
 */
bool retain_expire(struct catalog *c, const struct retain_policy *policy,
	const struct retain_options *options, struct retain_result *out,
	struct exa_error *err) EXA_CHECK;

/* How many items a hold covers at this moment, earlier versions too. */
bool retain_count_held(struct catalog *c, const struct catalog_holds *holds, size_t index,
	uint64_t *items_out, struct exa_error *err) EXA_CHECK;

#endif
