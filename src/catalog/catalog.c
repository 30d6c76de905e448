/* SPDX-License-Identifier: Apache-2.0 */
/* Life of a catalog, and the numbers it gives to mailboxes, folders and items. */
#include <inttypes.h>
#include <string.h>

#include "exarch/mem.h"
#include "internal.h"
#include "record.h"

static void
committed(void *ctx, uint64_t epoch)
{
	struct catalog *c = ctx;

	if (c->listener.committed != NULL)
		c->listener.committed(c->listener.ctx, epoch);
}

static struct store_schema
schema_of(struct catalog *c)
{
	return (struct store_schema){
		.tables = catalog_tables,
		.table_count = TABLE_TOTAL,
		.apply = catalog_apply,
		.committed = committed,
		.ctx = c,
	};
}

bool
catalog_create(const char *dir, const struct store_create_options *options, struct exa_error *err)
{
	return store_create(dir, options, err);
}

bool
state_next(struct store_txn *txn, struct bytes name, uint64_t *next_out, struct exa_error *err)
{
	struct bytes value;
	bool found;

	if (!store_get(txn, TABLE_STATE, name, &found, &value, err))
		return false;
	if (found && value.size != 8)
		return exa_fail(
			err, EXA_CORRUPT, "index: a state row is malformed; run `exarch rebuild`");
	*next_out = found ? get_le64(value.data) : 1;
	return true;
}

static bool
load_numbers(struct catalog *c, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	uint64_t item, mailbox;

	if (!store_read_begin(c->store, &txn, err) ||
		!state_next(txn, bytes_of_string("item"), &item, err) ||
		!state_next(txn, bytes_of_string("mailbox"), &mailbox, err))
		return false;
	atomic_store(&c->next_item, item);
	c->next_mailbox = (uint32_t)mailbox;
	return true;
}

static void
catalog_free(struct catalog *c)
{
	(void)pthread_mutex_destroy(&c->mu);
	exa_free(c->next_folder);
	exa_free(c);
}

bool
catalog_open(const char *dir, const struct store_open_options *options,
	const struct catalog_listener *listener, struct catalog **out, struct exa_error *err)
{
	EXA_AUTO(catalog_abandonp) struct catalog *c = exa_alloc(sizeof *c);
	struct store_schema schema = schema_of(c);

	(void)pthread_mutex_init(&c->mu, NULL);
	if (listener != NULL)
		c->listener = *listener;
	if (!store_open(dir, options, &schema, &c->store, err) ||
		(options->access != STORE_SEGMENTS && !load_numbers(c, err)))
		return false;
	*out = c;
	c = NULL;
	return true;
}

bool
catalog_close(struct catalog *c, struct exa_error *err)
{
	bool good = store_close(c->store, err);

	catalog_free(c);
	return good;
}

void
catalog_abandonp(struct catalog **c)
{
	if (*c == NULL)
		return;
	store_abandon((*c)->store);
	catalog_free(*c);
	*c = NULL;
}

struct store *
catalog_store(struct catalog *c)
{
	return c->store;
}

uint64_t
catalog_next_item(struct catalog *c)
{
	return atomic_fetch_add(&c->next_item, 1);
}

static uint32_t
take_mailbox_number(struct catalog *c)
{
	uint32_t number;

	(void)pthread_mutex_lock(&c->mu);
	number = c->next_mailbox++;
	(void)pthread_mutex_unlock(&c->mu);
	return number;
}

/* STORED is the next number by the table, which lags behind what was given in this run. */
static uint32_t
take_folder_number(struct catalog *c, uint32_t mailbox, uint32_t stored)
{
	uint32_t number;

	(void)pthread_mutex_lock(&c->mu);
	if (mailbox >= c->next_folder_count) {
		size_t count = (size_t)mailbox + 64;

		c->next_folder = exa_realloc_array(c->next_folder, count, sizeof *c->next_folder);
		memset(c->next_folder + c->next_folder_count, 0,
			(count - c->next_folder_count) * sizeof *c->next_folder);
		c->next_folder_count = count;
	}
	if (c->next_folder[mailbox] < stored)
		c->next_folder[mailbox] = stored;
	number = c->next_folder[mailbox]++;
	(void)pthread_mutex_unlock(&c->mu);
	return number;
}

