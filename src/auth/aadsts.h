/* SPDX-License-Identifier: Apache-2.0 */
/* What the identity platform's error numbers mean for us. Decided on numbers, never on text. */
#ifndef EXARCH_AUTH_AADSTS_H
#define EXARCH_AUTH_AADSTS_H

#include "exarch/error.h"

/* Sets *err for error NUMBER (0 = none given) that came with HTTP STATUS; returns false. */
bool aadsts_fail(long number, int status, struct exa_error *err);

#endif
