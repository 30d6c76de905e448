/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "crypt.h"

#define NONCE_SIZE 12
#define FRAME_AAD_SIZE (56 + 4 + 8)
#define SIV_SIZE 16

/* Ciphers fail only when memory is gone or the library lacks them: then nothing may be written. */
static void
must(int ok)
{
	if (ok != 1)
		abort();
}

/* ---- keys ---- */

static void
derive(const struct crypt *c, struct bytes label, uint8_t *out, size_t size)
{
	EVP_KDF *method = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *context = EVP_KDF_CTX_new(method);
	char digest[] = "SHA256";
	uint8_t master[MASTER_KEY_SIZE]; /* OSSL_PARAM wants writable memory */
	uint8_t uuid[UUID_SIZE];
	uint8_t info[64];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, master, sizeof master),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, uuid, sizeof uuid),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, label.size),
		OSSL_PARAM_construct_end(),
	};

	memcpy(master, c->master, sizeof master);
	memcpy(uuid, c->uuid, sizeof uuid);
	memcpy(info, label.data, label.size);
	must(context != NULL && EVP_KDF_derive(context, out, size, params) == 1);
	exa_wipe(master, sizeof master);
	EVP_KDF_CTX_free(context);
	EVP_KDF_free(method);
}

static void
derive_segment_key(
	const struct crypt *c, uint32_t segment, const uint8_t salt[SALT_SIZE], uint8_t out[32])
{
	static const char name[] = "exarch segment";
	uint8_t label[sizeof name - 1 + 4 + SALT_SIZE];

	memcpy(label, name, sizeof name - 1);
	put_le32(label + sizeof name - 1, segment);
	memcpy(label + sizeof name - 1 + 4, salt, SALT_SIZE);
	derive(c, bytes_of(label, sizeof label), out, 32);
}

void
crypt_open(struct crypt *c, enum crypt_state state, const uint8_t uuid[UUID_SIZE],
	const uint8_t *master)
{
	uint8_t id_key[SHA256_SIZE];

	(void)pthread_mutex_init(&c->mu, NULL);
	c->state = state;
	memcpy(c->uuid, uuid, UUID_SIZE);
	if (state != CRYPT_OPEN)
		return;
	memcpy(c->master, master, MASTER_KEY_SIZE);
	derive(c, bytes_of_string("exarch id"), id_key, sizeof id_key);
	hasher_key(&c->ids, id_key);
	exa_wipe(id_key, sizeof id_key);
	derive(c, bytes_of_string("exarch row"), c->row_key, sizeof c->row_key);
	derive(c, bytes_of_string("exarch key tail"), c->tail_key, sizeof c->tail_key);
}

bool
crypt_check_id(const struct crypt *c, uint8_t prefix, struct bytes data, const struct store_id *id)
{
	struct store_id found;

	if (c->state == CRYPT_LOCKED)
		return true;
	hash_id(&c->ids, prefix, data, &found);
	return id_equal(&found, id);
}

/* A cipher's context with its key set; the mode may need more than that for each message. */
static void
set_key(void **context, const char *cipher, const uint8_t *key, int encrypts)
{
	EVP_CIPHER *method = EVP_CIPHER_fetch(NULL, cipher, NULL);

	if (*context == NULL)
		*context = EVP_CIPHER_CTX_new();
	must(*context != NULL && method != NULL &&
		EVP_CipherInit_ex2(*context, method, key, NULL, encrypts, NULL) == 1);
	(void)EVP_CIPHER_CTX_set_padding(*context, 0);
	EVP_CIPHER_free(method);
}

/* ---- frames ---- */

void
frame_cipher_set(struct frame_cipher *f, const struct crypt *c, uint32_t segment,
	const uint8_t salt[SALT_SIZE])
{
	uint8_t key[32];

	if (c->state != CRYPT_OPEN)
		return;
	derive_segment_key(c, segment, salt, key);
	set_key(&f->context, "AES-256-GCM", key, 1);
	exa_wipe(key, sizeof key);
}

void
frame_cipher_done(struct frame_cipher *f)
{
	EVP_CIPHER_CTX_free(f->context); /* wipes its key */
	f->context = NULL;
}

/* Begins a frame: nonce, and what is bound to it without being hidden. */
static void
begin_frame(struct frame_cipher *f, const struct frame_head *h, struct place at, int encrypts)
{
	uint8_t nonce[NONCE_SIZE];
	uint8_t aad[FRAME_HEAD_SIZE + 12];
	int n;

	memcpy(nonce, h->id.bytes, 4);
	put_le64(nonce + 4, h->sequence);
	frame_head_put(h, at, aad);
	put_le32(aad + 56, at.segment); /* in place of the checksums */
	put_le64(aad + 60, at.offset);
	must(f->context != NULL &&
		EVP_CipherInit_ex2(f->context, NULL, NULL, nonce, encrypts, NULL) == 1 &&
		EVP_CipherUpdate(f->context, NULL, &n, aad, FRAME_AAD_SIZE) == 1);
}

void
frame_seal(struct frame_cipher *f, const struct frame_head *h, struct place at, uint8_t *payload)
{
	int size = (int)(h->stored - FRAME_TAG_SIZE);
	int n;

	begin_frame(f, h, at, 1);
	must(EVP_EncryptUpdate(f->context, payload, &n, payload, size));
	must(EVP_EncryptFinal_ex(f->context, payload + n, &n));
	must(EVP_CIPHER_CTX_ctrl(
		f->context, EVP_CTRL_AEAD_GET_TAG, FRAME_TAG_SIZE, payload + size));
}

