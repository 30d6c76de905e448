/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "exarch/clock.h"
#include "exarch/fs.h"
#include "exarch/mem.h"

#include "key.h"
#include "secret.h"

/* Entra takes RSA keys of 2048 bits and more. */
#define RSA_BITS_MIN 2048

static BIO *
memory_bio(const struct buf *content)
{
	return content->size > INT_MAX ? NULL : BIO_new_mem_buf(content->data, (int)content->size);
}

/* Never asks a terminal: an encrypted key simply can't be read. */
static int
no_passphrase(char *out, int size, int writing, void *ctx)
{
	(void)out;
	(void)size;
	(void)writing;
	*(bool *)ctx = true;
	return -1;
}

static bool
read_key(const char *path, EVP_PKEY **out, struct exa_error *err)
{
	EXA_AUTO(buf_wipe) struct buf content = { 0 };
	bool encrypted = false;
	EVP_PKEY *key;
	BIO *bio;

	if (!secret_read_private(path, &content, err))
		return false;
	bio = memory_bio(&content);
	key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &encrypted);
	BIO_free(bio);
	ERR_clear_error();
	if (key == NULL && encrypted)
		return exa_fail(err, EXA_AUTH,
			"%s is encrypted; make a copy without a passphrase: "
			"openssl pkey -in %s -out NEW.key",
			path, path);
	if (key == NULL)
		return exa_fail(err, EXA_AUTH, "%s holds no private key in PEM form", path);
	if (!EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_get_bits(key) < RSA_BITS_MIN) {
		EVP_PKEY_free(key);
		return exa_fail(err, EXA_AUTH, "%s: an RSA key of at least %d bits is needed", path,
			RSA_BITS_MIN);
	}
	*out = key;
	return true;
}

static bool
read_certificate(const char *path, X509 **out, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf content = { 0 };
	const unsigned char *der;
	X509 *certificate;
	BIO *bio;

	if (!fs_read_file(path, SECRET_FILE_MAX, &content, err)) {
		err->code = EXA_AUTH;
		return false;
	}
	bio = memory_bio(&content);
	certificate = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	der = content.data;
	if (certificate == NULL && content.size > 0)
		certificate = d2i_X509(NULL, &der, (long)content.size);
	ERR_clear_error();
	if (certificate == NULL)
		return exa_fail(err, EXA_AUTH, "%s holds no certificate (PEM or DER)", path);
	*out = certificate;
	return true;
}

static int64_t
asn1_moment(const ASN1_TIME *t)
{
	struct tm tm = { 0 };

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return 0;
	return (int64_t)timegm(&tm);
}

static bool
check_dates(const X509 *certificate, const char *path, struct exa_error *err)
{
	int64_t now = clock_wall_ns() / EXA_NS_PER_S;
	int64_t from = asn1_moment(X509_get0_notBefore(certificate));
	int64_t until = asn1_moment(X509_get0_notAfter(certificate));
	char date[CLOCK_TEXT_MAX];

	if (now < from) {
		clock_format(from * EXA_NS_PER_S, date);
		return exa_fail(err, EXA_AUTH,
			"%s isn't valid before %s; is this machine's clock right?", path, date);
	}
	if (now >= until) {
		clock_format(until * EXA_NS_PER_S, date);
		return exa_fail(err, EXA_AUTH,
			"%s expired on %s; make a new one and upload it to the app registration",
			path, date);
	}
	return true;
}

bool
app_key_open(const char *certificate_file, const char *key_file, struct app_key *out,
	struct exa_error *err)
{
	*out = (struct app_key){ 0 };
	if (!read_key(key_file, &out->key, err) ||
		!read_certificate(certificate_file, &out->certificate, err) ||
		!check_dates(out->certificate, certificate_file, err)) {
		app_key_done(out);
		return false;
	}
	if (X509_check_private_key(out->certificate, out->key) != 1) {
		ERR_clear_error();
		app_key_done(out);
		return exa_fail(err, EXA_AUTH,
			"%s and %s don't belong together: the certificate is for another key",
			certificate_file, key_file);
	}
	return true;
}

void
app_key_done(struct app_key *k)
{
	EVP_PKEY_free(k->key);
	X509_free(k->certificate);
	*k = (struct app_key){ 0 };
}

int32_t
app_key_days_left(const struct app_key *k)
{
	int64_t left =
		asn1_moment(X509_get0_notAfter(k->certificate)) - clock_wall_ns() / EXA_NS_PER_S;

	left /= (int64_t)24 * 3600;
	return left > INT32_MAX ? INT32_MAX : left < INT32_MIN ? INT32_MIN : (int32_t)left;
}

void
app_key_thumbprint(const struct app_key *k, char out[AUTH_THUMBPRINT_MAX])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	if (X509_digest(k->certificate, EVP_sha1(), digest, &size) != 1)
		size = 0;
	for (unsigned i = 0; i < size; i++)
		(void)snprintf(out + (size_t)2 * i, 3, "%02X", digest[i]);
	if (size == 0)
		out[0] = '\0';
}
