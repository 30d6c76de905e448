/* SPDX-License-Identifier: Apache-2.0 */
/* Cut, flipped, missing and misplaced files; a disk that is full or fails. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "handle.h"
#include "support.h"

#define SEGMENT_1 "seg/00/00000001.xseg"
#define SEGMENT_2 "seg/00/00000002.xseg"

struct fixture {
	char *dir;
};

static int
setup(void **state)
{
	struct fixture *f = exa_alloc(sizeof *f);

	f->dir = temporary_dir();
	store_abandon(made_store(f->dir, STORE_CODEC_ZLIB, (uint64_t)1 << 20));
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *parent = fs_dir_of(f->dir);

	remove_tree(parent);
	exa_free(f->dir);
	exa_free(f);
	return 0;
}

static void
load(const char *dir, const char *name, struct buf *out)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, name);
	struct exa_error err;

	buf_reset(out);
	assert_true(fs_read_file(path, (size_t)1 << 30, out, &err));
}

/* Without syncs: thousands of states are made in here. */
static void
save(const char *dir, const char *name, struct bytes content)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, name);
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(content.data, 1, content.size, f), content.size);
	assert_int_equal(fclose(f), 0);
}

static void
forget(const char *dir, const char *name)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, name);

	(void)unlink(path);
}

/* One commit: an object and a record that names the round. */
static struct store_id
one_commit(struct store *s, const char *text, const char *record)
{
	struct store_id id = put_text(s, text);
	uint64_t epoch = submit_record(s, record);
	struct exa_error err = { 0 };

	assert_true(store_wait(s, epoch, &err));
	return id;
}

static void
a_tail_torn_at_any_byte_leaves_the_commits_before_it(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(buf_done) struct buf index = { 0 };
	EXA_AUTO(buf_done) struct buf segment = { 0 };
	struct store *s = opened(f->dir, STORE_WRITE);
	struct store_id id;
	uint64_t first_end;

	(void)one_commit(s, "first", "a=1");
	store_abandon(s);
	load(f->dir, "idx/data.mdb", &index);
	load(f->dir, SEGMENT_1, &segment);
	first_end = segment.size;
	s = opened(f->dir, STORE_WRITE);
	id = one_commit(s, "second", "a=2");
	store_abandon(s);
	load(f->dir, SEGMENT_1, &segment);
	for (uint64_t size = first_end; size <= segment.size; size++) {
		save(f->dir, "idx/data.mdb", buf_bytes(&index));
		save(f->dir, SEGMENT_1, bytes_take(buf_bytes(&segment), (size_t)size));
		forget(f->dir, "seg/00/00000002.xseg");
		s = opened(f->dir, STORE_WRITE);
		expect_fact(s, "a", size == segment.size ? "2" : "1");
		id = one_commit(s, "second", "a=3");
		expect_object(s, &id, bytes_of_string("second"));
		if (size % 16 == 0)
			assert_int_equal(damage_found(s, STORE_VERIFY_BLOBS), 0);
		store_abandon(s);
	}
}

static void
an_unclean_segment_is_closed_and_its_tail_kept_aside(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(buf_done) struct buf segment = { 0 };
	EXA_AUTO(buf_done) struct buf after = { 0 };
	EXA_AUTO(buf_done) struct buf aside = { 0 };
	struct store *s = opened(f->dir, STORE_WRITE);
	size_t end;

	(void)one_commit(s, "first", "a=1");
	store_abandon(s);
	load(f->dir, SEGMENT_1, &segment);
	end = segment.size;
	buf_add_string(&segment, "garbage");
	save(f->dir, SEGMENT_1, buf_bytes(&segment));
	s = opened(f->dir, STORE_WRITE);
	(void)one_commit(s, "second", "a=2");
	store_abandon(s);
	load(f->dir, SEGMENT_1, &after);
	assert_int_equal(after.size, end);
	load(f->dir, "seg/00/00000001.torn", &aside);
	assert_string_equal(buf_string(&aside), "garbage");
	load(f->dir, "seg/00/00000002.xseg", &after);
	assert_true(after.size > SEGMENT_HEAD_SIZE);
}

