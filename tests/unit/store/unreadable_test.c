/* SPDX-License-Identifier: Apache-2.0 */
/* A disk that can't read a place: verify tells of it as of any damage and goes on behind it; what
 * would cut or leave out something refuses, since nobody knows what stands there. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "handle.h"
#include "support.h"

#define COMMITS 14
#define OBJECT_BYTES ((size_t)200 * 1024) /* a frame of its own; five make a segment of 1 MiB */
#define SEGMENTS 3
#define SECTOR ((uint64_t)4096)
#define PLACES_MAX 8

/* ---- the disk ---- */

static struct {
	ino_t file; /* 0: all can be read */
	uint64_t from, to;
} bad;

/* The C library's, also as a checked build calls it. */
ssize_t bad_pread(int fd, void *out, size_t size, off_t at) __asm__("pread64");
ssize_t bad_pread_chk(int fd, void *out, size_t size, off_t at, size_t room) __asm__(
	"__pread64_chk");

ssize_t
bad_pread(int fd, void *out, size_t size, off_t at)
{
	uint64_t from = (uint64_t)at;
	struct stat st;

	if (bad.file != 0 && fstat(fd, &st) == 0 && st.st_ino == bad.file) {
		if (from >= bad.from && from < bad.to) {
			errno = EIO;
			return -1;
		}
		if (from < bad.from && from + size > bad.from)
			size = (size_t)(bad.from - from);
	}
	return syscall(SYS_pread64, fd, out, size, at);
}

ssize_t
bad_pread_chk(int fd, void *out, size_t size, off_t at, size_t room)
{
	assert_true(size <= room);
	return bad_pread(fd, out, size, at);
}

static char *
segment_path(const char *dir, unsigned n)
{
	return exa_asprintf("%s/seg/00/%08x.xseg", dir, n);
}

/* The sector in which AT lies. */
static void
spoil(const char *dir, struct place at)
{
	EXA_AUTO(exa_freep) char *path = segment_path(dir, at.segment);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	bad.from = at.offset / SECTOR * SECTOR;
	bad.to = bad.from + SECTOR;
	bad.file = st.st_ino;
}

/* ---- an archive ---- */

static void
commit_object(struct store *s, unsigned n)
{
	EXA_AUTO(exa_freep) uint8_t *noise = exa_alloc(OBJECT_BYTES);
	struct exa_error err = { 0 };
	struct store_id id;
	char record[32];

	fill_noise(noise, OBJECT_BYTES, n + 1);
	assert_true(store_put(s, STORE_DATA, bytes_of(noise, OBJECT_BYTES), &id, NULL, &err));
	(void)snprintf(record, sizeof record, "k%u=%u", n, n);
	assert_true(store_wait(s, submit_record(s, record), &err));
}

static int
setup(void **state)
{
	char *dir = temporary_dir();
	struct store *s = made_store(dir, STORE_CODEC_ZLIB, (uint64_t)1 << 20);

	for (unsigned n = 0; n < COMMITS; n++)
		commit_object(s, n);
	store_abandon(s);
	bad.file = 0;
	*state = dir;
	return 0;
}

static int
teardown(void **state)
{
	EXA_AUTO(exa_freep) char *dir = *state;
	EXA_AUTO(exa_freep) char *parent = fs_dir_of(dir);

	bad.file = 0;
	remove_tree(parent);
	return 0;
}

static void
load(const char *path, struct buf *out)
{
	struct exa_error err;

	buf_reset(out);
	assert_true(fs_read_file(path, (size_t)1 << 30, out, &err));
}

/* The place and head of frame NUMBER (from 0) of a segment. */
static struct frame_head
frame_of(const char *dir, unsigned segment, unsigned number, struct place *at_out)
{
	EXA_AUTO(exa_freep) char *path = segment_path(dir, segment);
	EXA_AUTO(buf_done) struct buf content = { 0 };
	struct place at = { segment, SEGMENT_HEAD_SIZE };
	struct frame_head head;
	struct exa_error err;

	load(path, &content);
	for (unsigned n = 0;; n++) {
		assert_true(frame_head_get(content.data + at.offset, at, &head, &err));
		if (n == number)
			break;
		at.offset += frame_span(&head);
	}
	*at_out = at;
	return head;
}

