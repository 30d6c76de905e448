/* SPDX-License-Identifier: Apache-2.0 */
/* The application's key pair: private key and certificate, read and checked together. */
#ifndef EXARCH_AUTH_KEY_H
#define EXARCH_AUTH_KEY_H

#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "exarch/attr.h"
#include "exarch/auth.h"
#include "exarch/error.h"

struct app_key {
	EVP_PKEY *key;
	X509 *certificate;
};

/* EXA_AUTH names the file and the remedy. *out is zeroed or good. */
bool app_key_open(const char *certificate_file, const char *key_file, struct app_key *out,
	struct exa_error *err) EXA_CHECK;
void app_key_done(struct app_key *k);

void app_key_thumbprint(const struct app_key *k, char out[AUTH_THUMBPRINT_MAX]);
int32_t app_key_days_left(const struct app_key *k); /* below 0 when expired */

#endif
