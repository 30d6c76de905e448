/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Autodiscover in its three forms: POX (.xml) and SOAP (.svc) for who is signed in, JSON (.json)
 * for anybody. All name this server's EWS.
 */
#ifndef SIM_AUTODISCOVER_H
#define SIM_AUTODISCOVER_H

#include "auth.h"

#define AUTODISCOVER_PATH "/autodiscover/"

struct autodiscover_options {
	struct mailstore *store;
	struct auth *auth;
	const char *url; /* of this server, without a path */
};

void autodiscover_handle(const struct autodiscover_options *o, const struct http_request *r,
	struct http_answer *answer);

#endif
