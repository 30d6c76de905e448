/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "exarch/clock.h"
#include "exarch/mem.h"

#include "record.h"

const struct store_table catalog_tables[TABLE_TOTAL] = {
	[TABLE_STATE] = { "state", false, STORE_FROM_RECORDS },
	[TABLE_MAILBOX] = { "mailbox", false, STORE_FROM_RECORDS },
	[TABLE_MAILBOX_BY] = { "mailbox_by", true, STORE_FROM_RECORDS },
	[TABLE_FOLDER] = { "folder", false, STORE_FROM_RECORDS },
	[TABLE_FOLDER_BY] = { "folder_by", true, STORE_FROM_RECORDS },
	[TABLE_ITEM] = { "item", false, STORE_FROM_RECORDS },
	[TABLE_PLACE] = { "place", false, STORE_FROM_RECORDS },
	[TABLE_KNOWN] = { "known", true, STORE_FROM_RECORDS },
	[TABLE_LEDGER] = { "ledger", true, STORE_FROM_NOTES },
	[TABLE_COUNT] = { "count", false, STORE_FROM_BOTH },
	[TABLE_SYNC] = { "sync", false, STORE_FROM_NOTES },
	[TABLE_RUN] = { "run", false, STORE_FROM_RECORDS },
	[TABLE_EXPIRED] = { "expired", false, STORE_FROM_RECORDS },
	[TABLE_HOLD] = { "hold", false, STORE_FROM_RECORDS },
	[TABLE_AUDIT] = { "audit", false, STORE_FROM_RECORDS },
	[TABLE_FOLDER_PATH] = { "folder_path", true, STORE_FROM_RECORDS },
	[TABLE_ALIKE] = { "alike", true, STORE_FROM_NOTES },
};

/* ---- fields ---- */

void
add_signed(struct buf *b, int64_t v)
{
	buf_add_varint(b, ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0));
}

int64_t
read_signed(struct reader *r)
{
	uint64_t v = read_varint(r);

	return (int64_t)((v >> 1) ^ (~(v & 1) + 1));
}

void
add_text(struct buf *b, const char *text)
{
	size_t size = text == NULL ? 0 : strnlen(text, CATALOG_TEXT_MAX);

	buf_add_varint(b, size + 1);
	buf_add(b, text, size);
	buf_add_byte(b, 0);
}

const char *
read_text(struct reader *r)
{
	struct bytes b = read_sized(r);

	if (r->failed || b.size == 0 || memchr(b.data, 0, b.size) != b.data + b.size - 1) {
		r->failed = true;
		return "";
	}
	return (const char *)b.data;
}

void
record_begin(struct buf *b, enum record_type type)
{
	buf_add_byte(b, (uint8_t)type);
	buf_add_byte(b, RECORD_VERSION);
}

bool
record_open(struct bytes record, enum record_type type, struct reader *out, struct exa_error *err)
{
	struct reader r = reader_of(record);
	uint8_t found = read_u8(&r), version = read_u8(&r);

	if (r.failed || found != (uint8_t)type)
		return exa_fail(err, EXA_CORRUPT,
			"a record of type %u stands where type %u is expected", found,
			(unsigned)type);
	if (version != RECORD_VERSION)
		return exa_fail(err, EXA_USAGE,
			"record version %u is newer than this program; use a newer exarch",
			version);
	*out = r;
	return true;
}

/* A number that has no more than 32 bits in memory may not have more on disk. */
uint32_t
read_number(struct reader *r)
{
	uint64_t v = read_varint(r);

	r->failed = r->failed || v > UINT32_MAX;
	return (uint32_t)v;
}

bool
record_end(const struct reader *r, const char *what, struct exa_error *err)
{
	return !r->failed ||
	       exa_fail(err, EXA_CORRUPT, "a %s record is cut short or malformed", what);
}

void
read_fixed(struct reader *r, uint8_t *out, size_t size)
{
	struct bytes b = read_bytes(r, size);

	if (b.size == size)
		memcpy(out, b.data, size);
}

void
add_item_key(struct buf *b, const struct catalog_key *key)
{
	uint8_t place[8];

	put_be32(place, key->mailbox);
	put_be32(place + 4, key->folder);
	buf_add(b, place, sizeof place);
	buf_add(b, key->id_hash, sizeof key->id_hash);
}

void
read_item_key(struct reader *r, struct catalog_key *out)
{
	uint8_t place[8] = { 0 };

	read_fixed(r, place, sizeof place);
	read_fixed(r, out->id_hash, sizeof out->id_hash);
	out->mailbox = get_be32(place);
	out->folder = get_be32(place + 4);
}

/* ---- typed records ---- */

void
mailbox_encode(struct buf *b, const struct catalog_mailbox *m)
{
	record_begin(b, RECORD_MAILBOX);
	buf_add_varint(b, m->number);
	buf_add_byte(b, (uint8_t)m->part);
	add_text(b, m->smtp);
	add_text(b, m->display_name);
}

