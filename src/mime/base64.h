/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The base64 kernels of this module: whole quanta (4 characters = 3 bytes), nothing about lines.
 */
#ifndef MIME_BASE64_H
#define MIME_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/bytes.h"

/* Decodes COUNT quanta, up to the first that isn't four characters of the alphabet; gives how many
 * were decoded. OUT has room for 3 * COUNT bytes, of which those beyond the result are undefined.
 */
size_t mime_base64_decode_quanta(const uint8_t *chars, size_t count, uint8_t *out);

/* Decodes a quantum with padding ("xx==", "xxx=") into 1 or 2 bytes; 0 when it is anything else,
 * unused bits that aren't zero included. */
size_t mime_base64_decode_padded(const uint8_t chars[4], uint8_t out[2]);

/* Encodes with padding; OUT has room for 4 * ceil(size / 3). Gives the characters written. */
size_t mime_base64_encode(struct bytes decoded, uint8_t *out);

/* The same by tables alone, whatever the processor has: what tests compare the fast way with. */
size_t mime_base64_decode_by_tables(const uint8_t *chars, size_t count, uint8_t *out);
size_t mime_base64_encode_by_tables(struct bytes decoded, uint8_t *out);

/* base64_avx2.c: as much as can be done in whole steps, from the beginning; quanta decoded, bytes
 * encoded. Only where the processor has AVX2. */
bool mime_base64_has_avx2(void);
size_t mime_base64_decode_avx2(const uint8_t *chars, size_t count, uint8_t *out);
size_t mime_base64_encode_avx2(const uint8_t *in, size_t size, uint8_t *out);

#endif
