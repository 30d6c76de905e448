/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "exarch/cert.h"
#include "exarch/clock.h"
#include "exarch/fs.h"
#include "exarch/mem.h"

#define KEY_BITS 3072U
#define SERIAL_BITS 127 /* positive, and at most 20 bytes: RFC 5280, 4.1.2.2 */
#define X509_VERSION_OF_3 2

#define DAY_S ((int64_t)24 * 3600)

static bool
add_extension(X509 *certificate, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;
	bool good;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, certificate, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	good = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return good;
}

static bool
set_serial(X509 *certificate)
{
	BIGNUM *number = BN_new();
	bool good = number != NULL &&
		    BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
		    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;

	BN_free(number);
	return good;
}

static bool
set_names(X509 *certificate, const char *common_name)
{
	X509_NAME *name = X509_get_subject_name(certificate);

	return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
		       (const unsigned char *)common_name, -1, -1, 0) == 1 &&
	       X509_set_issuer_name(certificate, name) == 1;
}

static X509 *
self_signed(EVP_PKEY *key, const struct cert_options *options, int64_t now_s)
{
	X509 *x = X509_new();
	bool good = x != NULL && X509_set_version(x, X509_VERSION_OF_3) == 1 && set_serial(x) &&
		    set_names(x, options->name) &&
		    ASN1_TIME_set(X509_getm_notBefore(x), (time_t)now_s) != NULL &&
		    ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(now_s + options->days * DAY_S)) !=
			    NULL &&
		    X509_set_pubkey(x, key) == 1 &&
		    add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
		    add_extension(x, NID_key_usage, "critical,digitalSignature") &&
		    add_extension(x, NID_ext_key_usage, "clientAuth") &&
		    add_extension(x, NID_subject_key_identifier, "hash") &&
		    X509_sign(x, key, EVP_sha256()) > 0;

	if (good)
		return x;
	X509_free(x);
	return NULL;
}

/* ---- files ---- */

static bool
write_bio(const char *path, BIO *bio, unsigned mode, struct exa_error *err)
{
	char *data = NULL;
	long size = bio == NULL ? 0 : BIO_get_mem_data(bio, &data);

	if (size <= 0)
		return exa_fail(err, EXA_FAILED, "OpenSSL can't write %s", path);
	return fs_write_file(path, bytes_of(data, (size_t)size), mode, err);
}

static bool
write_certificate(const struct cert *c, X509 *certificate, struct exa_error *err)
{
	BIO *pem = BIO_new(BIO_s_mem());
	BIO *der = BIO_new(BIO_s_mem());
	bool good = pem != NULL && der != NULL && PEM_write_bio_X509(pem, certificate) == 1 &&
		    i2d_X509_bio(der, certificate) == 1;

	good = good ? write_bio(c->crt_file, pem, 0644, err) &&
			       write_bio(c->cer_file, der, 0644, err)
		    : exa_fail(err, EXA_FAILED, "OpenSSL can't write the certificate");
	BIO_free(pem);
	BIO_free(der);
	return good;
}

static bool
write_key(const struct cert *c, EVP_PKEY *key, struct exa_error *err)
{
	BIO *pem = BIO_new(BIO_s_secmem());
	bool good = pem != NULL &&
		    PEM_write_bio_PKCS8PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL) == 1;

	good = good ? write_bio(c->key_file, pem, 0600, err)
		    : exa_fail(err, EXA_FAILED, "OpenSSL can't write the key");
	BIO_free(pem);
	return good;
}

static bool
is_free(const char *path, struct exa_error *err)
{
	if (access(path, F_OK) == 0)
		return exa_fail(err, EXA_USAGE,
			"%s is there already; a key in use must not be lost: choose another folder",
			path);
	return errno == ENOENT || exa_fail_errno(err, errno, "can't look at %s", path);
}

/* ---- making ---- */

static bool
check(const struct cert_options *o, struct exa_error *err)
{
	size_t size = strlen(o->name);

	if (size == 0 || size > CERT_NAME_MAX)
		return exa_fail(err, EXA_USAGE, "the name has %zu bytes; 1 to %d are allowed", size,
			CERT_NAME_MAX);
	for (size_t i = 0; i < size; i++) {
		if ((unsigned char)o->name[i] < ' ' || o->name[i] == 0x7f)
			return exa_fail(err, EXA_USAGE, "the name has a control character");
	}
	if (o->days == 0 || o->days > CERT_DAYS_MAX)
		return exa_fail(err, EXA_USAGE, "a certificate lasts 1 to %d days, not %u",
			CERT_DAYS_MAX, o->days);
	return true;
}

static bool
thumbprint(X509 *certificate, const EVP_MD *kind, char *out)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	if (X509_digest(certificate, kind, digest, &size) != 1)
		return false;
	hex_encode(bytes_of(digest, size), out);
	for (; *out != '\0'; out++)
		*out = (char)toupper((unsigned char)*out);
	return true;
}

static bool
make(const struct cert_options *options, struct cert *c, struct exa_error *err)
{
	const int64_t now_s = clock_wall_ns() / EXA_NS_PER_S;
	EVP_PKEY *key = EVP_RSA_gen(KEY_BITS);
	X509 *certificate = key == NULL ? NULL : self_signed(key, options, now_s);
	bool good = certificate != NULL && thumbprint(certificate, EVP_sha1(), c->sha1) &&
		    thumbprint(certificate, EVP_sha256(), c->sha256);

	c->expires_ns = (now_s + options->days * DAY_S) * EXA_NS_PER_S;
	ERR_clear_error();
	good = good ? write_certificate(c, certificate, err) && write_key(c, key, err)
		    : exa_fail(err, EXA_FAILED,
			      "OpenSSL can't make a key and certificate for \"%s\"", options->name);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return good;
}

bool
cert_create(const struct cert_options *options, struct cert *out, struct exa_error *err)
{
	struct cert c = { 0 };

	if (!check(options, err))
		return false;
	c.key_file = fs_join(options->dir, "exarch.key");
	c.crt_file = fs_join(options->dir, "exarch.crt");
	c.cer_file = fs_join(options->dir, "exarch.cer");
	if (!fs_make_dirs(options->dir, 0700, err) || !is_free(c.key_file, err) ||
		!is_free(c.crt_file, err) || !is_free(c.cer_file, err) || !make(options, &c, err)) {
		cert_done(&c);
		return false;
	}
	*out = c;
	return true;
}

void
cert_done(struct cert *c)
{
	exa_free(c->key_file);
	exa_free(c->crt_file);
	exa_free(c->cer_file);
	*c = (struct cert){ 0 };
}
