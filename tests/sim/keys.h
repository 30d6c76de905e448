/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and certificates, made in memory: a throw-away authority, the server's certificate for
 * loopback, and the certificate an application registers. PEM is text that ends with NUL.
 */
#ifndef SIM_KEYS_H
#define SIM_KEYS_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "exarch/bytes.h"
#include "exarch/error.h"

struct key_pair {
	EVP_PKEY *key;
	X509 *certificate;
};

void key_pair_done(struct key_pair *p);

bool keys_make_authority(struct key_pair *out, struct exa_error *err) EXA_CHECK;
bool keys_make_server(
	const struct key_pair *authority, struct key_pair *out, struct exa_error *err) EXA_CHECK;
/* RSA 2048, self-signed, good for a year. */
bool keys_make_application(struct key_pair *out, struct exa_error *err) EXA_CHECK;
EVP_PKEY *keys_make_rsa(void);

void keys_add_certificate_pem(struct buf *out, X509 *certificate);
void keys_add_key_pem(struct buf *out, EVP_PKEY *key);
/* PEM, or DER for the certificate. */
bool keys_read_certificate(const char *path, X509 **out, struct exa_error *err) EXA_CHECK;
bool keys_read_key(const char *path, EVP_PKEY **out, struct exa_error *err) EXA_CHECK;
/* base64url of the digest of the DER: x5t with EVP_sha1(), x5t#S256 with EVP_sha256(). */
void keys_add_thumbprint(struct buf *out, X509 *certificate, const EVP_MD *digest);

#endif
