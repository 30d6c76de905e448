/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "exarch/sha256.h"

static EVP_MD *method;
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

static void
fetch(void)
{
	method = EVP_MD_fetch(NULL, "SHA256", NULL);
}

const EVP_MD *
exa_sha256(void)
{
	(void)pthread_once(&fetched, fetch);
	return method;
}
