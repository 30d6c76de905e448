/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

static char dir[] = "/tmp/exarch-fs-XXXXXX";

static int
make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL;
}

static void
a_written_file_replaces_the_old_one_whole(void **state)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, "file");
	EXA_AUTO(buf_done) struct buf content = { 0 };
	struct exa_error err;

	(void)state;
	assert_true(fs_write_file(path, bytes_of_string("a long first content"), 0600, &err));
	assert_true(fs_write_file(path, bytes_of_string("short"), 0600, &err));
	assert_true(fs_read_file(path, 100, &content, &err));
	assert_string_equal(buf_string(&content), "short");
	assert_int_equal(unlink(path), 0);
}

static void
a_file_beyond_the_limit_is_refused(void **state)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, "big");
	EXA_AUTO(buf_done) struct buf content = { 0 };
	struct exa_error err;

	(void)state;
	assert_true(fs_write_file(path, bytes_of_string("0123456789"), 0600, &err));
	assert_true(fs_read_file(path, 10, &content, &err));
	assert_false(fs_read_file(path, 9, &content, &err));
	assert_int_equal(err.code, EXA_LIMIT);
	assert_int_equal(unlink(path), 0);
}

static void
a_missing_file_is_named_with_its_reason(void **state)
{
	EXA_AUTO(buf_done) struct buf content = { 0 };
	struct exa_error err;

	(void)state;
	assert_false(fs_read_file("/nonexistent/file", 10, &content, &err));
	assert_int_equal(err.code, EXA_IO);
	assert_int_equal(err.detail, ENOENT);
	assert_string_equal(err.text, "can't open /nonexistent/file: No such file or directory");
}

static void
folders_are_made_with_their_parents(void **state)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, "a/b/c");
	EXA_AUTO(exa_freep) char *file = fs_join(path, "file");
	EXA_AUTO(exa_freep) char *below = fs_join(file, "d");
	struct exa_error err;

	(void)state;
	assert_true(fs_make_dirs(path, 0700, &err));
	assert_true(fs_make_dirs(path, 0700, &err));
	assert_true(fs_write_file(file, bytes_of_string(""), 0600, &err));
	assert_false(fs_make_dirs(below, 0700, &err));
	assert_int_equal(err.code, EXA_IO);
	assert_int_equal(err.detail, ENOTDIR);
}

static void
a_file_with_a_secret_is_read_only_when_nobody_else_can(void **state)
{
	static const struct {
		unsigned mode;
		uid_t owner;
		bool good;
	} cases[] = { { 0600, 1, true }, { 0400, 1, true }, { 0640, 1, false }, { 0604, 1, false },
		{ 0610, 1, false }, { 0440, 0, true }, { 0444, 0, false } };
	EXA_AUTO(exa_freep) char *path = fs_join(dir, "secret");
	struct exa_error err;

	(void)state;
	if (geteuid() != 0)
		skip(); /* owners can't be changed */
	assert_true(fs_write_file(path, bytes_of_string("open sesame"), 0600, &err));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(buf_wipe) struct buf out = { 0 };

		assert_int_equal(chown(path, cases[i].owner, (gid_t)cases[i].owner), 0);
		assert_int_equal(chmod(path, cases[i].mode), 0);
		assert_int_equal(fs_read_private(path, 11, &out, &err), cases[i].good);
		if (cases[i].good) {
			assert_string_equal(buf_string(&out), "open sesame");
			continue;
		}
		assert_int_equal(err.code, EXA_USAGE);
		assert_non_null(strstr(err.text, "chmod 600"));
		assert_int_equal(out.size, 0);
	}
	assert_int_equal(unlink(path), 0);
}

static void
what_is_no_file_or_too_large_holds_no_secret(void **state)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, "secret");
	EXA_AUTO(buf_wipe) struct buf out = { 0 };
	struct exa_error err;

	(void)state;
	assert_true(fs_write_file(path, bytes_of_string("open sesame"), 0600, &err));
	assert_false(fs_read_private(path, 10, &out, &err));
	assert_int_equal(err.code, EXA_USAGE);
	assert_false(fs_read_private(dir, 10, &out, &err));
	assert_int_equal(err.code, EXA_USAGE);
	assert_int_equal(unlink(path), 0);
	assert_false(fs_read_private(path, 10, &out, &err));
	assert_int_equal(err.code, EXA_IO);
	assert_int_equal(err.detail, ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_written_file_replaces_the_old_one_whole),
		cmocka_unit_test(a_file_beyond_the_limit_is_refused),
		cmocka_unit_test(a_missing_file_is_named_with_its_reason),
		cmocka_unit_test(folders_are_made_with_their_parents),
		cmocka_unit_test(a_file_with_a_secret_is_read_only_when_nobody_else_can),
		cmocka_unit_test(what_is_no_file_or_too_large_holds_no_secret),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_dir, NULL);
}
