/* SPDX-License-Identifier: Apache-2.0 */
/* A single thing to ask before the run, done as a job of a pool of one, so that the one policy
 * (src/work/policy.c) decides on waiting and trying again. */
#ifndef CLI_ERRAND_H
#define CLI_ERRAND_H

#include <stdbool.h>

#include "exarch/attr.h"
#include "exarch/cancel.h"
#include "exarch/error.h"

/* DOES is called until it succeeds, or the policy says that it won't. */
bool errand_run(bool (*does)(void *ctx, struct exa_error *err), void *ctx, struct cancel *cancel,
	struct exa_error *err) EXA_CHECK;

#endif
