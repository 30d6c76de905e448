/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a store: added, changed, removed, killed while that is done; and key files. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exarch/clock.h"
#include "exarch/fs.h"
#include "exarch/mem.h"

#include "handle.h"
#include "keyring_support.h"

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

/* In a process of its own: changes the key from FROM to TO, killed at the STEPth system call. True
 * when it came to its end before. */
static bool
change_and_kill(const char *dir, struct store_key from, struct store_key to, unsigned step)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		struct exa_error err;
		unsigned slot;

		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			_exit(2);
		(void)raise(SIGSTOP);
		_exit(store_key_change(dir, &from, &to, &slot, &err) ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	for (unsigned i = 0; i < step && WIFSTOPPED(status); i++) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
	}
	if (WIFSTOPPED(status)) {
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		return false;
	}
	assert_int_equal(WEXITSTATUS(status), 0);
	return true;
}

static bool
opens(const struct fixture *f, struct store_key key)
{
	uint8_t master[MASTER_KEY_SIZE];
	struct exa_error err;

	return keyring_open(f->dir, uuid, &key, master, &err);
}

static void
killed_at_any_moment_the_old_key_opens_or_the_new_one(void **state)
{
	struct fixture *f = *state;
	struct store_key from = file_key(1), to = file_key(2);
	unsigned changed = 0, kept = 0;

	make_archive(f);
	for (unsigned step = 1;; step++) {
		bool ended = change_and_kill(f->dir, from, to, step);
		struct exa_error err = { 0 };

		assert_true(opens(f, from) != opens(f, to));
		if (opens(f, to)) {
			const struct store_key other = from;

			from = to;
			to = other;
			changed++;
		} else {
			kept++;
		}
		assert_int_equal(keys_of(f).count, 1);
		assert_int_equal(check_code(f, &err), EXA_OK);
		expect_opens(f, from);
		if (ended)
			break;
	}
	assert_true(kept > 20 && changed > 20); /* it was killed before and after what counts */
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

/* The making of an encrypted archive was killed before FORMAT, the next one is to be open. */
static void
an_archive_without_keys_can_be_made_where_one_with_keys_was_begun(void **state)
{
	const struct store_create_options options = { .codec = STORE_CODEC_ZLIB };
	const struct store_open_options how = { .access = STORE_WRITE };
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *parent = fs_dir_of(f->dir);
	EXA_AUTO(exa_freep) char *dir = fs_join(parent, "begun");
	uint8_t master[MASTER_KEY_SIZE];
	const uint8_t earlier[UUID_SIZE] = { 1 };
	struct store_key key = file_key(1);
	struct exa_error err = { 0 };
	struct store *s;

	assert_true(fs_make_dirs(dir, 0700, &err));
	assert_true(keyring_create(dir, earlier, &key, master, &err));
	assert_true(store_create(dir, &options, &err));
	if (!store_open(dir, &how, &test_schema, &s, &err))
		fail_msg("%s", err.text);
	store_abandon(s);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_KEYRING(keys_come_and_go_and_the_master_key_stays),
		WITH_KEYRING(who_has_no_key_changes_none),
		WITH_KEYRING(listing_the_keys_mends_the_other_copy),
		WITH_KEYRING(killed_at_any_moment_the_old_key_opens_or_the_new_one),
		WITH_KEYRING(a_writer_mends_the_other_copy_a_reader_does_not),
		WITH_KEYRING(an_archive_without_keys_can_be_made_where_one_with_keys_was_begun),
		WITH_KEYRING(keys_are_for_encrypted_archives_that_nobody_writes),
		WITH_KEYRING(a_key_file_is_made_once_and_read_again),
		WITH_KEYRING(what_is_no_key_file_or_is_open_to_others_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
