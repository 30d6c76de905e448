/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "pack.h"

bool
pack_has_room(const struct pack_builder *b, size_t size)
{
	if (b->count == 0)
		return true;
	return b->count < PACK_ENTRIES_MAX &&
	       b->directory.size + b->bytes.size + size <= PACK_TARGET;
}

uint16_t
pack_add(struct pack_builder *b, uint8_t kind, const struct store_id *id, struct bytes data)
{
	buf_add_byte(&b->directory, kind);
	buf_add_varint(&b->directory, data.size);
	if (id != NULL)
		buf_add(&b->directory, id->bytes, STORE_ID_SIZE);
	buf_add_bytes(&b->bytes, data);
	return (uint16_t)b->count++;
}

void
pack_finish(const struct pack_builder *b, struct buf *raw_out)
{
	buf_reserve(raw_out, 4 + b->directory.size + b->bytes.size);
	buf_add_le32(raw_out, b->count);
	buf_add_bytes(raw_out, buf_bytes(&b->directory));
	buf_add_bytes(raw_out, buf_bytes(&b->bytes));
}

void
pack_builder_done(struct pack_builder *b)
{
	buf_done(&b->directory);
	buf_done(&b->bytes);
	b->count = 0;
}

static bool
entry_has_id(uint8_t kind)
{
	return kind == STORE_DATA || kind == STORE_RECIPE;
}

/* Reads one line of the directory; the entry's data is left to the caller. */
static uint64_t
read_entry(struct reader *r, struct pack_entry *e)
{
	uint64_t size;
	struct bytes id;

	*e = (struct pack_entry){ .kind = read_u8(r) };
	size = read_varint(r);
	if (entry_has_id(e->kind)) {
		id = read_bytes(r, STORE_ID_SIZE);
		if (id.size == STORE_ID_SIZE)
			memcpy(e->id.bytes, id.data, STORE_ID_SIZE);
	} else if (e->kind != PACK_RECORD) {
		r->failed = true;
	}
	return size;
}

bool
pack_walk_begin(struct bytes raw, struct pack_walk *out, struct exa_error *err)
{
	struct reader r = reader_of(raw);
	uint32_t count = read_le32(&r);
	struct reader directory = r;
	uint64_t total = 0;

	if (r.failed || count > PACK_ENTRIES_MAX)
		return exa_fail(
			err, EXA_CORRUPT, "a pack of %u entries is beyond the limit", count);
	for (uint32_t i = 0; i < count && !r.failed; i++) {
		struct pack_entry e;
		uint64_t size = read_entry(&r, &e);

		if (size > raw.size)
			r.failed = true;
		total += size;
	}
	if (r.failed || total != r.rest.size)
		return exa_fail(err, EXA_CORRUPT, "a pack's directory doesn't fit its bytes");
	*out = (struct pack_walk){ .directory = directory, .rest = r.rest, .count = count };
	return true;
}

bool
pack_walk_next(struct pack_walk *w, struct pack_entry *out)
{
	uint64_t size;

	if (w->next >= w->count)
		return false;
	size = read_entry(&w->directory, out);
	out->slot = (uint16_t)w->next++;
	out->data = bytes_take(w->rest, (size_t)size);
	w->rest = bytes_skip(w->rest, (size_t)size);
	return true;
}

bool
pack_find(struct bytes raw, uint16_t slot, struct pack_entry *out, struct exa_error *err)
{
	struct pack_walk w;
	struct pack_entry e;

	if (!pack_walk_begin(raw, &w, err))
		return false;
	while (pack_walk_next(&w, &e)) {
		if (e.slot == slot) {
			*out = e;
			return true;
		}
	}
	return exa_fail(err, EXA_CORRUPT, "a pack of %u entries has no entry %u", w.count, slot);
}
