/* SPDX-License-Identifier: Apache-2.0 */
/* Compaction: what it promises of size, of what stays and goes, and of the segments it cuts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "compact_support.h"
#include "cut.h"
#include "marks.h"

static int
setup(void **state)
{
	*state = world_new(STORE_CODEC_ZLIB);
	return 0;
}

static int
teardown(void **state)
{
	world_free(*state);
	return 0;
}

static void
fill(struct world *w, struct store *s)
{
	for (unsigned key = 0; key < WORLD_KEYS; key++)
		world_set(w, s, key, world_any_size(w));
}

static void
drop_every_other(struct world *w, struct store *s)
{
	for (unsigned key = 0; key < WORLD_KEYS; key += 2)
		world_drop(w, s, key);
}

static void
load(const char *dir, const char *name, struct buf *out)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, name);
	struct exa_error err;

	buf_reset(out);
	assert_true(fs_read_file(path, (size_t)1 << 30, out, &err));
}

static void
save(const char *dir, const char *name, struct bytes content)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, name);
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	if (content.size > 0)
		assert_int_equal(fwrite(content.data, 1, content.size, f), content.size);
	assert_int_equal(fclose(f), 0);
}

/* ---- marks ---- */

static void
a_mark_is_found_again_and_no_other(void **state)
{
	struct store_marks m = { 0 };
	struct store_id id = { 0 };

	(void)state;
	assert_false(marks_have(&m, &id));
	for (uint64_t i = 0; i < 20000; i += 2) {
		put_le64(id.bytes, i * UINT64_C(0x9e3779b97f4a7c15));
		store_mark(&m, &id);
		store_mark(&m, &id);
	}
	assert_int_equal(m.count, 10000);
	assert_true(m.capacity * sizeof *m.slots <= m.count * 22);
	for (uint64_t i = 0; i < 20000; i++) {
		put_le64(id.bytes, i * UINT64_C(0x9e3779b97f4a7c15));
		assert_int_equal(marks_have(&m, &id), i % 2 == 0);
	}
	marks_done(&m);
}

/* ---- TOMB ---- */

static void
a_tomb_comes_back_as_it_was_put(void **state)
{
	struct tomb t = { .first = 7,
		.last = 99,
		.first_commit = 3,
		.last_commit = 12,
		.frames = 4,
		.wall_ns = -5 };
	uint8_t bytes[TOMB_SIZE];
	uint8_t again[TOMB_SIZE];
	struct tomb got;
	struct frame_head seal;
	struct exa_error err;

	(void)state;
	fill_noise(t.chain, sizeof t.chain, 1);
	fill_noise(t.heads_sha256, sizeof t.heads_sha256, 2);
	fill_noise(t.previous.bytes, STORE_ID_SIZE, 3);
	fill_noise(t.salt, SALT_SIZE, 4);
	tomb_put(&t, bytes);
	assert_true(tomb_get(bytes_of(bytes, sizeof bytes), &got, &err));
	tomb_put(&got, again);
	assert_memory_equal(bytes, again, sizeof bytes);
	assert_false(tomb_seal(&got, &seal));
	assert_int_equal(tomb_commit_sequence(&got), 99);
	t.seal_head[5] = FRAME_SEAL;
	put_le64(t.seal_head + 16, 99);
	tomb_put(&t, bytes);
	assert_true(tomb_get(bytes_of(bytes, sizeof bytes), &got, &err));
	assert_true(tomb_seal(&got, &seal));
	assert_int_equal(seal.sequence, 99);
	assert_int_equal(tomb_commit_sequence(&got), 98);
}

static void
a_tomb_of_what_cannot_have_been_is_refused(void **state)
{
	static const struct tomb cases[] = {
		{ .first = 0, .last = 9, .first_commit = 1, .last_commit = 1 },
		{ .first = 9, .last = 9, .first_commit = 1, .last_commit = 1 },
		{ .first = 1, .last = 9, .first_commit = 0, .last_commit = 1 },
		{ .first = 1, .last = 9, .first_commit = 2, .last_commit = 1 },
		{ .first = 1, .last = UINT64_MAX, .first_commit = 1, .last_commit = 1 },
		{ .first = 1, .last = 9, .first_commit = 1, .last_commit = 1, .seal_head = { 1 } },
	};
	uint8_t bytes[TOMB_SIZE];
	struct exa_error err;
	struct tomb got;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		tomb_put(&cases[i], bytes);
		assert_false(tomb_get(bytes_of(bytes, sizeof bytes), &got, &err));
		assert_int_equal(err.code, EXA_CORRUPT);
	}
	tomb_put(&(struct tomb){ .first = 1, .last = 9, .first_commit = 1, .last_commit = 1 },
		bytes);
	assert_false(tomb_get(bytes_of(bytes, sizeof bytes - 1), &got, &err));
}

