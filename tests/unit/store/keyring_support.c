/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "keyring_support.h"

const uint8_t uuid[UUID_SIZE] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

/* A key file's secret: 32 times BYTE. */
struct store_key
file_key(uint8_t byte)
{
	static uint8_t secrets[256][STORE_KEY_FILE_BYTES];

	memset(secrets[byte], byte, STORE_KEY_FILE_BYTES);
	return (struct store_key){ .kind = STORE_KEY_FILE,
		.secret = bytes_of(secrets[byte], STORE_KEY_FILE_BYTES) };
}

struct store_key
passphrase(const char *text)
{
	return (struct store_key){ .kind = STORE_KEY_PASSPHRASE, .secret = bytes_of_string(text) };
}

/* A folder with a keyring that file_key(1) opens. */
int
setup(void **state)
{
	struct fixture *f = exa_alloc(sizeof *f);
	struct store_key key = file_key(1);
	struct exa_error err = { 0 };

	f->dir = temporary_dir();
	assert_true(fs_make_dirs(f->dir, 0700, &err));
	assert_true(keyring_create(f->dir, uuid, &key, f->master, &err));
	*state = f;
	return 0;
}

int
teardown(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *parent = fs_dir_of(f->dir);

	remove_tree(parent);
	exa_free(f->dir);
	exa_free(f);
	return 0;
}

void
expect_opens(const struct fixture *f, struct store_key key)
{
	uint8_t master[MASTER_KEY_SIZE];
	struct exa_error err = { 0 };

	if (!keyring_open(f->dir, uuid, &key, master, &err))
		fail_msg("%s", err.text);
	assert_memory_equal(master, f->master, MASTER_KEY_SIZE);
}

void
expect_open_fails(const char *dir, const uint8_t of[UUID_SIZE], struct store_key key,
	enum exa_code code, const char *words)
{
	uint8_t master[MASTER_KEY_SIZE];
	struct exa_error err = { 0 };

	assert_false(keyring_open(dir, of, &key, master, &err));
	assert_int_equal(err.code, code);
	if (strstr(err.text, words) == NULL)
		fail_msg("not a word of '%s': %s", words, err.text);
}

struct buf
content(const char *dir, const char *name)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, name);
	struct buf b = { 0 };
	struct exa_error err = { 0 };

	assert_true(fs_read_file(path, KEYRING_TEXT_MAX, &b, &err));
	return b;
}

void
put_content(const char *dir, const char *name, struct bytes what)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, name);
	struct exa_error err = { 0 };

	(void)unlink(path);
	assert_true(fs_write_file(path, what, 0600, &err));
}

enum exa_code
check_code(const struct fixture *f, struct exa_error *err)
{
	return keyring_check(f->dir, uuid, err) ? EXA_OK : err->code;
}
