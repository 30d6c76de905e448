/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which items are due at the server. Everything that is asked here must say yes, cheapest first; in
 * doubt an item stays, and what keeps it is counted. What the archive says of flags and change keys
 * is as of when it was archived: the server is asked for both again before anything happens. But an
 * item that was flagged then either still is, or has another change key: it stays in both cases.
 */
#include <string.h>

#include "delete.h"
#include "exarch/clock.h"

static const struct crawl_options *
options_of(const struct deletion *d)
{
	return d->mailbox->run->options;
}

static struct folder *
folder_of(const struct deletion *d)
{
	return &d->mailbox->folders[d->folder];
}

/* ---- reading back ---- */

static bool
forget_bytes(void *ctx, struct bytes data, struct exa_error *err)
{
	(void)ctx;
	(void)data;
	(void)err;
	return true;
}

/* Design promise 10: whatever there is of the item, from the segments, to its last byte, against
 * the SHA-256 that was taken while it came from the server. */
static bool
read_back(struct deletion *d, const struct catalog_row *row, const struct catalog_item *item,
	struct exa_error *err)
{
	const struct recipe_sink sink = { .write = forget_bytes };

	if (catalog_item_has_mime(item) && !catalog_play_message(d->reader, row, item, &sink, err))
		return false;
	return !catalog_item_has_native(item) ||
	       catalog_play_native(d->reader, row, item, &sink, err);
}

/* It should be deleted, and isn't, for a reason that somebody must hear of. */
static void
keep_unproven(struct deletion *d, const struct catalog_row *row, struct exa_error *why)
{
	(void)exa_while(why,
		"item %llu isn't deleted at the server, since the archive can't give "
		"it back",
		(unsigned long long)row->number);
	d->told.undeleted++;
	report_problem(
		options_of(d)->report, &(struct report_problem){ .mailbox = d->mailbox->what->label,
					       .folder = folder_of(d)->path,
					       .why = why });
}

/* ---- judging ---- */

/* By what the row tells. */
static bool
row_may_go(struct deletion *d, const struct catalog_row *row)
{
	const int64_t before_ns = options_of(d)->deleting.before_ns;
	uint64_t *keeps = NULL;

	if (row->state != ITEM_LIVE)
		return false;
	if (before_ns != EXA_NO_TIME && row->received_ns == EXA_NO_TIME)
		keeps = &d->told.undated;
	else if (before_ns != EXA_NO_TIME && row->received_ns >= before_ns)
		keeps = &d->told.younger;
	else if (catalog_holds_cover(d->holds, d->mailbox->what->smtp, folder_of(d)->path,
			 row->received_ns) != SIZE_MAX)
		keeps = &d->told.held;
	if (keeps != NULL)
		(*keeps)++;
	return keeps == NULL;
}

enum standing {
	STANDS,      /* it is what the archive knows of the server's item */
	STANDS_BACK, /* an earlier version, or no longer there */
	STANDS_OPEN, /* something newer of it isn't archived yet */
};

static bool
standing_of(const struct deletion *d, const struct catalog_row *row,
	const struct catalog_item *item, enum standing *out, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	const struct catalog_key key = catalog_key_of(row->mailbox, row->folder, item->server_id);
	bool is_known, is_open, same = false;
	struct ledger_entry open;
	uint64_t known = 0;

	if (!store_read_begin(catalog_store(d->mailbox->run->catalog), &txn, err) ||
		!catalog_known(txn, &key, &is_known, &known, &same, item->change_key, err) ||
		!catalog_ledger(txn, &key, &is_open, &open, err))
		return false;
	if (!is_known || known != row->number)
		*out = STANDS_BACK;
	else
		*out = same && !is_open ? STANDS : STANDS_OPEN;
	return true;
}

/* By what its record tells. */
static bool
item_may_go(struct deletion *d, const struct catalog_item *item)
{
	const struct rules_item facts = {
		.class = item->class, .received_ns = item->received_ns, .is_read = item->is_read
	};
	struct rules_decision decision;
	uint64_t *keeps = NULL;

	rules_judge_item(options_of(d)->rules, &facts, &decision);
	if (item->flag_status == 2)
		keeps = &d->told.flagged;
	else if (decision.verdict != RULES_ARCHIVE)
		keeps = &d->told.excluded;
	else if (item->change_key[0] == '\0')
		keeps = &d->told.changed;
	else if (deletions_exhausted(d->mailbox->run->deletions))
		keeps = &d->told.limited;
	if (keeps != NULL)
		(*keeps)++;
	return keeps == NULL;
}