struct round {
	struct store_verify_result result;
	struct store_damage found[PLACES_MAX];
	size_t count;
};

static void
keep_damage(void *ctx, const struct store_damage *damage)
{
	struct round *r = ctx;

	assert_true(r->count < PLACES_MAX);
	r->found[r->count++] = *damage;
}

static struct round
verified(const char *dir, enum store_access access, enum store_level level)
{
	struct round r = { 0 };
	struct store_verify_options options = { .level = level, .damaged = keep_damage, .ctx = &r };
	struct store *s = opened(dir, access);
	struct exa_error err = { 0 };

	if (!store_verify(s, &options, &r.result, &err))
		fail_msg("%s", err.text);
	store_abandon(s);
	return r;
}

static void
expect_told(const struct store_damage *d, struct place at, struct place end)
{
	assert_int_equal(d->at.segment, at.segment);
	assert_int_equal(d->at.offset, at.offset);
	assert_int_equal(d->end.segment, end.segment);
	assert_int_equal(d->end.offset, end.offset);
	assert_non_null(strstr(d->what.text, "Input/output error"));
	assert_non_null(strstr(d->what.text, "seg/00/"));
}

/* ---- verify ---- */

/* Behind a large object: frames 1 to 3 begin in one sector, the last of them with a large object
 * too. Gives where they begin, and where the next frame does. */
static uint64_t
spoil_headers(const char *dir, unsigned segment, struct place *at_out, struct place *next_out)
{
	struct place last;
	uint64_t sequence = frame_of(dir, segment, 3, &last).sequence;

	(void)frame_of(dir, segment, 1, at_out);
	(void)frame_of(dir, segment, 4, next_out);
	assert_int_equal(at_out->offset / SECTOR, last.offset / SECTOR);
	spoil(dir, last);
	assert_true(next_out->offset > bad.to);
	return sequence;
}

static void
headers_that_cannot_be_read_are_told_as_damage_of_their_frames(void **state)
{
	const char *dir = *state;
	struct place at;
	struct place next;
	uint64_t last = spoil_headers(dir, 2, &at, &next);

	for (int level = STORE_VERIFY_HEADERS; level <= STORE_VERIFY_BLOBS; level++) {
		struct round r = verified(dir, STORE_READ, (enum store_level)level);
		const struct store_damage *d = &r.found[r.count - 1];

		/* From BYTES on the object's end that lies in the sector is told, too. */
		assert_int_equal(r.count, level == STORE_VERIFY_HEADERS ? 1 : 2);
		expect_told(d, at, next);
		assert_int_equal(d->first, last - 2);
		assert_int_equal(d->last, last);
		assert_true(r.result.finished);
		assert_int_equal(r.result.segments, SEGMENTS);
	}
}

static void
a_payload_that_cannot_be_read_is_told_as_damage_of_its_frame(void **state)
{
	const char *dir = *state;
	struct place at;
	struct place next;
	struct round r;

	(void)frame_of(dir, 2, 3, &at);
	(void)frame_of(dir, 2, 4, &next);
	spoil(dir, (struct place){ 2, at.offset + OBJECT_BYTES / 2 });
	assert_int_equal(verified(dir, STORE_READ, STORE_VERIFY_HEADERS).count, 0);
	r = verified(dir, STORE_READ, STORE_VERIFY_BYTES);
	assert_int_equal(r.count, 1);
	expect_told(&r.found[0], at, next);
}

