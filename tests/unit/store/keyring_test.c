/* SPDX-License-Identifier: Apache-2.0 */
/* The keyring: what opens it and what doesn't, its two copies, its text; and key files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exarch/clock.h"
#include "exarch/fs.h"
#include "exarch/mem.h"

#include "crc32c.h"
#include "handle.h"
#include "keyring.h"
#include "support.h"

static const uint8_t uuid[UUID_SIZE] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
static const uint8_t other_uuid[UUID_SIZE] = { 9 };

/* A key file's secret: 32 times BYTE. */
static struct store_key
file_key(uint8_t byte)
{
	static uint8_t secrets[256][STORE_KEY_FILE_BYTES];

	memset(secrets[byte], byte, STORE_KEY_FILE_BYTES);
	return (struct store_key){ .kind = STORE_KEY_FILE,
		.secret = bytes_of(secrets[byte], STORE_KEY_FILE_BYTES) };
}

static struct store_key
passphrase(const char *text)
{
	return (struct store_key){ .kind = STORE_KEY_PASSPHRASE, .secret = bytes_of_string(text) };
}

struct fixture {
	char *dir;
	uint8_t master[MASTER_KEY_SIZE];
};

/* A folder with a keyring that file_key(1) opens. */
static int
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
expect_opens(const struct fixture *f, struct store_key key)
{
	uint8_t master[MASTER_KEY_SIZE];
	struct exa_error err = { 0 };

	if (!keyring_open(f->dir, uuid, &key, master, &err))
		fail_msg("%s", err.text);
	assert_memory_equal(master, f->master, MASTER_KEY_SIZE);
}

static void
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

static struct buf
content(const char *dir, const char *name)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, name);
	struct buf b = { 0 };
	struct exa_error err = { 0 };

	assert_true(fs_read_file(path, KEYRING_TEXT_MAX, &b, &err));
	return b;
}

static void
put_content(const char *dir, const char *name, struct bytes what)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, name);
	struct exa_error err = { 0 };

	(void)unlink(path);
	assert_true(fs_write_file(path, what, 0600, &err));
}

static enum exa_code
check_code(const struct fixture *f, struct exa_error *err)
{
	return keyring_check(f->dir, uuid, err) ? EXA_OK : err->code;
}

/* ---- keys ---- */

static void
the_key_that_made_it_opens_it_and_no_other_does(void **state)
{
	const struct fixture *f = *state;
	struct store_key shorter = file_key(1);

	shorter.secret.size--;
	expect_opens(f, file_key(1));
	expect_open_fails(f->dir, uuid, file_key(2), EXA_AUTH, "key file");
	expect_open_fails(f->dir, uuid, shorter, EXA_AUTH, "key file");
	expect_open_fails(f->dir, uuid, passphrase("correct horse"), EXA_AUTH, "passphrase");
	expect_open_fails(f->dir, uuid, (struct store_key){ 0 }, EXA_AUTH, "no key");
	/* The same bytes as another kind of key are another key. */
	expect_open_fails(f->dir, uuid,
		(struct store_key){ .kind = STORE_KEY_PASSPHRASE, .secret = file_key(1).secret },
		EXA_AUTH, "passphrase");
}

static void
a_passphrase_opens_and_one_that_is_nearly_it_does_not(void **state)
{
	struct fixture *f = *state;
	struct store_key key = passphrase("correct horse");
	struct exa_error err = { 0 };

	assert_true(keyring_create(f->dir, uuid, &key, f->master, &err));
	expect_opens(f, key);
	expect_open_fails(f->dir, uuid, passphrase("correct horsf"), EXA_AUTH, "passphrase");
	expect_open_fails(f->dir, uuid, passphrase("correct horse "), EXA_AUTH, "passphrase");
}

