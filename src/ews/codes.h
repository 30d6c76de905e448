/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of response codes: what each means for the caller. */
#ifndef EXARCH_EWS_CODES_H
#define EXARCH_EWS_CODES_H

#include "exarch/error.h"

struct code_meaning {
	const char *name;
	enum exa_code code;
	const char *remedy; /* "" when there is nothing to do about it */
};

/* A code that no table lists (Exchange Online emits some) means EXA_FAILED. */
const struct code_meaning *code_find(const char *name);

#endif
