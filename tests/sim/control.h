/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests: GET /sim/stats gives the counters as JSON; POST /sim/scenario puts another scenario in
 * place of the running one (an empty body: nothing special any more). No sign-in: loopback only.
 */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include "behave.h"
#include "http.h"

#define CONTROL_PATH "/sim/"

void control_handle(struct behaviour *b, const struct http_request *r, struct http_answer *answer);

#endif
