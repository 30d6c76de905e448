/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only place where the catalog's tables change. Runs for each record and note when the store
 * commits, recovers or rebuilds: the same path every time, so what a rebuild makes is what a run
 * had made. Each step may be applied twice (recovery), and the second time changes nothing.
 *
 *     item of the server:   nothing ──► open ──► known ──► known, removed
 *                                        ▲                       │
 *                                        └───────────────────────┘
 *                           (open in the ledger: pending, excluded, deferred, failed, gone)
 *
 *     known ──► known, expired: an instance stays expired; other content of the same server item
 *                               is a new instance
 *
 * In a segment that was cut, an item record stands in short form: it does to all tables what the
 * full one did, but for what only the full one knows (where it is, received, size). The carried
 * record, logged anew, restates that.
 *
 * The counts row of a folder follows each step (move_count); it is what completeness is reckoned
 * from.
 */
#include <string.h>

#include "exarch/clock.h"
#include "record.h"

/* No state: not in the ledger and not known. */
#define NOWHERE LEDGER_STATE_COUNT

static bool
state_of(struct store_txn *txn, const struct catalog_key *key, enum ledger_state *out,
	struct exa_error *err)
{
	struct known_row known;
	struct ledger_entry entry;
	bool found;

	if (!catalog_ledger(txn, key, &found, &entry, err))
		return false;
	if (found) {
		*out = entry.state;
		return true;
	}
	if (!known_get(txn, key, &found, &known, err))
		return false;
	*out = !found          ? NOWHERE
	       : known.removed ? LEDGER_REMOVED
	       : known.expired ? LEDGER_EXPIRED
			       : LEDGER_ARCHIVED;
	return true;
}

static bool
move_count(struct store_txn *txn, const struct catalog_key *key, enum ledger_state from,
	enum ledger_state to, struct exa_error *err)
{
	struct table_key k = key_folder(key->mailbox, key->folder);
	EXA_AUTO(buf_done) struct buf value = { 0 };
	struct ledger_counts counts;

	if (from == to)
		return true;
	if (!catalog_counts(txn, key->mailbox, key->folder, &counts, err))
		return false;
	if (from != NOWHERE && counts.of[from] == 0)
		return exa_fail(err, EXA_CORRUPT,
			"index: mailbox %u folder %u has fewer %s items than the ledger; run "
			"`exarch rebuild`",
			key->mailbox, key->folder, ledger_state_name(from));
	if (from != NOWHERE)
		counts.of[from]--;
	if (to != NOWHERE)
		counts.of[to]++;
	counts_encode(&value, &counts);
	return store_set(txn, TABLE_COUNT, key_bytes(&k), buf_bytes(&value), err);
}

/* Keeps the highest number ever given, plus one. */
static bool
raise_number(struct store_txn *txn, struct bytes name, uint64_t used, struct exa_error *err)
{
	struct bytes value;
	uint8_t next[8];
	bool found;

	if (!store_get(txn, TABLE_STATE, name, &found, &value, err))
		return false;
	if (found && value.size == 8 && get_le64(value.data) > used)
		return true;
	put_le64(next, used + 1);
	return store_set(txn, TABLE_STATE, name, bytes_of(next, sizeof next), err);
}

/* Those of its mailbox and folder too: their own records may be lost by damage, and no number may
 * be given a second time. */
static bool
raise_numbers(struct store_txn *txn, const struct short_item *item, struct exa_error *err)
{
	struct table_key folders = key_number(item->key.mailbox);

	return raise_number(txn, bytes_of_string("item"), item->number, err) &&
	       raise_number(txn, bytes_of_string("mailbox"), item->key.mailbox, err) &&
	       raise_number(txn, key_bytes(&folders), item->key.folder, err);
}

static bool
apply_mailbox(struct store_txn *txn, struct bytes record, struct exa_error *err)
{
	struct catalog_mailbox m;
	struct table_key by, k;
	uint8_t number[4];

	if (!mailbox_decode(record, &m, err))
		return false;
	k = key_number(m.number);
	by = key_mailbox_by(m.part, m.smtp);
	put_le32(number, m.number);
	return store_set(txn, TABLE_MAILBOX, key_bytes(&k), record, err) &&
	       store_set(txn, TABLE_MAILBOX_BY, key_bytes(&by), bytes_of(number, sizeof number),
		       err) &&
	       raise_number(txn, bytes_of_string("mailbox"), m.number, err);
}

