/* SPDX-License-Identifier: Apache-2.0 */
/* The building blocks by themselves: checksums, ids, frame headers, packs, codecs, the FORMAT line.
 */
#include <string.h>

#include "exarch/mem.h"

#include "claims.h"
#include "codec.h"
#include "crc32c.h"
#include "format.h"
#include "pack.h"
#include "support.h"

static void
crc32c_gives_the_published_values(void **state)
{
	uint8_t zeros[32] = { 0 };
	uint8_t ones[32];

	(void)state;
	memset(ones, 0xff, sizeof ones);
	/* RFC 3720, B.4, and the usual check value. */
	assert_int_equal(crc32c(0, zeros, sizeof zeros), 0x8a9136aa);
	assert_int_equal(crc32c(0, ones, sizeof ones), 0x62a8ab43);
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32c_by_table(0, "123456789", 9), 0xe3069283);
}

static void
crc32c_is_the_same_by_table_and_in_pieces(void **state)
{
	uint8_t data[200];

	(void)state;
	fill_noise(data, sizeof data, 1);
	for (size_t size = 0; size <= sizeof data; size++) {
		uint32_t whole = crc32c(0, data, size);

		assert_int_equal(whole, crc32c_by_table(0, data, size));
		assert_int_equal(
			whole, crc32c(crc32c(0, data, size / 3), data + size / 3, size - size / 3));
	}
}

static void
an_id_is_the_hash_of_kind_and_bytes(void **state)
{
	/* printf Dabc | sha256sum */
	static const char *const want =
		"efde4bd5f014ca4ac23b25f7d0e2896c5e29de5bc66990dce532319ede4c650b";
	const struct hasher plain = { 0 };
	struct store_id id;
	struct store_id other;
	char hex[65];

	(void)state;
	hash_id(&plain, 'D', bytes_of_string("abc"), &id);
	hex_encode(bytes_of(id.bytes, STORE_ID_SIZE), hex);
	assert_string_equal(hex, want);
	hash_id(&plain, 'R', bytes_of_string("abc"), &other);
	assert_false(id_equal(&id, &other));
}

static struct frame_head
some_head(void)
{
	struct frame_head h = { .kind = FRAME_BLOB,
		.codec = CODEC_ZLIB,
		.flags = FRAME_CRITICAL,
		.stored = 1001,
		.raw = 5000,
		.sequence = 77,
		.payload_crc = 0x12345678 };

	memset(h.id.bytes, 0xab, STORE_ID_SIZE);
	return h;
}

static void
a_frame_header_comes_back_and_only_where_it_stood(void **state)
{
	struct frame_head h = some_head();
	struct frame_head back;
	struct exa_error err;
	uint8_t bytes[FRAME_HEAD_SIZE];

	(void)state;
	frame_head_put(&h, (struct place){ 3, 4096 }, bytes);
	assert_true(frame_head_get(bytes, (struct place){ 3, 4096 }, &back, &err));
	assert_int_equal(back.kind, h.kind);
	assert_int_equal(back.stored, h.stored);
	assert_int_equal(back.raw, h.raw);
	assert_int_equal(back.sequence, h.sequence);
	assert_true(id_equal(&back.id, &h.id));
	assert_int_equal(frame_span(&back), 64 + 1008);
	assert_false(frame_head_get(bytes, (struct place){ 3, 4104 }, &back, &err));
	assert_int_equal(err.code, EXA_CORRUPT);
	assert_false(frame_head_get(bytes, (struct place){ 4, 4096 }, &back, &err));
}

