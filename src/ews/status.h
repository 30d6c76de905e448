/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP status codes that are no answer to the request, as errors. */
#ifndef EXARCH_EWS_STATUS_H
#define EXARCH_EWS_STATUS_H

#include "exarch/error.h"
#include "exarch/http.h"

struct status_asked {
	bool online;       /* Exchange Online, not a server of one's own */
	const char *who;   /* auth_who */
	const char *roles; /* what the token says it may do ("" = nothing), NULL without token */
};

/* Sets *err with the status as its detail; returns false. */
bool status_explain(
	const struct http_answer *answer, const struct status_asked *asked, struct exa_error *err);

#endif
