/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and certificates made on the spot; nothing secret is kept in the repository. */
#ifndef EXARCH_TESTS_CERTIFICATE_H
#define EXARCH_TESTS_CERTIFICATE_H

#include <stdint.h>

#include <openssl/ssl.h>
#include <openssl/x509.h>

EVP_PKEY *make_key(unsigned bits);

/* Self-signed, for NAME (a DNS name), valid from and until seconds relative to now. */
X509 *make_certificate(EVP_PKEY *key, const char *name, long from_s, long until_s);

/* A server's TLS settings with both. */
SSL_CTX *make_server_tls(EVP_PKEY *key, X509 *certificate);

/* PEM files; the key's with MODE. */
void write_key(const char *path, EVP_PKEY *key, unsigned mode);
void write_certificate(const char *path, X509 *certificate);

#endif