static void
where_a_segment_begins_unreadably_its_later_frames_are_still_looked_at(void **state)
{
	const char *dir = *state;
	struct place head = { .segment = 2 };
	struct place first;
	struct place next;
	struct round r;

	(void)frame_of(dir, 2, 0, &first);
	(void)frame_of(dir, 2, 1, &next);
	assert_true(next.offset > SECTOR);
	spoil(dir, head);
	r = verified(dir, STORE_READ, STORE_VERIFY_HEADERS);
	assert_int_equal(r.count, 2);
	expect_told(&r.found[0], head, first);
	expect_told(&r.found[1], first, next);
	assert_int_equal(r.result.segments, SEGMENTS);
}

static void
so_it_is_without_an_index(void **state)
{
	const char *dir = *state;
	struct place at;
	struct place next;
	struct round r;

	(void)spoil_headers(dir, 3, &at, &next);
	r = verified(dir, STORE_SEGMENTS, STORE_VERIFY_HEADERS);
	assert_int_equal(r.count, 1);
	expect_told(&r.found[0], at, next);
}

/* ---- what changes an archive ---- */

static void
expect_refused_untouched(const char *dir, enum store_access access)
{
	EXA_AUTO(buf_done) struct buf before = { 0 };
	EXA_AUTO(buf_done) struct buf after = { 0 };
	struct exa_error err = { 0 };
	ino_t file = bad.file;

	bad.file = 0;
	for (unsigned n = 1; n <= SEGMENTS; n++) {
		EXA_AUTO(exa_freep) char *path = segment_path(dir, n);

		load(path, &after);
		buf_add_bytes(&before, buf_bytes(&after));
	}
	bad.file = file;
	assert_int_equal(open_code(dir, access, &err), EXA_IO);
	assert_int_equal(err.detail, EIO);
	bad.file = 0;
	for (unsigned n = SEGMENTS; n >= 1; n--) {
		EXA_AUTO(exa_freep) char *path = segment_path(dir, n);

		load(path, &after);
		assert_true(after.size <= before.size);
		before.size -= after.size;
		assert_memory_equal(before.data + before.size, after.data, after.size);
	}
	assert_int_equal(before.size, 0);
}

static void
a_rebuild_leaves_nothing_out_that_could_not_be_read(void **state)
{
	const char *dir = *state;
	struct store *s;
	struct place at;

	(void)frame_of(dir, 2, 3, &at);
	spoil(dir, at);
	expect_refused_untouched(dir, STORE_REBUILD);
	s = opened(dir, STORE_REBUILD);
	expect_fact(s, "k0", "0");
	expect_fact(s, "k13", "13");
	store_abandon(s);
}

static void
a_recovery_cuts_nothing_that_could_not_be_read(void **state)
{
	const char *dir = *state;
	EXA_AUTO(exa_freep) char *index = fs_join(dir, "idx/data.mdb");
	EXA_AUTO(exa_freep) char *last = segment_path(dir, SEGMENTS);
	EXA_AUTO(buf_done) struct buf old = { 0 };
	struct exa_error err = { 0 };
	struct store *s;
	struct stat st;

	load(index, &old);
	assert_int_equal(stat(last, &st), 0);
	s = opened(dir, STORE_WRITE);
	commit_object(s, COMMITS);
	store_abandon(s);
	assert_true(fs_write_file(index, buf_bytes(&old), 0600, &err)); /* it knows less */
	spoil(dir, (struct place){ SEGMENTS, (uint64_t)st.st_size + OBJECT_BYTES / 2 });
	expect_refused_untouched(dir, STORE_WRITE);
	s = opened(dir, STORE_WRITE);
	expect_fact(s, "k14", "14");
	store_abandon(s);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(headers_that_cannot_be_read_are_told_as_damage_of_their_frames),
		TEST(a_payload_that_cannot_be_read_is_told_as_damage_of_its_frame),
		TEST(where_a_segment_begins_unreadably_its_later_frames_are_still_looked_at),
		TEST(so_it_is_without_an_index),
		TEST(a_rebuild_leaves_nothing_out_that_could_not_be_read),
		TEST(a_recovery_cuts_nothing_that_could_not_be_read),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