/* ---- what it does ---- */

static void
where_nothing_is_dead_nothing_is_done(void **state)
{
	struct world *w = *state;
	struct store *s = opened(w->dir, STORE_WRITE);
	EXA_AUTO(exa_freep) char *before = NULL;
	EXA_AUTO(exa_freep) char *after = NULL;
	struct store_compact_result result;
	uint64_t bytes;

	for (unsigned key = 0; key < WORLD_KEYS; key++)
		world_set(w, s, key, 9000);
	before = dump(s);
	bytes = segment_bytes(w->dir);
	result = compacted(w, s);
	after = dump(s);
	assert_int_equal(result.segments_cut, 0);
	assert_int_equal(result.objects_dropped, 0);
	assert_true(result.segments > 2);
	assert_true(result.finished);
	assert_int_equal(result.bytes_before, bytes);
	assert_int_equal(result.bytes_after, bytes);
	assert_int_equal(segment_bytes(w->dir), bytes);
	assert_string_equal(before, after);
	store_abandon(s);
}

static void
half_of_it_dropped_is_half_of_the_room_given_back(void **state)
{
	struct world *w = *state;
	struct world *fresh = world_new(STORE_CODEC_ZLIB);
	struct store *s = opened(w->dir, STORE_WRITE);
	struct store *t = opened(fresh->dir, STORE_WRITE);
	struct store_compact_result result;
	uint64_t before;

	for (int round = 0; round < 4; round++)
		fill(w, s);
	drop_every_other(w, s);
	before = segment_bytes(w->dir);
	result = compacted(w, s);
	assert_int_equal(result.bytes_before, before);
	assert_int_equal(result.bytes_after, segment_bytes(w->dir));
	assert_int_equal(result.objects_dropped, 3 * WORLD_KEYS + WORLD_KEYS / 2);
	assert_true(result.object_bytes_dropped > 0);
	for (unsigned key = 1; key < WORLD_KEYS; key += 2) {
		fresh->next_seed = w->keys[key].seed;
		world_set(fresh, t, key, w->keys[key].size);
	}
	/* Here a cut segment, some 800 bytes, counts for as much as 200 MB of a real one would. */
	before = segment_bytes(fresh->dir) * 11 / 10 + result.segments_cut * 1000;
	assert_true(segment_bytes(w->dir) <= before);
	store_abandon(t);
	world_free(fresh);
	store_abandon(world_prove(w, s));
}

static void
a_second_run_finds_nothing_to_do(void **state)
{
	struct world *w = *state;
	struct store *s = opened(w->dir, STORE_WRITE);
	EXA_AUTO(exa_freep) char *before = NULL;
	EXA_AUTO(exa_freep) char *after = NULL;
	struct store_compact_result result;
	uint64_t bytes;

	fill(w, s);
	drop_every_other(w, s);
	assert_true(compacted(w, s).segments_cut > 0);
	before = dump(s);
	bytes = segment_bytes(w->dir);
	result = compacted(w, s);
	assert_int_equal(result.segments_cut, 0);
	assert_int_equal(result.segments_damaged, 0);
	assert_int_equal(segment_bytes(w->dir), bytes);
	after = dump(s);
	assert_string_equal(before, after);
	store_abandon(world_prove(w, s));
}

static void
a_dry_run_tells_what_would_go_and_changes_nothing(void **state)
{
	struct world *w = *state;
	struct store *s = opened(w->dir, STORE_WRITE);
	struct store_compact_options options = world_compact(w);
	struct store_compact_result dry = { 0 };
	struct store_compact_result wet;
	struct exa_error err = { 0 };
	EXA_AUTO(exa_freep) char *before = NULL;
	EXA_AUTO(exa_freep) char *after = NULL;

	fill(w, s);
	drop_every_other(w, s);
	before = dump(s);
	options.dry_run = true;
	assert_true(store_compact(s, &options, &dry, &err));
	after = dump(s);
	assert_string_equal(before, after);
	assert_int_equal(segment_bytes(w->dir), dry.bytes_before);
	wet = compacted(w, s);
	assert_int_equal(wet.segments_cut, dry.segments_cut);
	assert_int_equal(wet.objects_dropped, dry.objects_dropped);
	assert_int_equal(wet.object_bytes_dropped, dry.object_bytes_dropped);
	assert_true(dry.bytes_after < dry.bytes_before);
	store_abandon(s);
}

