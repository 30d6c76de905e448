/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a listed change means for the ledger. The table of the matter, for a change that creates or
 * updates an item:
 *
 *     the archive knows it, same change key        known; an open entry is closed
 *     ... other change key, versions: first        known
 *     ... other change key                         pending, if the rules (still) want it
 *     held back, with this change key              judged again: it may have been read
 *     open otherwise with this change key          left alone: queued or failed before
 *     anything else                                what the rules say: pending, excluded or
 *                                                  deferred
 */
#include <string.h>

#include "exarch/clock.h"
#include "internal.h"

static void
remember_seen(struct folder *f, const struct catalog_key *key)
{
	if (f->seen_count == f->seen_capacity) {
		f->seen_capacity = f->seen_capacity > 0 ? f->seen_capacity * 2 : 1024;
		f->seen = exa_realloc_array(f->seen, f->seen_capacity, sizeof *f->seen);
	}
	f->seen[f->seen_count++] = get_le64(key->id_hash);
}

static bool
plan(struct listing *l, const struct catalog_key *key, const struct ledger_entry *entry,
	bool said_gone, struct exa_error *err)
{
	struct catalog_alike_item likely;
	bool is_suspect = false;

	if (!said_gone && !moved_is_suspect(l, key, entry, &likely, &is_suspect, err))
		return false;
	if (is_suspect)
		fetch_plan_add_suspect(&l->plan, entry, &likely);
	else
		fetch_plan_add(&l->plan, entry, said_gone);
	return true;
}

/* Writes the verdict of the rules into the ledger; an item to be archived goes into the plan as
 * well. */
static bool
enter(struct listing *l, const struct catalog_key *key, struct ledger_entry *entry, bool said_gone,
	struct exa_error *err)
{
	const struct crawl_options *options = l->folder->mailbox->run->options;
	const struct rules_item facts = {
		.class = entry->class, .received_ns = entry->received_ns, .is_read = entry->is_read
	};
	struct rules_decision decision;

	rules_judge_item(options->rules, &facts, &decision);
	switch (decision.verdict) {
	case RULES_ARCHIVE:
		entry->state = LEDGER_PENDING;
		entry->why = "";
		break;
	case RULES_EXCLUDE:
		entry->state = LEDGER_EXCLUDED;
		entry->why = decision.reason;
		break;
	case RULES_DEFER:
		entry->state = LEDGER_DEFERRED;
		entry->why = decision.reason;
		break;
	}
	catalog_batch_ledger(&l->thread->batch, key, entry);
	return entry->state != LEDGER_PENDING || plan(l, key, entry, said_gone, err);
}

static struct ledger_entry
entry_of(const struct ews_change *change)
{
	return (struct ledger_entry){ .server_id = change->id,
		.change_key = change->change_key,
		.class = change->class,
		.why = "",
		.size_bytes = change->size_bytes,
		.received_ns = change->received_ns,
		.is_read = change->is_read };
}

static bool
judge_present(struct listing *l, const struct catalog_key *key, const struct ews_change *change,
	struct exa_error *err)
{
	const struct crawl_options *options = l->folder->mailbox->run->options;
	struct ledger_entry open, entry = entry_of(change);
	bool is_known, is_open, same = false;
	uint64_t item;

	if (!catalog_known(l->txn, key, &is_known, &item, &same, change->change_key, err) ||
		!catalog_ledger(l->txn, key, &is_open, &open, err))
		return false;
	if (is_known && (same || options->versions == CRAWL_VERSIONS_FIRST)) {
		l->known++;
		if (is_open)
			catalog_batch_close(&l->thread->batch, key);
		return true;
	}
	if (is_open && (open.state == LEDGER_PENDING || open.state == LEDGER_FAILED) &&
		strcmp(open.change_key, change->change_key) == 0)
		return true;
	return enter(l, key, &entry, is_open && open.state == LEDGER_GONE, err);
}

