/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key pair for an application: what is uploaded to its registration, and what it signs in with
 * (exarch/auth.h, AUTH_APP_CERTIFICATE). Microsoft identity platform, "certificate credentials".
 */
#ifndef EXARCH_CERT_H
#define EXARCH_CERT_H

#include <stdint.h>

#include "exarch/attr.h"
#include "exarch/error.h"

#define CERT_DAYS_MAX 3650
#define CERT_NAME_MAX 64 /* of a common name: RFC 5280, ub-common-name */

struct cert_options {
	const char *dir;  /* made with mode 0700 when absent */
	const char *name; /* common name; "" isn't one */
	uint32_t days;    /* 1 to CERT_DAYS_MAX, from now */
};

/* The three files, and how Entra ID names the certificate. Owned; cert_done. */
struct cert {
	char *key_file; /* DIR/exarch.key: PEM, not encrypted, mode 0600 */
	char *crt_file; /* DIR/exarch.crt: PEM */
	char *cer_file; /* DIR/exarch.cer: DER, the one to upload */
	char sha1[41];  /* thumbprints of the DER form, upper case hex */
	char sha256[65];
	int64_t expires_ns;
};

/*
 * Makes an RSA key of 3072 bits and a certificate for it, signed by itself. Nothing that is there is
 * overwritten: EXA_USAGE names it. The key is written last, so that no key lies about without its
 * certificate.
 */
bool cert_create(
	const struct cert_options *options, struct cert *out, struct exa_error *err) EXA_CHECK;
void cert_done(struct cert *c);

#endif
