/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 32 characters at a time, for processors with AVX2. What it leaves over (the last few quanta
 * of a line, a character that isn't in the alphabet) is for the tables of base64.c, which is also
 * what tests compare it with.
 *
 * Decoding: five ranges of characters become masks; a character's value is the character plus the
 * number that belongs to its range. Then 4 x 6 bits are put together by two multiplications:
 *
 *     00dddddd 00cccccc 00bbbbbb 00aaaaaa      bytes, the first character lowest
 *     0000ccccccdddddd  0000aaaaaabbbbbb       * 64, * 1, added in pairs
 *     00000000aaaaaabbbbbbccccccdddddd         * 4096, * 1, added in pairs
 *
 * and the three bytes of each lane of 4 moved together. Encoding is the way back: bits are moved into
 * their places by multiplications, and 0..63 becomes a letter by adding for each range begun.
 */
#include "base64.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

#define CHARS 32
#define QUANTA (CHARS / 4)
#define BYTES (CHARS / 4 * 3)
/* A step writes 32 bytes, 24 of them good: so many quanta must be left for the room to be there. */
#define QUANTA_LEFT 11
/* A step reads 28 bytes, from the first of the 24. */
#define BYTES_LEFT 28

AVX2 static __m256i
load(const void *p)
{
	return _mm256_loadu_si256(p);
}

/* All ones where LEAST <= c <= MOST; bytes above 127 are negative, and in no range. */
AVX2 static __m256i
in_range(__m256i c, char least, char most)
{
	return _mm256_and_si256(_mm256_cmpgt_epi8(c, _mm256_set1_epi8((char)(least - 1))),
		_mm256_cmpgt_epi8(_mm256_set1_epi8((char)(most + 1)), c));
}

AVX2 static __m256i
only(__m256i mask, int value)
{
	return _mm256_and_si256(mask, _mm256_set1_epi8((char)value));
}

/* The values of 32 characters; false when one of them has none. */
AVX2 static bool
values_of(__m256i c, __m256i *out)
{
	const __m256i upper = in_range(c, 'A', 'Z'), lower = in_range(c, 'a', 'z'),
		      digit = in_range(c, '0', '9'),
		      plus = _mm256_cmpeq_epi8(c, _mm256_set1_epi8('+')),
		      slash = _mm256_cmpeq_epi8(c, _mm256_set1_epi8('/'));
	const __m256i letter = _mm256_or_si256(upper, lower), sign = _mm256_or_si256(plus, slash),
		      any = _mm256_or_si256(_mm256_or_si256(letter, sign), digit);
	__m256i add = _mm256_or_si256(only(upper, -'A'), only(lower, 26 - 'a'));

	add = _mm256_or_si256(add, only(digit, 52 - '0'));
	add = _mm256_or_si256(add, only(plus, 62 - '+'));
	add = _mm256_or_si256(add, only(slash, 63 - '/'));
	*out = _mm256_add_epi8(c, add);
	return _mm256_movemask_epi8(any) == -1;
}

AVX2 static __m256i
join(__m256i values)
{
	const __m256i bytes = _mm256_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1,
		-1, 2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
	const __m256i twelve = _mm256_maddubs_epi16(values, _mm256_set1_epi32(0x01400140)),
		      all = _mm256_madd_epi16(twelve, _mm256_set1_epi32(0x00011000));

	return _mm256_permutevar8x32_epi32(
		_mm256_shuffle_epi8(all, bytes), _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7));
}

AVX2 size_t
mime_base64_decode_avx2(const uint8_t *chars, size_t count, uint8_t *out)
{
	size_t done = 0;

	for (; count - done >= QUANTA_LEFT; done += QUANTA, chars += CHARS, out += BYTES) {
		__m256i values;

		if (!values_of(load(chars), &values))
			break;
		_mm256_storeu_si256((void *)out, join(values));
	}
	return done;
}

/* Each three bytes b0 b1 b2 as b1 b0 b2 b1: then the bits of two values stand in each half. */
AVX2 static __m256i
spread(const uint8_t *in)
{
	const __m256i places = _mm256_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10,
		1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10);
	const __m256i both =
		_mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const void *)in)),
			_mm_loadu_si128((const void *)(in + BYTES / 2)), 1);

	return _mm256_shuffle_epi8(both, places);
}

AVX2 static __m256i
letters_of(__m256i values)
{
	static const struct {
		char above, add;
	} ranges[] = { { 25, 'a' - 26 - 'A' }, { 51, '0' - 52 - ('a' - 26) },
		{ 61, '+' - 62 - ('0' - 52) }, { 62, '/' - 63 - ('+' - 62) } };
	__m256i out = _mm256_add_epi8(values, _mm256_set1_epi8('A'));

	for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
		out = _mm256_add_epi8(
			out, only(_mm256_cmpgt_epi8(values, _mm256_set1_epi8(ranges[i].above)),
				     ranges[i].add));
	return out;
}

AVX2 size_t
mime_base64_encode_avx2(const uint8_t *in, size_t size, uint8_t *out)
{
	size_t done = 0;

	for (; size - done >= BYTES_LEFT; done += BYTES, in += BYTES, out += CHARS) {
		const __m256i v = spread(in);
		const __m256i first_third =
			_mm256_mulhi_epu16(_mm256_and_si256(v, _mm256_set1_epi32(0x0fc0fc00)),
				_mm256_set1_epi32(0x04000040));
		const __m256i second_fourth =
			_mm256_mullo_epi16(_mm256_and_si256(v, _mm256_set1_epi32(0x003f03f0)),
				_mm256_set1_epi32(0x01000010));

		_mm256_storeu_si256(
			(void *)out, letters_of(_mm256_or_si256(first_third, second_fourth)));
	}
	return done;
}

bool
mime_base64_has_avx2(void)
{
	return __builtin_cpu_supports("avx2");
}

#else

size_t
mime_base64_decode_avx2(const uint8_t *chars, size_t count, uint8_t *out)
{
	(void)chars;
	(void)count;
	(void)out;
	return 0;
}

size_t
mime_base64_encode_avx2(const uint8_t *in, size_t size, uint8_t *out)
{
	(void)in;
	(void)size;
	(void)out;
	return 0;
}

bool
mime_base64_has_avx2(void)
{
	return false;
}

#endif
