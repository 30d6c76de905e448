/* SPDX-License-Identifier: Apache-2.0 */
/* Single look-ups in the tables. */
#include <string.h>

#include "exarch/clock.h"
#include "record.h"

const char *
catalog_part_name(enum catalog_part part)
{
	switch (part) {
	case CATALOG_PRIMARY:
		break;
	case CATALOG_ONLINE_ARCHIVE:
		return "archive";
	case CATALOG_RECOVERABLE:
		return "recoverable";
	case CATALOG_PUBLIC:
		return "public";
	case CATALOG_ARCHIVE_RECOVERABLE:
		return "archive-recoverable";
	}
	return "primary";
}

const char *
catalog_part_suffix(enum catalog_part part)
{
	switch (part) {
	case CATALOG_PRIMARY:
		break;
	case CATALOG_ONLINE_ARCHIVE:
		return " (online archive)";
	case CATALOG_RECOVERABLE:
		return " (recoverable items)";
	case CATALOG_PUBLIC:
		return " (public folders)";
	case CATALOG_ARCHIVE_RECOVERABLE:
		return " (recoverable items of the online archive)";
	}
	return "";
}

const char *
ledger_state_name(enum ledger_state s)
{
	static const char *const names[LEDGER_STATE_COUNT] = {
		[LEDGER_PENDING] = "pending",
		[LEDGER_ARCHIVED] = "archived",
		[LEDGER_EXCLUDED] = "excluded",
		[LEDGER_DEFERRED] = "deferred",
		[LEDGER_FAILED] = "failed",
		[LEDGER_GONE] = "gone",
		[LEDGER_REMOVED] = "removed",
		[LEDGER_EXPIRED] = "expired",
	};

	return (unsigned)s < LEDGER_STATE_COUNT ? names[s] : "unknown";
}

bool
known_get(struct store_txn *txn, const struct catalog_key *key, bool *found_out,
	struct known_row *out, struct exa_error *err)
{
	struct table_key k = key_item(key);
	struct bytes value;
	bool found;

	if (!store_get(txn, TABLE_KNOWN, key_bytes(&k), &found, &value, err) ||
		(found && !known_decode(value, out, err)))
		return false;
	*found_out = found;
	return true;
}

bool
catalog_known(struct store_txn *txn, const struct catalog_key *key, bool *found_out,
	uint64_t *item_out, bool *same_change_key_out, const char *change_key,
	struct exa_error *err)
{
	struct known_row known;
	uint8_t hash[CATALOG_SHA256_SIZE];
	bool found;

	if (!known_get(txn, key, &found, &known, err))
		return false;
	*found_out = found && !known.removed;
	if (!*found_out)
		return true;
	hash_text(change_key, hash);
	*item_out = known.item;
	*same_change_key_out = change_key[0] == '\0' ||
			       memcmp(hash, known.change_hash, sizeof known.change_hash) == 0;
	return true;
}

bool
catalog_ledger(struct store_txn *txn, const struct catalog_key *key, bool *found_out,
	struct ledger_entry *out, struct exa_error *err)
{
	struct table_key k = key_item(key);
	struct bytes value;
	bool found;

	if (!store_get(txn, TABLE_LEDGER, key_bytes(&k), &found, &value, err) ||
		(found && !ledger_decode(value, out, err)))
		return false;
	*found_out = found;
	return true;
}

bool
catalog_sync_get(struct store_txn *txn, uint32_t mailbox, uint32_t folder, bool *found_out,
	struct catalog_sync *out, struct exa_error *err)
{
	struct table_key k = key_folder(mailbox, folder);
	struct bytes value;
	bool found;

	if (!store_get(txn, TABLE_SYNC, key_bytes(&k), &found, &value, err) ||
		(found && !sync_decode(value, out, err)))
		return false;
	*found_out = found;
	return true;
}

bool
catalog_counts(struct store_txn *txn, uint32_t mailbox, uint32_t folder, struct ledger_counts *out,
	struct exa_error *err)
{
	struct table_key k = key_folder(mailbox, folder);
	struct bytes value;
	bool found;

	if (!store_get(txn, TABLE_COUNT, key_bytes(&k), &found, &value, err))
		return false;
	if (found)
		return counts_decode(value, out, err);
	*out = (struct ledger_counts){ 0 };
	return true;
}

bool
catalog_find_mailbox(struct store_txn *txn, enum catalog_part part, const char *smtp,
	bool *found_out, uint32_t *number_out, struct exa_error *err)
{
	struct table_key k = key_mailbox_by(part, smtp);
	struct bytes value;
	bool found;

	if (!store_get(txn, TABLE_MAILBOX_BY, key_bytes(&k), &found, &value, err))
		return false;
	if (found && value.size != 4)
		return exa_fail(err, EXA_CORRUPT,
			"index: the row of mailbox %s is malformed; run `exarch rebuild`", smtp);
	*found_out = found;
	if (found)
		*number_out = get_le32(value.data);
	return true;
}