/* Paths are never taken out: a hold on a folder covers it under all its names. */
static bool
path_set(struct store_txn *txn, const struct catalog_folder *f, struct exa_error *err)
{
	struct table_key k = key_folder_path(f->mailbox, f->number, f->path);
	EXA_AUTO(buf_done) struct buf path = { 0 };

	add_text(&path, f->path);
	return store_set(txn, TABLE_FOLDER_PATH, key_bytes(&k), buf_bytes(&path), err);
}

static bool
apply_folder(struct store_txn *txn, struct bytes record, struct exa_error *err)
{
	struct catalog_folder f;
	struct table_key by, k, next;
	uint8_t number[4];

	if (!folder_decode(record, &f, err))
		return false;
	k = key_folder(f.mailbox, f.number);
	by = key_folder_by(f.mailbox, f.server_id);
	next = key_number(f.mailbox);
	put_le32(number, f.number);
	return store_set(txn, TABLE_FOLDER, key_bytes(&k), record, err) && path_set(txn, &f, err) &&
	       store_set(txn, TABLE_FOLDER_BY, key_bytes(&by), bytes_of(number, sizeof number),
		       err) &&
	       raise_number(txn, bytes_of_string("mailbox"), f.mailbox, err) &&
	       raise_number(txn, key_bytes(&next), f.number, err);
}

static bool
row_set(struct store_txn *txn, const struct catalog_row *row, struct exa_error *err)
{
	struct table_key k = key_number(row->number);
	EXA_AUTO(buf_done) struct buf value = { 0 };

	row_encode(&value, row);
	return store_set(txn, TABLE_ITEM, key_bytes(&k), buf_bytes(&value), err);
}

static bool
place_set(struct store_txn *txn, const struct catalog_row *row, struct exa_error *err)
{
	struct table_key k =
		key_place(txn, row->mailbox, row->folder, row->received_ns, row->number);

	return store_set(txn, TABLE_PLACE, key_bytes(&k), bytes_of(NULL, 0), err);
}

static bool
place_delete(struct store_txn *txn, const struct catalog_row *row, struct exa_error *err)
{
	struct table_key k =
		key_place(txn, row->mailbox, row->folder, row->received_ns, row->number);

	return store_delete(txn, TABLE_PLACE, key_bytes(&k), err);
}

static bool
known_set(struct store_txn *txn, const struct catalog_key *key, const struct known_row *known,
	struct exa_error *err)
{
	struct table_key k = key_item(key);
	EXA_AUTO(buf_done) struct buf value = { 0 };

	known_encode(&value, known);
	return store_set(txn, TABLE_KNOWN, key_bytes(&k), buf_bytes(&value), err);
}

/* Deleted at the server. What has expired stays so. */
static bool
row_becomes_removed(struct store_txn *txn, uint64_t number, struct exa_error *err)
{
	struct catalog_row row;
	bool found;

	if (!catalog_row(txn, number, &found, &row, err))
		return false;
	if (!found)
		return exa_fail(err, EXA_CORRUPT,
			"index: item %llu is known but has no row; run `exarch rebuild`",
			(unsigned long long)number);
	if (row.state == ITEM_EXPIRED)
		return true;
	row.state = ITEM_REMOVED;
	return row_set(txn, &row, err);
}

static bool
alias_set(struct store_txn *txn, uint64_t number, uint64_t row_number, struct exa_error *err)
{
	struct table_key k = key_number(number);
	EXA_AUTO(buf_done) struct buf value = { 0 };
	struct catalog_row row;
	bool found;

	if (!catalog_row(txn, number, &found, &row, err))
		return false;
	if (found)
		return exa_fail(err, EXA_CORRUPT, "two items have the number %llu",
			(unsigned long long)number);
	alias_encode(&value, row_number);
	return store_set(txn, TABLE_ITEM, key_bytes(&k), buf_bytes(&value), err);
}

/*
 * A known item came again. The same MIME, or, without MIME, the same native stream (only its
 * properties changed): the row is updated in place and keeps its number, and the record's own
 * number leads to it. Else the earlier instance is superseded, or stays beside the new one when the
 * profile keeps all versions. An expired one is past all that.
 */
