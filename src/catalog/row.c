/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the index's tables, those there are as many of as items first: each byte is there a
 * million times. Texts and names stand in records; a row has what judges and finds. */
#include <string.h>

#include "exarch/clock.h"

#include "record.h"

#define ROW_ALIAS 0xff /* in place of a state: the number's record updated the row of another one */

static bool
malformed(const char *what, struct exa_error *err)
{
	return exa_fail(err, EXA_CORRUPT, "index: %s is malformed; run `exarch rebuild`", what);
}

/* ---- known ---- */

#define KNOWN_REMOVED 1U
#define KNOWN_EXPIRED 2U

void
known_encode(struct buf *b, const struct known_row *k)
{
	unsigned flags = (k->removed ? KNOWN_REMOVED : 0) | (k->expired ? KNOWN_EXPIRED : 0);

	buf_add(b, k->change_hash, sizeof k->change_hash);
	buf_add_varint(b, k->item);
	if (flags != 0)
		buf_add_byte(b, (uint8_t)flags);
}

bool
known_decode(struct bytes value, struct known_row *out, struct exa_error *err)
{
	struct reader r = reader_of(value);
	struct known_row k;
	uint8_t flags;

	read_fixed(&r, k.change_hash, sizeof k.change_hash);
	k.item = read_varint(&r);
	flags = r.rest.size > 0 ? read_u8(&r) : 0;
	if (!reader_at_end(&r))
		return malformed("a `known` row", err);
	k.removed = (flags & KNOWN_REMOVED) != 0;
	k.expired = (flags & KNOWN_EXPIRED) != 0;
	*out = k;
	return true;
}

/* ---- items ---- */

void
row_encode(struct buf *b, const struct catalog_row *row)
{
	uint8_t moment[MOMENT_MAX];

	buf_add_byte(b, (uint8_t)row->state);
	buf_add_varint(b, row->mailbox);
	buf_add_varint(b, row->folder);
	buf_add(b, moment, put_moment(moment, row->received_ns));
	buf_add_varint(b, row->mime_bytes);
	buf_add(b, row->mime_hash, sizeof row->mime_hash);
	buf_add_varint(b, row->loc.segment);
	buf_add_varint(b, row->loc.offset);
	buf_add_varint(b, row->loc.slot);
}

void
alias_encode(struct buf *b, uint64_t row_number)
{
	buf_add_byte(b, ROW_ALIAS);
	buf_add_varint(b, row_number);
}

bool
row_decode(uint64_t number, struct bytes value, struct catalog_row *out, uint64_t *alias_out,
	struct exa_error *err)
{
	struct catalog_row row = { .number = number };
	struct reader r = reader_of(value);
	uint8_t state = read_u8(&r);
	uint64_t alias = 0;

	if (state == ROW_ALIAS) {
		alias = read_varint(&r);
	} else {
		row.state = (enum catalog_item_state)state;
		row.mailbox = read_number(&r);
		row.folder = read_number(&r);
		row.received_ns = read_moment(&r);
		row.mime_bytes = read_varint(&r);
		read_fixed(&r, row.mime_hash, sizeof row.mime_hash);
		row.loc.segment = read_number(&r);
		row.loc.offset = read_varint(&r);
		row.loc.slot = (uint16_t)read_varint(&r);
	}
	if (!reader_at_end(&r) || (state > ITEM_EXPIRED && state != ROW_ALIAS))
		return exa_fail(err, EXA_CORRUPT,
			"index: the row of item %llu is malformed; run `exarch rebuild`",
			(unsigned long long)number);
	*out = row;
	*alias_out = alias;
	return true;
}

/* ---- counts ---- */

void
counts_encode(struct buf *b, const struct ledger_counts *c)
{
	for (int i = 0; i < LEDGER_STATE_COUNT; i++)
		buf_add_varint(b, c->of[i]);
}

bool
counts_decode(struct bytes value, struct ledger_counts *out, struct exa_error *err)
{
	struct reader r = reader_of(value);
	struct ledger_counts c;

	for (int i = 0; i < LEDGER_STATE_COUNT; i++)
		c.of[i] = read_varint(&r);
	if (!reader_at_end(&r))
		return malformed("a `count` row", err);
	*out = c;
	return true;
}