static void
master_keys_salts_and_wrappings_never_repeat(void **state)
{
	struct fixture *f = *state;
	struct store_key key = file_key(1);
	struct exa_error err = { 0 };
	struct keyring first, second;
	uint8_t master[MASTER_KEY_SIZE];

	assert_true(keyring_load(f->dir, uuid, &first, &err));
	assert_true(keyring_create(f->dir, uuid, &key, master, &err));
	assert_true(keyring_load(f->dir, uuid, &second, &err));
	assert_memory_not_equal(master, f->master, MASTER_KEY_SIZE);
	assert_memory_not_equal(first.slots[0].salt, second.slots[0].salt, KEYRING_SALT_SIZE);
	assert_memory_not_equal(
		first.slots[0].wrapped, second.slots[0].wrapped, KEYRING_WRAPPED_SIZE);
}

static void
keys_that_are_none_make_no_keyring(void **state)
{
	const struct fixture *f = *state;
	char large[STORE_PASSPHRASE_MAX + 2];
	struct store_key keys[] = { { 0 }, passphrase(""), passphrase("7 bytes"), passphrase(large),
		{ .kind = STORE_KEY_FILE, .secret = bytes_of_string("short") } };
	uint8_t master[MASTER_KEY_SIZE];

	memset(large, 'x', sizeof large - 1);
	large[sizeof large - 1] = '\0';
	keys[3] = passphrase(large);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		struct exa_error err = { 0 };

		assert_false(keyring_create(f->dir, uuid, &keys[i], master, &err));
		assert_int_equal(err.code, EXA_USAGE);
	}
	expect_opens(f, file_key(1)); /* and leave alone what was there */
}

