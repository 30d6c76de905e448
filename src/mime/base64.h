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

#endif
