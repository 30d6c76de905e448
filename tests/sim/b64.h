/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64, fast: all mail served passes here, generated attachments twice.
 */
#ifndef SIM_B64_H
#define SIM_B64_H

#include <stddef.h>
#include <stdint.h>

/* Encodes SIZE bytes with padding, without NUL; gives the count of characters, B64_SIZE(size). */
#define B64_SIZE(n) (((n) + 2) / 3 * 4)
size_t b64_encode(const uint8_t *in, size_t size, uint8_t *out);

void b64_init(void); /* once, before threads start */

#endif