static void
little_garbage_is_left_alone_and_much_is_cut_worst_first(void **state)
{
	struct world *w = *state;
	struct store *s = opened(w->dir, STORE_WRITE);
	struct store_compact_options options = world_compact(w);
	struct store_compact_result result = { 0 };
	struct exa_error err = { 0 };
	bool is_cut;
	struct tomb tomb;

	for (unsigned key = 0; key < 16; key++)
		world_set(w, s, key, 20001);
	/* Of 16 objects, some three a segment, one goes of the first and all but few of a later. */
	world_drop(w, s, 0);
	options.garbage_percent = 10;
	assert_true(store_compact(s, &options, &result, &err));
	assert_int_equal(result.segments_cut, 0);
	for (unsigned key = 6; key < 12; key++)
		world_drop(w, s, key);
	assert_true(store_compact(s, &options, &result, &err));
	assert_true(result.segments_cut > 0);
	assert_true(cut_look_in(&s->files, 1, &is_cut, &tomb, &err));
	assert_false(is_cut);
	store_abandon(world_prove(w, s));
}

static void
raise_cancel(void *ctx, uint64_t done_bytes, uint64_t total_bytes)
{
	struct cancel *cancel = ((void **)ctx)[1];

	assert_true(done_bytes > 0 && done_bytes <= total_bytes);
	cancel_raise(cancel, CANCEL_SIGNAL);
}

static bool
mark_through(void *ctx, struct store_txn *txn, struct store_marks *marks, struct exa_error *err)
{
	return world_compact(NULL).mark(((void **)ctx)[0], txn, marks, err);
}

static bool
carry_through(void *ctx, struct store_txn *txn, const struct store_loc *loc, struct bytes record,
	struct buf *keep, struct buf *again, struct exa_error *err)
{
	return world_compact(NULL).carry(((void **)ctx)[0], txn, loc, record, keep, again, err);
}

static void
cancelled_it_stops_between_segments_and_goes_on_another_time(void **state)
{
	struct world *w = *state;
	struct store *s = opened(w->dir, STORE_WRITE);
	struct cancel cancel = { 0 };
	void *both[2] = { w, &cancel };
	struct store_compact_options options = { .mark = mark_through,
		.carry = carry_through,
		.progress = raise_cancel,
		.cancel = &cancel,
		.ctx = both };
	struct store_compact_result result = { 0 };
	struct exa_error err = { 0 };

	fill(w, s);
	drop_every_other(w, s);
	assert_true(store_compact(s, &options, &result, &err));
	assert_int_equal(result.segments_cut, 1);
	assert_false(result.finished);
	s = world_prove(w, s);
	result = compacted(w, s);
	assert_true(result.finished);
	assert_true(result.segments_cut > 0);
	store_abandon(world_prove(w, s));
}

/* The record that facts[KEY] came from stands where places[KEY] says. */
static void
expect_record_in_place(struct store *s, const char *key)
{
	EXA_AUTO(store_reader_freep) struct store_reader *r = NULL;
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct exa_error err = { 0 };
	struct store_loc loc;
	struct bytes place;
	struct bytes record;
	bool found;

	assert_true(store_reader_new(s, &r, &err));
	assert_true(store_read_begin(s, &txn, &err));
	assert_true(store_get(txn, TABLE_PLACES, bytes_of_string(key), &found, &place, &err));
	assert_true(found);
	loc.segment = get_le32(place.data);
	loc.offset = get_le64(place.data + 4);
	loc.slot = get_le16(place.data + 12);
	if (!store_reader_record(r, &loc, &record, &err))
		fail_msg("%s: %s", key, err.text);
	assert_true(record.size > strlen(key));
	assert_memory_equal(record.data, key, strlen(key));
}

/* Records that wait for their pack when a pack of recipes alone is moved as it is, ahead of it. */
static void
records_are_found_beside_recipes_that_were_moved(void **state)
{
	struct world *w = *state;
	struct store *s = opened(w->dir, STORE_WRITE);
	struct exa_error err = { 0 };
	struct store_id id;
	char hex[2 * STORE_ID_SIZE + 1];
	char record[80];

	world_set(w, s, 1, 100);
	assert_true(store_put(s, STORE_RECIPE, bytes_of_string("what to do"), &id, NULL, &err));
	assert_true(store_flush(s, &err));
	hex_encode(bytes_of(id.bytes, STORE_ID_SIZE), hex);
	(void)snprintf(record, sizeof record, "recipe=%sR", hex);
	assert_true(store_wait(s, submit_record(s, record), &err));
	world_set(w, s, 0, 9000);
	world_drop(w, s, 0);
	assert_int_equal(compacted(w, s).segments_cut, 1);
	expect_record_in_place(s, "k01");
	expect_record_in_place(s, "recipe");
	store_abandon(world_prove(w, s));
}

