/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and ciphers of an encrypted store. Everything comes from the master key, which the keyring
 * keeps wrapped, by HKDF-SHA256 with the store's uuid as salt and a label each:
 *
 *     "exarch id"                      32 bytes   ids are HMAC-SHA-256 under it
 *     "exarch segment", number, salt   32 bytes   AES-256-GCM of the segment's frames
 *     "exarch row"                     64 bytes   AES-256-SIV of the values in the index's tables
 *     "exarch key tail"                32 bytes   AES-256 of the last block of some of their keys
 *
 * No nonce is used twice under one key: each segment has a key of its own, each frame in it a
 * sequence number of its own, and nothing is appended behind an unclean tail. The nonce has four
 * bytes of the frame's id too. They matter when an archive was copied and both copies were written
 * on: then both have the key of the segment that was open, and go on with the same numbers. Since
 * ids are keyed, the nonces differ all the same unless the frames are the same too.
 *
 * struct crypt doesn't change once it is open: any thread. Ciphers belong to one thread at a time.
 */
#ifndef STORE_CRYPT_H
#define STORE_CRYPT_H

#include <pthread.h>

#include "exarch/mem.h"

#include "format.h"
#include "keyring.h"

enum crypt_state {
	CRYPT_PLAIN,  /* the store isn't encrypted */
	CRYPT_LOCKED, /* it is, and there is no key: ids can't be checked, nor payloads opened */
	CRYPT_OPEN,
};

#define CRYPT_KEY_WANTED \
	"the archive is encrypted; give its key with --key-file or --passphrase-file"

#define ROW_CIPHERS_KEPT 16

struct crypt {
	enum crypt_state state;
	struct hasher ids;
	uint8_t uuid[UUID_SIZE];
	uint8_t master[MASTER_KEY_SIZE];
	uint8_t row_key[64];
	uint8_t tail_key[32];
	pthread_mutex_t mu;
	struct row_cipher *idle[ROW_CIPHERS_KEPT]; /* under mu */
	size_t idle_count;                         /* under mu */
};

/* MASTER is NULL for PLAIN and LOCKED. On zeros only; crypt_close wipes, and is fine on zeros. */
void crypt_open(struct crypt *c, enum crypt_state state, const uint8_t uuid[UUID_SIZE],
	const uint8_t *master);
void crypt_close(struct crypt *c);

/* Whether DATA has the id; without the key nobody can say that it hasn't. */
bool crypt_check_id(
	const struct crypt *c, uint8_t prefix, struct bytes data, const struct store_id *id);

/* ---- frames ---- */

/* Of one segment at a time. */
struct frame_cipher {
	void *context; /* OpenSSL's; NULL = no key set */
};

void frame_cipher_set(struct frame_cipher *f, const struct crypt *c, uint32_t segment,
	const uint8_t salt[SALT_SIZE]);
void frame_cipher_done(struct frame_cipher *f);

/* PAYLOAD has h->stored bytes; the last FRAME_TAG_SIZE of them take the tag. In place. */
void frame_seal(
	struct frame_cipher *f, const struct frame_head *h, struct place at, uint8_t *payload);
/* In place; the tag's bytes are left as they are. EXA_CORRUPT when it isn't what was sealed. */
bool frame_unseal(struct frame_cipher *f, const struct frame_head *h, struct place at,
	uint8_t *payload, struct exa_error *err) EXA_CHECK;

/* ---- rows of the index's tables ---- */

/* With the memory for what was deciphered in a transaction. */
struct row_cipher {
	void *sealing, *opening, *work; /* OpenSSL's */
	void *hiding, *showing;
	struct arena *values;
	struct buf sealed; /* the last value sealed */
};

struct row_cipher *row_cipher_take(struct crypt *c);
void row_cipher_give(struct crypt *c, struct row_cipher *r); /* what it lent is void */

#define KEY_TAIL_SIZE 16

/* The last KEY_TAIL_SIZE bytes of a key; a shorter one stays as it is. In place. */
void row_hide_tail(struct row_cipher *r, uint8_t *key, size_t size);
void row_show_tail(struct row_cipher *r, uint8_t *key, size_t size);

/* KEY as it stands in the table. Borrowed until the next seal. An empty value stays empty. */
struct bytes row_seal(struct row_cipher *r, size_t table, struct bytes key, struct bytes value);
/* OUT has room for the sealed value's size; gives how many bytes of it are used. False when it
 * isn't what was sealed under this key. */
bool row_open(struct row_cipher *r, size_t table, struct bytes key, struct bytes sealed,
	uint8_t *out, size_t *size_out) EXA_CHECK;

#endif
