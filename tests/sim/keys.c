/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "keys.h"

#define RSA_BITS 2048U
#define AUTHORITY_DAYS 3650
#define SERVER_DAYS 365
#define APPLICATION_DAYS 365
#define SECONDS_PER_DAY 86400
#define FILE_MAX (64 * 1024) /* no certificate comes near */

void
key_pair_done(struct key_pair *p)
{
	EVP_PKEY_free(p->key);
	X509_free(p->certificate);
	*p = (struct key_pair){ 0 };
}

EVP_PKEY *
keys_make_rsa(void)
{
	return EVP_RSA_gen(RSA_BITS);
}

static bool
add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;
	bool added;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return added;
}

/* A certificate for KEY, still without extensions and signature. */
static X509 *
begin_certificate(EVP_PKEY *key, const char *name, int days)
{
	X509 *c = X509_new();
	X509_NAME *subject = X509_get_subject_name(c);
	uint8_t serial[16];
	BIGNUM *number;

	(void)RAND_bytes(serial, sizeof serial);
	serial[0] &= 0x7f;
	number = BN_bin2bn(serial, sizeof serial, NULL);
	(void)BN_to_ASN1_INTEGER(number, X509_get_serialNumber(c));
	BN_free(number);
	(void)X509_set_version(c, X509_VERSION_3);
	(void)X509_gmtime_adj(X509_getm_notBefore(c), -SECONDS_PER_DAY);
	(void)X509_gmtime_adj(X509_getm_notAfter(c), (long)days * SECONDS_PER_DAY);
	(void)X509_NAME_add_entry_by_txt(
		subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
	(void)X509_set_pubkey(c, key);
	return c;
}

bool
keys_make_authority(struct key_pair *out, struct exa_error *err)
{
	struct key_pair p = { .key = EVP_EC_gen("P-256") };

	p.certificate = begin_certificate(p.key, "exarch-sim throw-away CA", AUTHORITY_DAYS);
	(void)X509_set_issuer_name(p.certificate, X509_get_subject_name(p.certificate));
	if (!add_extension(p.certificate, p.certificate, NID_basic_constraints,
		    "critical,CA:TRUE,pathlen:0") ||
		!add_extension(p.certificate, p.certificate, NID_key_usage,
			"critical,keyCertSign,cRLSign") ||
		!add_extension(p.certificate, p.certificate, NID_subject_key_identifier, "hash") ||
		X509_sign(p.certificate, p.key, EVP_sha256()) == 0) {
		key_pair_done(&p);
		return exa_fail(err, EXA_FAILED, "can't make a certificate authority");
	}
	*out = p;
	return true;
}

bool
keys_make_server(const struct key_pair *authority, struct key_pair *out, struct exa_error *err)
{
	struct key_pair p = { .key = EVP_EC_gen("P-256") };

	p.certificate = begin_certificate(p.key, "localhost", SERVER_DAYS);
	(void)X509_set_issuer_name(p.certificate, X509_get_subject_name(authority->certificate));
	if (!add_extension(p.certificate, authority->certificate, NID_basic_constraints,
		    "critical,CA:FALSE") ||
		!add_extension(p.certificate, authority->certificate, NID_key_usage,
			"critical,digitalSignature") ||
		!add_extension(
			p.certificate, authority->certificate, NID_ext_key_usage, "serverAuth") ||
		!add_extension(p.certificate, authority->certificate, NID_subject_alt_name,
			"DNS:localhost,IP:127.0.0.1,IP:::1") ||
		!add_extension(p.certificate, authority->certificate, NID_authority_key_identifier,
			"keyid") ||
		X509_sign(p.certificate, authority->key, EVP_sha256()) == 0) {
		key_pair_done(&p);
		return exa_fail(err, EXA_FAILED, "can't make the server's certificate");
	}
	*out = p;
	return true;
}

bool
keys_make_application(struct key_pair *out, struct exa_error *err)
{
	struct key_pair p = { .key = keys_make_rsa() };

	p.certificate = begin_certificate(p.key, "exarch-sim application", APPLICATION_DAYS);
	(void)X509_set_issuer_name(p.certificate, X509_get_subject_name(p.certificate));
	if (X509_sign(p.certificate, p.key, EVP_sha256()) == 0) {
		key_pair_done(&p);
		return exa_fail(err, EXA_FAILED, "can't make the application's certificate");
	}
	*out = p;
	return true;
}

static void
add_bio(struct buf *out, BIO *bio)
{
	char *data;
	long size = BIO_get_mem_data(bio, &data);

	if (size > 0)
		buf_add(out, data, (size_t)size);
	(void)BIO_free(bio);
}

void
keys_add_certificate_pem(struct buf *out, X509 *certificate)
{
	BIO *bio = BIO_new(BIO_s_mem());

	(void)PEM_write_bio_X509(bio, certificate);
	add_bio(out, bio);
}

void
keys_add_key_pem(struct buf *out, EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());

	(void)PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	add_bio(out, bio);
}

bool
keys_read_certificate(const char *path, X509 **out, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf content = { 0 };
	const uint8_t *der;
	BIO *bio;

	if (!fs_read_file(path, FILE_MAX, &content, err))
		return false;
	bio = BIO_new_mem_buf(content.data, (int)content.size);
	*out = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	(void)BIO_free(bio);
	der = content.data;
	if (*out == NULL)
		*out = d2i_X509(NULL, &der, (long)content.size);
	return *out != NULL || exa_fail(err, EXA_USAGE, "%s holds no certificate", path);
}

bool
keys_read_key(const char *path, EVP_PKEY **out, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf content = { 0 };
	BIO *bio;

	if (!fs_read_file(path, FILE_MAX, &content, err))
		return false;
	bio = BIO_new_mem_buf(content.data, (int)content.size);
	*out = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	(void)BIO_free(bio);
	return *out != NULL || exa_fail(err, EXA_USAGE, "%s holds no private key", path);
}

void
keys_add_thumbprint(struct buf *out, X509 *certificate, const EVP_MD *digest)
{
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	(void)X509_digest(certificate, digest, sum, &size);
	buf_add_base64url(out, bytes_of(sum, size));
}
