/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over the archive. Mailbox and folder decide which rules and holds are in question: that
 * is settled once a folder. What remains for an item is its class, its date, and the dates of the
 * holds. Items stand in the order received, those without that date first, so a folder is done as
 * soon as an item is younger than every rule asks for.
 *
 * A batch that is applied meanwhile takes rows out of the folder, which doesn't disturb the walk:
 * it goes on behind the last one seen.
 */
#include <stdint.h>
#include <string.h>

#include "exarch/clock.h"
#include "exarch/retain.h"
#include "exarch/rules.h"
#include "walk.h"

/* Items in a batch: some five pages of the index each, which stay in memory until it is applied. */
#define BATCH_ITEMS 1000

struct expiry {
	struct catalog *catalog;
	const struct retain_policy *policy;
	const struct retain_options *options;
	struct retain_result *result;
	struct store_reader *reader;
	struct buf scratch;
	bool by_date; /* rows come in the order received */

	/* of the folder at hand */
	const struct catalog_mailbox *mailbox;
	const struct catalog_folder *folder;
	size_t *rules; /* indices of those that cover it, in order */
	size_t rule_count;
	size_t *holds;
	size_t hold_count;
	int64_t latest_ns; /* nothing younger can go; EXA_NO_TIME: nothing at all can */

	struct catalog_batch batch;
	uint64_t batch_items, batch_bytes;
	uint64_t *batch_of_rule;
};

/* ---- results ---- */

static void
result_init(struct retain_result *r, size_t rule_count, struct catalog_holds *holds)
{
	*r = (struct retain_result){ .holds = holds, .rule_count = rule_count };
	r->rules = exa_alloc_array(rule_count, sizeof *r->rules);
	for (size_t i = 0; i < rule_count; i++) {
		r->rules[i] =
			(struct retain_tally){ .oldest_ns = EXA_NO_TIME, .newest_ns = EXA_NO_TIME };
		r->rules[i].held_by = exa_alloc_array(catalog_holds_count(holds), sizeof(uint64_t));
	}
}

void
retain_result_done(struct retain_result *r)
{
	for (size_t i = 0; i < r->rule_count; i++)
		exa_free(r->rules[i].held_by);
	exa_free(r->rules);
	catalog_holds_free(r->holds);
	*r = (struct retain_result){ 0 };
}

static void
count_going(struct retain_result *r, size_t rule, int64_t date_ns, uint64_t bytes)
{
	struct retain_tally *t = &r->rules[rule];

	t->items++;
	t->bytes += bytes;
	if (t->oldest_ns == EXA_NO_TIME || date_ns < t->oldest_ns)
		t->oldest_ns = date_ns;
	if (t->newest_ns == EXA_NO_TIME || date_ns > t->newest_ns)
		t->newest_ns = date_ns;
	r->items++;
	r->bytes += bytes;
}

static void
count_held(struct retain_result *r, size_t rule, size_t hold)
{
	r->rules[rule].held++;
	r->rules[rule].held_by[hold]++;
	r->held++;
}

/* ---- batches ---- */

static void
describe(const struct expiry *e, struct buf *out)
{
	char hash[2 * CATALOG_SHA256_SIZE + 1];

	hex_encode(bytes_of(e->policy->sha256, sizeof e->policy->sha256), hash);
	buf_printf(out, "policy %s, SHA-256 %s:", e->policy->path, hash);
	for (size_t i = 0; i < e->policy->rule_count; i++) {
		if (e->batch_of_rule[i] > 0)
			buf_printf(out, " %llu by '%s' (keep %s);",
				(unsigned long long)e->batch_of_rule[i], e->policy->rules[i].name,
				e->policy->rules[i].keep);
	}
}

/* Items and the record of who gave them up, together; durable when this returns. */
static bool
settle_batch(struct expiry *e, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf detail = { 0 };
	struct catalog_audit audit = { .when_ns = e->options->now_ns,
		.user = e->options->user,
		.host = e->options->host,
		.program = e->options->program,
		.action = "expire",
		.items = e->batch_items,
		.bytes = e->batch_bytes };
	uint64_t epoch;

	if (e->batch_items == 0)
		return true;
	describe(e, &detail);
	audit.detail = buf_string(&detail);
	if (!catalog_batch_audit(e->catalog, &e->batch, &audit, err) ||
		!catalog_submit(e->catalog, &e->batch, &epoch, err) ||
		!store_wait(catalog_store(e->catalog), epoch, err))
		return false;
	e->batch_items = e->batch_bytes = 0;
	memset(e->batch_of_rule, 0, e->policy->rule_count * sizeof *e->batch_of_rule);
	return true;
}

static bool
give_up(struct expiry *e, const struct catalog_row *row, const struct catalog_item *item,
	size_t rule, struct exa_error *err)
{
	const struct retain_item told = { .number = row->number,
		.mailbox = e->mailbox->smtp,
		.folder = e->folder->path,
		.rule = &e->policy->rules[rule],
		.received_ns = row->received_ns,
		.mime_bytes = row->mime_bytes };
	const struct catalog_expired expired = { .number = row->number,
		.key = catalog_key_of(row->mailbox, row->folder, item->server_id),
		.when_ns = e->options->now_ns,
		.rule = e->policy->rules[rule].name,
		.received_ns = row->received_ns,
		.mime_bytes = row->mime_bytes };

	if (e->options->item != NULL)
		e->options->item(e->options->ctx, &told);
	if (e->options->dry_run)
		return true;
	catalog_batch_expired(&e->batch, &expired);
	e->batch_items++;
	e->batch_bytes += row->mime_bytes;
	e->batch_of_rule[rule]++;
	return e->batch_items < BATCH_ITEMS || settle_batch(e, err);
}

/* ---- judging ---- */

