/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records and notes, applied to an index as a commit or rebuild would: two bytes say how long the
 * next one is and whether it was logged. What was applied without complaint can be looked at
 * without one. All of it happens in one transaction that is given up at the end, so each input
 * meets an empty index.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exarch/clock.h"
#include "exarch/mem.h"

#include "index.h"
#include "record.h"

#define RECORDS_MAX 64 /* looking is done for each mailbox and folder: bounds one input's time */
#define LOGGED 0x80    /* bit of the second byte */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct store_schema schema = { .tables = catalog_tables, .table_count = TABLE_TOTAL };
static struct index opened;

/* One index for all inputs; nothing is ever committed to it. */
static bool
open_index(struct exa_error *err)
{
	static const uint8_t uuid[UUID_SIZE];
	char folder[] = "/tmp/exarch-fuzz-XXXXXX";
	EXA_AUTO(exa_freep) char *path = NULL;
	bool good;

	if (mkdtemp(folder) == NULL)
		return false;
	path = exa_asprintf("%s/idx", folder);
	good = index_create(path, uuid, INDEX_LASTING, err) &&
	       index_open(&opened, path, INDEX_BUILD, &schema, uuid, err);
	index_remove(path); /* open files stay until they are closed */
	(void)rmdir(path);
	(void)rmdir(folder);
	return good;
}

static bool
skip_mailbox(void *ctx, const struct catalog_mailbox *m, struct exa_error *err)
{
	(void)ctx, (void)err;
	return m->smtp != NULL && m->display_name != NULL;
}

static bool
skip_folder(void *ctx, const struct catalog_folder *f, struct exa_error *err)
{
	(void)ctx, (void)err;
	return f->server_id != NULL && f->path != NULL;
}

static bool
skip_entry(void *ctx, const struct catalog_key *key, const struct ledger_entry *e,
	struct exa_error *err)
{
	(void)ctx, (void)err;
	return key != NULL && e->server_id != NULL;
}

static bool
skip_known(void *ctx, const struct catalog_key *key, uint64_t item, struct exa_error *err)
{
	(void)ctx, (void)item, (void)err;
	return key != NULL;
}

static bool
skip_row(void *ctx, const struct catalog_row *row, struct exa_error *err)
{
	(void)ctx, (void)err;
	return row != NULL;
}

static bool
skip_run(void *ctx, const struct catalog_run *run, struct exa_error *err)
{
	(void)ctx, (void)err;
	return run->host != NULL;
}

static bool
skip_expired(void *ctx, const struct catalog_expired *e, struct exa_error *err)
{
	(void)ctx, (void)err;
	return e->rule != NULL;
}

static bool
skip_hold(void *ctx, const struct catalog_hold *hold, struct exa_error *err)
{
	(void)ctx, (void)err;
	return hold->name != NULL;
}

static bool
skip_audit(void *ctx, const struct catalog_audit *audit, struct exa_error *err)
{
	(void)ctx, (void)err;
	return audit->action != NULL;
}

/* Everything a folder has. */
static bool
look_at_folder(struct store_txn *txn, uint32_t mailbox, uint32_t folder, struct exa_error *err)
{
	struct catalog_place place = { EXA_NO_TIME, 0 };
	struct ledger_counts counts;
	struct catalog_sync sync;
	bool found, more;

	return catalog_counts(txn, mailbox, folder, &counts, err) &&
	       catalog_each_open(txn, mailbox, folder, NULL, skip_entry, NULL, err) &&
	       catalog_each_known(txn, mailbox, folder, skip_known, NULL, err) &&
	       catalog_each_row(txn, mailbox, folder, &place, 1000, skip_row, NULL, &more, err) &&
	       catalog_sync_get(txn, mailbox, folder, &found, &sync, err);
}

static bool
look(struct store_txn *txn, struct exa_error *err)
{
	uint64_t broken;

	if (!catalog_each_mailbox(txn, skip_mailbox, NULL, err) ||
		!catalog_each_run(txn, skip_run, NULL, err) ||
		!catalog_each_expired(txn, skip_expired, NULL, err) ||
		!catalog_each_hold(txn, skip_hold, NULL, err) ||
		!catalog_each_audit(txn, skip_audit, NULL, err) ||
		!catalog_check_chains(txn, NULL, NULL, &broken, err))
		return false;
	for (uint32_t mailbox = 0; mailbox < 4; mailbox++) {
		if (!catalog_each_folder(txn, mailbox, skip_folder, NULL, err))
			return false;
		for (uint32_t folder = 0; folder < 4; folder++)
			if (!look_at_folder(txn, mailbox, folder, err))
				return false;
	}
	return true;
}

static bool
apply_all(struct store_txn *txn, struct bytes input, struct exa_error *err)
{
	struct store_loc loc = { .segment = 1, .offset = 64 };

	for (int i = 0; i < RECORDS_MAX && input.size >= 2; i++) {
		size_t size = input.data[0] | (size_t)(input.data[1] & ~LOGGED) << 8;
		bool logged = (input.data[1] & LOGGED) != 0;

		input = bytes_skip(input, 2);
		loc.slot = (uint16_t)i;
		if (!catalog_apply(NULL, txn, logged ? &loc : NULL, bytes_take(input, size), err))
			return false;
		input = bytes_skip(input, size);
	}
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct store_txn txn = { .index = &opened, .writable = true };
	struct exa_error err = { 0 };

	if (opened.env == NULL && !open_index(&err)) {
		(void)fprintf(stderr, "no index: %s\n", err.text);
		abort();
	}
	if (mdb_txn_begin(opened.env, NULL, 0, &txn.txn) != 0)
		abort();
	if (apply_all(&txn, bytes_of(data, size), &err) && !look(&txn, &err)) {
		(void)fprintf(stderr, "applied, but not readable: %s\n", err.text);
		abort();
	}
	mdb_txn_abort(txn.txn);
	return 0;
}