bool
mailbox_decode(struct bytes record, struct catalog_mailbox *out, struct exa_error *err)
{
	struct catalog_mailbox m;
	struct reader r;
	uint8_t part;

	if (!record_open(record, RECORD_MAILBOX, &r, err))
		return false;
	m.number = read_number(&r);
	part = read_u8(&r);
	m.part = (enum catalog_part)part;
	m.smtp = read_text(&r);
	m.display_name = read_text(&r);
	if (!record_end(&r, "mailbox", err))
		return false;
	*out = m;
	return true;
}

void
folder_encode(struct buf *b, const struct catalog_folder *f)
{
	record_begin(b, RECORD_FOLDER);
	buf_add_varint(b, f->mailbox);
	buf_add_varint(b, f->number);
	buf_add_byte(b, f->role);
	buf_add_byte(b, f->deleted ? 1 : 0);
	add_text(b, f->server_id);
	add_text(b, f->parent_id);
	add_text(b, f->name);
	add_text(b, f->path);
	add_text(b, f->class);
}

bool
folder_decode(struct bytes record, struct catalog_folder *out, struct exa_error *err)
{
	struct catalog_folder f;
	struct reader r;

	if (!record_open(record, RECORD_FOLDER, &r, err))
		return false;
	f.mailbox = read_number(&r);
	f.number = read_number(&r);
	f.role = read_u8(&r);
	f.deleted = read_u8(&r) != 0;
	f.server_id = read_text(&r);
	f.parent_id = read_text(&r);
	f.name = read_text(&r);
	f.path = read_text(&r);
	f.class = read_text(&r);
	if (!record_end(&r, "folder", err))
		return false;
	*out = f;
	return true;
}

/* is_read, has_attachments, flag_status: -1 means not known, so each is stored plus one. */
static uint8_t
add_one(int v)
{
	return (uint8_t)(v + 1);
}

static int
less_one(uint8_t v)
{
	return (int)v - 1;
}

void
item_encode(struct buf *b, const struct catalog_item *i)
{
	record_begin(b, RECORD_ITEM);
	buf_add_varint(b, i->number);
	buf_add_varint(b, i->mailbox);
	buf_add_varint(b, i->folder);
	buf_add_byte(b, i->keep_older ? 1 : 0);
	buf_add(b, i->recipe.bytes, STORE_ID_SIZE);
	buf_add_varint(b, i->mime_bytes);
	buf_add(b, i->mime_sha256, CATALOG_SHA256_SIZE);
	add_signed(b, i->size_bytes);
	add_signed(b, i->received_ns);
	add_signed(b, i->sent_ns);
	add_signed(b, i->created_ns);
	add_signed(b, i->modified_ns);
	add_signed(b, i->message_flags);
	buf_add_byte(b, add_one(i->is_read));
	buf_add_byte(b, add_one(i->has_attachments));
	buf_add_byte(b, add_one(i->flag_status));
	add_text(b, i->server_id);
	add_text(b, i->change_key);
	add_text(b, i->class);
	add_text(b, i->internet_message_id);
	add_text(b, i->categories);
	buf_add_sized(b, bytes_take(i->search_key, CATALOG_TEXT_MAX));
	buf_add_varint(b, i->native_bytes);
	if (i->native_bytes == 0)
		return;
	buf_add(b, i->native_sha256, CATALOG_SHA256_SIZE);
	buf_add(b, i->native_recipe.bytes, STORE_ID_SIZE);
}

/* Records that were written before there were native streams end in front of it. */
static void
read_native(struct reader *r, struct catalog_item *i)
{
	i->native_bytes = reader_at_end(r) ? 0 : read_varint(r);
	if (i->native_bytes == 0)
		return;
	read_fixed(r, i->native_sha256, CATALOG_SHA256_SIZE);
	read_fixed(r, i->native_recipe.bytes, STORE_ID_SIZE);
}

static bool
any_set(const uint8_t *bytes, size_t size)
{
	uint8_t all = 0;

	for (size_t i = 0; i < size; i++)
		all |= bytes[i];
	return all != 0;
}

bool
catalog_item_has_mime(const struct catalog_item *item)
{
	return any_set(item->recipe.bytes, STORE_ID_SIZE);
}

bool
catalog_item_has_native(const struct catalog_item *item)
{
	return item->native_bytes > 0;
}

static bool
is_native_only(const struct catalog_item *item)
{
	return catalog_item_has_native(item) && !catalog_item_has_mime(item);
}

uint64_t
catalog_item_bytes(const struct catalog_item *item)
{
	return is_native_only(item) ? item->native_bytes : item->mime_bytes;
}

const uint8_t *
item_content_sha256(const struct catalog_item *item)
{
	return is_native_only(item) ? item->native_sha256 : item->mime_sha256;
}