/* ---- the cut segment ---- */

static void
a_cut_segment_says_what_it_was_and_the_chain_goes_on(void **state)
{
	struct world *w = *state;
	struct store *s = opened(w->dir, STORE_WRITE);
	struct exa_error err = { 0 };
	struct tomb tomb;
	struct tomb next;
	bool is_cut;
	enum store_level level;

	fill(w, s);
	for (unsigned key = 0; key < WORLD_KEYS; key++)
		world_drop(w, s, key);
	(void)compacted(w, s);
	assert_true(cut_look_in(&s->files, 1, &is_cut, &tomb, &err));
	assert_true(is_cut);
	assert_int_equal(tomb.first, 1);
	assert_int_equal(tomb.first_commit, 1);
	assert_true(cut_look_in(&s->files, 2, &is_cut, &next, &err));
	assert_true(is_cut);
	assert_int_equal(next.first, tomb.last + 1);
	assert_int_equal(next.first_commit, tomb.last_commit + 1);
	assert_memory_equal(next.previous.bytes, tomb.seal_head + 24, STORE_ID_SIZE);
	for (level = STORE_VERIFY_HEADERS; level <= STORE_VERIFY_BLOBS; level++)
		assert_int_equal(damage_found(s, level), 0);
	store_abandon(world_prove(w, s));
}

static void
every_flipped_byte_of_a_cut_segment_is_found(void **state)
{
	struct world *w = *state;
	struct store *s = opened(w->dir, STORE_WRITE);
	EXA_AUTO(buf_done) struct buf whole = { 0 };
	unsigned undetected = 0;

	for (unsigned key = 0; key < 12; key++)
		world_set(w, s, key, 9000);
	for (unsigned key = 0; key < 12; key += 2)
		world_drop(w, s, key);
	(void)compacted(w, s);
	store_abandon(s);
	load(w->dir, "seg/00/00000001.xseg", &whole);
	assert_true(whole.size < 2000);
	s = opened(w->dir, STORE_READ);
	for (size_t at = 0; at < whole.size; at++) {
		whole.data[at] ^= (uint8_t)(1U << at % 8);
		save(w->dir, "seg/00/00000001.xseg", buf_bytes(&whole));
		undetected += damage_found(s, STORE_VERIFY_BYTES) == 0;
		whole.data[at] ^= (uint8_t)(1U << at % 8);
	}
	save(w->dir, "seg/00/00000001.xseg", buf_bytes(&whole));
	assert_int_equal(undetected, 0);
	assert_int_equal(damage_found(s, STORE_VERIFY_BLOBS), 0);
	store_abandon(s);
}

static void
a_cut_segment_without_its_tomb_still_gives_its_records(void **state)
{
	struct world *w = *state;
	struct store *s = opened(w->dir, STORE_WRITE);
	EXA_AUTO(buf_done) struct buf whole = { 0 };

	world_set(w, s, 0, 70000);
	world_drop(w, s, 0);
	world_set(w, s, 1, 70000);
	world_set(w, s, 2, 70000);
	(void)compacted(w, s);
	store_abandon(s);
	load(w->dir, "seg/00/00000001.xseg", &whole);
	whole.data[SEGMENT_HEAD_SIZE + 20] ^= 1;
	save(w->dir, "seg/00/00000001.xseg", buf_bytes(&whole));
	s = opened(w->dir, STORE_REBUILD);
	world_check(w, s);
	world_set(w, s, 3, 100);
	world_check(w, s);
	assert_true(damage_found(s, STORE_VERIFY_HEADERS) > 0);
	store_abandon(s);
}

