/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "disk.h"
#include "spoil.h"

#define PLACE_SECONDS 30
#define BAD_SHOWN_MAX 20
#define FRAME_HEAD_BYTES 64
#define SEGMENT_HEAD_BYTES 64

struct shared {
	atomic_ulong figures[FIGURE_COUNT];
	atomic_size_t at[JOBS_MAX]; /* the place each process is at */
};

/* ---- files ---- */

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
spoil_remove(const char *dir)
{
	(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

char *
spoil_copy(const struct spoil *s, const char *name)
{
	char *to = fs_join(s->scratch, name);
	struct disk *d = exa_alloc(sizeof *d);
	struct exa_error err;

	spoil_remove(to);
	if (!disk_load(d, s->dir, &err) || !disk_write(d, to, &err)) {
		(void)fprintf(stderr, "store-damage: %s\n", err.text);
		abort();
	}
	disk_done(d);
	exa_free(d);
	return to;
}

bool
spoil_load(const char *dir, const char *name, struct buf *out)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, name);
	struct exa_error err;

	buf_reset(out);
	return fs_read_file(path, (size_t)1 << 30, out, &err);
}

void
spoil_save(const char *dir, const char *name, struct bytes content)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, name);
	EXA_AUTO(fs_closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct exa_error err;

	if (fd < 0 || !fs_write_all(fd, content, path, &err))
		abort();
}

void
spoil_flip(const char *dir, const char *name, uint64_t offset, uint8_t mask)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, name);
	EXA_AUTO(fs_closep) int fd = open(path, O_RDWR | O_CLOEXEC);
	uint8_t byte;

	if (fd < 0 || pread(fd, &byte, 1, (off_t)offset) != 1)
		abort();
	byte ^= mask;
	if (pwrite(fd, &byte, 1, (off_t)offset) != 1)
		abort();
}

/* ---- the archive ---- */

static void
add_piece(struct spoil *s, const char *file, uint32_t segment, uint64_t begin, uint64_t end)
{
	struct piece *p;

	if (s->piece_count == FRAMES_MAX)
		abort();
	p = &s->pieces[s->piece_count++];
	*p = (struct piece){ .segment = segment, .begin = begin, .end = end };
	(void)snprintf(p->file, sizeof p->file, "%s", file);
}

static void
find_texts(struct spoil *s)
{
	static const char *const names[] = { "FORMAT", "KEYRING", "KEYRING.copy" };
	EXA_AUTO(buf_done) struct buf content = { 0 };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (spoil_load(s->dir, names[i], &content))
			add_piece(s, names[i], 0, 0, content.size);
	}
}

/* By docs/format.md alone: a header of 64 bytes with the payload's length at 8, filled up to 8. */
static void
find_pieces(struct spoil *s)
{
	EXA_AUTO(buf_done) struct buf content = { 0 };
	char name[32];

	for (uint32_t n = 1;; n++) {
		uint64_t at = SEGMENT_HEAD_BYTES;

		(void)snprintf(name, sizeof name, "seg/00/%08x.xseg", n);
		if (!spoil_load(s->dir, name, &content))
			return;
		add_piece(s, name, n, 0, SEGMENT_HEAD_BYTES);
		while (at + FRAME_HEAD_BYTES <= content.size) {
			uint64_t span =
				FRAME_HEAD_BYTES + (uint64_t)get_le32(content.data + at + 8);

			span = (span + 7) & ~UINT64_C(7);
			add_piece(s, name, n, at, at + span);
			at += span;
		}
	}
}

static uint64_t
last_segment_size(const char *dir)
{
	uint64_t size = 0;
	struct stat st;

	for (unsigned n = 1; n < 256; n++) {
		EXA_AUTO(exa_freep) char *path = exa_asprintf("%s/seg/00/%08x.xseg", dir, n);

		if (stat(path, &st) != 0)
			return size;
		size = (uint64_t)st.st_size;
	}
	return size;
}

