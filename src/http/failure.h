/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's results as errors for people: which host, what happened, what to do about it. */
#ifndef EXARCH_HTTP_FAILURE_H
#define EXARCH_HTTP_FAILURE_H

#include <curl/curl.h>

#include "exarch/error.h"

struct failure {
	CURLcode result;
	long verify_result; /* CURLINFO_SSL_VERIFYRESULT */
	bool connected;     /* the request was being sent or answered */
	const char *host;
	const char *detail;      /* libcurl's own words, may be "" */
	const char *tls_ca_file; /* NULL = the system's authorities */
};

/* Sets *err and returns false. */
bool failure_explain(const struct failure *f, struct exa_error *err);

#endif
