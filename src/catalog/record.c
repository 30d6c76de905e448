/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <openssl/evp.h>

#include "exarch/clock.h"
#include "exarch/mem.h"
#include "exarch/sha256.h"
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
static uint32_t
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

/* ---- keys ---- */

struct bytes
key_bytes(const struct table_key *k)
{
	return bytes_of(k->bytes, k->size);
}

static void
key_add(struct table_key *k, const void *data, size_t size)
{
	memcpy(k->bytes + k->size, data, size);
	k->size += size;
}

static void
key_add_u32(struct table_key *k, uint32_t v)
{
	put_be32(k->bytes + k->size, v);
	k->size += 4;
}

static void
key_add_u64(struct table_key *k, uint64_t v)
{
	put_be64(k->bytes + k->size, v);
	k->size += 8;
}

struct table_key
key_u32(uint32_t a)
{
	struct table_key k = { .size = 0 };

	key_add_u32(&k, a);
	return k;
}

struct table_key
key_u32_u32(uint32_t a, uint32_t b)
{
	struct table_key k = key_u32(a);

	key_add_u32(&k, b);
	return k;
}

struct table_key
key_u64(uint64_t a)
{
	struct table_key k = { .size = 0 };

	key_add_u64(&k, a);
	return k;
}

struct table_key
key_item(const struct catalog_key *i)
{
	struct table_key k = key_u32_u32(i->mailbox, i->folder);

	key_add(&k, i->id_hash, sizeof i->id_hash);
	return k;
}

void
hash_text(const char *text, uint8_t out[CATALOG_SHA256_SIZE])
{
	unsigned size = CATALOG_SHA256_SIZE;

	(void)EVP_Digest(text, strlen(text), out, &size, exa_sha256(), NULL);
}

/* Addresses are hashed: they may be longer than a key. ASCII case is folded, as Exchange compares
 * them. */
struct table_key
key_mailbox_by(enum catalog_part part, const char *smtp)
{
	EXA_AUTO(exa_freep) char *lower = exa_strdup(smtp);
	uint8_t hash[CATALOG_SHA256_SIZE];
	struct table_key k = { .bytes = { (uint8_t)part }, .size = 1 };

	for (char *p = lower; *p != '\0'; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	}
	hash_text(lower, hash);
	key_add(&k, hash, 16);
	return k;
}

struct table_key
key_folder_by(uint32_t mailbox, const char *server_id)
{
	struct table_key k = key_u32(mailbox);
	uint8_t hash[CATALOG_SHA256_SIZE];

	hash_text(server_id, hash);
	key_add(&k, hash, 16);
	return k;
}

struct table_key
key_folder_path(uint32_t mailbox, uint32_t folder, const char *path)
{
	struct table_key k = key_u32_u32(mailbox, folder);
	uint8_t hash[CATALOG_SHA256_SIZE];

	hash_text(path, hash);
	key_add(&k, hash, 16);
	return k;
}

/* Signed moments sort as unsigned ones once their sign bit is turned. */
#define SIGN_BIT (UINT64_C(1) << 63)

struct table_key
key_place(const struct store_txn *txn, uint32_t mailbox, uint32_t folder, int64_t received_ns,
	uint64_t number)
{
	struct table_key k = key_u32_u32(mailbox, folder);

	key_add_u64(&k, store_txn_encrypted(txn) ? 0 : (uint64_t)received_ns ^ SIGN_BIT);
	key_add_u64(&k, number);
	return k;
}

bool
parse_key_item(struct bytes key, struct catalog_key *out)
{
	if (key.size != KEY_ITEM_SIZE)
		return false;
	out->mailbox = get_be32(key.data);
	out->folder = get_be32(key.data + 4);
	memcpy(out->id_hash, key.data + 8, sizeof out->id_hash);
	return true;
}

bool
parse_key_place(struct bytes key, int64_t *received_ns_out, uint64_t *number_out)
{
	if (key.size != KEY_PLACE_SIZE)
		return false;
	*received_ns_out = (int64_t)(get_be64(key.data + 8) ^ SIGN_BIT);
	*number_out = get_be64(key.data + 16);
	return true;
}

struct catalog_key
catalog_key_of(uint32_t mailbox, uint32_t folder, const char *server_id)
{
	struct catalog_key k = { .mailbox = mailbox, .folder = folder };
	uint8_t hash[CATALOG_SHA256_SIZE];

	hash_text(server_id, hash);
	memcpy(k.id_hash, hash, sizeof k.id_hash);
	return k;
}

/* ---- rows ---- */

#define KNOWN_REMOVED 1U
#define KNOWN_EXPIRED 2U

void
known_encode(const struct known_row *k, uint8_t out[KNOWN_ROW_SIZE])
{
	put_le64(out, k->item);
	memcpy(out + 8, k->change_hash, 8);
	out[16] = (uint8_t)((k->removed ? KNOWN_REMOVED : 0) | (k->expired ? KNOWN_EXPIRED : 0));
}

bool
known_decode(struct bytes value, struct known_row *out, struct exa_error *err)
{
	if (value.size != KNOWN_ROW_SIZE)
		return exa_fail(err, EXA_CORRUPT,
			"index: a `known` row has %zu bytes; run `exarch rebuild`", value.size);
	out->item = get_le64(value.data);
	memcpy(out->change_hash, value.data + 8, 8);
	out->removed = (value.data[16] & KNOWN_REMOVED) != 0;
	out->expired = (value.data[16] & KNOWN_EXPIRED) != 0;
	return true;
}

void
row_encode(const struct catalog_row *row, uint8_t out[ITEM_ROW_SIZE])
{
	put_le32(out, row->mailbox);
	put_le32(out + 4, row->folder);
	out[8] = (uint8_t)row->state;
	put_le64(out + 9, (uint64_t)row->received_ns);
	put_le64(out + 17, row->mime_bytes);
	memcpy(out + 25, row->mime_hash, 8);
	put_le32(out + 33, row->loc.segment);
	put_le64(out + 37, row->loc.offset);
	put_le16(out + 45, row->loc.slot);
}

bool
row_decode(uint64_t number, struct bytes value, struct catalog_row *out, struct exa_error *err)
{
	const uint8_t *p = value.data;

	if (value.size != ITEM_ROW_SIZE || p[8] > ITEM_EXPIRED)
		return exa_fail(err, EXA_CORRUPT,
			"index: the row of item %llu is malformed; run `exarch rebuild`",
			(unsigned long long)number);
	*out = (struct catalog_row){
		.number = number,
		.mailbox = get_le32(p),
		.folder = get_le32(p + 4),
		.state = (enum catalog_item_state)p[8],
		.received_ns = (int64_t)get_le64(p + 9),
		.mime_bytes = get_le64(p + 17),
		.loc = { .segment = get_le32(p + 33),
			.offset = get_le64(p + 37),
			.slot = get_le16(p + 45) },
	};
	memcpy(out->mime_hash, p + 25, 8);
	return true;
}

void
counts_encode(const struct ledger_counts *c, uint8_t out[COUNTS_SIZE])
{
	for (int i = 0; i < LEDGER_STATE_COUNT; i++)
		put_le64(out + 8 * i, c->of[i]);
}

bool
counts_decode(struct bytes value, struct ledger_counts *out, struct exa_error *err)
{
	if (value.size != COUNTS_SIZE)
		return exa_fail(err, EXA_CORRUPT,
			"index: a `count` row has %zu bytes; run `exarch rebuild`", value.size);
	for (int i = 0; i < LEDGER_STATE_COUNT; i++)
		out->of[i] = get_le64(value.data + 8 * i);
	return true;
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