static bool
meet_earlier(struct store_txn *txn, const struct short_item *item, uint64_t earlier,
	struct catalog_row *row, struct exa_error *err)
{
	struct catalog_row old;
	bool found;

	if (!catalog_row(txn, earlier, &found, &old, err))
		return false;
	if (!found || old.state == ITEM_EXPIRED)
		return true;
	if (memcmp(old.mime_hash, row->mime_hash, sizeof old.mime_hash) != 0) {
		if (item->keep_older || earlier == row->number)
			return true;
		old.state = ITEM_SUPERSEDED;
		return row_set(txn, &old, err);
	}
	row->number = earlier;
	return place_delete(txn, &old, err) &&
	       (earlier == item->number || alias_set(txn, item->number, earlier, err));
}

/* ROW is what the record says of the instance; its number may become an earlier one's. */
static bool
apply_instance(struct store_txn *txn, const struct short_item *item, struct catalog_row *row,
	struct exa_error *err)
{
	struct table_key k = key_item(&item->key);
	enum ledger_state before;
	struct known_row known;
	bool found;

	if (!state_of(txn, &item->key, &before, err) ||
		!known_get(txn, &item->key, &found, &known, err))
		return false;
	if (found && !meet_earlier(txn, item, known.item, row, err))
		return false;
	known = (struct known_row){ .item = row->number };
	memcpy(known.change_hash, item->change_hash, sizeof known.change_hash);
	return row_set(txn, row, err) && place_set(txn, row, err) &&
	       known_set(txn, &item->key, &known, err) &&
	       store_delete(txn, TABLE_LEDGER, key_bytes(&k), err) &&
	       move_count(txn, &item->key, before, LEDGER_ARCHIVED, err) &&
	       raise_numbers(txn, item, err);
}

static struct catalog_row
row_of_short(const struct short_item *item)
{
	struct catalog_row row = { .number = item->number,
		.mailbox = item->key.mailbox,
		.folder = item->key.folder,
		.state = ITEM_LIVE,
		.received_ns = EXA_NO_TIME };

	memcpy(row.mime_hash, item->mime_hash, sizeof row.mime_hash);
	return row;
}

static bool
apply_item(struct store_txn *txn, const struct store_loc *loc, struct bytes record,
	struct exa_error *err)
{
	struct catalog_item item;
	struct short_item facts;
	struct catalog_row row;

	if (loc == NULL)
		return exa_fail(err, EXA_CORRUPT, "an item record came as a note");
	if (!item_decode(record, &item, err))
		return false;
	facts = short_of(&item);
	row = row_of_short(&facts);
	row.received_ns = item.received_ns;
	row.mime_bytes = catalog_item_bytes(&item);
	row.loc = *loc;
	return apply_instance(txn, &facts, &row, err);
}

static bool
apply_short(struct store_txn *txn, struct bytes record, struct exa_error *err)
{
	struct short_item facts;
	struct catalog_row row;

	if (!short_decode(record, &facts, err))
		return false;
	row = row_of_short(&facts);
	return apply_instance(txn, &facts, &row, err);
}

/* A carried record whose row isn't there: the short one is lost by damage. The item comes back;
 * whether it was superseded since can only be guessed. */
static bool
restore_row(struct store_txn *txn, const struct short_item *item, struct catalog_row *row,
	struct exa_error *err)
{
	struct known_row known;
	bool found;

	if (!known_get(txn, &item->key, &found, &known, err))
		return false;
	if (!found)
		return apply_instance(txn, item, row, err);
	row->state = ITEM_SUPERSEDED;
	return row_set(txn, row, err) && place_set(txn, row, err) && raise_numbers(txn, item, err);
}

static bool
apply_carried(struct store_txn *txn, const struct store_loc *loc, struct bytes record,
	struct exa_error *err)
{
	struct catalog_item item;
	struct short_item facts;
	struct catalog_row row;
	uint64_t number;
	bool found;

	if (loc == NULL)
		return exa_fail(err, EXA_CORRUPT, "a carried record came as a note");
	if (!carried_decode(record, &number, &record, err) || !item_decode(record, &item, err) ||
		!catalog_row(txn, number, &found, &row, err))
		return false;
	if (found && row.state == ITEM_EXPIRED)
		return true;
	if (!found) {
		item.number = number;
		facts = short_of(&item);
		row = row_of_short(&facts);
	} else if (!place_delete(txn, &row, err)) {
		return false;
	}
	row.received_ns = item.received_ns;
	row.mime_bytes = catalog_item_bytes(&item);
	row.loc = *loc;
	if (!found)
		return restore_row(txn, &facts, &row, err);
	return row_set(txn, &row, err) && place_set(txn, &row, err);
}