static void
every_flipped_byte_is_refused_or_found(void **state)
{
	static const char *const names[] = { "FORMAT", SEGMENT_1, "seg/00/00000002.xseg" };
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) uint8_t *noise = exa_alloc(1 << 20);
	struct store *s = opened(f->dir, STORE_WRITE);
	struct store_id id;
	struct exa_error err = { 0 };
	unsigned undetected = 0;

	(void)one_commit(
		s, "some text that is long enough to be worth packing, is it, is it?", "a=1");
	store_abandon(s);
	/* A torn tail makes a second segment begin, so that there is a border to check too. */
	save(f->dir, "seg/00/00000002.xseg", bytes_of_string("torn"));
	s = opened(f->dir, STORE_WRITE);
	fill_noise(noise, 33000, 1);
	assert_true(store_put(s, STORE_DATA, bytes_of(noise, 1001), &id, NULL, &err));
	(void)one_commit(s, "more", "b=1");
	(void)one_commit(s, "and more", "c=1");
	store_abandon(s);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		EXA_AUTO(buf_done) struct buf whole = { 0 };
		EXA_AUTO(exa_freep) char *path = fs_join(f->dir, names[i]);

		if (!fs_exists(path))
			continue;
		load(f->dir, names[i], &whole);
		for (size_t at = 0; at < whole.size; at++) {
			whole.data[at] ^= (uint8_t)(1U << at % 8);
			save(f->dir, names[i], buf_bytes(&whole));
			if (store_open(f->dir, opening(STORE_READ), &test_schema, &s, &err)) {
				undetected += damage_found(s, STORE_VERIFY_BYTES) == 0;
				store_abandon(s);
			}
			whole.data[at] ^= (uint8_t)(1U << at % 8);
		}
		save(f->dir, names[i], buf_bytes(&whole));
	}
	assert_int_equal(undetected, 0);
	s = opened(f->dir, STORE_READ);
	assert_int_equal(damage_found(s, STORE_VERIFY_BLOBS), 0);
	store_abandon(s);
}

static void
a_rebuilt_index_is_the_one_that_was_lost(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *before = NULL;
	EXA_AUTO(exa_freep) char *after = NULL;
	struct exa_error err = { 0 };
	struct store *s = opened(f->dir, STORE_WRITE);

	for (int i = 0; i < 50; i++) {
		char text[64];

		(void)snprintf(text, sizeof text, "k%d=%d", i % 20, i);
		(void)one_commit(s, text, i % 7 == 0 ? "k3" : text);
	}
	before = dump(s);
	store_abandon(s);
	forget(f->dir, "idx/data.mdb");
	assert_int_equal(open_code(f->dir, STORE_WRITE, &err), EXA_CORRUPT);
	assert_non_null(strstr(err.text, "exarch rebuild"));
	assert_int_equal(open_code(f->dir, STORE_READ, &err), EXA_CORRUPT);
	s = opened(f->dir, STORE_REBUILD);
	after = dump(s);
	assert_string_equal(before, after);
	(void)one_commit(s, "more", "z=1");
	store_abandon(s);
	s = opened(f->dir, STORE_WRITE);
	expect_fact(s, "z", "1");
	assert_int_equal(damage_found(s, STORE_VERIFY_BLOBS), 0);
	store_abandon(s);
}

/* The header of the last COMMIT but one is no torn tail: the COMMIT behind it closes an epoch that
 * began later. */
static void
a_bad_commit_in_front_of_a_good_one_loses_its_own_epoch_alone(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(buf_done) struct buf segment = { 0 };
	struct exa_error err = { 0 };
	struct store *s = opened(f->dir, STORE_WRITE);
	size_t end;

	(void)one_commit(s, "first", "a=1");
	(void)one_commit(s, "second", "b=1");
	load(f->dir, SEGMENT_1, &segment);
	end = segment.size;
	(void)one_commit(s, "third", "c=1");
	store_abandon(s);
	buf_reset(&segment);
	load(f->dir, SEGMENT_1, &segment);
	segment.data[end - FRAME_HEAD_SIZE - COMMIT_SIZE + 10] ^= 1;
	save(f->dir, SEGMENT_1, buf_bytes(&segment));
	forget(f->dir, "idx/data.mdb");
	s = opened(f->dir, STORE_REBUILD);
	expect_fact(s, "a", "1");
	expect_fact(s, "c", "1");
	store_abandon(s);
	assert_int_equal(open_code(f->dir, STORE_WRITE, &err), EXA_OK);
}

