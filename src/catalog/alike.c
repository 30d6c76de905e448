/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which archived item of a mailbox has these facts: an index over what a listing tells of an item,
 * for whoever wants to know an item again that has another id now. It is made by notes alone and may
 * lack any row: a rebuild begins with none. Two items of the same facts take the row from each
 * other, and from then on it names neither.
 */
#include <string.h>

#include "record.h"

#define ALIKE_ROW_SIZE 16

static struct table_key
key_alike(uint32_t mailbox, const struct catalog_alike *facts)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	struct table_key k = key_u32(mailbox);
	uint8_t hash[CATALOG_SHA256_SIZE];

	buf_printf(&text, "%lld %lld %s", (long long)facts->received_ns,
		(long long)facts->size_bytes, facts->class);
	hash_text(buf_string(&text), hash);
	memcpy(k.bytes + k.size, hash, 16);
	k.size += 16;
	return k;
}

void
catalog_batch_alike(struct catalog_batch *b, uint32_t mailbox, const struct catalog_alike *facts,
	const struct catalog_alike_item *item)
{
	struct table_key k = key_alike(mailbox, facts);

	buf_reset(&b->scratch);
	record_begin(&b->scratch, NOTE_ALIKE);
	buf_add_sized(&b->scratch, key_bytes(&k));
	buf_add_varint(&b->scratch, item->number);
	add_signed(&b->scratch, item->modified_ns);
	buf_add_varint(&b->scratch, item->instead_of);
	store_batch_note(&b->store, buf_bytes(&b->scratch));
}

bool
catalog_alike_find(struct store_txn *txn, uint32_t mailbox, const struct catalog_alike *facts,
	bool *found_out, struct catalog_alike_item *out, struct exa_error *err)
{
	struct table_key k = key_alike(mailbox, facts);
	struct bytes value;
	bool found;

	if (!store_get(txn, TABLE_ALIKE, key_bytes(&k), &found, &value, err))
		return false;
	if (found && value.size != ALIKE_ROW_SIZE)
		return exa_fail(
			err, EXA_CORRUPT, "index: an alike row is malformed; run `exarch rebuild`");
	*found_out = found && get_le64(value.data) != 0;
	if (*found_out)
		*out = (struct catalog_alike_item){ .number = get_le64(value.data),
			.modified_ns = (int64_t)get_le64(value.data + 8) };
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
	uint8_t value[ALIKE_ROW_SIZE] = { 0 };
	struct bytes key, before;
	uint64_t number, instead_of, earlier = 0;
	int64_t modified_ns;
	struct reader r;
	bool found;

	if (!record_open(note, NOTE_ALIKE, &r, err))
		return false;
	key = read_sized(&r);
	number = read_varint(&r);
	modified_ns = read_signed(&r);
	instead_of = read_varint(&r);
	if (!record_end(&r, "alike", err))
		return false;
	if (!shown_number(txn, number, &number, err) ||
		!store_get(txn, TABLE_ALIKE, key, &found, &before, err))
		return false;
	if (found && before.size == ALIKE_ROW_SIZE)
		earlier = get_le64(before.data);
	if (!found || earlier == number || (instead_of != 0 && earlier == instead_of)) {
		put_le64(value, number);
		put_le64(value + 8, (uint64_t)modified_ns);
	}
	return store_set(txn, TABLE_ALIKE, key, bytes_of(value, sizeof value), err);
}
