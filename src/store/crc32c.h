/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRC32C (Castagnoli): finds accidents, not forgery; ids and the commit chain find that. Uses the
 * processor's instruction where there is one. Any thread.
 */
#ifndef STORE_CRC32C_H
#define STORE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Begin with crc = 0; to go on over more bytes, pass what came out. */
uint32_t crc32c(uint32_t crc, const void *data, size_t size);

/* The plain way, for processors without the instruction and for the test that compares both. */
uint32_t crc32c_by_table(uint32_t crc, const void *data, size_t size);

#endif
