/* SPDX-License-Identifier: Apache-2.0 */
/* Compaction when calls fail, with readers beside it, and after any history of a store. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "compact_support.h"

#define HISTORIES 30
#define STEPS 40 /* of each */

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

/* ---- faults ---- */

struct faulty {
	struct seg_io io;
	atomic_int left; /* calls that still succeed; negative: all do */
	bool failed;
};

static bool
fails(void *ctx)
{
	struct faulty *f = ctx;
	int left = atomic_load(&f->left);

	if (left < 0)
		return false;
	if (left > 0) {
		atomic_store(&f->left, left - 1);
		return false;
	}
	atomic_store(&f->left, -1);
	f->failed = true;
	errno = EIO;
	return true;
}

static int
faulty_open(void *ctx, const char *path, int flags, mode_t mode)
{
	return fails(ctx) ? -1 : seg_io_system.open(NULL, path, flags, mode);
}

static ssize_t
faulty_pwrite(void *ctx, int fd, const void *data, size_t size, off_t offset)
{
	return fails(ctx) ? -1 : seg_io_system.pwrite(NULL, fd, data, size, offset);
}

static int
faulty_sync(void *ctx, int fd)
{
	return fails(ctx) ? -1 : seg_io_system.fdatasync(NULL, fd);
}

static int
faulty_cut(void *ctx, int fd, off_t size)
{
	return fails(ctx) ? -1 : seg_io_system.ftruncate(NULL, fd, size);
}

static int
faulty_rename(void *ctx, const char *from, const char *to)
{
	return fails(ctx) ? -1 : seg_io_system.rename(NULL, from, to);
}

static int
faulty_unlink(void *ctx, const char *path)
{
	return fails(ctx) ? -1 : seg_io_system.unlink(NULL, path);
}

static int
faulty_sync_dir(void *ctx, const char *path)
{
	return fails(ctx) ? -1 : seg_io_system.sync_dir(NULL, path);
}

static void
faulty_begin(struct faulty *f)
{
	*f = (struct faulty){ .io = { .open = faulty_open,
				      .pwrite = faulty_pwrite,
				      .fdatasync = faulty_sync,
				      .ftruncate = faulty_cut,
				      .rename = faulty_rename,
				      .unlink = faulty_unlink,
				      .sync_dir = faulty_sync_dir } };
	f->io.ctx = f;
	atomic_store(&f->left, -1);
}

/* Compacts with the NTH call failing. False: there was no such call. */
static bool
compact_with_fault(struct world *w, int nth)
{
	struct faulty f;
	struct store_compact_options options = world_compact(w);
	struct store_compact_result result = { 0 };
	struct exa_error err = { 0 };
	struct store *s = NULL;
	bool good;

	faulty_begin(&f);
	assert_true(store_open_with(w->dir, opening(STORE_WRITE), &test_schema, &f.io, &s, &err));
	atomic_store(&f.left, nth);
	good = store_compact(s, &options, &result, &err);
	atomic_store(&f.left, -1);
	if (!good) {
		assert_true(f.failed);
		assert_int_equal(err.code, EXA_IO);
		assert_true(strstr(err.text, "seg/00") != NULL);
	}
	world_check(w, s);
	store_abandon(s);
	return f.failed;
}

static void
a_fault_at_any_call_leaves_a_valid_archive(void **state)
{
	struct world *w = *state;
	struct store *s = opened(w->dir, STORE_WRITE);
	EXA_AUTO(exa_freep) char *parent = fs_dir_of(w->dir);
	EXA_AUTO(exa_freep) char *aside = fs_join(parent, "aside");
	int calls = 0;

	for (unsigned key = 0; key < 14; key++)
		world_set(w, s, key, 9000);
	for (unsigned key = 0; key < 14; key += 2)
		world_drop(w, s, key);
	store_abandon(s);
	copy_tree(w->dir, aside);
	while (compact_with_fault(w, calls)) {
		s = world_prove(w, opened(w->dir, STORE_WRITE));
		(void)compacted(w, s);
		s = world_prove(w, s);
		assert_int_equal(compacted(w, s).segments_cut, 0);
		store_abandon(s);
		remove_tree(w->dir);
		copy_tree(aside, w->dir);
		calls++;
	}
	print_message("# %d calls failed, one after the other\n", calls);
	assert_true(calls > 20);
}

/* ---- readers beside it ---- */

struct beside {
	struct world *w;
	struct store *s;
	struct store_id ids[WORLD_KEYS];
	atomic_bool stop;
	uint64_t rounds;
	bool failed;
	char text[EXA_ERROR_TEXT_MAX];
};

