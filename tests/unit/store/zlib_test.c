/* SPDX-License-Identifier: Apache-2.0 */
/* The zlib codec and zlib itself: two programs, one format (RFC 1950), read both ways. */
#include <string.h>

#define ZLIB_CONST /* input is const */
#include <zlib.h>

#include "exarch/mem.h"

#include "codec.h"
#include "format.h"
#include "support.h"

#define LARGEST ((size_t)1200000)

static const size_t sizes[] = { 1000, 5000, 32768, 65536, 300000, LARGEST };

/* Half of it compresses well, half hardly. */
static void
fill(uint8_t *out, size_t size, uint64_t seed)
{
	fill_text(out, size / 2, seed);
	fill_noise(out + size / 2, size - size / 2, seed);
	for (size_t i = size / 2; i < size; i++)
		out[i] &= 0x3f;
}

static void
zlib_reads_what_the_codec_wrote(void **state)
{
	EXA_AUTO(codec_freep) struct codec *c = codec_new();
	EXA_AUTO(exa_freep) uint8_t *data = exa_alloc(LARGEST);
	EXA_AUTO(exa_freep) uint8_t *back = exa_alloc(LARGEST);

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		EXA_AUTO(buf_done) struct buf stored = { 0 };
		uLongf got = LARGEST;

		fill(data, sizes[i], i);
		assert_int_equal(codec_pack(c, STORE_CODEC_ZLIB, CODEC_NO_PROBE,
					 bytes_of(data, sizes[i]), &stored),
			CODEC_ZLIB);
		assert_int_equal(uncompress(back, &got, stored.data, stored.size), Z_OK);
		assert_int_equal(got, sizes[i]);
		assert_memory_equal(back, data, got);
	}
}

static void
deflate_as(int level, int window_bits, int strategy, struct bytes raw, struct buf *out)
{
	z_stream z = { 0 };

	assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, window_bits, 8, strategy), Z_OK);
	buf_reserve(out, deflateBound(&z, raw.size));
	z.next_in = raw.data;
	z.avail_in = (uInt)raw.size;
	z.next_out = out->data;
	z.avail_out = (uInt)out->capacity;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->size = z.total_out;
	(void)deflateEnd(&z);
}

static void
the_codec_reads_whatever_zlib_writes(void **state)
{
	static const struct {
		int level, window_bits, strategy;
	} cases[] = {
		{ 0, 15, Z_DEFAULT_STRATEGY },
		{ 1, 15, Z_DEFAULT_STRATEGY },
		{ 6, 15, Z_DEFAULT_STRATEGY },
		{ 9, 15, Z_DEFAULT_STRATEGY },
		{ 6, 9, Z_DEFAULT_STRATEGY },
		{ 6, 15, Z_FILTERED },
		{ 6, 15, Z_HUFFMAN_ONLY },
		{ 6, 15, Z_RLE },
		{ 6, 15, Z_FIXED },
	};
	EXA_AUTO(codec_freep) struct codec *c = codec_new();
	EXA_AUTO(exa_freep) uint8_t *data = exa_alloc(LARGEST);
	struct exa_error err;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (size_t j = 0; j < sizeof sizes / sizeof sizes[0]; j++) {
			EXA_AUTO(buf_done) struct buf stored = { 0 };
			EXA_AUTO(buf_done) struct buf back = { 0 };

			fill(data, sizes[j], j);
			deflate_as(cases[i].level, cases[i].window_bits, cases[i].strategy,
				bytes_of(data, sizes[j]), &stored);
			assert_true(codec_unpack(
				c, CODEC_ZLIB, buf_bytes(&stored), sizes[j], &back, &err));
			assert_true(bytes_equal(buf_bytes(&back), bytes_of(data, sizes[j])));
		}
	}
}

static void
bytes_behind_the_stream_and_a_wrong_checksum_are_refused(void **state)
{
	EXA_AUTO(codec_freep) struct codec *c = codec_new();
	EXA_AUTO(buf_done) struct buf stored = { 0 };
	EXA_AUTO(buf_done) struct buf back = { 0 };
	uint8_t data[5000];
	struct exa_error err;

	(void)state;
	fill(data, sizeof data, 1);
	deflate_as(6, 15, Z_DEFAULT_STRATEGY, bytes_of(data, sizeof data), &stored);
	buf_add_byte(&stored, 0);
	assert_false(codec_unpack(c, CODEC_ZLIB, buf_bytes(&stored), sizeof data, &back, &err));
	assert_int_equal(err.code, EXA_CORRUPT);
	stored.size--;
	stored.data[stored.size - 1] ^= 1; /* of the Adler-32 */
	assert_false(codec_unpack(c, CODEC_ZLIB, buf_bytes(&stored), sizeof data, &back, &err));
	assert_int_equal(err.code, EXA_CORRUPT);
	assert_int_equal(back.size, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zlib_reads_what_the_codec_wrote),
		cmocka_unit_test(the_codec_reads_whatever_zlib_writes),
		cmocka_unit_test(bytes_behind_the_stream_and_a_wrong_checksum_are_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