/* One frame of records and a COMMIT: no sequence is left over for a TOMB, and none is needed. */
static void
the_smallest_segment_can_be_cut(void **state)
{
	struct world *w = *state;
	struct store *s = opened(w->dir, STORE_WRITE);
	EXA_AUTO(exa_freep) char *path = fs_join(w->dir, "seg/00/00000001.xseg");
	struct store_batch b = { 0 };
	struct exa_error err = { 0 };
	struct store_id id;
	uint64_t epoch;
	FILE *f;

	assert_true(store_put(s, STORE_RECIPE, bytes_of_string("recipe"), &id, NULL, &err));
	store_batch_record(&b, bytes_of_string("gone"));
	assert_true(store_submit(s, &b, &epoch, &err));
	assert_true(store_wait(s, epoch, &err));
	store_batch_done(&b);
	store_abandon(s);
	f = fopen(path, "ab");
	assert_non_null(f);
	assert_int_equal(fwrite("torn", 1, 4, f), 4);
	assert_int_equal(fclose(f), 0);
	s = opened(w->dir, STORE_WRITE);
	world_set(w, s, 1, 100);
	assert_int_equal(compacted(w, s).segments_cut, 1);
	EXA_AUTO(exa_freep) char *torn = fs_join(w->dir, "seg/00/00000001.torn");
	assert_false(fs_exists(torn)); /* it may hold what was to go */
	store_abandon(world_prove(w, s));
}

static void
writing_goes_on_when_the_cut_segment_is_the_last_one_left(void **state)
{
	struct world *w = *state;
	struct store *s = opened(w->dir, STORE_WRITE);
	struct exa_error err = { 0 };
	struct tomb tomb;
	bool is_cut;
	uint32_t highest;

	world_set(w, s, 0, 70000);
	world_drop(w, s, 0);
	world_set(w, s, 1, 70000);
	(void)compacted(w, s);
	assert_true(cut_look_in(&s->files, 1, &is_cut, &tomb, &err));
	assert_true(is_cut);
	assert_true(segdir_highest(&s->files, &highest, &err));
	for (uint32_t n = 2; n <= highest; n++) {
		EXA_AUTO(exa_freep) char *path = segdir_path(&s->files, n, "xseg");

		assert_int_equal(unlink(path), 0);
	}
	store_abandon(s);
	w->keys[1].seed = 0;
	s = opened(w->dir, STORE_REBUILD);
	world_set(w, s, 2, 5000);
	store_abandon(s);
	s = world_prove(w, opened(w->dir, STORE_WRITE));
	world_set(w, s, 3, 50000);
	store_abandon(world_prove(w, s));
}

/* ---- damage, old indexes ---- */

static void
a_damaged_segment_is_left_as_it_is(void **state)
{
	struct world *w = *state;
	struct store *s = opened(w->dir, STORE_WRITE);
	EXA_AUTO(buf_done) struct buf whole = { 0 };
	EXA_AUTO(buf_done) struct buf after = { 0 };
	struct store_compact_result result;

	for (unsigned key = 0; key < 24; key++)
		world_set(w, s, key, 9000);
	for (unsigned key = 0; key < 24; key += 2)
		world_drop(w, s, key);
	load(w->dir, "seg/00/00000002.xseg", &whole);
	whole.data[SEGMENT_HEAD_SIZE + FRAME_HEAD_SIZE + 100] ^= 1;
	save(w->dir, "seg/00/00000002.xseg", buf_bytes(&whole));
	result = compacted(w, s);
	assert_int_equal(result.segments_damaged, 1);
	assert_true(result.segments_cut > 0);
	load(w->dir, "seg/00/00000002.xseg", &after);
	assert_true(bytes_equal(buf_bytes(&whole), buf_bytes(&after)));
	whole.data[SEGMENT_HEAD_SIZE + FRAME_HEAD_SIZE + 100] ^= 1;
	save(w->dir, "seg/00/00000002.xseg", buf_bytes(&whole));
	s = world_prove(w, s);
	assert_int_equal(compacted(w, s).segments_damaged, 0);
	store_abandon(world_prove(w, s));
}

static void
what_was_dropped_is_not_known_to_an_index_from_before(void **state)
{
	struct world *w = *state;
	struct store *s = opened(w->dir, STORE_WRITE);
	EXA_AUTO(buf_done) struct buf index = { 0 };
	struct exa_error err = { 0 };
	struct store_id id;
	bool is_new = false;

	for (unsigned key = 0; key < 20; key++)
		world_set(w, s, key, 9000);
	id = put_text(s, "nobody names this");
	world_set(w, s, 20, 9000);
	store_abandon(s);
	load(w->dir, "idx/data.mdb", &index);
	s = opened(w->dir, STORE_WRITE);
	for (unsigned key = 0; key < 15; key++)
		world_drop(w, s, key);
	(void)compacted(w, s);
	store_abandon(s);
	save(w->dir, "idx/data.mdb", buf_bytes(&index));
	if (open_code(w->dir, STORE_WRITE, &err) == EXA_CORRUPT)
		store_abandon(opened(w->dir, STORE_REBUILD)); /* its last commit was cut away */
	s = opened(w->dir, STORE_WRITE);
	assert_true(
		store_put(s, STORE_DATA, bytes_of_string("nobody names this"), &id, &is_new, &err));
	assert_true(is_new);
	assert_true(store_flush(s, &err));
	store_abandon(world_prove(w, s));
}