static void
nothing_secret_stands_in_the_files(void **state)
{
	const struct fixture *f = *state;
	EXA_AUTO(buf_done) struct buf text = content(f->dir, "KEYRING");
	EXA_AUTO(buf_done) struct buf copy = content(f->dir, "KEYRING.copy");
	EXA_AUTO(exa_freep) char *path = fs_join(f->dir, "KEYRING");
	char hex[2 * MASTER_KEY_SIZE + 1];
	struct stat st;

	assert_true(bytes_equal(buf_bytes(&text), buf_bytes(&copy)));
	hex_encode(bytes_of(f->master, MASTER_KEY_SIZE), hex);
	assert_null(strstr(buf_string(&text), hex));
	hex_encode(file_key(1).secret, hex);
	assert_null(strstr(buf_string(&text), hex));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

/* ---- two copies ---- */

static void
no_damage_to_one_copy_locks_anyone_out(void **state)
{
	static const char *const names[] = { "KEYRING", "KEYRING.copy" };
	const struct fixture *f = *state;
	EXA_AUTO(buf_done) struct buf good = content(f->dir, "KEYRING");

	for (size_t n = 0; n < 2; n++) {
		for (size_t i = 0; i < good.size; i++) {
			struct exa_error err = { 0 };

			good.data[i] ^= (uint8_t)(1U << i % 8);
			put_content(f->dir, names[n], buf_bytes(&good));
			good.data[i] ^= (uint8_t)(1U << i % 8);
			expect_opens(f, file_key(1));
			assert_int_equal(check_code(f, &err), EXA_CORRUPT);
			assert_non_null(strstr(err.text, names[n]));
		}
		for (size_t size = 0; size < good.size; size += 7) {
			put_content(f->dir, names[n], bytes_of(good.data, size));
			expect_opens(f, file_key(1));
		}
		put_content(f->dir, names[n], buf_bytes(&good));
	}
}

static void
a_missing_copy_is_told_and_made_again(void **state)
{
	static const char *const names[] = { "KEYRING", "KEYRING.copy" };
	const struct fixture *f = *state;

	for (size_t n = 0; n < 2; n++) {
		EXA_AUTO(buf_done) struct buf good = content(f->dir, "KEYRING");
		EXA_AUTO(buf_done) struct buf again = { 0 };
		EXA_AUTO(exa_freep) char *path = fs_join(f->dir, names[n]);
		struct exa_error err = { 0 };

		assert_int_equal(unlink(path), 0);
		expect_opens(f, file_key(1));
		assert_int_equal(check_code(f, &err), EXA_CORRUPT);
		assert_non_null(strstr(err.text, "key list"));
		assert_true(keyring_mend(f->dir, uuid, &err));
		assert_int_equal(check_code(f, &err), EXA_OK);
		again = content(f->dir, names[n]);
		assert_true(bytes_equal(buf_bytes(&again), buf_bytes(&good)));
	}
}

static void
two_damaged_copies_are_damage_with_a_remedy(void **state)
{
	const struct fixture *f = *state;
	struct exa_error err = { 0 };

	put_content(f->dir, "KEYRING", bytes_of_string("exarch-keyring 1\n"));
	put_content(f->dir, "KEYRING.copy", bytes_of_string(""));
	expect_open_fails(f->dir, uuid, file_key(1), EXA_CORRUPT, "backup");
	assert_false(keyring_mend(f->dir, uuid, &err));
	assert_int_equal(err.code, EXA_CORRUPT);
	assert_int_equal(check_code(f, &err), EXA_CORRUPT);
}

static void
a_keyring_of_another_archive_is_refused(void **state)
{
	const struct fixture *f = *state;

	expect_open_fails(f->dir, other_uuid, file_key(1), EXA_CORRUPT, "another archive");
}

/* What a process finds that comes after one killed between the writings of the two copies. */
static void
killed_between_the_two_writings_the_newer_copy_counts(void **state)
{
	static const char *const names[] = { "KEYRING", "KEYRING.copy" };
	const struct fixture *f = *state;
	EXA_AUTO(buf_done) struct buf old = content(f->dir, "KEYRING");
	EXA_AUTO(buf_done) struct buf new = { 0 };
	struct store_key more = file_key(2);
	struct exa_error err = { 0 };
	struct keyring k;

	assert_true(keyring_load(f->dir, uuid, &k, &err));
	k.count = 0; /* takes the place of the first */
	assert_true(keyring_add(&k, &more, f->master, &err));
	assert_true(keyring_save(f->dir, &k, &err));
	new = content(f->dir, "KEYRING");
	/* KEYRING is written first; the other order is one of a hand that brought back a backup. */
	for (size_t n = 0; n < 2; n++) {
		put_content(f->dir, names[n], buf_bytes(&new));
		put_content(f->dir, names[1 - n], buf_bytes(&old));
		expect_opens(f, file_key(2));
		expect_open_fails(f->dir, uuid, file_key(1), EXA_AUTH, "key file");
		assert_int_equal(check_code(f, &err), EXA_CORRUPT);
		assert_non_null(strstr(err.text, "cut short"));
		assert_true(keyring_mend(f->dir, uuid, &err));
		assert_int_equal(check_code(f, &err), EXA_OK);
		expect_opens(f, file_key(2));
	}
}

static void
a_change_whose_second_writing_fails_counts_and_is_mended(void **state)
{
	const struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *copy = fs_join(f->dir, "KEYRING.copy");
	struct store_key more = file_key(2);
	struct exa_error err = { 0 };
	struct keyring k;

	assert_true(keyring_load(f->dir, uuid, &k, &err));
	assert_true(keyring_add(&k, &more, f->master, &err));
	assert_int_equal(unlink(copy), 0);
	assert_int_equal(mkdir(copy, 0700), 0); /* nothing can be put in its place */
	assert_false(keyring_save(f->dir, &k, &err));
	assert_int_equal(err.code, EXA_IO);
	expect_opens(f, file_key(1));
	expect_opens(f, more);
	assert_int_equal(rmdir(copy), 0);
	assert_true(keyring_mend(f->dir, uuid, &err));
	assert_int_equal(check_code(f, &err), EXA_OK);
	expect_opens(f, more);
}

/* ---- the text ---- */

/* Made with Python's hashlib.scrypt, an HKDF of its hmac, and the AES key wrap of `openssl enc`. */
static void
a_keyring_made_by_other_programs_opens(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(buf_done) struct buf text = { 0 };
	struct exa_error err = { 0 };

	if (!fs_read_file(KEYRING_FIXTURE, KEYRING_TEXT_MAX, &text, &err))
		fail_msg("%s", err.text);
	put_content(f->dir, "KEYRING", buf_bytes(&text));
	put_content(f->dir, "KEYRING.copy", buf_bytes(&text));
	for (size_t i = 0; i < MASTER_KEY_SIZE; i++)
		f->master[i] = (uint8_t)(0x40 + i);
	expect_opens(f, file_key(7));
	expect_opens(f, passphrase("correct horse battery staple"));
}

/* TEXT without its checksum line; gives what keyring_get says of it with the right one. */
static enum exa_code
code_of_text(const char *body)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	struct exa_error err = { 0 };
	struct keyring k;

	buf_printf(&text, "%scrc32c=%08x\n", body, crc32c(0, body, strlen(body)));
	return keyring_get(buf_bytes(&text), &k, &err) ? EXA_OK : err.code;
}

