/* SPDX-License-Identifier: Apache-2.0 */
/* Records of retention: what expired, what is held, who did it, and the two forms an item record
 * takes when its segment is cut. */
#include <string.h>

#include "record.h"

void
expired_encode(struct buf *b, const struct catalog_expired *e)
{
	record_begin(b, RECORD_EXPIRED);
	buf_add_varint(b, e->number);
	add_item_key(b, &e->key);
	add_signed(b, e->when_ns);
	add_text(b, e->rule);
	add_signed(b, e->received_ns);
	buf_add_varint(b, e->mime_bytes);
}

bool
expired_decode(struct bytes record, struct catalog_expired *out, struct exa_error *err)
{
	struct catalog_expired e = { 0 };
	struct reader r;

	if (!record_open(record, RECORD_EXPIRED, &r, err))
		return false;
	e.number = read_varint(&r);
	read_item_key(&r, &e.key);
	e.when_ns = read_signed(&r);
	e.rule = read_text(&r);
	e.received_ns = read_signed(&r);
	e.mime_bytes = read_varint(&r);
	if (!record_end(&r, "expired", err))
		return false;
	*out = e;
	return true;
}

void
hold_encode(struct buf *b, const struct catalog_hold *h)
{
	record_begin(b, RECORD_HOLD);
	buf_add_varint(b, h->number);
	add_text(b, h->name);
	add_text(b, h->mailbox);
	add_text(b, h->folder);
	add_signed(b, h->from_ns);
	add_signed(b, h->before_ns);
	add_text(b, h->reason);
	add_text(b, h->set_by);
	add_signed(b, h->set_ns);
	add_text(b, h->lifted_by);
	add_signed(b, h->lifted_ns);
}

bool
hold_decode(struct bytes record, struct catalog_hold *out, struct exa_error *err)
{
	struct catalog_hold h = { 0 };
	struct reader r;

	if (!record_open(record, RECORD_HOLD, &r, err))
		return false;
	h.number = read_varint(&r);
	h.name = read_text(&r);
	h.mailbox = read_text(&r);
	h.folder = read_text(&r);
	h.from_ns = read_signed(&r);
	h.before_ns = read_signed(&r);
	h.reason = read_text(&r);
	h.set_by = read_text(&r);
	h.set_ns = read_signed(&r);
	h.lifted_by = read_text(&r);
	h.lifted_ns = read_signed(&r);
	if (!record_end(&r, "hold", err))
		return false;
	*out = h;
	return true;
}

void
audit_encode(struct buf *b, const struct catalog_audit *a)
{
	record_begin(b, RECORD_AUDIT);
	buf_add_varint(b, a->number);
	add_signed(b, a->when_ns);
	add_text(b, a->user);
	add_text(b, a->host);
	add_text(b, a->program);
	add_text(b, a->action);
	add_text(b, a->detail);
	buf_add_varint(b, a->items);
	buf_add_varint(b, a->bytes);
	buf_add(b, a->previous_hash, CATALOG_SHA256_SIZE);
	buf_add_varint(b, a->about);
	buf_add_sized(b, a->numbers);
}

/* Records of before these fields were added end at the hash. */
static void
read_names(struct reader *r, struct catalog_audit *a)
{
	if (r->rest.size == 0)
		return;
	a->about = read_varint(r);
	a->numbers = read_sized(r);
}

bool
audit_decode(struct bytes record, struct catalog_audit *out, struct exa_error *err)
{
	struct catalog_audit a = { 0 };
	struct reader r;

	if (!record_open(record, RECORD_AUDIT, &r, err))
		return false;
	a.number = read_varint(&r);
	a.when_ns = read_signed(&r);
	a.user = read_text(&r);
	a.host = read_text(&r);
	a.program = read_text(&r);
	a.action = read_text(&r);
	a.detail = read_text(&r);
	a.items = read_varint(&r);
	a.bytes = read_varint(&r);
	read_fixed(&r, a.previous_hash, CATALOG_SHA256_SIZE);
	read_names(&r, &a);
	if (!record_end(&r, "audit", err))
		return false;
	*out = a;
	return true;
}

void
catalog_numbers_add(struct buf *out, uint64_t *last, uint64_t number)
{
	buf_add_varint(out, number - *last);
	*last = number;
}

bool
catalog_numbers_next(struct bytes *rest, uint64_t *last, uint64_t *number_out)
{
	struct reader r = { .rest = *rest };
	uint64_t step;

	if (rest->size == 0)
		return false;
	step = read_varint(&r);
	if (r.failed || step == 0 || step > UINT64_MAX - *last)
		return false;
	*rest = r.rest;
	*last += step;
	*number_out = *last;
	return true;
}

/* ---- item records of cut segments ---- */

struct short_item
short_of(const struct catalog_item *item)
{
	struct short_item s = { .number = item->number,
		.key = catalog_key_of(item->mailbox, item->folder, item->server_id),
		.keep_older = item->keep_older };
	uint8_t hash[CATALOG_SHA256_SIZE];

	hash_text(item->change_key, hash);
	memcpy(s.change_hash, hash, sizeof s.change_hash);
	memcpy(s.mime_hash, item_content_sha256(item), sizeof s.mime_hash);
	return s;
}

void
short_encode(struct buf *b, const struct short_item *s)
{
	record_begin(b, RECORD_SHORT);
	buf_add_varint(b, s->number);
	add_item_key(b, &s->key);
	buf_add_byte(b, s->keep_older ? 1 : 0);
	buf_add(b, s->change_hash, sizeof s->change_hash);
	buf_add(b, s->mime_hash, sizeof s->mime_hash);
}

bool
short_decode(struct bytes record, struct short_item *out, struct exa_error *err)
{
	struct short_item s = { 0 };
	struct reader r;

	if (!record_open(record, RECORD_SHORT, &r, err))
		return false;
	s.number = read_varint(&r);
	read_item_key(&r, &s.key);
	s.keep_older = read_u8(&r) != 0;
	read_fixed(&r, s.change_hash, sizeof s.change_hash);
	read_fixed(&r, s.mime_hash, sizeof s.mime_hash);
	if (!record_end(&r, "short item", err))
		return false;
	*out = s;
	return true;
}

void
carried_encode(struct buf *b, uint64_t row, struct bytes item_record)
{
	record_begin(b, RECORD_CARRIED);
	buf_add_varint(b, row);
	buf_add_sized(b, item_record);
}

bool
carried_decode(struct bytes record, uint64_t *row_out, struct bytes *item_record_out,
	struct exa_error *err)
{
	struct bytes item_record;
	struct reader r;
	uint64_t row;

	if (!record_open(record, RECORD_CARRIED, &r, err))
		return false;
	row = read_varint(&r);
	item_record = read_sized(&r);
	if (!record_end(&r, "carried item", err))
		return false;
	*row_out = row;
	*item_record_out = item_record;
	return true;
}
