/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes an archive, in steps, and says in a log what it was told is durable; and judges one after
 * a crash by that log. Whoever runs it kills it or lets calls fail (faults.c).
 *
 *   store-torture run DIR LOG STEP...     exit 0; 1: a step failed, with one line on stderr; 3: and
 *                                         the store wasn't poisoned by it
 *   store-torture judge DIR LOG           exit 0; 1: a promise was broken, with one line on stderr
 *
 * Steps: make, open, write=N (N rounds by one thread), threads=T,N (N rounds by T threads at once),
 * close, abandon (as a crash would), rebuild, compact, rekey (of a closed one), garbage (a torn
 * tail), and settings for what follows: seed=N, large=BYTES, encrypted, orphans (objects for
 * compact to drop).
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "model.h"

struct torture {
	struct model model;
	const char *dir;
	int log;
	struct store *store;
	int next_round[THREADS_MAX];
};

struct hand {
	struct torture *t;
	int number, rounds;
	bool good;
	struct exa_error err;
	pthread_t thread;
};

/* Before anything else is done: what stands here was promised. */
static bool
acknowledge(struct torture *t, const char *line, struct exa_error *err)
{
	return fs_write_all(t->log, bytes_of_string(line), "the log", err);
}

/* After a failure nothing more is taken, not even if the disk would have it now. Gives false. */
static bool
must_be_poisoned(struct torture *t, int thread, int round)
{
	struct exa_error ignored;

	if (model_write(&t->model, t->store, thread, round, &ignored)) {
		(void)fputs("store-torture: a store that failed took a batch after that\n", stderr);
		_exit(3);
	}
	return false;
}

static bool
write_rounds(struct torture *t, int thread, int rounds, struct exa_error *err)
{
	for (int i = 0; i < rounds; i++) {
		int round = t->next_round[thread]++;
		char line[64];

		if (round >= ROUNDS_MAX)
			return exa_fail(err, EXA_USAGE, "too many rounds");
		if (!model_write(&t->model, t->store, thread, round, err))
			return must_be_poisoned(t, thread, round);
		(void)snprintf(line, sizeof line, "%d %d\n", thread, round);
		if (!acknowledge(t, line, err))
			return false;
	}
	return true;
}

static void *
hand_main(void *arg)
{
	struct hand *h = arg;

	h->good = write_rounds(h->t, h->number, h->rounds, &h->err);
	return NULL;
}

static bool
write_by_threads(struct torture *t, int threads, int rounds, struct exa_error *err)
{
	struct hand hands[THREADS_MAX];
	bool good = true;

	if (threads < 1 || threads > THREADS_MAX - 1)
		return exa_fail(err, EXA_USAGE, "1 to %d threads", THREADS_MAX - 1);
	for (int i = 0; i < threads; i++) {
		hands[i] = (struct hand){ .t = t, .number = i, .rounds = rounds };
		if (pthread_create(&hands[i].thread, NULL, hand_main, &hands[i]) != 0)
			abort();
	}
	for (int i = 0; i < threads; i++) {
		(void)pthread_join(hands[i].thread, NULL);
		if (good && !hands[i].good)
			*err = hands[i].err;
		good = good && hands[i].good;
	}
	return good;
}

/* ---- steps ---- */

static bool
step_make(struct torture *t, const char *arg, struct exa_error *err)
{
	(void)arg;
	return model_create(&t->model, t->dir, err) && acknowledge(t, "made\n", err);
}

static bool
step_open(struct torture *t, const char *arg, struct exa_error *err)
{
	(void)arg;
	return model_open(&t->model, t->dir, STORE_WRITE, &t->store, err);
}

static bool
step_rebuild(struct torture *t, const char *arg, struct exa_error *err)
{
	(void)arg;
	return acknowledge(t, "rebuilding\n", err) &&
	       model_open(&t->model, t->dir, STORE_REBUILD, &t->store, err);
}

static bool
step_write(struct torture *t, const char *arg, struct exa_error *err)
{
	return write_rounds(t, 0, (int)strtol(arg, NULL, 10), err);
}

static bool
step_threads(struct torture *t, const char *arg, struct exa_error *err)
{
	int threads;
	int rounds;

	if (sscanf(arg, "%d,%d", &threads, &rounds) != 2)
		return exa_fail(err, EXA_USAGE, "threads=T,N");
	return write_by_threads(t, threads, rounds, err);
}

static bool
step_close(struct torture *t, const char *arg, struct exa_error *err)
{
	struct store *s = t->store;

	(void)arg;
	t->store = NULL;
	return s == NULL || store_close(s, err);
}