bool
spoil_make(struct spoil *s, const char *name, int rounds, struct exa_error *err)
{
	EXA_AUTO(store_abandonp) struct store *store = NULL;

	s->dir = fs_join(s->scratch, name);
	s->rounds = rounds;
	s->shared = mmap(
		NULL, sizeof *s->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s->shared == MAP_FAILED)
		return exa_fail_errno(err, errno, "can't share memory");
	if (!model_create(&s->model, s->dir, err) ||
		!model_open(&s->model, s->dir, STORE_WRITE, &store, err))
		return false;
	for (int round = 0; round < rounds; round++) {
		if (!model_write(&s->model, store, 0, round, err))
			return false;
		s->ends[round] = last_segment_size(s->dir);
	}
	find_texts(s);
	find_pieces(s);
	return true;
}

void
spoil_done(struct spoil *s)
{
	if (s->dir != NULL)
		spoil_remove(s->dir);
	exa_free(s->dir);
	if (s->shared != NULL)
		(void)munmap(s->shared, sizeof *s->shared);
	s->dir = NULL;
	s->shared = NULL;
	s->piece_count = 0;
}

/* ---- figures ---- */

void
spoil_count(struct spoil *s, enum figure f)
{
	(void)atomic_fetch_add(&s->shared->figures[f], 1);
}

void
spoil_bad(struct spoil *s, const char *fmt, ...)
{
	va_list args;

	if (atomic_fetch_add(&s->shared->figures[FIGURE_BAD], 1) >= BAD_SHOWN_MAX)
		return;
	va_start(args, fmt);
	(void)vfprintf(stderr, fmt, args);
	va_end(args);
	(void)fputc('\n', stderr);
}

uint64_t
spoil_figure(const struct spoil *s, enum figure f)
{
	return atomic_load(&s->shared->figures[f]);
}

/* ---- processes ---- */

struct task {
	struct spoil *s;
	spoil_fn *fn;
	size_t count, job;
	pid_t process;
};

/* From the place that stands in the shared memory on. */
static void
work(const struct task *t)
{
	struct spoil *s = t->s;
	EXA_AUTO(exa_freep) char *name = exa_asprintf("copy-%zu", t->job);
	EXA_AUTO(exa_freep) char *dir = spoil_copy(s, name);
	size_t place;

	while ((place = atomic_load(&s->shared->at[t->job])) < t->count) {
		(void)alarm(PLACE_SECONDS);
		spoil_count(s, FIGURE_TRIED);
		t->fn(s, dir, place);
		atomic_store(&s->shared->at[t->job], place + s->every * s->jobs);
	}
	spoil_remove(dir);
}

static void
start(struct task *t)
{
	t->process = fork();
	if (t->process < 0)
		abort();
	if (t->process == 0) {
		work(t);
		_exit(0);
	}
}

/* True: it died at a place, and another goes on behind it. */
static bool
goes_on(struct task *t, int status)
{
	struct spoil *s = t->s;
	size_t place = atomic_load(&s->shared->at[t->job]);

	if (status == 0)
		return false;
	(void)fprintf(stderr, "place %zu: the process ended with %s %d\n", place,
		WIFSIGNALED(status) ? "signal" : "code",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	spoil_count(s, FIGURE_DIED);
	atomic_store(&s->shared->at[t->job], place + s->every * s->jobs);
	return true;
}

void
spoil_each(struct spoil *s, size_t count, spoil_fn *fn)
{
	struct task tasks[JOBS_MAX];

	for (size_t i = 0; i < s->jobs; i++) {
		atomic_store(&s->shared->at[i], i * s->every);
		tasks[i] = (struct task){ s, fn, count, i, -1 };
		start(&tasks[i]);
	}
	for (size_t i = 0; i < s->jobs; i++) {
		int status;

		while (waitpid(tasks[i].process, &status, 0) == tasks[i].process &&
			goes_on(&tasks[i], status))
			start(&tasks[i]);
	}
}
