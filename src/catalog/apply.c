/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only place where the catalog's tables change. Runs for each record and note when the store
 * commits, recovers or rebuilds: the same path every time, so what a rebuild makes is what a run
 * had made. Each step may be applied twice (recovery), and the second time changes nothing.
 *
 *     item of the server:   nothing ──► open (ledger: pending, excluded, deferred, failed, gone)
 * ──► known ──► known, removed
 *                              └────────────────────────────────────────────────────────────────────▲
 *
 * The counts row of a folder follows each step (move_count); it is what completeness is reckoned
 * from.
 */
#include <string.h>

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
	*out = !found ? NOWHERE : known.removed ? LEDGER_REMOVED : LEDGER_ARCHIVED;
	return true;
}

static bool
move_count(struct store_txn *txn, const struct catalog_key *key, enum ledger_state from,
	enum ledger_state to, struct exa_error *err)
{
	struct table_key k = key_u32_u32(key->mailbox, key->folder);
	uint8_t value[COUNTS_SIZE];
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
	counts_encode(&counts, value);
	return store_set(txn, TABLE_COUNT, key_bytes(&k), bytes_of(value, sizeof value), err);
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

static bool
apply_mailbox(struct store_txn *txn, struct bytes record, struct exa_error *err)
{
	struct catalog_mailbox m;
	struct table_key by, k;
	uint8_t number[4];

	if (!mailbox_decode(record, &m, err))
		return false;
	k = key_u32(m.number);
	by = key_mailbox_by(m.part, m.smtp);
	put_le32(number, m.number);
	return store_set(txn, TABLE_MAILBOX, key_bytes(&k), record, err) &&
	       store_set(txn, TABLE_MAILBOX_BY, key_bytes(&by), bytes_of(number, sizeof number),
		       err) &&
	       raise_number(txn, bytes_of_string("mailbox"), m.number, err);
}

static bool
apply_folder(struct store_txn *txn, struct bytes record, struct exa_error *err)
{
	struct catalog_folder f;
	struct table_key by, k, next;
	uint8_t number[4];

	if (!folder_decode(record, &f, err))
		return false;
	k = key_u32_u32(f.mailbox, f.number);
	by = key_folder_by(f.mailbox, f.server_id);
	next = key_u32(f.mailbox);
	put_le32(number, f.number);
	return store_set(txn, TABLE_FOLDER, key_bytes(&k), record, err) &&
	       store_set(txn, TABLE_FOLDER_BY, key_bytes(&by), bytes_of(number, sizeof number),
		       err) &&
	       raise_number(txn, key_bytes(&next), f.number, err);
}

static bool
row_set(struct store_txn *txn, const struct catalog_row *row, struct exa_error *err)
{
	struct table_key k = key_u64(row->number);
	uint8_t value[ITEM_ROW_SIZE];

	row_encode(row, value);
	return store_set(txn, TABLE_ITEM, key_bytes(&k), bytes_of(value, sizeof value), err);
}

static bool
row_change_state(struct store_txn *txn, uint64_t number, enum catalog_item_state state,
	struct exa_error *err)
{
	struct catalog_row row;
	bool found;

	if (!catalog_row(txn, number, &found, &row, err))
		return false;
	if (!found)
		return exa_fail(err, EXA_CORRUPT,
			"index: item %llu is known but has no row; run `exarch rebuild`",
			(unsigned long long)number);
	row.state = state;
	return row_set(txn, &row, err);
}

/*
 * A known item came again. The same MIME (only its properties changed): the row is updated in place
 * and keeps its number. Else the earlier instance is superseded, or stays beside the new one when
 * the profile keeps all versions.
 */
static bool
meet_earlier(struct store_txn *txn, const struct catalog_item *item, uint64_t earlier,
	struct catalog_row *row, struct exa_error *err)
{
	struct catalog_row old;
	struct table_key place;
	bool found;

