/* SPDX-License-Identifier: Apache-2.0 */
/* An index that isn't what it should be: noticed at open, never served, and never the death of a
 * program without a word. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "handle.h"
#include "support.h"

#define COMMITS 40
#define PAGE 4096
#define DAMAGED 13 /* the exit code of damage */
#define PATIENCE_S 60

struct fixture {
	char *dir, *index;
};

static void
one_commit(struct store *s, unsigned n)
{
	struct exa_error err = { 0 };
	char text[64];

	(void)snprintf(text, sizeof text, "key%u=%u", n, n);
	(void)put_text(s, text);
	assert_true(store_wait(s, submit_record(s, text), &err));
}

static int
setup(void **state)
{
	struct fixture *f = exa_alloc(sizeof *f);
	struct store *s;

	f->dir = temporary_dir();
	f->index = fs_join(f->dir, "idx/data.mdb");
	s = made_store(f->dir, STORE_CODEC_ZLIB, 0);
	for (unsigned n = 0; n < COMMITS; n++)
		one_commit(s, n);
	store_abandon(s);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *parent = fs_dir_of(f->dir);

	remove_tree(parent);
	exa_free(f->index);
	exa_free(f->dir);
	exa_free(f);
	return 0;
}

static void
load(const char *path, struct buf *out)
{
	struct exa_error err;

	buf_reset(out);
	assert_true(fs_read_file(path, (size_t)1 << 30, out, &err));
}

static void
save(const char *path, struct bytes content)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(content.data, 1, content.size, f), content.size);
	assert_int_equal(fclose(f), 0);
}

static void
expect_refused(const struct fixture *f, const char *word)
{
	for (int access = STORE_READ; access <= STORE_WRITE; access++) {
		struct exa_error err;

		assert_int_equal(open_code(f->dir, (enum store_access)access, &err), EXA_CORRUPT);
		assert_non_null(strstr(err.text, "exarch rebuild"));
		assert_non_null(strstr(err.text, word));
	}
}

/* ---- at open ---- */

static void
a_file_that_is_no_index_is_refused(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) uint8_t *noise = exa_alloc(64 * PAGE);

	save(f->index, bytes_of_string(""));
	expect_refused(f, "data.mdb");
	save(f->index, bytes_of_string("hello"));
	expect_refused(f, "data.mdb");
	fill_noise(noise, 64 * PAGE, 3);
	save(f->index, bytes_of(noise, 64 * PAGE));
	expect_refused(f, "index");
	memset(noise, 0, 64 * PAGE);
	save(f->index, bytes_of(noise, 64 * PAGE));
	expect_refused(f, "index");
}

static void
an_index_cut_to_any_number_of_pages_is_refused(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(buf_done) struct buf whole = { 0 };

	load(f->index, &whole);
	while (whole.size > 0 && whole.data[whole.size - 1] == 0)
		whole.size--; /* the hole it ends in */
	for (size_t size = 0; size + PAGE <= whole.size; size += PAGE) {
		save(f->index, bytes_take(buf_bytes(&whole), size));
		expect_refused(f, "index");
	}
}