static void *
read_on(void *ctx)
{
	struct beside *b = ctx;
	struct exa_error err = { 0 };

	while (!atomic_load(&b->stop) || b->rounds == 0) {
		EXA_AUTO(store_reader_freep) struct store_reader *r = NULL;
		struct bytes data;

		if (!store_reader_new(b->s, &r, &err))
			b->failed = true;
		for (unsigned key = 1; key < WORLD_KEYS && !b->failed; key += 2) {
			if (store_reader_object(r, STORE_DATA, &b->ids[key], &data, &err))
				continue;
			b->failed = true;
			(void)snprintf(b->text, sizeof b->text, "%s", err.text);
		}
		b->rounds++;
		if (b->failed)
			break;
	}
	return NULL;
}

static void
a_reader_beside_it_finds_everything_all_the_time(void **state)
{
	struct world *w = *state;
	struct store *s = opened(w->dir, STORE_WRITE);
	struct beside b = { .w = w, .s = s };
	struct exa_error err = { 0 };
	pthread_t thread;
	char record[96];
	char hex[65];

	for (unsigned key = 0; key < WORLD_KEYS; key++) {
		fill_noise(w->scratch, 9000, key + 1);
		assert_true(store_put(
			s, STORE_DATA, bytes_of(w->scratch, 9000), &b.ids[key], NULL, &err));
		hex_encode(bytes_of(b.ids[key].bytes, STORE_ID_SIZE), hex);
		(void)snprintf(record, sizeof record, "k%02u=%s", key, hex);
		assert_true(store_wait(s, submit_record(s, record), &err));
	}
	for (unsigned key = 0; key < WORLD_KEYS; key += 2)
		world_drop(w, s, key);
	assert_int_equal(pthread_create(&thread, NULL, read_on, &b), 0);
	assert_true(compacted(w, s).segments_cut > 2);
	/* And once more, with what it moved. */
	for (unsigned key = 1; key < WORLD_KEYS; key += 2) {
		(void)snprintf(record, sizeof record, "x%02u", key);
		(void)submit_record(s, record);
	}
	(void)compacted(w, s);
	atomic_store(&b.stop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	if (b.failed)
		fail_msg("%s", b.text);
	store_abandon(s);
}

/* ---- any history ---- */

static void
tear(struct world *w, struct store *s)
{
	struct exa_error err = { 0 };
	uint32_t highest;
	FILE *f;

	assert_true(segdir_highest(&s->files, &highest, &err));
	EXA_AUTO(exa_freep) char *path = segdir_path(&s->files, highest, "xseg");
	f = fopen(path, "ab");
	assert_non_null(f);
	fill_noise(w->scratch, 500, w->next_seed);
	assert_int_equal(fwrite(w->scratch, 1, 500, f), 500);
	assert_int_equal(fclose(f), 0);
}

static struct store *
one_step(struct world *w, struct store *s)
{
	struct store_compact_options options = world_compact(w);
	struct store_compact_result result = { 0 };
	struct exa_error err = { 0 };
	unsigned key = (unsigned)world_random(w, WORLD_KEYS);

	switch (world_random(w, 16)) {
	case 0:
	case 1:
		world_drop(w, s, key);
		return s;
	case 2:
		options.garbage_percent = (unsigned)world_random(w, 3) * 20;
		assert_true(store_compact(s, &options, &result, &err));
		assert_int_equal(result.segments_damaged, 0);
		return s;
	case 3:
		tear(w, s);
		store_abandon(s);
		return opened(w->dir, STORE_WRITE);
	case 4:
		store_abandon(s);
		(void)compact_with_fault(w, (int)world_random(w, 60));
		return opened(w->dir, STORE_WRITE);
	case 5:
		return world_prove(w, s);
	case 6: /* the same object under two keys, stored anew after it was dropped, ... */
		w->next_seed = 1 + world_random(w, w->next_seed);
		world_set(w, s, key, 1 + (size_t)(w->next_seed * 37 % 3000));
		return s;
	default:
		world_set(w, s, key, world_any_size(w));
		return s;
	}
}

static void
after_any_history_the_archive_is_whole_and_a_rebuild_gives_the_same(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= HISTORIES; seed++) {
		struct world *w = world_new(seed % 3 == 0 ? STORE_CODEC_ZSTD : STORE_CODEC_ZLIB);
		struct store *s = opened(w->dir, STORE_WRITE);

		w->random += seed * UINT64_C(0x9e3779b97f4a7c15);
		for (int step = 0; step < STEPS; step++)
			s = one_step(w, s);
		s = world_prove(w, s);
		(void)compacted(w, s);
		s = world_prove(w, s);
		assert_int_equal(compacted(w, s).segments_cut, 0);
		store_abandon(s);
		world_free(w);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_fault_at_any_call_leaves_a_valid_archive),
		TEST(a_reader_beside_it_finds_everything_all_the_time),
		cmocka_unit_test(
			after_any_history_the_archive_is_whole_and_a_rebuild_gives_the_same),
	};

	/* Hundreds of archives are made and synced; no disk is needed for that. */
	if (access("/dev/shm", W_OK) == 0)
		(void)setenv("TMPDIR", "/dev/shm", 0);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
