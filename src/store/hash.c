/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "exarch/sha256.h"

#include "format.h"
#include "hash.h"

/* SHA-256 fails only when memory is gone or the library is broken; then no id can be trusted. */
static void
must(int ok)
{
	if (ok != 1)
		abort();
}

void
sha256_begin(struct sha256 *h)
{
	if (h->context == NULL)
		h->context = EVP_MD_CTX_new();
	must(h->context != NULL && exa_sha256() != NULL);
	must(EVP_DigestInit_ex2(h->context, exa_sha256(), NULL));
}

void
sha256_add(struct sha256 *h, const void *data, size_t size)
{
	if (size > 0)
		must(EVP_DigestUpdate(h->context, data, size));
}

void
sha256_value(const struct sha256 *h, uint8_t out[SHA256_SIZE])
{
	EVP_MD_CTX *copy = EVP_MD_CTX_new();

	must(copy != NULL && EVP_MD_CTX_copy_ex(copy, h->context));
	must(EVP_DigestFinal_ex(copy, out, NULL));
	EVP_MD_CTX_free(copy);
}

void
sha256_done(struct sha256 *h)
{
	EVP_MD_CTX_free(h->context);
	h->context = NULL;
}

void
hasher_key(struct hasher *h, const uint8_t key[SHA256_SIZE])
{
	for (size_t i = 0; i < HASH_BLOCK_SIZE; i++) {
		uint8_t byte = i < SHA256_SIZE ? key[i] : 0;

		h->inner[i] = byte ^ 0x36;
		h->outer[i] = byte ^ 0x5c;
	}
	h->keyed = true;
}

/* HMAC by hand: two hashes with the masked key before each cost less than one of OpenSSL's MAC
 * contexts, and there are many small objects. */
void
hash_id(const struct hasher *key, uint8_t prefix, struct bytes data, struct store_id *out)
{
	EXA_AUTO(sha256_done) struct sha256 h = { 0 };
	uint8_t inner[SHA256_SIZE];

	sha256_begin(&h);
	if (key->keyed)
		sha256_add(&h, key->inner, sizeof key->inner);
	sha256_add(&h, &prefix, 1);
	sha256_add(&h, data.data, data.size);
	must(EVP_DigestFinal_ex(h.context, key->keyed ? inner : out->bytes, NULL));
	if (!key->keyed)
		return;
	sha256_begin(&h);
	sha256_add(&h, key->outer, sizeof key->outer);
	sha256_add(&h, inner, sizeof inner);
	must(EVP_DigestFinal_ex(h.context, out->bytes, NULL));
}

bool
id_equal(const struct store_id *a, const struct store_id *b)
{
	return memcmp(a->bytes, b->bytes, STORE_ID_SIZE) == 0;
}

void
chain_begin(struct chain *c)
{
	static const uint8_t zeros[SHA256_SIZE];

	chain_commit(c, zeros, NULL);
}

void
chain_commit(struct chain *c, const uint8_t value[SHA256_SIZE], const uint8_t *commit_head)
{
	sha256_begin(&c->sha);
	sha256_add(&c->sha, value, SHA256_SIZE);
	if (commit_head != NULL)
		chain_add(c, commit_head);
}

void
chain_add(struct chain *c, const uint8_t *frame_head)
{
	sha256_add(&c->sha, frame_head, HEAD_CHAINED);
}

void
chain_value(const struct chain *c, uint8_t out[SHA256_SIZE])
{
	sha256_value(&c->sha, out);
}

void
chain_done(struct chain *c)
{
	sha256_done(&c->sha);
}