static bool
step_compact(struct torture *t, const char *arg, struct exa_error *err)
{
	(void)arg;
	return acknowledge(t, "compacting\n", err) && model_compact(t->store, err) &&
	       acknowledge(t, "compacted\n", err);
}

static bool
step_rekey(struct torture *t, const char *arg, struct exa_error *err)
{
	(void)arg;
	return model_rekey(&t->model, t->dir, err) && acknowledge(t, "rekeyed\n", err);
}

static bool
step_abandon(struct torture *t, const char *arg, struct exa_error *err)
{
	(void)arg;
	(void)err;
	store_abandon(t->store);
	t->store = NULL;
	return true;
}

static char *
last_segment(const char *dir)
{
	char *last = NULL;

	for (unsigned n = 1; n < 256; n++) {
		char *path = exa_asprintf("%s/seg/00/%08x.xseg", dir, n);
		bool there = fs_exists(path);

		exa_free(there ? last : path);
		if (!there)
			return last;
		last = path;
	}
	return last;
}

/* Not by the store: what a run that was cut off may leave behind the last commit. */
static bool
step_garbage(struct torture *t, const char *arg, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *path = last_segment(t->dir);
	EXA_AUTO(fs_closep)
	int fd = path == NULL ? -1 : open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	EXA_AUTO(buf_done) struct buf noise = { 0 };

	(void)arg;
	if (path == NULL)
		return exa_fail(err, EXA_USAGE, "there is no segment to spoil");
	if (fd < 0)
		return exa_fail_errno(err, errno, "can't open %s", path);
	model_object(&t->model, 0, 0, 3, &noise);
	return fs_write_all(fd, buf_bytes(&noise), path, err);
}

static const struct step {
	const char *name;
	bool (*run)(struct torture *t, const char *arg, struct exa_error *err);
} steps[] = {
	{ "make", step_make },
	{ "open", step_open },
	{ "write", step_write },
	{ "threads", step_threads },
	{ "close", step_close },
	{ "abandon", step_abandon },
	{ "rebuild", step_rebuild },
	{ "compact", step_compact },
	{ "rekey", step_rekey },
	{ "garbage", step_garbage },
};

static bool
run_step(struct torture *t, const char *text, struct exa_error *err)
{
	size_t size = strcspn(text, "=");

	if (model_setting(&t->model, text))
		return true;
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		if (strlen(steps[i].name) == size && strncmp(text, steps[i].name, size) == 0)
			return steps[i].run(t, text[size] == '=' ? text + size + 1 : "", err);
	}
	return exa_fail(err, EXA_USAGE, "there is no step \"%s\"", text);
}

/* Rounds go on behind those that the log names: a second run writes new ones. */
static bool
go_on_after(struct torture *t, const char *log, struct exa_error *err)
{
	struct acks acks = { 0 };

	if (!model_acks_read(&acks, log, err))
		return false;
	for (int thread = 0; thread < THREADS_MAX; thread++) {
		for (int round = 0; round < ROUNDS_MAX; round++) {
			if (acks.batch[thread][round])
				t->next_round[thread] = round + 1;
		}
	}
	return true;
}

static bool
run(struct torture *t, const char *log, char **text, struct exa_error *err)
{
	bool good = go_on_after(t, log, err);

	t->log = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	for (; good && *text != NULL; text++)
		good = run_step(t, *text, err) || exa_while(err, "%s", *text);
	store_abandon(t->store);
	fs_closep(&t->log);
	return good;
}

static bool
judge(struct torture *t, const char *log, char **text, struct exa_error *err)
{
	struct acks acks = { 0 };

	for (; *text != NULL; text++)
		(void)model_setting(&t->model, *text); /* the other steps don't matter here */
	return model_acks_read(&acks, log, err) && model_judge(&t->model, t->dir, &acks, err);
}

int
main(int argc, char **argv)
{
	struct torture t = { .log = -1 };
	struct exa_error err = { 0 };
	bool good;

	if (argc < 4) {
		(void)fputs("store-torture run|judge DIR LOG [STEP...]\n", stderr);
		return 2;
	}
	t.dir = argv[2];
	good = strcmp(argv[1], "judge") == 0 ? judge(&t, argv[3], argv + 4, &err)
					     : run(&t, argv[3], argv + 4, &err);
	if (!good)
		(void)fprintf(stderr, "store-torture: %s\n", err.text);
	return good ? 0 : 1;
}