bool
catalog_find_folder(struct store_txn *txn, uint32_t mailbox, const char *server_id, bool *found_out,
	uint32_t *number_out, struct exa_error *err)
{
	struct table_key k = key_folder_by(mailbox, server_id);
	struct bytes value;
	bool found;

	if (!store_get(txn, TABLE_FOLDER_BY, key_bytes(&k), &found, &value, err))
		return false;
	if (found && value.size != 4)
		return exa_fail(err, EXA_CORRUPT,
			"index: a folder row of mailbox %u is malformed; run `exarch rebuild`",
			mailbox);
	*found_out = found;
	if (found)
		*number_out = get_le32(value.data);
	return true;
}

/* *ALIAS_OUT isn't 0 when the number stands for another one's row. */
static bool
row_or_alias(struct store_txn *txn, uint64_t number, bool *found_out, uint64_t *alias_out,
	struct catalog_row *out, struct exa_error *err)
{
	struct table_key k = key_number(number);
	struct bytes value;
	bool found;

	*alias_out = 0;
	if (!store_get(txn, TABLE_ITEM, key_bytes(&k), &found, &value, err) ||
		(found && !row_decode(number, value, out, alias_out, err)))
		return false;
	*found_out = found && *alias_out == 0;
	return true;
}

bool
catalog_row(struct store_txn *txn, uint64_t number, bool *found_out, struct catalog_row *out,
	struct exa_error *err)
{
	uint64_t alias;

	return row_or_alias(txn, number, found_out, &alias, out, err);
}

bool
row_resolve(struct store_txn *txn, uint64_t number, bool *found_out, struct catalog_row *out,
	struct exa_error *err)
{
	uint64_t alias;

	if (!row_or_alias(txn, number, found_out, &alias, out, err))
		return false;
	return alias == 0 || catalog_row(txn, alias, found_out, out, err);
}

bool
catalog_expired_get(struct store_txn *txn, uint64_t number, bool *found_out,
	struct catalog_expired *out, struct exa_error *err)
{
	struct table_key k = key_number(number);
	struct bytes value;
	bool found;

	if (!store_get(txn, TABLE_EXPIRED, key_bytes(&k), &found, &value, err) ||
		(found && !expired_decode(value, out, err)))
		return false;
	*found_out = found;
	return true;
}

/* ---- the full record ---- */

/* The record as it was logged first, or as a compaction logged it anew. */
static bool
read_at(struct store_reader *r, const struct catalog_row *row, struct buf *scratch,
	struct catalog_item *out, struct exa_error *err)
{
	struct bytes record;
	uint64_t number;

	if (row->state == ITEM_EXPIRED)
		return exa_fail(err, EXA_GONE, "expired; its content is no longer in the archive");
	if (row->loc.segment == 0)
		return exa_fail(err, EXA_CORRUPT, "its full record is lost");
	if (!store_reader_record(r, &row->loc, &record, err))
		return false;
	buf_reset(scratch);
	buf_add_bytes(scratch, record);
	record = buf_bytes(scratch);
	if (record.size > 0 && record.data[0] == RECORD_CARRIED &&
		!carried_decode(record, &number, &record, err))
		return false;
	if (!item_decode(record, out, err))
		return false;
	/* A row that points at another item's record is damage of the index, not of the archive. */
	if (out->mailbox != row->mailbox || out->folder != row->folder ||
		memcmp(item_content_sha256(out), row->mime_hash, sizeof row->mime_hash) != 0)
		return exa_fail(err, EXA_CORRUPT,
			"the index points at another item's record; run `exarch rebuild`");
	out->number = row->number;
	return true;
}

static bool
same_loc(const struct store_loc *a, const struct store_loc *b)
{
	return a->segment == b->segment && a->offset == b->offset && a->slot == b->slot;
}

/* Whether the row points somewhere else by now, or is expired: *NEWER_OUT is how it stands. */
static bool
row_has_moved(struct store_reader *r, const struct catalog_row *row, struct catalog_row *newer_out)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct exa_error ignored; /* what the first attempt said stands */
	bool found;

	return store_read_begin(store_reader_store(r), &txn, &ignored) &&
	       catalog_row(txn, row->number, &found, newer_out, &ignored) && found &&
	       (newer_out->state == ITEM_EXPIRED || !same_loc(&newer_out->loc, &row->loc));
}

bool
catalog_item_read(struct store_reader *r, const struct catalog_row *row, struct buf *scratch,
	struct catalog_item *out, struct exa_error *err)
{
	struct catalog_row newer;

	if (read_at(r, row, scratch, out, err))
		return true;
	if (err->code == EXA_CORRUPT && row_has_moved(r, row, &newer) &&
		read_at(r, &newer, scratch, out, err))
		return true;
	return exa_while(err, "item %llu", (unsigned long long)row->number);
}