static bool
judge_absent(struct listing *l, const struct catalog_key *key, struct exa_error *err)
{
	struct mailbox *m = l->folder->mailbox;
	struct ledger_entry open;
	bool is_known, is_open, same;
	uint64_t item;

	if (!catalog_known(l->txn, key, &is_known, &item, &same, "", err) ||
		!catalog_ledger(l->txn, key, &is_open, &open, err))
		return false;
	if (!is_known && (!is_open || open.state == LEDGER_GONE))
		return true;
	(void)atomic_fetch_add(is_known ? &m->removed : &m->gone, 1);
	catalog_batch_removed(&l->thread->batch, key);
	return true;
}

/*
 * An item that was archived unread and is read now has another change key, and so, being other than
 * what is archived, would never be deleted: where that is wanted, it is archived again. The same
 * message costs a record.
 */
static bool
is_worth_a_key(const struct listing *l, const struct catalog_key *key,
	const struct ews_change *change, bool *out, struct exa_error *err)
{
	const struct crawl_options *options = l->folder->mailbox->run->options;
	bool is_known, same = true;
	uint64_t item;

	if (!catalog_known(l->txn, key, &is_known, &item, &same, change->change_key, err))
		return false;
	*out = is_known && !same && options->deleting.archived && change->is_read == 1 &&
	       options->versions != CRAWL_VERSIONS_FIRST;
	return true;
}

/* Otherwise only what the filters hold back can change by being read. */
static bool
judge_read_flag(struct listing *l, const struct catalog_key *key, const struct ews_change *change,
	struct exa_error *err)
{
	struct ledger_entry open, again = entry_of(change);
	bool is_open, worth_it;

	if (!catalog_ledger(l->txn, key, &is_open, &open, err) ||
		!is_worth_a_key(l, key, change, &worth_it, err))
		return false;
	if (!is_open && worth_it)
		return enter(l, key, &again, false, err);
	if (!is_open || (open.state != LEDGER_DEFERRED && open.state != LEDGER_EXCLUDED))
		return true;
	open.is_read = change->is_read;
	if (change->change_key[0] != '\0')
		open.change_key = change->change_key;
	return enter(l, key, &open, false, err);
}

bool
judge_change(struct listing *l, const struct ews_change *change, struct exa_error *err)
{
	const struct catalog_key key =
		catalog_key_of(l->folder->mailbox->number, l->folder->number, change->id);

	l->listed++;
	switch (change->kind) {
	case EWS_CHANGE_CREATE:
	case EWS_CHANGE_UPDATE:
		if (l->folder->fresh || folder_is_public(l->folder))
			remember_seen(l->folder, &key);
		return judge_present(l, &key, change, err);
	case EWS_CHANGE_DELETE:
		return judge_absent(l, &key, err);
	case EWS_CHANGE_READ_FLAG:
		return judge_read_flag(l, &key, change, err);
	}
	return true;
}

bool
judge_open(struct listing *l, const struct catalog_key *key, const struct ledger_entry *entry,
	bool rules_changed, struct exa_error *err)
{
	struct ledger_entry copy = *entry;

	switch (entry->state) {
	case LEDGER_PENDING:
		return rules_changed ? enter(l, key, &copy, false, err)
				     : plan(l, key, entry, false, err);
	case LEDGER_DEFERRED:
		return enter(l, key, &copy, false, err);
	case LEDGER_EXCLUDED:
		return !rules_changed || enter(l, key, &copy, false, err);
	case LEDGER_FAILED:
		return l->folder->mailbox->run->now_ns < entry->not_before_ns ||
		       enter(l, key, &copy, false, err);
	case LEDGER_ARCHIVED:
	case LEDGER_GONE:
	case LEDGER_REMOVED:
	case LEDGER_EXPIRED:
	case LEDGER_STATE_COUNT:
		break;
	}
	return true;
}