static void
add_due(struct deletion *d, const struct catalog_row *row, const struct catalog_item *item)
{
	d->due[d->due_count++] = (struct due){ .number = row->number,
		.folder = row->folder,
		.path = folder_of(d)->path,
		.id = exa_strdup(item->server_id),
		.change_key = exa_strdup(item->change_key),
		.received_ns = row->received_ns,
		.bytes = row->mime_bytes };
}

static bool
judge_row(struct deletion *d, const struct catalog_row *row, struct exa_error *err)
{
	struct catalog_item item;
	enum standing standing;
	struct exa_error why;

	if (!row_may_go(d, row))
		return true;
	if (!catalog_item_read(d->reader, row, &d->scratch, &item, &why)) {
		if (why.code != EXA_GONE)
			keep_unproven(d, row, &why);
		return true;
	}
	if (!standing_of(d, row, &item, &standing, err))
		return false;
	d->told.unsettled += standing == STANDS_OPEN;
	if (standing != STANDS || !item_may_go(d, &item))
		return true;
	/* The record's texts may be gone once its message is read: they are copied first. */
	add_due(d, row, &item);
	if (!read_back(d, row, &item, &why)) {
		due_done(&d->due[--d->due_count]);
		keep_unproven(d, row, &why);
	}
	return true;
}

/* ---- the walk ---- */

static bool
take_row(void *ctx, const struct catalog_row *row, struct exa_error *err)
{
	struct deletion *d = ctx;

	(void)err;
	d->rows[d->row_count++] = *row;
	return true;
}

static bool
load_rows(struct deletion *d, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;

	d->row = d->row_count = 0;
	return store_read_begin(catalog_store(d->mailbox->run->catalog), &txn, err) &&
	       catalog_each_row(txn, d->mailbox->number, folder_of(d)->number, &d->place,
		       DELETE_ROWS_STEP, take_row, d, &d->more, err);
}

static void
next_folder(struct deletion *d)
{
	d->folder++;
	d->place = (struct catalog_place){ .received_ns = EXA_NO_TIME };
	d->more = true;
}

/* Whether anything of the folder at hand may go at all. What was deleted into Deleted Items would
 * be deleted there again and again. */
static bool
folder_may_go(struct deletion *d, bool *may_out, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	const struct folder *f = folder_of(d);
	struct ledger_counts counts;

	*may_out = false;
	if (f->vanished || f->number == 0 ||
		(options_of(d)->deleting.how == EWS_DELETE_TO_TRASH && f->role == EWS_ROLE_DELETED))
		return true;
	if (!store_read_begin(catalog_store(d->mailbox->run->catalog), &txn, err) ||
		!catalog_counts(txn, d->mailbox->number, f->number, &counts, err))
		return false;
	*may_out = !f->failed && counts.of[LEDGER_FAILED] + counts.of[LEDGER_PENDING] == 0;
	if (!*may_out)
		d->told.unsettled += counts.of[LEDGER_ARCHIVED];
	return true;
}

/* Rows to judge, of this folder or one behind it. */
static bool
next_rows(struct deletion *d, struct exa_error *err)
{
	const bool at_its_start = d->place.received_ns == EXA_NO_TIME && d->place.number == 0;
	bool may_go = true;

	d->row = d->row_count = 0;
	if (at_its_start && !folder_may_go(d, &may_go, err))
		return false;
	if (may_go && d->more)
		return load_rows(d, err);
	next_folder(d);
	return true;
}

static bool
begin(struct deletion *d, struct exa_error *err)
{
	struct store *store = catalog_store(d->mailbox->run->catalog);
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;

	if (d->reader != NULL)
		return true;
	return store_read_begin(store, &txn, err) && catalog_holds_load(txn, &d->holds, err) &&
	       store_reader_new(store, &d->reader, err);
}

bool
deletion_choose(struct deletion *d, enum chosen *out, struct exa_error *err)
{
	const uint32_t wanted = options_of(d)->batch_items < EWS_BATCH_MAX
					? options_of(d)->batch_items
					: EWS_BATCH_MAX;

	if (!begin(d, err))
		return false;
	*out = CHOSEN_SOME;
	for (; d->row < d->row_count && d->due_count < wanted; d->row++) {
		if (cancel_raised(options_of(d)->cancel))
			return true;
		if (!judge_row(d, &d->rows[d->row], err))
			return false;
	}
	if (d->due_count == wanted)
		*out = CHOSEN_BATCH;
	else if (d->folder < d->mailbox->folder_count)
		return next_rows(d, err);
	else
		*out = d->due_count > 0 ? CHOSEN_BATCH : CHOSEN_NOTHING;
	return true;
}
