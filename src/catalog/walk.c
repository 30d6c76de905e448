/* SPDX-License-Identifier: Apache-2.0 */
/* Walks over tables: one cursor, one decoder, one callback each. */
#include <string.h>

#include "exarch/clock.h"

#include "record.h"

bool
walk_table(struct store_txn *txn, enum table table, struct bytes prefix, struct bytes from,
	entry_fn *fn, void *ctx, struct exa_error *err)
{
	EXA_AUTO(store_cursor_closep) struct store_cursor *cursor = NULL;
	struct bytes key, value;

	if (!store_cursor_open(txn, table, prefix, from, &cursor, err))
		return false;
	exa_error_clear(err);
	while (store_cursor_next(cursor, &key, &value, err)) {
		if (!fn(ctx, key, value, err))
			return false;
	}
	return err->code == EXA_OK;
}

struct mailbox_walk {
	catalog_mailbox_fn *fn;
	void *ctx;
};

static bool
mailbox_entry(void *ctx, struct bytes key, struct bytes value, struct exa_error *err)
{
	struct mailbox_walk *w = ctx;
	struct catalog_mailbox m;

	(void)key;
	return mailbox_decode(value, &m, err) && w->fn(w->ctx, &m, err);
}

bool
catalog_each_mailbox(
	struct store_txn *txn, catalog_mailbox_fn *fn, void *ctx, struct exa_error *err)
{
	struct mailbox_walk w = { .fn = fn, .ctx = ctx };

	return walk_table(
		txn, TABLE_MAILBOX, bytes_of(NULL, 0), bytes_of(NULL, 0), mailbox_entry, &w, err);
}

struct folder_walk {
	catalog_folder_fn *fn;
	void *ctx;
};

static bool
folder_entry(void *ctx, struct bytes key, struct bytes value, struct exa_error *err)
{
	struct folder_walk *w = ctx;
	struct catalog_folder f;

	(void)key;
	return folder_decode(value, &f, err) && w->fn(w->ctx, &f, err);
}

bool
catalog_each_folder(struct store_txn *txn, uint32_t mailbox, catalog_folder_fn *fn, void *ctx,
	struct exa_error *err)
{
	struct folder_walk w = { .fn = fn, .ctx = ctx };
	struct table_key prefix = key_number(mailbox);

	return walk_table(
		txn, TABLE_FOLDER, key_bytes(&prefix), bytes_of(NULL, 0), folder_entry, &w, err);
}

struct path_walk {
	catalog_path_fn *fn;
	void *ctx;
};

static bool
path_entry(void *ctx, struct bytes key, struct bytes value, struct exa_error *err)
{
	struct path_walk *w = ctx;
	struct reader r = reader_of(value);
	const char *path = read_text(&r);

	(void)key;
	if (r.failed)
		return exa_fail(err, EXA_CORRUPT,
			"index: a folder's path is malformed; run `exarch rebuild`");
	return w->fn(w->ctx, path, err);
}

bool
catalog_each_folder_path(struct store_txn *txn, uint32_t mailbox, uint32_t number,
	catalog_path_fn *fn, void *ctx, struct exa_error *err)
{
	struct path_walk w = { .fn = fn, .ctx = ctx };
	struct table_key prefix = key_folder(mailbox, number);

	return walk_table(
		txn, TABLE_FOLDER_PATH, key_bytes(&prefix), bytes_of(NULL, 0), path_entry, &w, err);
}

struct open_walk {
	const struct catalog_key *after;
	catalog_ledger_fn *fn;
	void *ctx;
};

static bool
open_entry(void *ctx, struct bytes key, struct bytes value, struct exa_error *err)
{
	struct open_walk *w = ctx;
	struct catalog_key k;
	struct ledger_entry e;

	if (!parse_key_item(key, &k))
		return exa_fail(
			err, EXA_CORRUPT, "index: a ledger key is malformed; run `exarch rebuild`");
	if (w->after != NULL && memcmp(k.id_hash, w->after->id_hash, sizeof k.id_hash) == 0)
		return true;
	return ledger_decode(value, &e, err) && w->fn(w->ctx, &k, &e, err);
}

bool
catalog_each_open(struct store_txn *txn, uint32_t mailbox, uint32_t folder,
	const struct catalog_key *after, catalog_ledger_fn *fn, void *ctx, struct exa_error *err)
{
	struct open_walk w = { .after = after, .fn = fn, .ctx = ctx };
	struct table_key prefix = key_folder(mailbox, folder), from = { .size = 0 };

	if (after != NULL)
		from = key_item(after);
	return walk_table(
		txn, TABLE_LEDGER, key_bytes(&prefix), key_bytes(&from), open_entry, &w, err);
}

