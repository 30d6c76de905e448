/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

#include "exarch/clock.h"
#include "exarch/mem.h"

#include "ntlm.h"

#define HASH 16
#define NAME_MAX_BYTES 1024 /* of user and domain in a message, in UTF-16 */
#define AUTHENTICATE_HEAD 64
#define FILETIME_EPOCH_S INT64_C(11644473600) /* from 1601 to 1970 */

enum {
	UNICODE = 0x1,
	REQUEST_TARGET = 0x4,
	USE_NTLM = 0x200,
	ALWAYS_SIGN = 0x8000,
	TARGET_DOMAIN = 0x10000,
	EXTENDED_SECURITY = 0x80000,
	TARGET_INFO = 0x800000
};

static const uint8_t signature[8] = { 'N', 'T', 'L', 'M', 'S', 'S', 'P', 0 };

struct ntlm_account {
	char *user;            /* without a domain */
	char *whole;           /* as it was given */
	uint8_t nt_hash[HASH]; /* MD4 of the password */
};

/* What stands in the domain's and the computer's place. */
#define DOMAIN "SIM"
#define COMPUTER "EXARCH-SIM"

/* ASCII and Latin letters are enough for made-up accounts: each byte of UTF-8 below 0x80. */
static void
add_utf16(struct buf *out, const char *text, bool upper)
{
	for (; *text != '\0'; text++) {
		buf_add_byte(out, upper ? (uint8_t)toupper((unsigned char)*text) : (uint8_t)*text);
		buf_add_byte(out, 0);
	}
}

static bool
md4(struct bytes in, uint8_t out[HASH])
{
	OSSL_LIB_CTX *ctx = OSSL_LIB_CTX_new();
	OSSL_PROVIDER *legacy = OSSL_PROVIDER_load(ctx, "legacy");
	EVP_MD *md = legacy == NULL ? NULL : EVP_MD_fetch(ctx, "MD4", NULL);
	bool ok = md != NULL && EVP_Digest(in.data, in.size, out, NULL, md, NULL) == 1;

	EVP_MD_free(md);
	if (legacy != NULL)
		(void)OSSL_PROVIDER_unload(legacy);
	OSSL_LIB_CTX_free(ctx);
	return ok;
}

static void
hmac_md5(const uint8_t key[HASH], struct bytes data, uint8_t out[HASH])
{
	(void)HMAC(EVP_md5(), key, HASH, data.data, data.size, out, NULL);
}

bool
ntlm_new(const char *user, const char *password, struct ntlm_account **out, struct exa_error *err)
{
	struct ntlm_account *a = exa_alloc(sizeof *a);
	const char *slash = strchr(user, '\\'), *begin = slash != NULL ? slash + 1 : user;
	EXA_AUTO(buf_done) struct buf secret = { 0 };

	a->whole = exa_strdup(user);
	a->user = exa_strndup(begin, strcspn(begin, "@"));
	add_utf16(&secret, password, false);
	if (!md4(buf_bytes(&secret), a->nt_hash)) {
		ntlm_free(a);
		return exa_fail(
			err, EXA_FAILED, "NTLM needs MD4, and this OpenSSL has no legacy provider");
	}
	*out = a;
	return true;
}

void
ntlm_free(struct ntlm_account *a)
{
	if (a == NULL)
		return;
	exa_free(a->user);
	exa_free(a->whole);
	exa_free(a);
}

static void
add_pair(struct buf *out, uint16_t id, struct bytes value)
{
	buf_add_le16(out, id);
	buf_add_le16(out, (uint16_t)value.size);
	buf_add_bytes(out, value);
}

/* NetBIOS names, DNS names, the time; who gets the time must send a MIC, which nobody checks here.
 */
static void
add_target_info(struct buf *out)
{
	EXA_AUTO(buf_done) struct buf domain = { 0 };
	EXA_AUTO(buf_done) struct buf computer = { 0 };
	uint8_t now[8];

	add_utf16(&domain, DOMAIN, false);
	add_utf16(&computer, COMPUTER, false);
	put_le64(now, (uint64_t)(clock_wall_ns() / 100 + FILETIME_EPOCH_S * 10000000));
	add_pair(out, 2, buf_bytes(&domain));
	add_pair(out, 1, buf_bytes(&computer));
	add_pair(out, 4, buf_bytes(&domain));
	add_pair(out, 3, buf_bytes(&computer));
	add_pair(out, 7, bytes_of(now, sizeof now));
	add_pair(out, 0, bytes_of(NULL, 0));
}