static void
segments_older_than_the_index_are_noticed_and_can_be_rebuilt_from(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(buf_done) struct buf older = { 0 };
	struct exa_error err = { 0 };
	struct store *s = opened(f->dir, STORE_WRITE);

	(void)one_commit(s, "first", "a=1");
	load(f->dir, SEGMENT_1, &older);
	(void)one_commit(s, "second", "a=2");
	store_abandon(s);
	save(f->dir, SEGMENT_1, buf_bytes(&older));
	for (int access = STORE_READ; access <= STORE_WRITE; access++) {
		assert_int_equal(open_code(f->dir, (enum store_access)access, &err), EXA_CORRUPT);
		assert_non_null(strstr(err.text, "commit 2"));
		assert_non_null(strstr(err.text, "their last is 1"));
		assert_non_null(strstr(err.text, "exarch rebuild"));
	}
	s = opened(f->dir, STORE_REBUILD);
	expect_fact(s, "a", "1");
	store_abandon(s);
	assert_int_equal(open_code(f->dir, STORE_WRITE, &err), EXA_OK);
}

static void
the_index_of_another_archive_is_refused(void **state)
{
	struct fixture *f = *state;
	char *other = temporary_dir();
	EXA_AUTO(exa_freep) char *parent = fs_dir_of(other);
	EXA_AUTO(buf_done) struct buf index = { 0 };
	struct exa_error err = { 0 };

	store_abandon(made_store(other, STORE_CODEC_ZLIB, 0));
	load(other, "idx/data.mdb", &index);
	save(f->dir, "idx/data.mdb", buf_bytes(&index));
	assert_int_equal(open_code(f->dir, STORE_WRITE, &err), EXA_CORRUPT);
	assert_non_null(strstr(err.text, "another archive"));
	assert_int_equal(open_code(f->dir, STORE_REBUILD, &err), EXA_OK);
	assert_int_equal(open_code(f->dir, STORE_WRITE, &err), EXA_OK);
	remove_tree(parent);
	exa_free(other);
}

static void
a_cut_index_is_refused_not_crashed_on(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(buf_done) struct buf index = { 0 };
	struct exa_error err = { 0 };
	struct store *s = opened(f->dir, STORE_WRITE);

	for (int i = 0; i < 20; i++)
		(void)one_commit(s, "text", "a=1");
	store_abandon(s);
	load(f->dir, "idx/data.mdb", &index);
	while (index.size > 0 && index.data[index.size - 1] == 0)
		index.size--; /* the hole it ends in */
	for (size_t size = 0; size < index.size; size += 1024) {
		save(f->dir, "idx/data.mdb", bytes_take(buf_bytes(&index), size));
		assert_int_equal(open_code(f->dir, STORE_READ, &err), EXA_CORRUPT);
		assert_non_null(strstr(err.text, "rebuild"));
	}
}

static void
an_older_index_of_the_same_archive_is_brought_up_to_date(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(buf_done) struct buf older = { 0 };
	struct store *s = opened(f->dir, STORE_WRITE);
	struct store_id id;

	load(f->dir, "idx/data.mdb", &older);
	id = one_commit(s, "first", "a=1");
	(void)one_commit(s, "second", "a=2");
	store_abandon(s);
	save(f->dir, "idx/data.mdb", buf_bytes(&older));
	s = opened(f->dir, STORE_WRITE);
	expect_fact(s, "a", "2");
	expect_object(s, &id, bytes_of_string("first"));
	store_abandon(s);
}

/* Three commits; the second one's pack is damaged. */
static void
damage_the_middle(const char *dir, struct store_id ids[3])
{
	EXA_AUTO(buf_done) struct buf segment = { 0 };
	struct store *s = opened(dir, STORE_WRITE);
	size_t second;

	ids[0] = one_commit(s, "first", "a=1");
	load(dir, SEGMENT_1, &segment);
	second = segment.size;
	ids[1] = one_commit(s, "second", "b=2");
	ids[2] = one_commit(s, "third", "c=3");
	store_abandon(s);
	load(dir, SEGMENT_1, &segment);
	segment.data[second + FRAME_HEAD_SIZE + 10] ^= 0x20;
	save(dir, SEGMENT_1, buf_bytes(&segment));
}