static void
an_index_of_a_later_layout_is_refused_with_the_remedy(void **state)
{
	struct fixture *f = *state;
	struct store *s = opened(f->dir, STORE_WRITE);
	uint8_t identity[UUID_SIZE + 4];
	char name[] = "store";
	MDB_val key = { .mv_size = 5, .mv_data = name };
	MDB_val value = { .mv_size = sizeof identity, .mv_data = identity };
	struct exa_error err;
	MDB_txn *txn;

	memcpy(identity, s->format.uuid, UUID_SIZE);
	put_le32(identity + UUID_SIZE, 99);
	assert_int_equal(mdb_txn_begin(s->index.env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_put(txn, s->index.meta, &key, &value, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	store_abandon(s);
	assert_int_equal(open_code(f->dir, STORE_READ, &err), EXA_USAGE);
	assert_non_null(strstr(err.text, "exarch rebuild"));
	assert_int_equal(open_code(f->dir, STORE_REBUILD, &err), EXA_OK);
	assert_int_equal(open_code(f->dir, STORE_READ, &err), EXA_OK);
}

static void
an_older_copy_is_refused_to_readers_and_a_writer_catches_up(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(buf_done) struct buf older = { 0 };
	struct exa_error err;
	struct store *s;

	load(f->index, &older);
	s = opened(f->dir, STORE_WRITE);
	one_commit(s, 100);
	store_abandon(s);
	save(f->index, buf_bytes(&older));
	/* One commit behind is what a crash leaves. */
	assert_int_equal(open_code(f->dir, STORE_READ, &err), EXA_OK);
	s = opened(f->dir, STORE_WRITE);
	one_commit(s, 101);
	store_abandon(s);
	save(f->index, buf_bytes(&older));
	assert_int_equal(open_code(f->dir, STORE_READ, &err), EXA_CORRUPT);
	assert_non_null(strstr(err.text, "older copy"));
	assert_non_null(strstr(err.text, "exarch rebuild"));
	s = opened(f->dir, STORE_WRITE);
	expect_fact(s, "key101", "101");
	store_abandon(s);
	s = opened(f->dir, STORE_READ);
	expect_fact(s, "key101", "101");
	store_abandon(s);
}

static void
too_many_readers_are_no_damage(void **state)
{
	struct fixture *f = *state;
	struct store *s = opened(f->dir, STORE_READ);
	EXA_AUTO(exa_freep)
	struct store_txn **txns = exa_alloc_array(5000, sizeof *txns);
	struct exa_error err = { 0 };
	size_t count = 0;

	while (count < 5000 && store_read_begin(s, &txns[count], &err))
		count++;
	assert_in_range(count, 256, 4999);
	assert_int_equal(err.code, EXA_LIMIT);
	assert_null(strstr(err.text, "damaged"));
	while (count > 0)
		store_read_end(txns[--count]);
	assert_true(store_read_begin(s, &txns[0], &err));
	store_read_end(txns[0]);
	store_abandon(s);
}

/* ---- the guard ---- */

struct ending {
	int status;
	char talk[4096];
};

/* Runs FN in a process of its own, whose index is guarded. */
static void
run_guarded(const struct fixture *f, void (*fn)(const struct fixture *f), struct ending *out)
{
	int ends[2];
	size_t size = 0;
	ssize_t n;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		(void)dup2(ends[1], STDERR_FILENO);
		(void)dup2(ends[1], STDOUT_FILENO);
		(void)alarm(PATIENCE_S);
		/* Not cmocka's handlers, nor a sanitizer's. */
		(void)signal(SIGBUS, SIG_DFL);
		(void)signal(SIGSEGV, SIG_DFL);
		store_guard_install();
		fn(f);
		_exit(0);
	}
	(void)close(ends[1]);
	while (size < sizeof out->talk - 1 &&
		(n = read(ends[0], out->talk + size, sizeof out->talk - 1 - size)) > 0)
		size += (size_t)n;
	out->talk[size] = '\0';
	(void)close(ends[0]);
	assert_int_equal(waitpid(child, &out->status, 0), child);
}

static void
not_told(void *ctx, const struct store_damage *damage)
{
	(void)ctx;
	(void)damage;
}

static void
read_everything(struct store *s)
{
	struct store_verify_options options = { .level = STORE_VERIFY_BLOBS, .damaged = not_told };
	struct store_verify_result result;
	struct store_txn *txn = NULL;
	struct exa_error err;
	bool good;

	for (size_t table = 0; table < 2 && store_read_begin(s, &txn, &err); table++) {
		struct store_cursor *cursor;
		struct bytes key, value;

		if (store_cursor_open(
			    txn, table, bytes_of(NULL, 0), bytes_of(NULL, 0), &cursor, &err)) {
			while (store_cursor_next(cursor, &key, &value, &err))
				;
			store_cursor_close(cursor);
		}
		store_read_end(txn);
	}
	good = store_verify(s, &options, &result, &err);
	(void)good;
}

static void
cut_it_under_the_reader(const struct fixture *f)
{
	struct exa_error err;
	struct store *s;

	if (!store_open(f->dir, &(struct store_open_options){ .access = STORE_READ }, &test_schema,
		    &s, &err) ||
		truncate(f->index, (off_t)2 * PAGE) != 0)
		_exit(99);
	read_everything(s);
	_exit(98);
}

static void
an_index_that_kills_says_what_it_was_and_what_helps(void **state)
{
	struct fixture *f = *state;
	struct ending e;

	run_guarded(f, cut_it_under_the_reader, &e);
	assert_true(WIFEXITED(e.status));
	assert_int_equal(WEXITSTATUS(e.status), DAMAGED);
	assert_non_null(strstr(e.talk, "exarch: the index of "));
	assert_non_null(strstr(e.talk, f->dir));
	assert_non_null(strstr(e.talk, "`exarch rebuild "));
	assert_non_null(strstr(e.talk, "nothing archived is lost"));
}

/* Memory behind the end of some other file. */
static void
fault_elsewhere(const struct fixture *f)
{
	EXA_AUTO(exa_freep) char *path = fs_join(f->dir, "other");
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	struct store *s;
	struct exa_error err;
	volatile char *memory;

	if (fd < 0 || !store_open(f->dir, &(struct store_open_options){ .access = STORE_READ },
			      &test_schema, &s, &err))
		_exit(99);
	memory = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		_exit(99);
	_exit(memory[0]);
}

static void
a_fault_elsewhere_stays_what_it_is(void **state)
{
	struct fixture *f = *state;
	struct ending e;

	run_guarded(f, fault_elsewhere, &e);
	assert_true(WIFSIGNALED(e.status));
	assert_int_equal(WTERMSIG(e.status), SIGBUS);
	assert_null(strstr(e.talk, "exarch: the index"));
}

static void
use_it(const struct fixture *f)
{
	for (int access = STORE_READ; access <= STORE_WRITE; access++) {
		struct exa_error err;
		struct store *s;
		struct store_batch b = { 0 };
		struct store_id id;
		uint64_t epoch;

		if (!store_open(f->dir,
			    &(struct store_open_options){ .access = (enum store_access)access },
			    &test_schema, &s, &err))
			continue;
		read_everything(s);
		store_batch_record(&b, bytes_of_string("more=1"));
		if (access == STORE_WRITE &&
			store_put(s, STORE_DATA, bytes_of_string("more"), &id, NULL, &err) &&
			store_submit(s, &b, &epoch, &err) && store_wait(s, epoch, &err))
			read_everything(s);
		store_batch_done(&b);
		store_abandon(s);
	}
	_exit(0);
}

/* Damage of any page, in several ways: it may go unnoticed, be refused or end the process, but
 * never by a bare signal, and a rebuild always helps. */
static void
no_damaged_page_kills_without_a_word(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(buf_done) struct buf whole = { 0 };
	EXA_AUTO(buf_done) struct buf bad = { 0 };
	struct store *s;

	load(f->index, &whole);
	while (whole.size > 0 && whole.data[whole.size - 1] == 0)
		whole.size--;
	for (size_t at = 0; at < whole.size; at += PAGE) {
		for (unsigned how = 0; how < 3; how++) {
			size_t size = whole.size - at < PAGE ? whole.size - at : PAGE;
			struct ending e;

			buf_reset(&bad);
			buf_add_bytes(&bad, buf_bytes(&whole));
			if (how == 0)
				memset(bad.data + at, 0xff, size);
			else if (how == 1)
				fill_noise(bad.data + at, size, at + 1);
			else
				fill_noise(bad.data + at + 16, size > 80 ? 64 : 0, at + 1);
			save(f->index, buf_bytes(&bad));
			run_guarded(f, use_it, &e);
			if (!WIFEXITED(e.status))
				fail_msg("page %zu, way %u: signal %d", at / PAGE, how,
					WTERMSIG(e.status));
			assert_true(WEXITSTATUS(e.status) == 0 ||
				    strstr(e.talk, "exarch rebuild") != NULL);
		}
	}
	s = opened(f->dir, STORE_REBUILD);
	expect_fact(s, "key7", "7");
	store_abandon(s);
}

/* ---- rebuild ---- */

struct told {
	size_t count;
	struct store_damage last;
	uint64_t done, total;
};

static void
keep_damage(void *ctx, const struct store_damage *damage)
{
	struct told *t = ctx;

	t->count++;
	t->last = *damage;
}

static struct store *
rebuilt(const struct fixture *f, struct told *t)
{
	const struct store_open_options options = {
		.access = STORE_REBUILD, .damaged = keep_damage, .ctx = t
	};
	struct exa_error err;
	struct store *s = NULL;

	if (!store_open(f->dir, &options, &test_schema, &s, &err))
		fail_msg("%s", err.text);
	return s;
}

static void
a_rebuild_tells_what_it_stepped_over(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *path = fs_join(f->dir, "seg/00/00000001.xseg");
	EXA_AUTO(buf_done) struct buf segment = { 0 };
	struct told t = { 0 };

	load(path, &segment);
	segment.data[SEGMENT_HEAD_SIZE + FRAME_HEAD_SIZE + 3] ^= 1;
	save(path, buf_bytes(&segment));
	store_abandon(rebuilt(f, &t));
	assert_int_equal(t.count, 1);
	assert_int_equal(t.last.at.segment, 1);
	assert_int_equal(t.last.at.offset, SEGMENT_HEAD_SIZE);
	assert_int_equal(t.last.end.segment, 1);
	assert_true(t.last.end.offset > SEGMENT_HEAD_SIZE);
	assert_int_equal(t.last.first, 1);
	assert_int_equal(t.last.last, 1);
}

static void
a_rebuild_says_when_the_old_index_had_come_further(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *path = fs_join(f->dir, "seg/00/00000001.xseg");
	EXA_AUTO(buf_done) struct buf segment = { 0 };
	struct told t = { 0 };
	struct store *s = opened(f->dir, STORE_READ);
	size_t end = (size_t)s->watermark.commit_at.offset;

	store_abandon(s);
	load(path, &segment);
	save(path,
		bytes_take(buf_bytes(&segment), end)); /* as if the last COMMIT was never there */
	s = rebuilt(f, &t);
	assert_int_equal(t.count, 1);
	assert_non_null(strstr(t.last.what.text, "end at commit 39"));
	assert_non_null(strstr(t.last.what.text, "had come to 40"));
	assert_true(t.last.first <= t.last.last);
	expect_fact(s, "key38", "38");
	expect_fact(s, "key39", NULL);
	store_abandon(s);
	t = (struct told){ 0 };
	store_abandon(rebuilt(f, &t)); /* the new index knows no more than that */
	assert_int_equal(t.count, 0);
}

static void
a_torn_tail_is_no_damage_to_a_rebuild(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *path = fs_join(f->dir, "seg/00/00000001.xseg");
	EXA_AUTO(buf_done) struct buf segment = { 0 };
	struct told t = { 0 };

	load(path, &segment);
	buf_add_string(&segment, "a tail that was never acknowledged to anyone");
	save(path, buf_bytes(&segment));
	store_abandon(rebuilt(f, &t));
	assert_int_equal(t.count, 0);
}

/* LMDB's second descriptor of its file: the one that its meta page is written through. */
static int
meta_descriptor(struct store *s)
{
	EXA_AUTO(exa_freep) char *path = fs_join(s->dir, "idx/data.mdb");
	mdb_filehandle_t other;
	struct stat wanted;

	assert_int_equal(stat(path, &wanted), 0);
	assert_int_equal(mdb_env_get_fd(s->index.env, &other), 0);
	for (int fd = 0; fd < 1024; fd++) {
		struct stat st;

		if (fd != other && fstat(fd, &st) == 0 && st.st_dev == wanted.st_dev &&
			st.st_ino == wanted.st_ino)
			return fd;
	}
	fail_msg("LMDB writes its meta page in another way than it did");
	return -1;
}

static void
readers_are_told_which_commit_broke_the_index(void **state)
{
	struct fixture *f = *state;
	struct store *s = opened(f->dir, STORE_WRITE);
	struct store_txn *txn;
	struct exa_error err = { 0 };
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	assert_true(full >= 0);
	assert_true(dup2(full, meta_descriptor(s)) >= 0);
	assert_false(store_wait(s, submit_record(s, "more=than there is room for"), &err));
	assert_int_equal(err.detail, ENOSPC);
	assert_false(store_read_begin(s, &txn, &err));
	assert_int_equal(err.code, EXA_IO);
	assert_int_equal(err.detail, ENOSPC);
	assert_null(strstr(err.text, "rebuild"));
	assert_int_equal(close(full), 0);
	store_abandon(s);
	store_abandon(opened(f->dir, STORE_WRITE));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_file_that_is_no_index_is_refused),
		TEST(an_index_cut_to_any_number_of_pages_is_refused),
		TEST(an_index_of_a_later_layout_is_refused_with_the_remedy),
		TEST(an_older_copy_is_refused_to_readers_and_a_writer_catches_up),
		TEST(too_many_readers_are_no_damage),
		TEST(an_index_that_kills_says_what_it_was_and_what_helps),
		TEST(a_fault_elsewhere_stays_what_it_is),
		TEST(no_damaged_page_kills_without_a_word),
		TEST(a_rebuild_tells_what_it_stepped_over),
		TEST(a_rebuild_says_when_the_old_index_had_come_further),
		TEST(a_torn_tail_is_no_damage_to_a_rebuild),
		TEST(readers_are_told_which_commit_broke_the_index),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
