/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 as the store uses it: ids of objects and frames, and the chain that ties each COMMIT to
 * everything before it. The functions are for any thread, a struct for one at a time.
 */
#ifndef STORE_HASH_H
#define STORE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/bytes.h"
#include "exarch/store.h"

#define SHA256_SIZE 32

struct sha256 {
	void *context; /* OpenSSL's */
};

void sha256_begin(struct sha256 *h); /* also on one in use: starts afresh */
void sha256_add(struct sha256 *h, const void *data, size_t size);
void sha256_value(const struct sha256 *h, uint8_t out[SHA256_SIZE]); /* may go on after it */
void sha256_done(struct sha256 *h);

/* Ids are SHA-256(one byte, bytes). The byte is 'D' or 'R' for objects and 'F' for the raw payload
 * of a frame that isn't one object, so that nothing can be passed off as something else. In an
 * encrypted store it is HMAC-SHA-256 (RFC 2104) instead, so that nobody can tell without the key
 * whether a message he knows is in the archive. */
#define HASH_FRAME ((uint8_t)'F')
#define HASH_BLOCK_SIZE 64

/* Zeros: no key. It doesn't change once it is set: any thread. */
struct hasher {
	bool keyed;
	uint8_t inner[HASH_BLOCK_SIZE], outer[HASH_BLOCK_SIZE]; /* the key, padded and masked */
};

void hasher_key(struct hasher *h, const uint8_t key[SHA256_SIZE]);
void hash_id(const struct hasher *h, uint8_t prefix, struct bytes data, struct store_id *out);
bool id_equal(const struct store_id *a, const struct store_id *b);

/*
 * The chain. The value at COMMIT n is SHA-256 over: the value at COMMIT n-1, the header of COMMIT
 * n-1 (at the first: 32 zeros and nothing), and the headers of all frames between; of each header
 * the first HEAD_CHAINED bytes. Its own checksum, the rest, depends on where it stands: without it
 * the chain stays when compaction moves a frame.
 */
#define HEAD_CHAINED ((size_t)60)

struct chain {
	struct sha256 sha;
};

void chain_begin(struct chain *c); /* before the first COMMIT */
void chain_commit(struct chain *c, const uint8_t value[SHA256_SIZE], const uint8_t *commit_head);
void chain_add(struct chain *c, const uint8_t *frame_head);
void chain_value(const struct chain *c, uint8_t out[SHA256_SIZE]);
void chain_done(struct chain *c);

#endif