static void
damage_in_the_middle_is_named_and_costs_only_what_it_hit(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(store_reader_freep) struct store_reader *r = NULL;
	struct store_id ids[3];
	struct exa_error err = { 0 };
	struct bytes out;
	struct store *s;

	damage_the_middle(f->dir, ids);
	s = opened(f->dir, STORE_WRITE);
	assert_int_equal(damage_found(s, STORE_VERIFY_HEADERS), 0);
	assert_int_equal(damage_found(s, STORE_VERIFY_BYTES), 1);
	expect_object(s, &ids[0], bytes_of_string("first"));
	expect_object(s, &ids[2], bytes_of_string("third"));
	assert_true(store_reader_new(s, &r, &err));
	assert_false(store_reader_object(r, STORE_DATA, &ids[1], &out, &err));
	assert_int_equal(err.code, EXA_CORRUPT);
	assert_non_null(strstr(err.text, SEGMENT_1));
	assert_non_null(strstr(err.text, "offset"));
	store_reader_free(r);
	r = NULL;
	store_abandon(s);
}

static void
damage_is_never_cut_off_as_if_it_were_a_torn_tail(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(buf_done) struct buf empty_index = { 0 };
	EXA_AUTO(buf_done) struct buf before = { 0 };
	EXA_AUTO(buf_done) struct buf after = { 0 };
	struct store_id ids[3];
	struct exa_error err = { 0 };
	struct store *s;

	load(f->dir, "idx/data.mdb", &empty_index);
	damage_the_middle(f->dir, ids);
	load(f->dir, SEGMENT_1, &before);
	save(f->dir, "idx/data.mdb", buf_bytes(&empty_index));
	assert_int_equal(open_code(f->dir, STORE_WRITE, &err), EXA_CORRUPT);
	assert_non_null(strstr(err.text, "exarch rebuild"));
	s = opened(f->dir, STORE_REBUILD);
	expect_object(s, &ids[0], bytes_of_string("first"));
	expect_object(s, &ids[2], bytes_of_string("third"));
	expect_fact(s, "a", "1");
	expect_fact(s, "c", "3");
	(void)one_commit(s, "second", "b=2");
	expect_object(s, &ids[1], bytes_of_string("second"));
	store_abandon(s);
	load(f->dir, SEGMENT_1, &after);
	assert_true(bytes_equal(bytes_take(buf_bytes(&after), before.size), buf_bytes(&before)));
}

static void
a_segment_with_a_damaged_frame_header_is_left_for_a_new_one(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(buf_done) struct buf segment = { 0 };
	struct store *s = opened(f->dir, STORE_WRITE);
	struct store_id id;
	size_t second;

	(void)one_commit(s, "first", "a=1");
	load(f->dir, SEGMENT_1, &segment);
	second = segment.size;
	(void)one_commit(s, "second", "b=2");
	(void)one_commit(s, "third", "c=3");
	store_abandon(s);
	load(f->dir, SEGMENT_1, &segment);
	segment.data[second + 30] ^= 0x20;
	save(f->dir, SEGMENT_1, buf_bytes(&segment));
	for (int access = STORE_WRITE; access <= STORE_REBUILD; access++) {
		s = opened(f->dir, (enum store_access)access);
		id = one_commit(s, access == STORE_WRITE ? "fourth" : "fifth", "d=4");
		expect_object(s, &id, bytes_of_string(access == STORE_WRITE ? "fourth" : "fifth"));
		assert_int_equal(damage_found(s, STORE_VERIFY_HEADERS), 1);
		store_abandon(s);
	}
	load(f->dir, "seg/00/00000002.xseg", &segment);
	assert_true(segment.size > SEGMENT_HEAD_SIZE);
}