/* The row loses what a short record couldn't bring back, so that a rebuild after a compaction gives
 * the same. */
static bool
row_becomes_expired(struct store_txn *txn, struct catalog_row *row, struct exa_error *err)
{
	if (!place_delete(txn, row, err))
		return false;
	row->state = ITEM_EXPIRED;
	row->received_ns = EXA_NO_TIME;
	row->mime_bytes = 0;
	row->loc = (struct store_loc){ 0 };
	return row_set(txn, row, err);
}

static bool
apply_expired(struct store_txn *txn, struct bytes record, struct exa_error *err)
{
	struct catalog_expired e;
	struct catalog_row row;
	struct known_row known;
	struct table_key k;
	enum ledger_state before, after;
	bool found, is_known;

	if (!expired_decode(record, &e, err) || !catalog_row(txn, e.number, &found, &row, err))
		return false;
	if (!found || row.state == ITEM_EXPIRED)
		return true;
	k = key_number(e.number);
	if (!row_becomes_expired(txn, &row, err) ||
		!store_set(txn, TABLE_EXPIRED, key_bytes(&k), record, err) ||
		!known_get(txn, &e.key, &is_known, &known, err))
		return false;
	if (!is_known || known.item != e.number)
		return true;
	known.expired = true;
	return state_of(txn, &e.key, &before, err) && known_set(txn, &e.key, &known, err) &&
	       state_of(txn, &e.key, &after, err) && move_count(txn, &e.key, before, after, err);
}

/* Of a record or note that begins with the key of an item. */
static bool
open_keyed(struct bytes record, enum record_type type, struct reader *out,
	struct catalog_key *key_out, struct exa_error *err)
{
	if (!record_open(record, type, out, err))
		return false;
	read_item_key(out, key_out);
	return !out->failed || exa_fail(err, EXA_CORRUPT, "a ledger record has no key");
}

/* An open entry that was never archived stands as `gone`; its facts are of no more use. */
static bool
open_becomes_gone(struct store_txn *txn, const struct catalog_key *key,
	const struct ledger_entry *entry, struct exa_error *err)
{
	struct table_key k = key_item(key);
	struct ledger_entry gone = { .state = LEDGER_GONE,
		.server_id = entry->server_id,
		.change_key = "",
		.class = entry->class,
		.why = "",
		.size_bytes = entry->size_bytes,
		.received_ns = entry->received_ns,
		.is_read = entry->is_read };
	EXA_AUTO(buf_done) struct buf value = { 0 };

	ledger_encode(&value, &gone);
	return store_set(txn, TABLE_LEDGER, key_bytes(&k), buf_bytes(&value), err);
}

static bool
apply_removed(struct store_txn *txn, struct bytes record, struct exa_error *err)
{
	struct catalog_key key;
	struct known_row known;
	struct ledger_entry entry;
	struct table_key k;
	enum ledger_state before;
	struct reader r;
	bool is_known, is_open;

	if (!open_keyed(record, RECORD_REMOVED, &r, &key, err) ||
		!state_of(txn, &key, &before, err) ||
		!known_get(txn, &key, &is_known, &known, err) ||
		!catalog_ledger(txn, &key, &is_open, &entry, err))
		return false;
	if (!is_known && !is_open)
		return true;
	if (!is_known)
		return open_becomes_gone(txn, &key, &entry, err) &&
		       move_count(txn, &key, before, LEDGER_GONE, err);
	k = key_item(&key);
	known.removed = true;
	return known_set(txn, &key, &known, err) &&
	       store_delete(txn, TABLE_LEDGER, key_bytes(&k), err) &&
	       row_becomes_removed(txn, known.item, err) &&
	       move_count(txn, &key, before, LEDGER_REMOVED, err);
}

