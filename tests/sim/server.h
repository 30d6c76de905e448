/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole simulator: its parts put together by the options, and which path leads to which part.
 */
#ifndef SIM_SERVER_H
#define SIM_SERVER_H

#include "options.h"

struct server;

bool server_start(const struct options *o, struct server **out, struct exa_error *err) EXA_CHECK;
const char *server_url(const struct server *s); /* scheme://host:port */
void server_stop(struct server *s);             /* NULL is fine */

#endif