/* Both segments hold commits; each header in turn is damaged. */
static void
a_damaged_segment_header_is_reported_and_costs_nothing(void **state)
{
	static const char *const names[] = { SEGMENT_1, SEGMENT_2 };
	struct fixture *f = *state;
	EXA_AUTO(buf_done) struct buf empty_index = { 0 };
	EXA_AUTO(buf_done) struct buf segment = { 0 };
	EXA_AUTO(buf_done) struct buf after = { 0 };
	struct store *s = opened(f->dir, STORE_WRITE);
	struct store_id first;
	struct store_id second;

	load(f->dir, "idx/data.mdb", &empty_index);
	first = one_commit(s, "first", "a=1");
	store_abandon(s);
	load(f->dir, SEGMENT_1, &segment);
	buf_add_string(&segment, "torn");
	save(f->dir, SEGMENT_1, buf_bytes(&segment));
	s = opened(f->dir, STORE_WRITE);
	second = one_commit(s, "second", "b=2");
	store_abandon(s);
	for (int i = 0; i < 2; i++) {
		load(f->dir, names[i], &segment);
		segment.data[20] ^= 0x10;
		save(f->dir, names[i], buf_bytes(&segment));
		for (int access = STORE_READ; access <= STORE_REBUILD; access++) {
			s = opened(f->dir, (enum store_access)access);
			expect_fact(s, "a", "1");
			expect_fact(s, "b", "2");
			expect_object(s, &first, bytes_of_string("first"));
			expect_object(s, &second, bytes_of_string("second"));
			assert_int_equal(damage_found(s, STORE_VERIFY_HEADERS), i + 1);
			store_abandon(s);
		}
		save(f->dir, "idx/data.mdb", buf_bytes(&empty_index));
		s = opened(f->dir, STORE_WRITE);
		expect_fact(s, "b", "2");
		store_abandon(s);
	}
	s = opened(f->dir, STORE_WRITE);
	(void)one_commit(s, "third", "c=3");
	store_abandon(s);
	load(f->dir, SEGMENT_2, &after);
	assert_true(bytes_equal(buf_bytes(&after), buf_bytes(&segment)));
	load(f->dir, "seg/00/00000003.xseg", &after);
	assert_true(after.size > SEGMENT_HEAD_SIZE);
	s = opened(f->dir, STORE_READ);
	assert_int_equal(damage_found(s, STORE_VERIFY_BLOBS), 2);
	store_abandon(s);
}

static void
a_commit_repeats_the_salt_of_its_segment(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(buf_done) struct buf segment = { 0 };
	struct store *s = opened(f->dir, STORE_WRITE);
	struct commit c;
	struct exa_error err;

	(void)one_commit(s, "first", "a=1");
	store_abandon(s);
	load(f->dir, SEGMENT_1, &segment);
	assert_true(
		commit_get(bytes_skip(buf_bytes(&segment), segment.size - COMMIT_SIZE), &c, &err));
	assert_memory_equal(c.salt, segment.data + 36, SALT_SIZE);
}

static void
a_missing_segment_is_damage(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(buf_done) struct buf empty_index = { 0 };
	struct exa_error err = { 0 };
	struct store *s = opened(f->dir, STORE_WRITE);
	struct store_id id;

	load(f->dir, "idx/data.mdb", &empty_index);
	(void)one_commit(s, "first", "a=1");
	store_abandon(s);
	EXA_AUTO(buf_done) struct buf segment = { 0 };
	load(f->dir, SEGMENT_1, &segment);
	buf_add_string(&segment, "torn");
	save(f->dir, SEGMENT_1, buf_bytes(&segment));
	s = opened(f->dir, STORE_WRITE);
	(void)one_commit(s, "second", "b=2");
	id = one_commit(s, "third", "c=3");
	store_abandon(s);
	forget(f->dir, SEGMENT_1);
	s = opened(f->dir, STORE_READ);
	assert_true(damage_found(s, STORE_VERIFY_HEADERS) > 0);
	store_abandon(s);
	save(f->dir, "idx/data.mdb", buf_bytes(&empty_index));
	assert_int_equal(open_code(f->dir, STORE_WRITE, &err), EXA_CORRUPT);
	s = opened(f->dir, STORE_REBUILD);
	expect_object(s, &id, bytes_of_string("third"));
	store_abandon(s);
}

/* ---- a disk that fails ---- */

struct faulty {
	_Atomic int calls_left; /* then every call fails */
	int reason;
	bool short_writes;
};

static bool
fails(struct faulty *f)
{
	if (atomic_fetch_sub(&f->calls_left, 1) > 0)
		return false;
	errno = f->reason;
	return true;
}

static ssize_t
faulty_pwrite(void *ctx, int fd, const void *data, size_t size, off_t offset)
{
	struct faulty *f = ctx;

	if (fails(f))
		return -1;
	if (f->short_writes && size > 1)
		size /= 2;
	return seg_io_system.pwrite(NULL, fd, data, size, offset);
}