#define FIRST(slots)                                                                              \
	"exarch-keyring 1 uuid=000102030405060708090a0b0c0d0e0f generation=3 next=5 slots=" slots \
	"\n"
#define CREATED " created=2026-07-22T10:00:00Z"
#define SALT " salt=00000000000000000000000000000000"
#define WRAPPED                                                                             \
	" wrapped=000000000000000000000000000000000000000000000000000000000000000000000000" \
	"00000000"
#define FILE_SLOT(number) "slot=" number CREATED " kind=key-file kdf=hkdf-sha256" SALT WRAPPED "\n"
#define PASSPHRASE_SLOT(cost) "slot=1" CREATED " kind=passphrase kdf=scrypt " cost SALT WRAPPED "\n"

static void
texts_are_read_strictly_and_within_limits(void **state)
{
	static const struct {
		const char *body;
		enum exa_code code;
	} cases[] = {
		{ FIRST("1") FILE_SLOT("1"), EXA_OK },
		{ FIRST("2") FILE_SLOT("2") FILE_SLOT("4"), EXA_OK },
		{ FIRST("1") PASSPHRASE_SLOT("n=131072 r=8 p=1"), EXA_OK },
		{ FIRST("1") PASSPHRASE_SLOT("n=16384 r=1 p=16"), EXA_OK },
		{ FIRST("1") PASSPHRASE_SLOT("n=1048576 r=8 p=2"), EXA_OK },
		/* too much memory, too much time, too little of either, no power of two, nonsense
		 */
		{ FIRST("1") PASSPHRASE_SLOT("n=1073741824 r=8 p=1"), EXA_CORRUPT },
		{ FIRST("1") PASSPHRASE_SLOT("n=2097152 r=8 p=1"), EXA_CORRUPT },
		{ FIRST("1") PASSPHRASE_SLOT("n=1048576 r=8 p=4"), EXA_CORRUPT },
		{ FIRST("1") PASSPHRASE_SLOT("n=131072 r=8 p=17"), EXA_CORRUPT },
		{ FIRST("1") PASSPHRASE_SLOT("n=16384 r=33 p=1"), EXA_CORRUPT },
		{ FIRST("1") PASSPHRASE_SLOT("n=1024 r=8 p=1"), EXA_CORRUPT },
		{ FIRST("1") PASSPHRASE_SLOT("n=131073 r=8 p=1"), EXA_CORRUPT },
		{ FIRST("1") PASSPHRASE_SLOT("n=0 r=8 p=1"), EXA_CORRUPT },
		{ FIRST("1") PASSPHRASE_SLOT("n=131072 r=0 p=1"), EXA_CORRUPT },
		{ FIRST("1") PASSPHRASE_SLOT("n=131072 r=8 p=0"), EXA_CORRUPT },
		{ FIRST("1") PASSPHRASE_SLOT("n=-131072 r=8 p=1"), EXA_CORRUPT },
		{ FIRST("1") PASSPHRASE_SLOT("n=18446744073709683000 r=8 p=1"), EXA_CORRUPT },
		/* slots: none, too many, fewer or more than said, out of order, twice, not given
		   yet */
		{ FIRST("0"), EXA_CORRUPT },
		{ FIRST("17") FILE_SLOT("1"), EXA_CORRUPT },
		{ FIRST("2") FILE_SLOT("1"), EXA_CORRUPT },
		{ FIRST("1") FILE_SLOT("1") FILE_SLOT("2"), EXA_CORRUPT },
		{ FIRST("2") FILE_SLOT("2") FILE_SLOT("1"), EXA_CORRUPT },
		{ FIRST("2") FILE_SLOT("2") FILE_SLOT("2"), EXA_CORRUPT },
		{ FIRST("1") FILE_SLOT("5"), EXA_CORRUPT },
		{ FIRST("1") FILE_SLOT("0"), EXA_CORRUPT },
		/* another spelling of the same */
		{ FIRST("1") FILE_SLOT("01"), EXA_CORRUPT },
		{ FIRST("1") "slot=1  created=2026-07-22 kind=key-file kdf=hkdf-sha256" SALT WRAPPED
			     "\n",
			EXA_CORRUPT },
		{ " " FIRST("1") FILE_SLOT("1"), EXA_CORRUPT },
		{ FIRST("1") FILE_SLOT("1") "\n", EXA_CORRUPT },
		/* of a later program */
		{ "exarch-keyring 2 anything\n", EXA_USAGE },
		{ FIRST("1") "slot=1" CREATED " kind=card kdf=pkcs11" SALT WRAPPED "\n",
			EXA_USAGE },
		{ FIRST("1") "slot=1" CREATED " kind=passphrase kdf=argon2id" SALT WRAPPED "\n",
			EXA_USAGE },
		/* of no program */
		{ "exarch-store 1.0 x\n", EXA_CORRUPT },
		{ "", EXA_CORRUPT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		enum exa_code code = code_of_text(cases[i].body);

		if (code != cases[i].code)
			fail_msg("case %zu: %s for\n%s", i, exa_code_name(code), cases[i].body);
	}
}

static void
a_full_keyring_fits_its_limit_and_takes_no_more(void **state)
{
	const struct fixture *f = *state;
	EXA_AUTO(buf_done) struct buf text = { 0 };
	struct store_key last = file_key(KEYRING_SLOTS_MAX + 1);
	struct exa_error err = { 0 };
	struct keyring k, again;

	assert_true(keyring_load(f->dir, uuid, &k, &err));
	while (k.count < KEYRING_SLOTS_MAX) {
		struct store_key key = file_key((uint8_t)(k.count + 1));

		assert_true(keyring_add(&k, &key, f->master, &err));
	}
	assert_false(keyring_add(&k, &last, f->master, &err));
	assert_int_equal(err.code, EXA_LIMIT);
	for (size_t i = 0; i < k.count; i++) { /* as long as slots can be */
		k.slots[i].kind = STORE_KEY_PASSPHRASE;
		k.slots[i].number += 999999982;
		k.slots[i].cost = (struct keyring_cost){ .n = 1 << 20, .r = 1, .p = 16 };
	}
	k.next = 999999999;
	k.generation = 999999999999999999;
	keyring_put(&k, &text);
	assert_true(text.size < KEYRING_TEXT_MAX);
	assert_true(keyring_get(buf_bytes(&text), &again, &err));
	assert_int_equal(again.count, KEYRING_SLOTS_MAX);
}

/* ---- the store's keys ---- */

/* The fixture's folder as an encrypted archive, as far as keys go. */
static void
make_archive(struct fixture *f)
{
	const struct store_create_options options = { .codec = STORE_CODEC_ZLIB };
	EXA_AUTO(exa_freep) char *parent = fs_dir_of(f->dir);
	EXA_AUTO(buf_done) struct buf line = { 0 };
	struct store_key key = file_key(1);
	struct store_format format;
	struct exa_error err = { 0 };

	exa_free(f->dir);
	f->dir = fs_join(parent, "archive");
	assert_true(store_create(f->dir, &options, &err));
	assert_true(read_format(f->dir, &format, &err));
	format.incompatible |= FORMAT_ENCRYPTED;
	memcpy(format.uuid, uuid, UUID_SIZE);
	format_put(&format, &line);
	put_content(f->dir, "FORMAT", buf_bytes(&line));
	assert_true(keyring_create(f->dir, uuid, &key, f->master, &err));
}

struct listing {
	unsigned numbers[KEYRING_SLOTS_MAX];
	enum store_key_kind kinds[KEYRING_SLOTS_MAX];
	size_t count;
};

static bool
note_key(void *ctx, const struct store_key_slot *slot, struct exa_error *err)
{
	struct listing *l = ctx;

	(void)err;
	assert_true(slot->created_ns <= clock_wall_ns() &&
		    slot->created_ns > clock_wall_ns() - 3600 * EXA_NS_PER_S);
	l->numbers[l->count] = slot->number;
	l->kinds[l->count++] = slot->kind;
	return true;
}

static struct listing
keys_of(const struct fixture *f)
{
	struct listing l = { 0 };
	struct exa_error err = { 0 };

	if (!store_key_each(f->dir, note_key, &l, &err))
		fail_msg("%s", err.text);
	return l;
}

static void
keys_come_and_go_and_the_master_key_stays(void **state)
{
	struct fixture *f = *state;
	struct store_key first = file_key(1), second = file_key(2),
			 third = passphrase("correct horse");
	struct exa_error err = { 0 };
	struct listing l;
	unsigned slot;

	make_archive(f);
	assert_true(store_key_add(f->dir, &first, &second, &slot, &err));
	assert_int_equal(slot, 2);
	expect_opens(f, first);
	expect_opens(f, second);
	assert_true(store_key_change(f->dir, &first, &third, &slot, &err));
	assert_int_equal(slot, 3);
	expect_open_fails(f->dir, uuid, first, EXA_AUTH, "key file");
	expect_opens(f, second);
	expect_opens(f, third);
	assert_true(store_key_remove(f->dir, &second, 3, &err));
	expect_open_fails(f->dir, uuid, third, EXA_AUTH, "passphrase");
	assert_true(store_key_add(f->dir, &second, &first, &slot, &err));
	assert_int_equal(slot, 4); /* numbers aren't used again */
	l = keys_of(f);
	assert_int_equal(l.count, 2);
	assert_int_equal(l.numbers[0], 2);
	assert_int_equal(l.numbers[1], 4);
	assert_int_equal(l.kinds[0], STORE_KEY_FILE);
	assert_int_equal(check_code(f, &err), EXA_OK);
}

static void
who_has_no_key_changes_none(void **state)
{
	struct fixture *f = *state;
	struct store_key first = file_key(1), wrong = file_key(2), more = file_key(3);
	EXA_AUTO(buf_done) struct buf before = { 0 };
	EXA_AUTO(buf_done) struct buf after = { 0 };
	struct exa_error err = { 0 };
	unsigned slot = 77;

	make_archive(f);
	before = content(f->dir, "KEYRING");
	assert_false(store_key_add(f->dir, &wrong, &more, &slot, &err));
	assert_int_equal(err.code, EXA_AUTH);
	assert_false(store_key_change(f->dir, &wrong, &more, &slot, &err));
	assert_int_equal(err.code, EXA_AUTH);
	assert_false(store_key_remove(f->dir, &wrong, 1, &err));
	assert_int_equal(err.code, EXA_AUTH);
	assert_false(store_key_add(f->dir, &first, &first, &slot, &err));
	assert_int_equal(err.code, EXA_USAGE);
	assert_false(store_key_change(f->dir, &first, &first, &slot, &err));
	assert_int_equal(err.code, EXA_USAGE);
	assert_false(store_key_remove(f->dir, &first, 1, &err));
	assert_int_equal(err.code, EXA_USAGE);
	assert_non_null(strstr(err.text, "last"));
	assert_false(store_key_remove(f->dir, &first, 2, &err));
	assert_int_equal(err.code, EXA_USAGE);
	assert_int_equal(slot, 77);
	after = content(f->dir, "KEYRING");
	assert_true(bytes_equal(buf_bytes(&before), buf_bytes(&after)));
}

static void
listing_the_keys_mends_the_other_copy(void **state)
{
	struct fixture *f = *state;
	struct exa_error err = { 0 };

	make_archive(f);
	put_content(f->dir, "KEYRING", bytes_of_string("rust"));
	assert_int_equal(keys_of(f).count, 1);
	assert_int_equal(check_code(f, &err), EXA_OK);
}

static void
a_writer_mends_the_other_copy_a_reader_does_not(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *parent = fs_dir_of(f->dir);
	EXA_AUTO(exa_freep) char *dir = fs_join(parent, "archive");
	struct store_key key = file_key(1);
	const struct store_create_options options = { .key = &key };
	struct store_format format;
	struct exa_error err = { 0 };

	assert_true(store_create(dir, &options, &err));
	assert_true(read_format(dir, &format, &err));
	put_content(dir, "KEYRING", bytes_of_string("rust"));
	for (int writing = 0; writing < 2; writing++) {
		const struct store_open_options how = {
			.access = writing ? STORE_WRITE : STORE_READ, .key = &key
		};
		struct store *s;

		if (!store_open(dir, &how, &test_schema, &s, &err))
			fail_msg("%s", err.text);
		store_abandon(s);
		assert_int_equal(keyring_check(dir, format.uuid, &err), writing);
	}
}

static void
keys_are_for_encrypted_archives_that_nobody_writes(void **state)
{
	const struct store_create_options options = { .codec = STORE_CODEC_ZLIB };
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *parent = fs_dir_of(f->dir);
	EXA_AUTO(exa_freep) char *plain = fs_join(parent, "plain");
	struct exa_error err = { 0 };
	struct listing l = { 0 };
	bool encrypted;
	int lock;

	assert_true(store_create(plain, &options, &err));
	assert_true(store_is_encrypted(plain, &encrypted, &err));
	assert_false(encrypted);
	assert_false(store_key_each(plain, note_key, &l, &err));
	assert_int_equal(err.code, EXA_USAGE);
	assert_false(store_is_encrypted(parent, &encrypted, &err));
	assert_int_equal(err.code, EXA_ABSENT);
	make_archive(f);
	assert_true(store_is_encrypted(f->dir, &encrypted, &err));
	assert_true(encrypted);
	assert_true(lock_for_writing(f->dir, &lock, &err));
	assert_false(store_key_each(f->dir, note_key, &l, &err));
	assert_int_equal(err.code, EXA_LOCKED);
	lock_release(&lock);
	assert_int_equal(l.count, 0);
}

/* ---- key files ---- */

static void
a_key_file_is_made_once_and_read_again(void **state)
{
	const struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *path = fs_join(f->dir, "key");
	EXA_AUTO(exa_freep) char *other = fs_join(f->dir, "other");
	EXA_AUTO(buf_wipe) struct buf first = { 0 };
	EXA_AUTO(buf_wipe) struct buf second = { 0 };
	EXA_AUTO(buf_done) struct buf text = { 0 };
	char hex[2 * STORE_KEY_FILE_BYTES + 1];
	struct exa_error err = { 0 };
	struct stat st;

	assert_true(store_key_file_make(path, &err));
	assert_true(store_key_file_make(other, &err));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(store_key_file_read(path, &first, &err));
	assert_int_equal(first.size, STORE_KEY_FILE_BYTES);
	text = content(f->dir, "key");
	hex_encode(buf_bytes(&first), hex);
	assert_int_equal(text.size, sizeof hex);
	assert_memory_equal(text.data, hex, sizeof hex - 1);
	assert_int_equal(text.data[sizeof hex - 1], '\n');
	assert_false(store_key_file_make(path, &err));
	assert_int_equal(err.code, EXA_USAGE);
	assert_true(store_key_file_read(path, &second, &err));
	assert_true(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
	buf_wipe(&second);
	assert_true(store_key_file_read(other, &second, &err));
	assert_false(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
}

#define HEX32 "00112233445566778899aabbccddeeff"

static void
what_is_no_key_file_or_is_open_to_others_is_refused(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{ HEX32 HEX32, true },
		{ HEX32 HEX32 "\n", true },
		{ HEX32 HEX32 "\r\n", true },
		{ HEX32 "00112233445566778899AABBCCDDEEFF\n", true },
		{ "", false },
		{ HEX32 "\n", false },
		{ HEX32 HEX32 "\n\n", false },
		{ HEX32 HEX32 "0", false },
		{ " " HEX32 HEX32, false },
		{ HEX32 "0011223344556677 899aabbccddeeff\n", false },
	};
	const struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *path = fs_join(f->dir, "key");

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(buf_wipe) struct buf out = { 0 };
		struct exa_error err = { 0 };
		bool good;

		put_content(f->dir, "key", bytes_of_string(cases[i].text));
		good = store_key_file_read(path, &out, &err);
		if (good != cases[i].good)
			fail_msg("case %zu: %s", i, good ? "taken" : err.text);
		assert_int_equal(out.size, good ? STORE_KEY_FILE_BYTES : 0);
		assert_true(good || err.code == EXA_USAGE);
	}
	for (unsigned mode = 0604; mode <= 0640; mode += 0640 - 0604) {
		EXA_AUTO(buf_wipe) struct buf out = { 0 };
		struct exa_error err = { 0 };

		put_content(f->dir, "key", bytes_of_string(HEX32 HEX32 "\n"));
		if (geteuid() == 0 && chown(path, 1, 1) != 0) /* root's own may be its group's */
			skip();
		assert_int_equal(chmod(path, mode), 0);
		assert_false(store_key_file_read(path, &out, &err));
		assert_int_equal(err.code, EXA_USAGE);
		assert_non_null(strstr(err.text, "chmod 600"));
	}
}

#define WITH_KEYRING(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_KEYRING(the_key_that_made_it_opens_it_and_no_other_does),
		WITH_KEYRING(a_passphrase_opens_and_one_that_is_nearly_it_does_not),
		WITH_KEYRING(master_keys_salts_and_wrappings_never_repeat),
		WITH_KEYRING(keys_that_are_none_make_no_keyring),
		WITH_KEYRING(nothing_secret_stands_in_the_files),
		WITH_KEYRING(no_damage_to_one_copy_locks_anyone_out),
		WITH_KEYRING(a_missing_copy_is_told_and_made_again),
		WITH_KEYRING(two_damaged_copies_are_damage_with_a_remedy),
		WITH_KEYRING(a_keyring_of_another_archive_is_refused),
		WITH_KEYRING(killed_between_the_two_writings_the_newer_copy_counts),
		WITH_KEYRING(a_change_whose_second_writing_fails_counts_and_is_mended),
		WITH_KEYRING(a_keyring_made_by_other_programs_opens),
		cmocka_unit_test(texts_are_read_strictly_and_within_limits),
		WITH_KEYRING(a_full_keyring_fits_its_limit_and_takes_no_more),
		WITH_KEYRING(keys_come_and_go_and_the_master_key_stays),
		WITH_KEYRING(who_has_no_key_changes_none),
		WITH_KEYRING(listing_the_keys_mends_the_other_copy),
		WITH_KEYRING(a_writer_mends_the_other_copy_a_reader_does_not),
		WITH_KEYRING(keys_are_for_encrypted_archives_that_nobody_writes),
		WITH_KEYRING(a_key_file_is_made_once_and_read_again),
		WITH_KEYRING(what_is_no_key_file_or_is_open_to_others_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