struct known_walk {
	catalog_known_fn *fn;
	void *ctx;
};

static bool
known_entry(void *ctx, struct bytes key, struct bytes value, struct exa_error *err)
{
	struct known_walk *w = ctx;
	struct catalog_key k;
	struct known_row known;

	if (!parse_key_item(key, &k))
		return exa_fail(err, EXA_CORRUPT,
			"index: a `known` key is malformed; run `exarch rebuild`");
	if (!known_decode(value, &known, err))
		return false;
	return known.removed || w->fn(w->ctx, &k, known.item, err);
}

bool
catalog_each_known(struct store_txn *txn, uint32_t mailbox, uint32_t folder, catalog_known_fn *fn,
	void *ctx, struct exa_error *err)
{
	struct known_walk w = { .fn = fn, .ctx = ctx };
	struct table_key prefix = key_folder(mailbox, folder);

	return walk_table(
		txn, TABLE_KNOWN, key_bytes(&prefix), bytes_of(NULL, 0), known_entry, &w, err);
}

bool
catalog_each_row(struct store_txn *txn, uint32_t mailbox, uint32_t folder,
	struct catalog_place *place, size_t most, catalog_row_fn *fn, void *ctx, bool *more_out,
	struct exa_error *err)
{
	EXA_AUTO(store_cursor_closep) struct store_cursor *cursor = NULL;
	struct table_key prefix = key_folder(mailbox, folder),
			 from = key_place(
				 txn, mailbox, folder, place->received_ns, place->number + 1);
	struct bytes key, value;
	size_t count = 0;

	if (!store_cursor_open(
		    txn, TABLE_PLACE, key_bytes(&prefix), key_bytes(&from), &cursor, err))
		return false;
	exa_error_clear(err);
	while (count < most && store_cursor_next(cursor, &key, &value, err)) {
		struct catalog_row row;
		struct place_key at;
		bool found;

		if (!parse_key_place(txn, key, &at))
			return exa_fail(err, EXA_CORRUPT,
				"index: a place key is malformed; run `exarch rebuild`");
		*place = at.at;
		if (!catalog_row(txn, place->number, &found, &row, err))
			return false;
		if (!found)
			return exa_fail(err, EXA_CORRUPT,
				"index: item %llu has a place but no row; run `exarch rebuild`",
				(unsigned long long)place->number);
		if (!fn(ctx, &row, err))
			return false;
		count++;
	}
	*more_out = count == most;
	return err->code == EXA_OK;
}

bool
catalog_each_row_by_number(struct store_txn *txn, uint64_t *number, size_t most, catalog_row_fn *fn,
	void *ctx, bool *more_out, struct exa_error *err)
{
	EXA_AUTO(store_cursor_closep) struct store_cursor *cursor = NULL;
	struct table_key from = key_number(*number + 1);
	struct bytes key, value;
	size_t count = 0;

	if (!store_cursor_open(txn, TABLE_ITEM, bytes_of(NULL, 0), key_bytes(&from), &cursor, err))
		return false;
	exa_error_clear(err);
	while (count < most && store_cursor_next(cursor, &key, &value, err)) {
		struct catalog_row row;
		uint64_t alias;

		if (!parse_key_number(key, number))
			return exa_fail(err, EXA_CORRUPT,
				"index: an item's key is malformed; run `exarch rebuild`");
		count++;
		if (!row_decode(*number, value, &row, &alias, err) ||
			(alias == 0 && !fn(ctx, &row, err)))
			return false;
	}
	*more_out = count == most;
	return err->code == EXA_OK;
}

struct expired_walk {
	catalog_expired_fn *fn;
	void *ctx;
};

static bool
expired_entry(void *ctx, struct bytes key, struct bytes value, struct exa_error *err)
{
	struct expired_walk *w = ctx;
	struct catalog_expired e;

	(void)key;
	return expired_decode(value, &e, err) && w->fn(w->ctx, &e, err);
}

bool
catalog_each_expired(
	struct store_txn *txn, catalog_expired_fn *fn, void *ctx, struct exa_error *err)
{
	struct expired_walk w = { .fn = fn, .ctx = ctx };
	struct bytes all = { 0 };

	return walk_table(txn, TABLE_EXPIRED, all, all, expired_entry, &w, err);
}
