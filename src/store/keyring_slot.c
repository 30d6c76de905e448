/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slot: from the secret to a wrapping key, and with that around the master key.
 *
 *     passphrase -> scrypt(salt, n, r, p) -+
 *                                          +-> HKDF-SHA256(salt, "exarch keyring", uuid)
 *     key file ----------------------------+     -> AES-256 key wrap (RFC 3394) around the 32 bytes
 *                                                   of the master key
 *
 * The wrap has a check of its own: with a wrong key it doesn't come off, which is how a key is
 * tried.
 */
#include <assert.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "exarch/mem.h"

#include "keyring.h"

#define WRAPPING_KEY_SIZE 32
#define INFO "exarch keyring"
#define INFO_SIZE (sizeof INFO - 1)

/* What scrypt needs beside its table: OpenSSL refuses to use more than it was told. */
#define MEMORY_SPARE ((uint64_t)1 << 20)

bool
keyring_key_check(const struct store_key *key, struct exa_error *err)
{
	switch (key->kind) {
	case STORE_KEY_FILE:
		return key->secret.size == STORE_KEY_FILE_BYTES ||
		       exa_fail(err, EXA_USAGE, "a key file stands for 32 bytes");
	case STORE_KEY_PASSPHRASE:
		if (key->secret.size < STORE_PASSPHRASE_MIN)
			return exa_fail(err, EXA_USAGE,
				"a passphrase has at least %zu characters (five random words are "
				"better)",
				STORE_PASSPHRASE_MIN);
		return key->secret.size <= STORE_PASSPHRASE_MAX ||
		       exa_fail(err, EXA_USAGE, "a passphrase has at most %zu bytes",
			       STORE_PASSPHRASE_MAX);
	case STORE_KEY_NONE:
		break;
	}
	return exa_fail(err, EXA_USAGE, "an encrypted archive needs a key");
}

static bool
stretch(struct bytes passphrase, const struct keyring_slot *slot, uint8_t *out,
	struct exa_error *err)
{
	const struct keyring_cost *c = &slot->cost;
	uint64_t memory = 128 * c->n * c->r + 128 * (uint64_t)c->r * c->p + MEMORY_SPARE;

	if (EVP_PBE_scrypt((const char *)passphrase.data, passphrase.size, slot->salt,
		    sizeof slot->salt, c->n, c->r, c->p, memory, out, WRAPPING_KEY_SIZE) == 1)
		return true;
	ERR_clear_error();
	return exa_fail(err, EXA_IO,
		"can't derive a key from the passphrase; that takes %llu MiB of "
		"memory",
		(unsigned long long)(memory >> 20));
}

static bool
hkdf(uint8_t *secret, const struct keyring_slot *slot, const uint8_t uuid[UUID_SIZE], uint8_t *out)
{
	EVP_KDF *method = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(method);
	uint8_t salt[KEYRING_SALT_SIZE], info[INFO_SIZE + UUID_SIZE];
	char digest[] = "SHA256";
	OSSL_PARAM params[5];
	bool good;

	memcpy(salt, slot->salt, sizeof salt);
	memcpy(info, INFO, INFO_SIZE);
	memcpy(info + INFO_SIZE, uuid, UUID_SIZE);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
	params[1] =
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret, WRAPPING_KEY_SIZE);
	params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt, sizeof salt);
	params[3] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, sizeof info);
	params[4] = OSSL_PARAM_construct_end();
	good = ctx != NULL && EVP_KDF_derive(ctx, out, WRAPPING_KEY_SIZE, params) == 1;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(method);
	return good;
}

/* The key that wraps. The caller wipes it, whatever comes back. */
static bool
derive(const struct keyring_slot *slot, const uint8_t uuid[UUID_SIZE], const struct store_key *key,
	uint8_t out[WRAPPING_KEY_SIZE], struct exa_error *err)
{
	uint8_t secret[WRAPPING_KEY_SIZE];
	bool good = true;

	static_assert(STORE_KEY_FILE_BYTES == WRAPPING_KEY_SIZE, "taken as it is");
	if (key->kind == STORE_KEY_PASSPHRASE)
		good = stretch(key->secret, slot, secret, err);
	else
		memcpy(secret, key->secret.data, sizeof secret);
	if (good && !hkdf(secret, slot, uuid, out))
		good = exa_fail(err, EXA_FAILED, "OpenSSL can't derive a key");
	exa_wipe(secret, sizeof secret);
	return good;
}

/* Around the master key, or off it. False when it doesn't come off, or for want of memory. */
static bool
wrap(bool around, const uint8_t key[WRAPPING_KEY_SIZE], struct bytes in, uint8_t *out,
	size_t out_size)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t room[KEYRING_WRAPPED_SIZE + 8];
	int size = 0, rest = 0;
	bool good;

	if (ctx == NULL)
		return false;
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	good = EVP_CipherInit_ex(ctx, EVP_aes_256_wrap(), NULL, key, NULL, around) == 1 &&
	       EVP_CipherUpdate(ctx, room, &size, in.data, (int)in.size) == 1 &&
	       EVP_CipherFinal_ex(ctx, room + size, &rest) == 1 &&
	       (size_t)(size + rest) == out_size;
	if (good)
		memcpy(out, room, out_size);
	EVP_CIPHER_CTX_free(ctx);
	exa_wipe(room, sizeof room);
	ERR_clear_error();
	return good;
}

bool
keyring_slot_seal(struct keyring_slot *slot, const uint8_t uuid[UUID_SIZE],
	const struct store_key *key, const uint8_t master[MASTER_KEY_SIZE], struct exa_error *err)
{
	uint8_t wrapping[WRAPPING_KEY_SIZE];
	bool good;

	if (getrandom(slot->salt, sizeof slot->salt, 0) != (ssize_t)sizeof slot->salt)
		return exa_fail(err, EXA_FAILED, "can't get random bytes");
	good = derive(slot, uuid, key, wrapping, err) &&
	       (wrap(true, wrapping, bytes_of(master, MASTER_KEY_SIZE), slot->wrapped,
			sizeof slot->wrapped) ||
		       exa_fail(err, EXA_FAILED, "OpenSSL can't wrap a key"));
	exa_wipe(wrapping, sizeof wrapping);
	return good;
}

bool
keyring_slot_open(const struct keyring_slot *slot, const uint8_t uuid[UUID_SIZE],
	const struct store_key *key, bool *opened_out, uint8_t master_out[MASTER_KEY_SIZE],
	struct exa_error *err)
{
	uint8_t wrapping[WRAPPING_KEY_SIZE];
	bool good;

	*opened_out = false;
	if (key->kind != slot->kind ||
		(key->kind == STORE_KEY_FILE && key->secret.size != STORE_KEY_FILE_BYTES) ||
		key->secret.size > STORE_PASSPHRASE_MAX)
		return true;
	good = derive(slot, uuid, key, wrapping, err);
	if (good)
		*opened_out = wrap(false, wrapping, bytes_of(slot->wrapped, sizeof slot->wrapped),
			master_out, MASTER_KEY_SIZE);
	exa_wipe(wrapping, sizeof wrapping);
	return good;
}