/* ---- room ---- */

struct watched {
	struct seg_io io;
	const char *dir;
	uint64_t most;
};

static uint64_t
bytes_with_leftovers(const char *dir)
{
	struct segdir files = { .io = &seg_io_system, .dir = exa_strdup(dir) };
	uint64_t sum = segment_bytes(dir);
	struct exa_error err = { 0 };
	uint32_t highest;

	assert_true(segdir_highest(&files, &highest, &err));
	for (uint32_t n = 1; n <= highest; n++) {
		EXA_AUTO(exa_freep) char *path = segdir_path(&files, n, "cut");
		EXA_AUTO(buf_done) struct buf content = { 0 };

		if (fs_read_file(path, (size_t)1 << 30, &content, &err))
			sum += content.size;
	}
	exa_free(files.dir);
	return sum;
}

static ssize_t
watched_pwrite(void *ctx, int fd, const void *data, size_t size, off_t offset)
{
	struct watched *w = ctx;
	ssize_t n = seg_io_system.pwrite(NULL, fd, data, size, offset);
	uint64_t sum = bytes_with_leftovers(w->dir);

	if (sum > w->most)
		w->most = sum;
	return n;
}

static void
it_needs_the_room_of_one_segment(void **state)
{
	struct world *w = *state;
	struct store *s = opened(w->dir, STORE_WRITE);
	struct watched watched = { .io = seg_io_system, .dir = w->dir };
	struct exa_error err = { 0 };
	uint64_t largest = 0;
	uint64_t before;
	uint32_t highest;

	for (unsigned key = 0; key < WORLD_KEYS; key++)
		world_set(w, s, key, 9000);
	for (unsigned key = 0; key < WORLD_KEYS; key += 6)
		world_drop(w, s, key);
	assert_true(segdir_highest(&s->files, &highest, &err));
	for (uint32_t n = 1; n <= highest; n++) {
		uint64_t size;

		assert_true(segdir_size(&s->files, n, &size, &err));
		largest = size > largest ? size : largest;
	}
	store_abandon(s);
	before = segment_bytes(w->dir);
	watched.io.pwrite = watched_pwrite;
	watched.io.ctx = &watched;
	assert_true(
		store_open_with(w->dir, opening(STORE_WRITE), &test_schema, &watched.io, &s, &err));
	assert_true(compacted(w, s).segments_cut > 2);
	assert_true(watched.most > before);
	assert_true(watched.most - before <= largest + largest / 20);
	store_abandon(s);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mark_is_found_again_and_no_other),
		cmocka_unit_test(a_tomb_comes_back_as_it_was_put),
		cmocka_unit_test(a_tomb_of_what_cannot_have_been_is_refused),
		TEST(where_nothing_is_dead_nothing_is_done),
		TEST(half_of_it_dropped_is_half_of_the_room_given_back),
		TEST(a_second_run_finds_nothing_to_do),
		TEST(a_dry_run_tells_what_would_go_and_changes_nothing),
		TEST(little_garbage_is_left_alone_and_much_is_cut_worst_first),
		TEST(cancelled_it_stops_between_segments_and_goes_on_another_time),
		TEST(records_are_found_beside_recipes_that_were_moved),
		TEST(a_cut_segment_says_what_it_was_and_the_chain_goes_on),
		TEST(every_flipped_byte_of_a_cut_segment_is_found),
		TEST(a_cut_segment_without_its_tomb_still_gives_its_records),
		TEST(the_smallest_segment_can_be_cut),
		TEST(writing_goes_on_when_the_cut_segment_is_the_last_one_left),
		TEST(a_damaged_segment_is_left_as_it_is),
		TEST(what_was_dropped_is_not_known_to_an_index_from_before),
		TEST(it_needs_the_room_of_one_segment),
	};

	/* Hundreds of archives are made and synced; no disk is needed for that. */
	if (access("/dev/shm", W_OK) == 0)
		(void)setenv("TMPDIR", "/dev/shm", 0);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