static void
add_field(struct buf *out, size_t size, size_t offset)
{
	buf_add_le16(out, (uint16_t)size);
	buf_add_le16(out, (uint16_t)size);
	buf_add_le32(out, (uint32_t)offset);
}

char *
ntlm_challenge(struct ntlm_peer *peer)
{
	EXA_AUTO(buf_done) struct buf target = { 0 };
	EXA_AUTO(buf_done) struct buf info = { 0 };
	EXA_AUTO(buf_done) struct buf message = { 0 };
	struct buf text = { 0 };
	const size_t head = 56;

	(void)RAND_bytes(peer->challenge, sizeof peer->challenge);
	peer->is_challenged = true;
	add_utf16(&target, DOMAIN, false);
	add_target_info(&info);
	buf_add(&message, signature, sizeof signature);
	buf_add_le32(&message, 2);
	add_field(&message, target.size, head);
	buf_add_le32(&message, UNICODE | REQUEST_TARGET | USE_NTLM | ALWAYS_SIGN | TARGET_DOMAIN |
				       EXTENDED_SECURITY | TARGET_INFO);
	buf_add(&message, peer->challenge, sizeof peer->challenge);
	buf_add_le64(&message, 0);
	add_field(&message, info.size, head + target.size);
	buf_add_le64(&message, 0); /* version: not told */
	buf_add_bytes(&message, buf_bytes(&target));
	buf_add_bytes(&message, buf_bytes(&info));
	buf_add_base64(&text, buf_bytes(&message));
	return buf_steal(&text);
}

static bool
is_message(struct bytes m, uint32_t type)
{
	return m.size >= 12 && memcmp(m.data, signature, sizeof signature) == 0 &&
	       get_le32(m.data + 8) == type;
}

bool
ntlm_is_first(struct bytes message)
{
	return is_message(message, 1);
}

/* What the field at AT points to; false: it points out of the message. */
static bool
field_of(struct bytes m, size_t at, struct bytes *out)
{
	size_t size = get_le16(m.data + at), offset = get_le32(m.data + at + 4);

	if (offset > m.size || size > m.size - offset)
		return false;
	*out = bytes_of(m.data + offset, size);
	return true;
}

static char *
text_of(struct bytes utf16)
{
	struct buf text = { 0 };

	for (size_t i = 0; i + 1 < utf16.size; i += 2)
		buf_add_byte(&text, utf16.data[i + 1] == 0 ? utf16.data[i] : '?');
	return buf_steal(&text);
}

/* HMAC-MD5 by the NT hash over the user in capitals and the domain as it came. */
static void
key_of(const struct ntlm_account *a, const char *user, const char *domain, uint8_t out[HASH])
{
	EXA_AUTO(buf_done) struct buf who = { 0 };

	add_utf16(&who, user, true);
	add_utf16(&who, domain, false);
	hmac_md5(a->nt_hash, buf_bytes(&who), out);
}

bool
ntlm_is_good(const struct ntlm_account *a, const struct ntlm_peer *peer, struct bytes m)
{
	struct bytes response, domain, user;
	EXA_AUTO(exa_freep) char *domain_text = NULL;
	EXA_AUTO(exa_freep) char *user_text = NULL;
	EXA_AUTO(buf_done) struct buf proven = { 0 };
	uint8_t key[HASH], wanted[HASH];

	if (!peer->is_challenged || m.size < AUTHENTICATE_HEAD || !is_message(m, 3) ||
		!field_of(m, 20, &response) || !field_of(m, 28, &domain) ||
		!field_of(m, 36, &user) || response.size <= HASH + 28 || /* shorter: NTLMv1 */
		domain.size > NAME_MAX_BYTES || user.size > NAME_MAX_BYTES)
		return false;
	domain_text = text_of(domain);
	user_text = text_of(user);
	if (strcasecmp(user_text, a->user) != 0 && strcasecmp(user_text, a->whole) != 0)
		return false;
	key_of(a, user_text, domain_text, key);
	buf_add(&proven, peer->challenge, sizeof peer->challenge);
	buf_add_bytes(&proven, bytes_skip(response, HASH));
	hmac_md5(key, buf_bytes(&proven), wanted);
	return CRYPTO_memcmp(wanted, response.data, HASH) == 0;
}