bool
frame_unseal(struct frame_cipher *f, const struct frame_head *h, struct place at, uint8_t *payload,
	struct exa_error *err)
{
	int size = (int)(h->stored - FRAME_TAG_SIZE);
	int n;

	begin_frame(f, h, at, 0);
	must(EVP_CIPHER_CTX_ctrl(
		f->context, EVP_CTRL_AEAD_SET_TAG, FRAME_TAG_SIZE, payload + size));
	must(EVP_DecryptUpdate(f->context, payload, &n, payload, size));
	return EVP_DecryptFinal_ex(f->context, payload + n, &n) == 1 ||
	       exa_fail(err, EXA_CORRUPT,
		       "the frame can't be deciphered: it was changed, moved, or is of another "
		       "archive");
}

/* ---- rows ---- */

static struct row_cipher *
row_cipher_new(const struct crypt *c)
{
	struct row_cipher *r = exa_alloc(sizeof *r);

	set_key(&r->sealing, "AES-256-SIV", c->row_key, 1);
	set_key(&r->opening, "AES-256-SIV", c->row_key, 0);
	r->work = EVP_CIPHER_CTX_new();
	must(r->work != NULL);
	set_key(&r->hiding, "AES-256-ECB", c->tail_key, 1);
	set_key(&r->showing, "AES-256-ECB", c->tail_key, 0);
	r->values = arena_new();
	return r;
}

static void
row_cipher_free(struct row_cipher *r)
{
	EVP_CIPHER_CTX_free(r->sealing);
	EVP_CIPHER_CTX_free(r->opening);
	EVP_CIPHER_CTX_free(r->work);
	EVP_CIPHER_CTX_free(r->hiding);
	EVP_CIPHER_CTX_free(r->showing);
	arena_free(r->values);
	buf_done(&r->sealed);
	exa_free(r);
}

struct row_cipher *
row_cipher_take(struct crypt *c)
{
	struct row_cipher *r = NULL;

	(void)pthread_mutex_lock(&c->mu);
	if (c->idle_count > 0)
		r = c->idle[--c->idle_count];
	(void)pthread_mutex_unlock(&c->mu);
	return r != NULL ? r : row_cipher_new(c);
}

void
row_cipher_give(struct crypt *c, struct row_cipher *r)
{
	arena_reset(r->values);
	(void)pthread_mutex_lock(&c->mu);
	if (c->idle_count < ROW_CIPHERS_KEPT) {
		c->idle[c->idle_count++] = r;
		r = NULL;
	}
	(void)pthread_mutex_unlock(&c->mu);
	if (r != NULL)
		row_cipher_free(r);
}

void
crypt_close(struct crypt *c)
{
	while (c->idle_count > 0)
		row_cipher_free(c->idle[--c->idle_count]);
	(void)pthread_mutex_destroy(&c->mu);
	exa_wipe(c, sizeof *c);
}

static void
turn_tail(void *context, uint8_t *key, size_t size)
{
	uint8_t *tail = key + size - KEY_TAIL_SIZE;
	int n;

	if (size >= KEY_TAIL_SIZE)
		must(EVP_CipherUpdate(context, tail, &n, tail, KEY_TAIL_SIZE));
}

void
row_hide_tail(struct row_cipher *r, uint8_t *key, size_t size)
{
	turn_tail(r->hiding, key, size);
}

void
row_show_tail(struct row_cipher *r, uint8_t *key, size_t size)
{
	turn_tail(r->showing, key, size);
}

/* OpenSSL's SIV can't begin a second message, but its context can be copied before the first. */
static void
begin_row(struct row_cipher *r, const void *context, size_t table, struct bytes key)
{
	uint8_t aad[4 + STORE_KEY_MAX];
	int n;

	put_le32(aad, (uint32_t)table);
	memcpy(aad + 4, key.data, key.size);
	must(EVP_CIPHER_CTX_copy(r->work, context));
	must(EVP_CipherUpdate(r->work, NULL, &n, aad, (int)(4 + key.size)));
}

struct bytes
row_seal(struct row_cipher *r, size_t table, struct bytes key, struct bytes value)
{
	int n;

	if (value.size == 0)
		return value;
	buf_reset(&r->sealed);
	buf_reserve(&r->sealed, SIV_SIZE + value.size);
	r->sealed.size = SIV_SIZE + value.size;
	begin_row(r, r->sealing, table, key);
	must(EVP_EncryptUpdate(
		r->work, r->sealed.data + SIV_SIZE, &n, value.data, (int)value.size));
	must(EVP_EncryptFinal_ex(r->work, r->sealed.data, &n));
	must(EVP_CIPHER_CTX_ctrl(r->work, EVP_CTRL_AEAD_GET_TAG, SIV_SIZE, r->sealed.data));
	return buf_bytes(&r->sealed);
}

bool
row_open(struct row_cipher *r, size_t table, struct bytes key, struct bytes sealed, uint8_t *out,
	size_t *size_out)
{
	uint8_t siv[SIV_SIZE];
	int n;

	*size_out = 0;
	if (sealed.size == 0)
		return true;
	if (sealed.size <= SIV_SIZE)
		return false;
	memcpy(siv, sealed.data, SIV_SIZE);
	begin_row(r, r->opening, table, key);
	must(EVP_CIPHER_CTX_ctrl(r->work, EVP_CTRL_AEAD_SET_TAG, SIV_SIZE, siv));
	*size_out = sealed.size - SIV_SIZE;
	return EVP_DecryptUpdate(r->work, out, &n, sealed.data + SIV_SIZE,
		       (int)(sealed.size - SIV_SIZE)) == 1;
}
