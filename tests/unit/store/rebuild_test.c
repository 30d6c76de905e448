/* SPDX-License-Identifier: Apache-2.0 */
/* A rebuild where more is damaged than can be gathered in memory. */
#include <stdio.h>
#include <string.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "handle.h"
#include "support.h"

#define SEGMENT_1 "seg/00/00000001.xseg"

struct fixture {
	char *dir;
	struct store *store;
};

static int
setup(void **state)
{
	struct fixture *f = exa_alloc(sizeof *f);

	f->dir = temporary_dir();
	f->store = made_store(f->dir, STORE_CODEC_ZLIB, 0);
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

/* One commit: an object and a record that names it. */
static void
one_commit(struct store *s, const char *text, const char *record)
{
	struct exa_error err = { 0 };

	(void)put_text(s, text);
	assert_true(store_wait(s, submit_record(s, record), &err));
}

/* Spoils the payloads of the first COUNT COMMITs. */
static void
spoil_commits(const char *dir, size_t count)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, SEGMENT_1);
	EXA_AUTO(buf_done) struct buf segment = { 0 };
	size_t at = SEGMENT_HEAD_SIZE;
	struct frame_head head;
	struct exa_error err;
	FILE *file;

	assert_true(fs_read_file(path, (size_t)1 << 30, &segment, &err));
	while (count > 0 && at < segment.size) {
		assert_true(
			frame_head_get(segment.data + at, (struct place){ 1, at }, &head, &err));
		if (head.kind == FRAME_COMMIT) {
			segment.data[at + FRAME_HEAD_SIZE + 40] ^= 0xff;
			count--;
		}
		at += (size_t)frame_span(&head);
	}
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(segment.data, 1, segment.size, file), segment.size);
	assert_int_equal(fclose(file), 0);
}

/* More than is kept in memory at a time. */
static void
bad_commits_in_a_row_cost_nothing_but_themselves(void **state)
{
	struct fixture *f = *state;
	struct store *s = f->store;
	char value[60000], record[60100];
	struct exa_error err = { 0 };

	for (int i = 0; i < 40; i++) {
		memset(value, 'a' + i % 26, sizeof value);
		(void)snprintf(record, sizeof record, "k%d=%.*s", i, 1000 + i * 1400, value);
		one_commit(s, record, record);
	}
	for (int i = 0; i < 9000; i++) {
		(void)snprintf(record, sizeof record, "a small object, number %d", i);
		(void)put_text(s, record);
		if (i % 300 == 299)
			assert_true(store_flush(s, &err));
	}
	one_commit(s, "last", "last=1");
	store_abandon(s);
	spoil_commits(f->dir, 60);
	s = opened(f->dir, STORE_REBUILD);
	for (int i = 0; i < 40; i++) {
		memset(value, 'a' + i % 26, sizeof value);
		value[1000 + i * 1400] = '\0';
		(void)snprintf(record, sizeof record, "k%d", i);
		expect_fact(s, record, value);
	}
	expect_fact(s, "last", "1");
	for (int i = 0; i < 9000; i += 100) {
		struct store_id id;
		bool is_new;

		(void)snprintf(record, sizeof record, "a small object, number %d", i);
		assert_true(store_put(s, STORE_DATA, bytes_of_string(record), &id, &is_new, &err));
		assert_false(is_new);
	}
	store_abandon(s);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(bad_commits_in_a_row_cost_nothing_but_themselves),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