bool
item_decode(struct bytes record, struct catalog_item *out, struct exa_error *err)
{
	struct catalog_item i = { 0 };
	struct reader r;

	if (!record_open(record, RECORD_ITEM, &r, err))
		return false;
	i.number = read_varint(&r);
	i.mailbox = read_number(&r);
	i.folder = read_number(&r);
	i.keep_older = read_u8(&r) != 0;
	read_fixed(&r, i.recipe.bytes, STORE_ID_SIZE);
	i.mime_bytes = read_varint(&r);
	read_fixed(&r, i.mime_sha256, CATALOG_SHA256_SIZE);
	i.size_bytes = read_signed(&r);
	i.received_ns = read_signed(&r);
	i.sent_ns = read_signed(&r);
	i.created_ns = read_signed(&r);
	i.modified_ns = read_signed(&r);
	i.message_flags = read_signed(&r);
	i.is_read = less_one(read_u8(&r));
	i.has_attachments = less_one(read_u8(&r));
	i.flag_status = less_one(read_u8(&r));
	i.server_id = read_text(&r);
	i.change_key = read_text(&r);
	i.class = read_text(&r);
	i.internet_message_id = read_text(&r);
	i.categories = read_text(&r);
	i.search_key = read_sized(&r);
	read_native(&r, &i);
	if (!record_end(&r, "item", err))
		return false;
	*out = i;
	return true;
}

void
ledger_encode(struct buf *b, const struct ledger_entry *e)
{
	buf_add_byte(b, (uint8_t)e->state);
	add_text(b, e->server_id);
	add_text(b, e->change_key);
	add_text(b, e->class);
	add_text(b, e->why);
	add_signed(b, e->size_bytes);
	add_signed(b, e->received_ns);
	buf_add_byte(b, add_one(e->is_read));
	buf_add_varint(b, e->attempts);
	add_signed(b, e->not_before_ns);
}

bool
ledger_decode(struct bytes value, struct ledger_entry *out, struct exa_error *err)
{
	struct reader r = reader_of(value);
	struct ledger_entry e = { 0 };
	uint8_t state = read_u8(&r);

	e.state = (enum ledger_state)state;
	e.server_id = read_text(&r);
	e.change_key = read_text(&r);
	e.class = read_text(&r);
	e.why = read_text(&r);
	e.size_bytes = read_signed(&r);
	e.received_ns = read_signed(&r);
	e.is_read = less_one(read_u8(&r));
	e.attempts = (uint32_t)read_varint(&r);
	e.not_before_ns = read_signed(&r);
	if (r.failed || state >= LEDGER_STATE_COUNT)
		return exa_fail(err, EXA_CORRUPT,
			"index: a ledger entry is malformed; run `exarch rebuild`");
	*out = e;
	return true;
}

void
sync_encode(struct buf *b, const struct catalog_sync *s)
{
	buf_add_sized(b, bytes_of(s->state,
				 strlen(s->state) + 1)); /* states may be longer than other texts */
	buf_add_le64(b, s->fingerprint);
	add_signed(b, s->changed_ns);
	add_signed(b, s->total_count);
	add_signed(b, s->listed_ns);
}

bool
sync_decode(struct bytes value, struct catalog_sync *out, struct exa_error *err)
{
	struct reader r = reader_of(value);
	struct catalog_sync s;

	s.state = read_text(&r);
	s.fingerprint = read_le64(&r);
	s.changed_ns = read_signed(&r);
	s.total_count = read_signed(&r);
	s.listed_ns = read_signed(&r);
	if (r.failed)
		return exa_fail(
			err, EXA_CORRUPT, "index: a sync row is malformed; run `exarch rebuild`");
	*out = s;
	return true;
}

void
run_encode(struct buf *b, const struct catalog_run *run)
{
	const uint64_t counts[] = { run->archived, run->bytes, run->excluded, run->deferred,
		run->failed, run->gone, run->unexplained };

	record_begin(b, RECORD_RUN);
	buf_add_varint(b, run->number);
	add_signed(b, run->started_ns);
	add_signed(b, run->ended_ns);
	add_signed(b, run->exit_code);
	add_text(b, run->host);
	add_text(b, run->profile);
	add_text(b, run->program);
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
		buf_add_varint(b, counts[i]);
	buf_add(b, run->previous_hash, CATALOG_SHA256_SIZE);
}

bool
run_decode(struct bytes record, struct catalog_run *out, struct exa_error *err)
{
	struct catalog_run run = { 0 };
	uint64_t *const counts[] = { &run.archived, &run.bytes, &run.excluded, &run.deferred,
		&run.failed, &run.gone, &run.unexplained };
	struct reader r;

	if (!record_open(record, RECORD_RUN, &r, err))
		return false;
	run.number = read_varint(&r);
	run.started_ns = read_signed(&r);
	run.ended_ns = read_signed(&r);
	run.exit_code = (int)read_signed(&r);
	run.host = read_text(&r);
	run.profile = read_text(&r);
	run.program = read_text(&r);
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
		*counts[i] = read_varint(&r);
	read_fixed(&r, run.previous_hash, CATALOG_SHA256_SIZE);
	if (!record_end(&r, "run", err))
		return false;
	*out = run;
	return true;
}