/* Which rule decides: SIZE_MAX = none. */
static size_t
rule_of(const struct expiry *e, const struct catalog_item *item)
{
	for (size_t i = 0; i < e->rule_count; i++) {
		const unsigned classes = e->policy->rules[e->rules[i]].classes;

		if (classes == 0 || (classes & 1U << rules_class_of(item->class)) != 0)
			return e->rules[i];
	}
	return SIZE_MAX;
}

static int64_t
date_of(const struct catalog_item *item)
{
	const int64_t dates[] = { item->received_ns, item->sent_ns, item->created_ns,
		item->modified_ns };

	for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
		if (dates[i] != EXA_NO_TIME)
			return dates[i];
	}
	return EXA_NO_TIME;
}

/* Which hold covers it: SIZE_MAX = none. */
static size_t
hold_of(const struct expiry *e, int64_t received_ns)
{
	for (size_t i = 0; i < e->hold_count; i++) {
		if (catalog_hold_spans(
			    catalog_holds_at(e->result->holds, e->holds[i]), received_ns))
			return e->holds[i];
	}
	return SIZE_MAX;
}

static bool
judge(struct expiry *e, const struct catalog_row *row, struct exa_error *err)
{
	struct catalog_item item;
	struct exa_error why;
	size_t rule, hold;
	int64_t date, before;

	if (!catalog_item_read(e->reader, row, &e->scratch, &item, &why)) {
		e->result->unreadable++;
		if (e->options->unreadable != NULL)
			e->options->unreadable(e->options->ctx, row->number, &why);
		return true;
	}
	rule = rule_of(e, &item);
	before = rule != SIZE_MAX ? e->policy->rules[rule].before_ns : EXA_NO_TIME;
	if (before == EXA_NO_TIME)
		return true;
	date = date_of(&item);
	if (date == EXA_NO_TIME) {
		e->result->undated++;
		return true;
	}
	if (date >= before)
		return true;
	hold = hold_of(e, row->received_ns);
	if (hold != SIZE_MAX) {
		count_held(e->result, rule, hold);
		return true;
	}
	if (e->options->limit > 0 && e->result->items == e->options->limit) {
		e->result->limited = true;
		return true;
	}
	count_going(e->result, rule, date, row->mime_bytes);
	return give_up(e, row, &item, rule, err);
}

/* ---- the walk ---- */

static bool
is_enough(struct expiry *e)
{
	if (cancel_raised(e->options->cancel))
		e->result->stopped = true;
	return e->result->stopped || e->result->limited;
}

/* Rules and holds that are in question here. */
static bool
enter_folder(void *ctx, const struct walk_folder *f)
{
	struct expiry *e = ctx;

	e->mailbox = f->mailbox;
	e->folder = f->folder;
	e->rule_count = e->hold_count = 0;
	e->latest_ns = EXA_NO_TIME;
	for (size_t i = 0; i < e->policy->rule_count; i++) {
		const struct retain_rule *rule = &e->policy->rules[i];

		if (!retain_rule_covers(rule, f->mailbox->smtp, f->folder->path))
			continue;
		e->rules[e->rule_count++] = i;
		if (rule->before_ns > e->latest_ns)
			e->latest_ns = rule->before_ns;
		if (rule->classes == 0)
			break; /* those behind it are never asked */
	}
	for (size_t i = 0; i < catalog_holds_count(e->result->holds); i++) {
		if (walk_is_held(e->result->holds, i, f))
			e->holds[e->hold_count++] = i;
	}
	return e->latest_ns != EXA_NO_TIME;
}

static enum walk_next
take_row(void *ctx, const struct catalog_row *row, struct exa_error *err)
{
	struct expiry *e = ctx;

	if (row->received_ns >= e->latest_ns && e->by_date)
		return WALK_NEXT_FOLDER;
	if (is_enough(e))
		return WALK_STOP;
	return row->received_ns >= e->latest_ns || judge(e, row, err) ? WALK_ON : WALK_FAILED;
}

static bool
expire_all(struct expiry *e, struct exa_error *err)
{
	const struct walk walk = { .enter = enter_folder, .row = take_row, .ctx = e };

	return walk_archive(e->catalog, &walk, err) &&
	       (e->options->dry_run || settle_batch(e, err));
}

static bool
begin(struct expiry *e, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct catalog_holds *holds;

	if (!store_reader_new(catalog_store(e->catalog), &e->reader, err) ||
		!store_read_begin(catalog_store(e->catalog), &txn, err) ||
		!catalog_holds_load(txn, &holds, err))
		return false;
	e->by_date = !store_txn_encrypted(txn);
	result_init(e->result, e->policy->rule_count, holds);
	e->rules = exa_alloc_array(e->policy->rule_count, sizeof *e->rules);
	e->batch_of_rule = exa_alloc_array(e->policy->rule_count, sizeof *e->batch_of_rule);
	e->holds = exa_alloc_array(catalog_holds_count(holds), sizeof *e->holds);
	return true;
}

static void
expiry_free(struct expiry *e)
{
	store_reader_free(e->reader);
	buf_done(&e->scratch);
	catalog_batch_done(&e->batch);
	exa_free(e->rules);
	exa_free(e->holds);
	exa_free(e->batch_of_rule);
	exa_free(e);
}

bool
retain_expire(struct catalog *c, const struct retain_policy *policy,
	const struct retain_options *options, struct retain_result *out, struct exa_error *err)
{
	struct expiry *e = exa_alloc(sizeof *e);
	struct retain_result result = { 0 };
	bool good;

	e->catalog = c;
	e->policy = policy;
	e->options = options;
	e->result = &result;
	good = begin(e, err) && expire_all(e, err);
	expiry_free(e);
	if (good)
		*out = result;
	else
		retain_result_done(&result);
	return good;
}
