/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP status codes that are no answer to the request, as errors. */
#ifndef EXARCH_EWS_STATUS_H
#define EXARCH_EWS_STATUS_H

#include "exarch/error.h"
#include "exarch/http.h"

/* ROLES: what the token says it may do ("" = nothing), NULL when there is no token. Sets *err with
 * the status as its detail; returns false. */
bool status_explain(const struct http_answer *answer, const char *roles, struct exa_error *err);

#endif
