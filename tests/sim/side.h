/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What isn't EWS (sign-in, directory, Autodiscover) seen by the scenario too, under a name of its
 * own: faults of status and wire hit it as they hit any request.
 */
#ifndef SIM_SIDE_H
#define SIM_SIDE_H

#include "behave.h"
#include "http.h"

typedef void side_handler(void *ctx, const struct http_request *r, struct http_answer *answer);

void side_handle(struct behaviour *b, const char *name, side_handler *handle, void *ctx,
	const struct http_request *r, struct http_answer *answer);

#endif
