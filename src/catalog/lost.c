/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mailboxes and folders whose records damage has taken, after a rebuild. Their items are there, and
 * in the table of places each stands below its mailbox's and folder's number: from there come
 * stand-ins, so that whoever shows items shows these too.
 */
#include <inttypes.h>
#include <stdio.h>

#include "record.h"

#define NAME_MAX_BYTES 32

/* The first folder with items from MAILBOX, FOLDER on. */
static bool
find_items(struct store_txn *txn, uint32_t mailbox, uint32_t folder, bool *found_out,
	uint32_t *mailbox_out, uint32_t *folder_out, struct exa_error *err)
{
	EXA_AUTO(store_cursor_closep) struct store_cursor *cursor = NULL;
	struct table_key from = key_folder(mailbox, folder);
	struct place_key place;
	struct bytes key, value;

	if (!store_cursor_open(txn, TABLE_PLACE, bytes_of(NULL, 0), key_bytes(&from), &cursor, err))
		return false;
	*found_out = store_cursor_next(cursor, &key, &value, err);
	if (!*found_out)
		return err->code == EXA_OK;
	if (!parse_key_place(txn, key, &place))
		return exa_fail(
			err, EXA_CORRUPT, "index: a place key is malformed; run `exarch rebuild`");
	*mailbox_out = place.mailbox;
	*folder_out = place.folder;
	return true;
}

static bool
has_record(struct store_txn *txn, enum table table, const struct table_key *key, bool *has_out,
	struct exa_error *err)
{
	struct bytes value;

	return store_get(txn, table, key_bytes(key), has_out, &value, err);
}

static bool
stand_in_mailbox(uint32_t number, catalog_mailbox_fn *fn, void *ctx, struct exa_error *err)
{
	char name[NAME_MAX_BYTES];
	const struct catalog_mailbox m = { .number = number, .smtp = name, .display_name = "" };

	(void)snprintf(name, sizeof name, "(mailbox %" PRIu32 ")", number);
	return fn(ctx, &m, err);
}

static bool
stand_in_folder(
	uint32_t mailbox, uint32_t number, catalog_folder_fn *fn, void *ctx, struct exa_error *err)
{
	char path[NAME_MAX_BYTES];
	const struct catalog_folder f = { .mailbox = mailbox,
		.number = number,
		.server_id = "",
		.parent_id = "",
		.name = path + 1,
		.path = path,
		.class = "IPF.Note" };

	(void)snprintf(path, sizeof path, "/(folder %" PRIu32 ")", number);
	return fn(ctx, &f, err);
}

bool
catalog_each_mailbox_shown(
	struct store_txn *txn, catalog_mailbox_fn *fn, void *ctx, struct exa_error *err)
{
	uint32_t mailbox = 0, folder;
	bool found = true;

	if (!catalog_each_mailbox(txn, fn, ctx, err))
		return false;
	while (found && mailbox < UINT32_MAX) {
		struct table_key key;
		bool has;

		if (!find_items(txn, mailbox, 0, &found, &mailbox, &folder, err))
			return false;
		key = key_number(mailbox);
		if (found && (!has_record(txn, TABLE_MAILBOX, &key, &has, err) ||
				     (!has && !stand_in_mailbox(mailbox, fn, ctx, err))))
			return false;
		mailbox += mailbox < UINT32_MAX;
	}
	return true;
}

bool
catalog_each_folder_shown(struct store_txn *txn, uint32_t mailbox, catalog_folder_fn *fn, void *ctx,
	struct exa_error *err)
{
	uint32_t folder = 0, in = mailbox;
	bool found = true;

	if (!catalog_each_folder(txn, mailbox, fn, ctx, err))
		return false;
	while (found && folder < UINT32_MAX) {
		struct table_key key;
		bool has;

		if (!find_items(txn, mailbox, folder, &found, &in, &folder, err))
			return false;
		if (!found || in != mailbox)
			return true;
		key = key_folder(mailbox, folder);
		if (!has_record(txn, TABLE_FOLDER, &key, &has, err) ||
			(!has && !stand_in_folder(mailbox, folder, fn, ctx, err)))
			return false;
		folder += folder < UINT32_MAX;
	}
	return true;
}
