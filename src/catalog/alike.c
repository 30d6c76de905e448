/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which archived item of a mailbox has these facts: an index over what a listing tells of an item,
 * for whoever wants to know an item again that has another id now. It is made by notes alone and may
 * lack any row: a rebuild begins with none. Two items of the same facts take the row from each
 * other, and from then on it names neither.
 */
#include <string.h>

#include "record.h"

static void
hash_facts(const struct catalog_alike *facts, uint8_t out[ALIKE_HASH_SIZE])
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	uint8_t hash[CATALOG_SHA256_SIZE];

	buf_printf(&text, "%lld %lld %s", (long long)facts->received_ns,
		(long long)facts->size_bytes, facts->class);
	hash_text(buf_string(&text), hash);
	memcpy(out, hash, ALIKE_HASH_SIZE);
}

void
catalog_batch_alike(struct catalog_batch *b, uint32_t mailbox, const struct catalog_alike *facts,
	const struct catalog_alike_item *item)
{
	uint8_t hash[ALIKE_HASH_SIZE];

	hash_facts(facts, hash);
	buf_reset(&b->scratch);
	record_begin(&b->scratch, NOTE_ALIKE);
	buf_add_varint(&b->scratch, mailbox);
	buf_add(&b->scratch, hash, sizeof hash);
	buf_add_varint(&b->scratch, item->number);
	add_signed(&b->scratch, item->modified_ns);
	buf_add_varint(&b->scratch, item->instead_of);
	store_batch_note(&b->store, buf_bytes(&b->scratch));
}

/* Number 0: two have had these facts. */
static bool
row_get(struct store_txn *txn, const struct table_key *key, bool *found_out,
	struct catalog_alike_item *out, struct exa_error *err)
{
	struct bytes value;
	struct reader r;

	*out = (struct catalog_alike_item){ 0 };
	if (!store_get(txn, TABLE_ALIKE, key_bytes(key), found_out, &value, err))
		return false;
	if (!*found_out)
		return true;
	r = reader_of(value);
	out->number = read_varint(&r);
	out->modified_ns = read_moment(&r);
	return reader_at_end(&r) ||
	       exa_fail(err, EXA_CORRUPT, "index: an alike row is malformed; run `exarch rebuild`");
}

static bool
row_put(struct store_txn *txn, const struct table_key *key, const struct catalog_alike_item *item,
	struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf value = { 0 };
	uint8_t moment[MOMENT_MAX];

	buf_add_varint(&value, item->number);
	buf_add(&value, moment, put_moment(moment, item->modified_ns));
	return store_set(txn, TABLE_ALIKE, key_bytes(key), buf_bytes(&value), err);
}

bool
catalog_alike_find(struct store_txn *txn, uint32_t mailbox, const struct catalog_alike *facts,
	bool *found_out, struct catalog_alike_item *out, struct exa_error *err)
{
	uint8_t hash[ALIKE_HASH_SIZE];
	struct catalog_alike_item item;
	struct table_key k;
	bool found;

	hash_facts(facts, hash);
	k = key_alike(txn, mailbox, hash);
	if (!row_get(txn, &k, &found, &item, err))
		return false;
	*found_out = found && item.number != 0;
	if (*found_out)
		*out = item;
	return true;
}

/* The row that shows the item: its record may have updated an earlier one's. */
static bool
shown_number(struct store_txn *txn, uint64_t number, uint64_t *out, struct exa_error *err)
{
	struct catalog_row row;
	bool found;

	if (!row_resolve(txn, number, &found, &row, err))
		return false;
	*out = found ? row.number : number;
	return true;
}

bool
apply_alike(struct store_txn *txn, struct bytes note, struct exa_error *err)
{
	struct catalog_alike_item item = { 0 }, before;
	uint8_t hash[ALIKE_HASH_SIZE] = { 0 };
	uint64_t instead_of;
	struct table_key k;
	uint32_t mailbox;
	struct reader r;
	bool found;

	if (!record_open(note, NOTE_ALIKE, &r, err))
		return false;
	mailbox = read_number(&r);
	read_fixed(&r, hash, sizeof hash);
	item.number = read_varint(&r);
	item.modified_ns = read_signed(&r);
	instead_of = read_varint(&r);
	if (!record_end(&r, "alike", err))
		return false;
	k = key_alike(txn, mailbox, hash);
	if (!shown_number(txn, item.number, &item.number, err) ||
		!row_get(txn, &k, &found, &before, err))
		return false;
	if (found && before.number != item.number &&
		(instead_of == 0 || before.number != instead_of))
		item = (struct catalog_alike_item){ 0 };
	return row_put(txn, &k, &item, err);
}