static bool
apply_ledger(struct store_txn *txn, struct bytes note, struct exa_error *err)
{
	struct catalog_key key;
	struct ledger_entry entry;
	struct table_key k;
	enum ledger_state before;
	struct reader r;

	if (!open_keyed(note, NOTE_LEDGER, &r, &key, err) || !ledger_decode(r.rest, &entry, err) ||
		!state_of(txn, &key, &before, err))
		return false;
	k = key_item(&key);
	return store_set(txn, TABLE_LEDGER, key_bytes(&k), r.rest, err) &&
	       move_count(txn, &key, before, entry.state, err);
}

static bool
apply_close(struct store_txn *txn, struct bytes note, struct exa_error *err)
{
	struct catalog_key key;
	struct table_key k;
	enum ledger_state before, after;
	struct reader r;

	if (!open_keyed(note, NOTE_CLOSE, &r, &key, err) || !state_of(txn, &key, &before, err))
		return false;
	k = key_item(&key);
	return store_delete(txn, TABLE_LEDGER, key_bytes(&k), err) &&
	       state_of(txn, &key, &after, err) && move_count(txn, &key, before, after, err);
}

static bool
apply_sync(struct store_txn *txn, struct bytes note, struct exa_error *err)
{
	struct catalog_sync sync;
	struct table_key k;
	struct reader r;
	uint32_t mailbox, folder;

	if (!record_open(note, NOTE_SYNC, &r, err))
		return false;
	mailbox = (uint32_t)read_varint(&r);
	folder = (uint32_t)read_varint(&r);
	if (r.failed)
		return exa_fail(err, EXA_CORRUPT, "a sync note is malformed");
	if (!sync_decode(r.rest, &sync, err))
		return false;
	k = key_folder(mailbox, folder);
	return store_set(txn, TABLE_SYNC, key_bytes(&k), r.rest, err);
}

static bool
apply_run(struct store_txn *txn, struct bytes record, struct exa_error *err)
{
	struct catalog_run run;
	struct table_key k;

	if (!run_decode(record, &run, err))
		return false;
	k = key_number(run.number);
	return store_set(txn, TABLE_RUN, key_bytes(&k), record, err) &&
	       raise_number(txn, bytes_of_string("run"), run.number, err);
}

static bool
apply_hold(struct store_txn *txn, struct bytes record, struct exa_error *err)
{
	struct catalog_hold hold;
	struct table_key k;

	if (!hold_decode(record, &hold, err))
		return false;
	k = key_number(hold.number);
	return store_set(txn, TABLE_HOLD, key_bytes(&k), record, err) &&
	       raise_number(txn, bytes_of_string("hold"), hold.number, err);
}

static bool
apply_audit(struct store_txn *txn, struct bytes record, struct exa_error *err)
{
	struct catalog_audit audit;
	struct table_key k;

	if (!audit_decode(record, &audit, err))
		return false;
	k = key_number(audit.number);
	return store_set(txn, TABLE_AUDIT, key_bytes(&k), record, err) &&
	       raise_number(txn, bytes_of_string("audit"), audit.number, err);
}

bool
catalog_apply(void *ctx, struct store_txn *txn, const struct store_loc *loc, struct bytes record,
	struct exa_error *err)
{
	(void)ctx;
	if (record.size == 0)
		return exa_fail(err, EXA_CORRUPT, "an empty record");
	switch ((enum record_type)record.data[0]) {
	case RECORD_MAILBOX:
		return apply_mailbox(txn, record, err);
	case RECORD_FOLDER:
		return apply_folder(txn, record, err);
	case RECORD_ITEM:
		return apply_item(txn, loc, record, err);
	case RECORD_REMOVED:
		return apply_removed(txn, record, err);
	case RECORD_RUN:
		return apply_run(txn, record, err);
	case RECORD_EXPIRED:
		return apply_expired(txn, record, err);
	case RECORD_HOLD:
		return apply_hold(txn, record, err);
	case RECORD_AUDIT:
		return apply_audit(txn, record, err);
	case RECORD_SHORT:
		return apply_short(txn, record, err);
	case RECORD_CARRIED:
		return apply_carried(txn, loc, record, err);
	case NOTE_LEDGER:
		return apply_ledger(txn, record, err);
	case NOTE_CLOSE:
		return apply_close(txn, record, err);
	case NOTE_SYNC:
		return apply_sync(txn, record, err);
	case NOTE_ALIKE:
		return apply_alike(txn, record, err);
	}
	return exa_fail(err, EXA_USAGE,
		"the archive holds records of type %u, which this program doesn't know; use a "
		"newer exarch",
		record.data[0]);
}
