/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 of OpenSSL. */
#ifndef EXARCH_SHA256_H
#define EXARCH_SHA256_H

#include <openssl/evp.h>

/* The method, fetched once: EVP_sha256() is looked up by its name for each hash, which costs more
 * than hashing a small object. NULL: the library is broken, and whatever takes it fails. */
const EVP_MD *exa_sha256(void);

#endif