	if (!catalog_row(txn, earlier, &found, &old, err))
		return false;
	if (!found)
		return true;
	if (memcmp(old.mime_hash, row->mime_hash, sizeof old.mime_hash) != 0) {
		if (item->keep_older || earlier == row->number)
			return true;
		old.state = ITEM_SUPERSEDED;
		return row_set(txn, &old, err);
	}
	row->number = earlier;
	place = key_place(txn, old.mailbox, old.folder, old.received_ns, earlier);
	return store_delete(txn, TABLE_PLACE, key_bytes(&place), err);
}

static bool
apply_item(struct store_txn *txn, const struct store_loc *loc, struct bytes record,
	struct exa_error *err)
{
	struct known_row known;
	struct catalog_item item;
	struct catalog_row row;
	struct catalog_key key;
	struct table_key k, place;
	enum ledger_state before;
	uint8_t hash[CATALOG_SHA256_SIZE], value[KNOWN_ROW_SIZE];
	bool found;

	if (loc == NULL)
		return exa_fail(err, EXA_CORRUPT, "an item record came as a note");
	if (!item_decode(record, &item, err))
		return false;
	key = catalog_key_of(item.mailbox, item.folder, item.server_id);
	row = (struct catalog_row){ .number = item.number,
		.mailbox = item.mailbox,
		.folder = item.folder,
		.state = ITEM_LIVE,
		.received_ns = item.received_ns,
		.mime_bytes = item.mime_bytes,
		.loc = *loc };
	memcpy(row.mime_hash, item.mime_sha256, sizeof row.mime_hash);
	if (!state_of(txn, &key, &before, err) || !known_get(txn, &key, &found, &known, err))
		return false;
	if (found && !meet_earlier(txn, &item, known.item, &row, err))
		return false;
	k = key_item(&key);
	place = key_place(txn, row.mailbox, row.folder, row.received_ns, row.number);
	hash_text(item.change_key, hash);
	known = (struct known_row){ .item = row.number };
	memcpy(known.change_hash, hash, sizeof known.change_hash);
	known_encode(&known, value);
	return row_set(txn, &row, err) &&
	       store_set(txn, TABLE_PLACE, key_bytes(&place), bytes_of(NULL, 0), err) &&
	       store_set(txn, TABLE_KNOWN, key_bytes(&k), bytes_of(value, sizeof value), err) &&
	       store_delete(txn, TABLE_LEDGER, key_bytes(&k), err) &&
	       move_count(txn, &key, before, LEDGER_ARCHIVED, err) &&
	       raise_number(txn, bytes_of_string("item"), item.number, err);
}

static bool
read_key(struct reader *r, struct catalog_key *out, struct exa_error *err)
{
	struct bytes b = read_bytes(r, KEY_ITEM_SIZE);

	return parse_key_item(b, out) || exa_fail(err, EXA_CORRUPT, "a ledger record has no key");
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
	uint8_t value[KNOWN_ROW_SIZE];
	struct reader r;
	bool is_known, is_open;

	if (!record_open(record, RECORD_REMOVED, &r, err) || !read_key(&r, &key, err) ||
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
	known_encode(&known, value);
	return store_set(txn, TABLE_KNOWN, key_bytes(&k), bytes_of(value, sizeof value), err) &&
	       store_delete(txn, TABLE_LEDGER, key_bytes(&k), err) &&
	       row_change_state(txn, known.item, ITEM_REMOVED, err) &&
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

	if (!record_open(note, NOTE_LEDGER, &r, err) || !read_key(&r, &key, err) ||
		!ledger_decode(r.rest, &entry, err) || !state_of(txn, &key, &before, err))
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

	if (!record_open(note, NOTE_CLOSE, &r, err) || !read_key(&r, &key, err) ||
		!state_of(txn, &key, &before, err))
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
	k = key_u32_u32(mailbox, folder);
	return store_set(txn, TABLE_SYNC, key_bytes(&k), r.rest, err);
}

static bool
apply_run(struct store_txn *txn, struct bytes record, struct exa_error *err)
{
	struct catalog_run run;
	struct table_key k;

	if (!run_decode(record, &run, err))
		return false;
	k = key_u64(run.number);
	return store_set(txn, TABLE_RUN, key_bytes(&k), record, err) &&
	       raise_number(txn, bytes_of_string("run"), run.number, err);
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
	case NOTE_LEDGER:
		return apply_ledger(txn, record, err);
	case NOTE_CLOSE:
		return apply_close(txn, record, err);
	case NOTE_SYNC:
		return apply_sync(txn, record, err);
	}
	return exa_fail(err, EXA_USAGE,
		"the archive holds records of type %u, which this program doesn't know; use a "
		"newer exarch",
		record.data[0]);
}