static bool
submit_record(struct catalog *c, const struct buf *record, struct exa_error *err)
{
	struct store_batch batch = { 0 };
	uint64_t epoch;
	bool good;

	store_batch_record(&batch, buf_bytes(record));
	good = store_submit(c->store, &batch, &epoch, err);
	store_batch_done(&batch);
	return good;
}

bool
catalog_mailbox_put(struct catalog *c, const struct catalog_mailbox *m, uint32_t *number_out,
	struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	EXA_AUTO(buf_done) struct buf record = { 0 };
	struct catalog_mailbox new_one = *m;
	struct bytes stored;
	bool found;

	if (!store_read_begin(c->store, &txn, err) ||
		!catalog_find_mailbox(txn, m->part, m->smtp, &found, &new_one.number, err))
		return false;
	if (found) {
		struct table_key k = key_number(new_one.number);
		struct catalog_mailbox old;
		bool has_row;

		if (!store_get(txn, TABLE_MAILBOX, key_bytes(&k), &has_row, &stored, err))
			return false;
		if (has_row && mailbox_decode(stored, &old, err) &&
			strcmp(old.display_name, m->display_name) == 0) {
			*number_out = new_one.number;
			return true;
		}
	} else {
		new_one.number = take_mailbox_number(c);
	}
	mailbox_encode(&record, &new_one);
	if (!submit_record(c, &record, err))
		return false;
	*number_out = new_one.number;
	return true;
}

bool
catalog_folder_put(struct catalog *c, const struct catalog_folder *f, uint32_t *number_out,
	struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	EXA_AUTO(buf_done) struct buf record = { 0 };
	struct table_key by = key_folder_by(f->mailbox, f->server_id),
			 mailbox = key_number(f->mailbox);
	struct catalog_folder new_one = *f;
	struct bytes value;
	bool found;

	if (!store_read_begin(c->store, &txn, err) ||
		!store_get(txn, TABLE_FOLDER_BY, key_bytes(&by), &found, &value, err))
		return false;
	if (found && value.size == 4) {
		new_one.number = get_le32(value.data);
	} else {
		uint64_t stored;

		if (!state_next(txn, key_bytes(&mailbox), &stored, err))
			return false;
		new_one.number = take_folder_number(c, f->mailbox, (uint32_t)stored);
	}
	folder_encode(&record, &new_one);
	if (found) {
		struct table_key k = key_folder(f->mailbox, new_one.number);

		if (!store_get(txn, TABLE_FOLDER, key_bytes(&k), &found, &value, err))
			return false;
		if (found && bytes_equal(value, buf_bytes(&record))) {
			*number_out = new_one.number;
			return true;
		}
	}
	if (!submit_record(c, &record, err))
		return false;
	*number_out = new_one.number;
	return true;
}

bool
catalog_folder_gone(struct catalog *c, uint32_t mailbox, uint32_t number, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	EXA_AUTO(buf_done) struct buf record = { 0 };
	struct table_key k = key_folder(mailbox, number);
	struct catalog_folder folder;
	struct bytes value;
	bool found;

	if (!store_read_begin(c->store, &txn, err) ||
		!store_get(txn, TABLE_FOLDER, key_bytes(&k), &found, &value, err))
		return false;
	if (!found)
		return exa_fail(err, EXA_GONE, "there is no folder %" PRIu32, number);
	if (!folder_decode(value, &folder, err))
		return false;
	if (folder.deleted)
		return true;
	folder.deleted = true;
	folder_encode(&record, &folder);
	return submit_record(c, &record, err);
}
