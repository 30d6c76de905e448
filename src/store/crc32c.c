/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

#include "crc32c.h"

#define POLYNOMIAL UINT32_C(0x82f63b78) /* 0x1edc6f41 with its bits reversed */

static uint32_t table[256];
static bool has_instruction;
static pthread_once_t prepared = PTHREAD_ONCE_INIT;

static void
prepare(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t v = i;

		for (int bit = 0; bit < 8; bit++)
			v = (v >> 1) ^ ((v & 1) != 0 ? POLYNOMIAL : 0);
		table[i] = v;
	}
#if defined(__x86_64__)
	has_instruction = __builtin_cpu_supports("sse4.2");
#endif
}

uint32_t
crc32c_by_table(uint32_t crc, const void *data, size_t size)
{
	const uint8_t *p = data;

	(void)pthread_once(&prepared, prepare);
	crc = ~crc;
	for (size_t i = 0; i < size; i++)
		crc = (crc >> 8) ^ table[(crc ^ p[i]) & 0xff];
	return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t
crc32c_by_instruction(uint32_t crc, const uint8_t *p, size_t size)
{
	uint64_t wide = ~crc;

	for (; size >= 8; p += 8, size -= 8) {
		uint64_t word;

		memcpy(&word, p, sizeof word);
		wide = _mm_crc32_u64(wide, word);
	}
	crc = (uint32_t)wide;
	for (; size > 0; p++, size--)
		crc = _mm_crc32_u8(crc, *p);
	return ~crc;
}
#endif

uint32_t
crc32c(uint32_t crc, const void *data, size_t size)
{
	(void)pthread_once(&prepared, prepare);
#if defined(__x86_64__)
	if (has_instruction)
		return crc32c_by_instruction(crc, data, size);
#endif
	return crc32c_by_table(crc, data, size);
}
