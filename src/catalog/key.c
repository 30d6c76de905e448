/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "exarch/clock.h"
#include "exarch/mem.h"
#include "exarch/sha256.h"
#include "key.h"

#define HASH_SIZE 16 /* of server ids, addresses and paths; KEY_TAIL_SIZE of the store's cipher */
/* Seconds of the earliest moment, EXA_NO_TIME, to count from. */
#define FIRST_SECOND INT64_C(-9223372037)

struct bytes
key_bytes(const struct table_key *k)
{
	return bytes_of(k->bytes, k->size);
}

static void
add(struct table_key *k, const void *data, size_t size)
{
	memcpy(k->bytes + k->size, data, size);
	k->size += size;
}

/* ---- rising numbers ---- */

#define RISING_MAX 9

static size_t
put_rising(uint8_t out[RISING_MAX], uint64_t v)
{
	uint8_t bytes[RISING_MAX] = { 0 };
	size_t more = 0; /* bytes behind the first */

	while (more < 8 && v >> (7 * (more + 1)) != 0)
		more++;
	put_be64(bytes + 1, v);
	if (more < 8)
		bytes[8 - more] = (uint8_t)(bytes[8 - more] | 0xff00U >> more);
	else
		bytes[0] = 0xff;
	memcpy(out, bytes + 8 - more, more + 1);
	return more + 1;
}

static void
add_rising(struct table_key *k, uint64_t v)
{
	k->size += put_rising(k->bytes + k->size, v);
}

static uint64_t
read_rising(struct reader *r)
{
	uint8_t first = read_u8(r);
	uint8_t bytes[8] = { 0 };
	struct bytes rest;
	size_t more = 0;

	while (more < 8 && (first & 0x80U >> more) != 0)
		more++;
	rest = read_bytes(r, more);
	if (rest.size > 0)
		memcpy(bytes + 8 - rest.size, rest.data, rest.size);
	if (more < 7)
		bytes[7 - more] = first & (uint8_t)(0x7fU >> more);
	return get_be64(bytes);
}

static uint32_t
read_rising_u32(struct reader *r)
{
	uint64_t v = read_rising(r);

	r->failed = r->failed || v > UINT32_MAX;
	return (uint32_t)v;
}

size_t
put_moment(uint8_t out[MOMENT_MAX], int64_t ns)
{
	int64_t seconds = ns / EXA_NS_PER_S;
	int64_t below = ns % EXA_NS_PER_S;
	size_t size;

	if (below < 0) {
		seconds--;
		below += EXA_NS_PER_S;
	}
	size = put_rising(out, (uint64_t)(seconds - FIRST_SECOND));
	return size + put_rising(out + size, (uint64_t)below);
}

int64_t
read_moment(struct reader *r)
{
	uint64_t rising = read_rising(r), below = read_rising(r);
	int64_t seconds, part, ns;

	r->failed = r->failed || rising > INT64_MAX || below >= (uint64_t)EXA_NS_PER_S;
	if (r->failed)
		return EXA_NO_TIME;
	seconds = (int64_t)rising + FIRST_SECOND;
	part = (int64_t)below;
	if (seconds < 0) { /* towards 0 first, or the earliest moments don't fit */
		seconds++;
		part -= EXA_NS_PER_S;
	}
	r->failed = __builtin_mul_overflow(seconds, EXA_NS_PER_S, &ns) ||
		    __builtin_add_overflow(ns, part, &ns);
	return r->failed ? EXA_NO_TIME : ns;
}

/* ---- keys ---- */

struct table_key
key_number(uint64_t number)
{
	struct table_key k = { .size = 0 };

	add_rising(&k, number);
	return k;
}

struct table_key
key_folder(uint32_t mailbox, uint32_t folder)
{
	struct table_key k = key_number(mailbox);

	add_rising(&k, folder);
	return k;
}

struct table_key
key_item(const struct catalog_key *i)
{
	struct table_key k = key_folder(i->mailbox, i->folder);

	add(&k, i->id_hash, sizeof i->id_hash);
	return k;
}

void
hash_text(const char *text, uint8_t out[CATALOG_SHA256_SIZE])
{
	unsigned size = CATALOG_SHA256_SIZE;

	(void)EVP_Digest(text, strlen(text), out, &size, exa_sha256(), NULL);
}

static void
add_hash(struct table_key *k, const char *text)
{
	uint8_t hash[CATALOG_SHA256_SIZE];

	hash_text(text, hash);
	add(k, hash, HASH_SIZE);
}

/* Addresses are hashed: they may be longer than a key. ASCII case is folded, as Exchange compares
 * them. */
struct table_key
key_mailbox_by(enum catalog_part part, const char *smtp)
{
	EXA_AUTO(exa_freep) char *lower = exa_strdup(smtp);
	struct table_key k = { .bytes = { (uint8_t)part }, .size = 1 };

	for (char *p = lower; *p != '\0'; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	}
	add_hash(&k, lower);
	return k;
}

struct table_key
key_folder_by(uint32_t mailbox, const char *server_id)
{
	struct table_key k = key_number(mailbox);

	add_hash(&k, server_id);
	return k;
}

struct table_key
key_folder_path(uint32_t mailbox, uint32_t folder, const char *path)
{
	struct table_key k = key_folder(mailbox, folder);

	add_hash(&k, path);
	return k;
}

struct table_key
key_alike(const struct store_txn *txn, uint32_t mailbox, const uint8_t hash[ALIKE_HASH_SIZE])
{
	struct table_key k = key_number(mailbox);

	add(&k, hash, store_txn_encrypted(txn) ? ALIKE_HASH_SIZE : ALIKE_HASH_SIZE / 2);
	return k;
}

struct table_key
key_place(const struct store_txn *txn, uint32_t mailbox, uint32_t folder, int64_t received_ns,
	uint64_t number)
{
	struct table_key k = key_folder(mailbox, folder);

	if (!store_txn_encrypted(txn))
		k.size += put_moment(k.bytes + k.size, received_ns);
	add_rising(&k, number);
	return k;
}

bool
parse_key_number(struct bytes key, uint64_t *number_out)
{
	struct reader r = reader_of(key);
	uint64_t number = read_rising(&r);

	if (!reader_at_end(&r))
		return false;
	*number_out = number;
	return true;
}

bool
parse_key_item(struct bytes key, struct catalog_key *out)
{
	struct reader r = reader_of(key);
	struct catalog_key k;
	struct bytes hash;

	k.mailbox = read_rising_u32(&r);
	k.folder = read_rising_u32(&r);
	hash = read_bytes(&r, sizeof k.id_hash);
	if (!reader_at_end(&r))
		return false;
	memcpy(k.id_hash, hash.data, sizeof k.id_hash);
	*out = k;
	return true;
}

bool
parse_key_place(const struct store_txn *txn, struct bytes key, struct place_key *out)
{
	struct reader r = reader_of(key);
	struct place_key k;

	k.mailbox = read_rising_u32(&r);
	k.folder = read_rising_u32(&r);
	k.at.received_ns = store_txn_encrypted(txn) ? EXA_NO_TIME : read_moment(&r);
	k.at.number = read_rising(&r);
	if (!reader_at_end(&r))
		return false;
	*out = k;
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
