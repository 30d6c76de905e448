/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of the index's tables. Every one of a million items has several, so they are as short as
 * they can be: numbers are *rising*, of as many bytes as they need, in the order of the numbers, and
 * none the beginning of another. So a mailbox's number is the prefix of all its folders' keys.
 *
 *     0xxxxxxx                       up to 7 bits
 *     10xxxxxx xxxxxxxx              14
 *     110xxxxx xxxxxxxx xxxxxxxx     21, and so on; eight ones and eight bytes: 64
 */
#ifndef CATALOG_KEY_H
#define CATALOG_KEY_H

#include "exarch/catalog.h"

#define TABLE_KEY_MAX 40 /* a place: 5 + 5 + 5 + 5 + 9 */
struct table_key {
	uint8_t bytes[TABLE_KEY_MAX];
	size_t size;
};
struct bytes key_bytes(const struct table_key *k); /* borrowed */

struct table_key key_number(uint64_t number);
struct table_key key_folder(uint32_t mailbox, uint32_t folder);
struct table_key key_item(const struct catalog_key *k);
struct table_key key_mailbox_by(enum catalog_part part, const char *smtp);
struct table_key key_folder_by(uint32_t mailbox, const char *server_id);
struct table_key key_folder_path(uint32_t mailbox, uint32_t folder, const char *path);
/* HASH of what a listing tells. Two that agree in half of it are looked at and told apart; in an
 * encrypted store the whole of it stands there, since a key's tail is enciphered as one block. */
#define ALIKE_HASH_SIZE 16
struct table_key key_alike(
	const struct store_txn *txn, uint32_t mailbox, const uint8_t hash[ALIKE_HASH_SIZE]);
/* Of a row in the store TXN is of. Numbers stand open in the keys of an encrypted store: there the
 * date is left out, and the order is that of archiving. */
struct table_key key_place(const struct store_txn *txn, uint32_t mailbox, uint32_t folder,
	int64_t received_ns, uint64_t number);

/* A moment as keys have it, in at most so many bytes: they sort by time, and mail, which has whole
 * seconds, needs 6. */
#define MOMENT_MAX 10
size_t put_moment(uint8_t out[MOMENT_MAX], int64_t ns);
int64_t read_moment(struct reader *r);

/* The way back; false: no such key. */
bool parse_key_number(struct bytes key, uint64_t *number_out) EXA_CHECK;
bool parse_key_item(struct bytes key, struct catalog_key *out) EXA_CHECK;
struct place_key {
	uint32_t mailbox, folder;
	struct catalog_place at; /* of an encrypted store: without the date */
};
bool parse_key_place(
	const struct store_txn *txn, struct bytes key, struct place_key *out) EXA_CHECK;

void hash_text(const char *text, uint8_t out[CATALOG_SHA256_SIZE]);

#endif