static int
faulty_sync(void *ctx, int fd)
{
	return fails(ctx) ? -1 : seg_io_system.fdatasync(NULL, fd);
}

static int
faulty_open(void *ctx, const char *path, int flags, mode_t mode)
{
	return fails(ctx) ? -1 : seg_io_system.open(NULL, path, flags, mode);
}

static int
faulty_sync_dir(void *ctx, const char *path)
{
	return fails(ctx) ? -1 : seg_io_system.sync_dir(NULL, path);
}

static struct seg_io
faulty_io(struct faulty *f)
{
	struct seg_io io = seg_io_system;

	io.ctx = f;
	io.pwrite = faulty_pwrite;
	io.fdatasync = faulty_sync;
	io.open = faulty_open;
	io.sync_dir = faulty_sync_dir;
	return io;
}

/* Once the second segment can't be opened. */
static int
open_that_fails_once(void *ctx, const char *path, int flags, mode_t mode)
{
	struct faulty *f = ctx;

	if (strstr(path, "00000002.xseg") == NULL || atomic_fetch_sub(&f->calls_left, 1) != 1)
		return seg_io_system.open(NULL, path, flags, mode);
	errno = f->reason;
	return -1;
}

static void
nothing_is_cut_when_what_lies_behind_cannot_be_read(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(buf_done) struct buf before = { 0 };
	EXA_AUTO(buf_done) struct buf after = { 0 };
	struct faulty faulty = { .calls_left = 1, .reason = EIO };
	struct seg_io io = seg_io_system;
	struct exa_error err = { 0 };
	struct store *s = opened(f->dir, STORE_WRITE);
	struct store_id id;

	(void)one_commit(s, "first", "a=1");
	store_abandon(s);
	load(f->dir, SEGMENT_1, &before);
	buf_add_string(&before, "torn");
	save(f->dir, SEGMENT_1, buf_bytes(&before));
	s = opened(f->dir, STORE_WRITE); /* goes on in a second segment */
	id = one_commit(s, "second", "b=2");
	store_abandon(s);
	load(f->dir, SEGMENT_1, &before);
	before.data[SEGMENT_HEAD_SIZE + FRAME_HEAD_SIZE + 10] ^= 0x20;
	save(f->dir, SEGMENT_1, buf_bytes(&before));
	io.ctx = &faulty;
	io.open = open_that_fails_once;
	assert_false(store_open_with(f->dir, opening(STORE_REBUILD), &test_schema, &io, &s, &err));
	assert_int_equal(err.code, EXA_IO);
	load(f->dir, SEGMENT_1, &after);
	assert_true(bytes_equal(buf_bytes(&after), buf_bytes(&before)));
	s = opened(f->dir, STORE_REBUILD);
	expect_object(s, &id, bytes_of_string("second"));
	store_abandon(s);
}

/* Commits rounds until one fails; gives how many were acknowledged. ERR says why it stopped. */
static int
commit_rounds(struct store *s, int rounds, struct exa_error *err)
{
	for (int i = 0; i < rounds; i++) {
		struct store_batch b = { 0 };
		struct store_id id;
		uint64_t epoch;
		char record[32];
		bool good;

		(void)snprintf(record, sizeof record, "k%d=%d", i, i);
		store_batch_record(&b, bytes_of_string(record));
		good = store_put(s, STORE_DATA, bytes_of_string(record), &id, NULL, err) &&
		       store_submit(s, &b, &epoch, err) && store_wait(s, epoch, err);
		store_batch_done(&b);
		if (!good)
			return i;
	}
	return rounds;
}

static void
expect_rounds(const char *dir, int rounds)
{
	struct store *s = opened(dir, STORE_WRITE);

	for (int i = 0; i < rounds; i++) {
		char key[16];
		char value[16];
		char record[32];
		struct store_id id;

		(void)snprintf(key, sizeof key, "k%d", i);
		(void)snprintf(value, sizeof value, "%d", i);
		(void)snprintf(record, sizeof record, "k%d=%d", i, i);
		expect_fact(s, key, value);
		id = put_text(s, record);
		expect_object(s, &id, bytes_of_string(record));
	}
	assert_int_equal(damage_found(s, STORE_VERIFY_BLOBS), 0);
	(void)one_commit(s, "afterwards", "after=1");
	store_abandon(s);
}

