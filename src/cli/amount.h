/* SPDX-License-Identifier: Apache-2.0 */
/* Amounts as people write them. */
#ifndef CLI_AMOUNT_H
#define CLI_AMOUNT_H

#include <stdint.h>

#include "exarch/error.h"

/* "50MiB", "1.5 GiB", "800 KiB", "1000000": bytes, at least one. */
bool amount_read(const char *text, uint64_t *bytes_out, struct exa_error *err) EXA_CHECK;
/*
 * ">10MB", ">=1MiB", "<64KiB", "<=5000", "1MB..10MB" (both included): bytes from *LEAST_OUT on, and
 * fewer than *BELOW_OUT (0 = any number). kB, MB, GB, TB are powers of 1000, KiB to TiB of 1024.
 */
bool range_read(const char *text, uint64_t *least_out, uint64_t *below_out,
	struct exa_error *err) EXA_CHECK;
/* "5%", "0.5 %": more than 0, at most 100; 100 % gives 0, which is what options mean by all. */
bool share_read(const char *text, double *share_out, struct exa_error *err) EXA_CHECK;

#endif
