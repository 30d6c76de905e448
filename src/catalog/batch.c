/* SPDX-License-Identifier: Apache-2.0 */
/* Changes as records and notes; apply.c says what they do. */
#include "record.h"

void
catalog_batch_done(struct catalog_batch *b)
{
	store_batch_done(&b->store);
	buf_done(&b->scratch);
}

static void
begin_keyed(struct catalog_batch *b, enum record_type type, const struct catalog_key *key)
{
	buf_reset(&b->scratch);
	record_begin(&b->scratch, type);
	add_item_key(&b->scratch, key);
}

void
catalog_batch_ledger(
	struct catalog_batch *b, const struct catalog_key *key, const struct ledger_entry *entry)
{
	begin_keyed(b, NOTE_LEDGER, key);
	ledger_encode(&b->scratch, entry);
	store_batch_note(&b->store, buf_bytes(&b->scratch));
}

void
catalog_batch_close(struct catalog_batch *b, const struct catalog_key *key)
{
	begin_keyed(b, NOTE_CLOSE, key);
	store_batch_note(&b->store, buf_bytes(&b->scratch));
}

void
catalog_batch_removed(struct catalog_batch *b, const struct catalog_key *key)
{
	begin_keyed(b, RECORD_REMOVED, key);
	store_batch_record(&b->store, buf_bytes(&b->scratch));
}

void
catalog_batch_sync(
	struct catalog_batch *b, uint32_t mailbox, uint32_t folder, const struct catalog_sync *sync)
{
	buf_reset(&b->scratch);
	record_begin(&b->scratch, NOTE_SYNC);
	buf_add_varint(&b->scratch, mailbox);
	buf_add_varint(&b->scratch, folder);
	sync_encode(&b->scratch, sync);
	store_batch_note(&b->store, buf_bytes(&b->scratch));
}

void
catalog_batch_item(struct catalog_batch *b, const struct catalog_item *item)
{
	buf_reset(&b->scratch);
	item_encode(&b->scratch, item);
	store_batch_record(&b->store, buf_bytes(&b->scratch));
}

void
catalog_batch_expired(struct catalog_batch *b, const struct catalog_expired *e)
{
	buf_reset(&b->scratch);
	expired_encode(&b->scratch, e);
	store_batch_record(&b->store, buf_bytes(&b->scratch));
}

bool
catalog_submit(
	struct catalog *c, struct catalog_batch *b, uint64_t *epoch_out, struct exa_error *err)
{
	return store_submit(catalog_store(c), &b->store, epoch_out, err);
}