static void
any_flipped_bit_of_a_frame_header_is_seen(void **state)
{
	struct frame_head h = some_head();
	struct frame_head back;
	struct exa_error err;
	uint8_t bytes[FRAME_HEAD_SIZE];

	(void)state;
	frame_head_put(&h, (struct place){ 1, 64 }, bytes);
	for (unsigned bit = 0; bit < 8 * FRAME_HEAD_SIZE; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_false(frame_head_get(bytes, (struct place){ 1, 64 }, &back, &err));
		bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
}

static void
frames_beyond_the_limit_or_unknown_are_refused(void **state)
{
	struct frame_head cases[5];
	static const enum exa_code codes[5] = { EXA_CORRUPT, EXA_CORRUPT, EXA_USAGE, EXA_USAGE,
		EXA_USAGE };
	struct frame_head back;
	struct exa_error err;
	uint8_t bytes[FRAME_HEAD_SIZE];

	(void)state;
	for (size_t i = 0; i < 5; i++)
		cases[i] = some_head();
	cases[0].stored = FRAME_PAYLOAD_MAX + 1;
	cases[1].raw = FRAME_PAYLOAD_MAX + 1;
	cases[2].kind = 200;
	cases[3].codec = 3;
	cases[4].flags |= FRAME_ENCRYPTED;
	cases[4].kind = FRAME_COMMIT;
	for (size_t i = 0; i < 5; i++) {
		frame_head_put(&cases[i], (struct place){ 1, 64 }, bytes);
		assert_false(frame_head_get(bytes, (struct place){ 1, 64 }, &back, &err));
		assert_int_equal(err.code, codes[i]);
	}
	cases[2].flags = 0; /* unknown but not critical: a reader steps over it */
	frame_head_put(&cases[2], (struct place){ 1, 64 }, bytes);
	assert_true(frame_head_get(bytes, (struct place){ 1, 64 }, &back, &err));
}

static void
a_pack_gives_its_entries_back_in_order(void **state)
{
	struct pack_builder b = { 0 };
	EXA_AUTO(buf_done) struct buf raw = { 0 };
	struct pack_walk w;
	struct pack_entry e;
	struct store_id id = { { 9 } };
	struct exa_error err;

	(void)state;
	assert_int_equal(pack_add(&b, STORE_DATA, &id, bytes_of_string("one")), 0);
	assert_int_equal(pack_add(&b, PACK_RECORD, NULL, bytes_of_string("")), 1);
	assert_int_equal(pack_add(&b, STORE_RECIPE, &id, bytes_of_string("three")), 2);
	pack_finish(&b, &raw);
	pack_builder_done(&b);
	assert_true(pack_walk_begin(buf_bytes(&raw), &w, &err));
	assert_true(pack_walk_next(&w, &e));
	assert_int_equal(e.kind, STORE_DATA);
	assert_true(id_equal(&e.id, &id));
	assert_true(bytes_equal(e.data, bytes_of_string("one")));
	assert_true(pack_find(buf_bytes(&raw), 2, &e, &err));
	assert_true(bytes_equal(e.data, bytes_of_string("three")));
	assert_false(pack_find(buf_bytes(&raw), 3, &e, &err));
	assert_int_equal(err.code, EXA_CORRUPT);
}

static void
a_pack_cut_or_lengthened_is_refused(void **state)
{
	struct pack_builder b = { 0 };
	EXA_AUTO(buf_done) struct buf raw = { 0 };
	struct pack_walk w;
	struct store_id id = { { 9 } };
	struct exa_error err;

	(void)state;
	(void)pack_add(&b, STORE_DATA, &id, bytes_of_string("some bytes"));
	(void)pack_add(&b, PACK_RECORD, NULL, bytes_of_string("some more"));
	pack_finish(&b, &raw);
	pack_builder_done(&b);
	for (size_t size = 0; size < raw.size; size++)
		assert_false(pack_walk_begin(bytes_take(buf_bytes(&raw), size), &w, &err));
	buf_add_byte(&raw, 0);
	assert_false(pack_walk_begin(buf_bytes(&raw), &w, &err));
	assert_int_equal(err.code, EXA_CORRUPT);
}

static void
codecs_undo_what_they_did_and_never_make_it_larger(void **state)
{
	static const size_t sizes[] = { 0, 1, 2, 100, 16384, 16385, 40000, 300000, 3000000 };
	EXA_AUTO(codec_freep) struct codec *c = codec_new();
	uint8_t *data = exa_alloc(3000000);
	struct exa_error err;

	(void)state;
	for (int noise = 0; noise < 2; noise++) {
		for (size_t i = 0; i < 2 * sizeof sizes / sizeof sizes[0]; i++) {
			enum store_codec wanted = i % 2 ? STORE_CODEC_ZSTD : STORE_CODEC_ZLIB;
			size_t size = sizes[i / 2];
			EXA_AUTO(buf_done) struct buf stored = { 0 };
			EXA_AUTO(buf_done) struct buf back = { 0 };
			uint8_t used;

			(noise ? fill_noise : fill_text)(data, size, i + 1);
			used = codec_pack(c, wanted, CODEC_PROBE, bytes_of(data, size), &stored);
			assert_true(stored.size <= size);
			assert_int_equal(used == CODEC_RAW, noise || size < 100);
			assert_true(codec_unpack(c, used, buf_bytes(&stored), size, &back, &err));
			assert_true(bytes_equal(buf_bytes(&back), bytes_of(data, size)));
		}
	}
	exa_free(data);
}

static void
a_payload_of_another_length_is_refused(void **state)
{
	EXA_AUTO(codec_freep) struct codec *c = codec_new();
	uint8_t data[5000];
	struct exa_error err;

	(void)state;
	fill_text(data, sizeof data, 1);
	for (int wanted = STORE_CODEC_ZLIB; wanted <= STORE_CODEC_ZSTD; wanted++) {
		EXA_AUTO(buf_done) struct buf stored = { 0 };
		EXA_AUTO(buf_done) struct buf back = { 0 };
		uint8_t used = codec_pack(c, (enum store_codec)wanted, CODEC_NO_PROBE,
			bytes_of(data, sizeof data), &stored);

		assert_false(
			codec_unpack(c, used, buf_bytes(&stored), sizeof data - 1, &back, &err));
		assert_int_equal(err.code, EXA_CORRUPT);
		assert_false(
			codec_unpack(c, used, buf_bytes(&stored), sizeof data + 1, &back, &err));
		assert_false(codec_unpack(c, used, bytes_take(buf_bytes(&stored), stored.size - 1),
			sizeof data, &back, &err));
		assert_int_equal(back.size, 0);
	}
}

static struct store_format
some_format(void)
{
	struct store_format f = { .major = FORMAT_MAJOR,
		.minor = FORMAT_MINOR,
		.codec = STORE_CODEC_ZSTD,
		.segment_bytes = 1 << 20 };

	memset(f.uuid, 0x5a, sizeof f.uuid);
	return f;
}

static void
the_format_line_comes_back_and_no_byte_of_it_may_change(void **state)
{
	struct store_format f = some_format();
	struct store_format back;
	EXA_AUTO(buf_done) struct buf line = { 0 };
	struct exa_error err;

	(void)state;
	format_put(&f, &line);
	assert_true(format_get(buf_bytes(&line), &back, &err));
	assert_int_equal(back.codec, f.codec);
	assert_int_equal(back.segment_bytes, f.segment_bytes);
	assert_memory_equal(back.uuid, f.uuid, sizeof f.uuid);
	for (size_t bit = 0; bit < 8 * line.size; bit++) {
		line.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_false(format_get(buf_bytes(&line), &back, &err));
		line.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
}

static void
newer_formats_are_refused_as_such(void **state)
{
	struct store_format newer[2] = { some_format(), some_format() };
	struct store_format same = some_format();
	struct store_format back;
	struct exa_error err;

	(void)state;
	newer[0].major = FORMAT_MAJOR + 1;
	newer[1].incompatible = 4;
	for (size_t i = 0; i < 2; i++) {
		EXA_AUTO(buf_done) struct buf line = { 0 };

		format_put(&newer[i], &line);
		assert_false(format_get(buf_bytes(&line), &back, &err));
		assert_int_equal(err.code, EXA_USAGE);
	}
	same.minor = FORMAT_MINOR + 3;
	same.compatible = 1;
	EXA_AUTO(buf_done) struct buf line = { 0 };
	format_put(&same, &line);
	assert_true(format_get(buf_bytes(&line), &back, &err));
}

static void
claims_are_kept_until_their_epoch_is_dropped(void **state)
{
	struct claims c = { 0 };
	struct store_id id = { { 0 } };

	(void)state;
	for (uint32_t i = 0; i < 5000; i++) {
		put_le32(id.bytes, i * 7919);
		claims_add(&c, &id, 1 + i / 1000);
	}
	claims_drop(&c, 3);
	for (uint32_t i = 0; i < 5000; i++) {
		put_le32(id.bytes, i * 7919);
		assert_int_equal(claims_have(&c, &id), i >= 3000);
	}
	claims_done(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc32c_gives_the_published_values),
		cmocka_unit_test(crc32c_is_the_same_by_table_and_in_pieces),
		cmocka_unit_test(an_id_is_the_hash_of_kind_and_bytes),
		cmocka_unit_test(a_frame_header_comes_back_and_only_where_it_stood),
		cmocka_unit_test(any_flipped_bit_of_a_frame_header_is_seen),
		cmocka_unit_test(frames_beyond_the_limit_or_unknown_are_refused),
		cmocka_unit_test(a_pack_gives_its_entries_back_in_order),
		cmocka_unit_test(a_pack_cut_or_lengthened_is_refused),
		cmocka_unit_test(codecs_undo_what_they_did_and_never_make_it_larger),
		cmocka_unit_test(a_payload_of_another_length_is_refused),
		cmocka_unit_test(the_format_line_comes_back_and_no_byte_of_it_may_change),
		cmocka_unit_test(newer_formats_are_refused_as_such),
		cmocka_unit_test(claims_are_kept_until_their_epoch_is_dropped),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