static void
fail_at_every_call(int reason, bool short_writes)
{
	bool completed = false;

	for (int n = 0; !completed; n++) {
		char *dir = temporary_dir();
		EXA_AUTO(exa_freep) char *parent = fs_dir_of(dir);
		struct faulty faulty = {
			.calls_left = n, .reason = reason, .short_writes = short_writes
		};
		struct seg_io io = faulty_io(&faulty);
		struct exa_error err = { 0 };
		struct store *s = made_store(dir, STORE_CODEC_ZLIB, 0);
		int acknowledged = 0;

		store_abandon(s);
		if (store_open_with(dir, opening(STORE_WRITE), &test_schema, &io, &s, &err)) {
			acknowledged = commit_rounds(s, 3, &err);
			completed = acknowledged == 3;
			store_abandon(s);
		}
		if (!completed)
			assert_int_equal(err.code, EXA_IO);
		expect_rounds(dir, acknowledged);
		remove_tree(parent);
		exa_free(dir);
	}
}

static void
a_disk_that_fails_at_any_call_loses_nothing_acknowledged(void **state)
{
	(void)state;
	fail_at_every_call(EIO, false);
	fail_at_every_call(ENOSPC, true);
}

static void
a_full_disk_is_explained_and_poisons_until_reopened(void **state)
{
	struct fixture *f = *state;
	struct faulty faulty = { .calls_left = 1000, .reason = ENOSPC };
	struct seg_io io = faulty_io(&faulty);
	struct exa_error err = { 0 };
	struct exa_error again = { 0 };
	struct store *s = NULL;
	struct store_id id;

	assert_true(store_open_with(f->dir, opening(STORE_WRITE), &test_schema, &io, &s, &err));
	assert_int_equal(commit_rounds(s, 3, &err), 3);
	faulty.calls_left = 0;
	assert_int_equal(commit_rounds(s, 1, &err), 0);
	assert_int_equal(err.code, EXA_IO);
	assert_int_equal(err.detail, ENOSPC);
	assert_non_null(strstr(err.text, "No space left on device"));
	assert_non_null(strstr(err.text, SEGMENT_1));
	assert_non_null(strstr(err.text, "intact up to commit 3"));
	assert_non_null(strstr(err.text, "free at least"));
	faulty.calls_left = 1000; /* there is room again, but this handle has lost its trust */
	assert_false(store_put(s, STORE_DATA, bytes_of_string("x"), &id, NULL, &again));
	assert_string_equal(again.text, err.text);
	assert_false(store_flush(s, &again));
	assert_string_equal(again.text, err.text);
	assert_false(store_close(s, &again));
	assert_string_equal(again.text, err.text);
	expect_rounds(f->dir, 3);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_tail_torn_at_any_byte_leaves_the_commits_before_it),
		TEST(an_unclean_segment_is_closed_and_its_tail_kept_aside),
		TEST(every_flipped_byte_is_refused_or_found),
		TEST(a_rebuilt_index_is_the_one_that_was_lost),
		TEST(a_bad_commit_in_front_of_a_good_one_loses_its_own_epoch_alone),
		TEST(segments_older_than_the_index_are_noticed_and_can_be_rebuilt_from),
		TEST(the_index_of_another_archive_is_refused),
		TEST(a_cut_index_is_refused_not_crashed_on),
		TEST(an_older_index_of_the_same_archive_is_brought_up_to_date),
		TEST(damage_in_the_middle_is_named_and_costs_only_what_it_hit),
		TEST(damage_is_never_cut_off_as_if_it_were_a_torn_tail),
		TEST(nothing_is_cut_when_what_lies_behind_cannot_be_read),
		TEST(a_segment_with_a_damaged_frame_header_is_left_for_a_new_one),
		TEST(a_damaged_segment_header_is_reported_and_costs_nothing),
		TEST(a_commit_repeats_the_salt_of_its_segment),
		TEST(a_missing_segment_is_damage),
		TEST(a_disk_that_fails_at_any_call_loses_nothing_acknowledged),
		TEST(a_full_disk_is_explained_and_poisons_until_reopened),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
