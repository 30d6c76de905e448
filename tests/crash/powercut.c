/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power cuts, from a trace of everything that a run of store-torture changed, the index's file too.
 * After each of its calls the states are made that a cut may leave (disk.h has the rules), and
 * each one that is new is judged as model_judge does.
 *
 *   power-cut SCRATCH TRACE BASE LOG [random=N] [every=N] [jobs=N] [seed=N] [large=N] [encrypted]
 *
 * BASE: the archive the trace began on, LOG: what was acknowledged before ("-": nothing, of
 * either). random: states by chance after each call, where there are more than 2^6. every: only
 * each N-th new state is judged. A bad state is named by the call and the fates of what was open.
 */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "disk.h"
#include "model.h"

#define ALL_SUBSETS_UP_TO 6
#define JUDGE_SECONDS 60
#define BAD_SHOWN_MAX 20

struct hashes {
	uint64_t *slots; /* 0 = free */
	size_t size, used;
};

struct cutting {
	struct model model;
	struct trace trace;
	struct disk base, now;
	struct disk
		settled; /* where the first `settled_count` ops have been played: all are sure */
	size_t settled_count;
	const char *scratch;
	struct acks acks;
	unsigned acks_count;
	struct hashes seen;   /* states */
	struct hashes judged; /* states with what was acknowledged by then */
	uint64_t random;
	size_t random_states, every, jobs;
	size_t made, chosen, running, bad;
	struct fate *fates; /* one for each op */
	size_t *open;       /* ops whose fate is open now */
	size_t open_count;
};

/* ---- a set ---- */

static bool
hashes_add(struct hashes *h, uint64_t value)
{
	size_t i;

	if (2 * h->used >= h->size) {
		struct hashes larger = { .size = h->size == 0 ? 4096 : 4 * h->size };

		larger.slots = exa_alloc_array(larger.size, sizeof *larger.slots);
		for (i = 0; i < h->size; i++) {
			if (h->slots[i] != 0)
				(void)hashes_add(&larger, h->slots[i]);
		}
		exa_free(h->slots);
		*h = larger;
	}
	value = value == 0 ? 1 : value;
	for (i = (size_t)(value % h->size); h->slots[i] != 0; i = (i + 1) % h->size) {
		if (h->slots[i] == value)
			return false;
	}
	h->slots[i] = value;
	h->used++;
	return true;
}

static uint64_t
next_random(struct cutting *c)
{
	c->random ^= c->random << 13;
	c->random ^= c->random >> 7;
	c->random ^= c->random << 17;
	return c->random >> 11;
}

/* ---- judging one state ---- */

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
describe(const struct cutting *c, size_t count, struct buf *out)
{
	static const char *const names[] = { "kept", "dropped", "zero", "torn" };

	buf_printf(out, "cut after call %zu of %zu:", count, c->trace.count);
	for (size_t i = 0; i < c->open_count; i++) {
		const struct op *op = &c->trace.ops[c->open[i]];
		const struct fate *f = &c->fates[c->open[i]];

		buf_printf(out, " %s+%llu", op->path, (unsigned long long)op->offset);
		buf_printf(out, f->kind == FATE_TEAR ? "=%s at %llu" : "=%s", names[f->kind],
			(unsigned long long)f->at);
	}
}

/* In a process of its own: what it breaks is its own, and it can be ended. */
static void
judge_here(const struct cutting *c, size_t count)
{
	EXA_AUTO(exa_freep) char *dir = exa_asprintf("%s/state-%ld", c->scratch, (long)getpid());
	struct exa_error err = { 0 };
	bool good;

	(void)alarm(JUDGE_SECONDS);
	good = disk_write(&c->now, dir, &err) && model_judge(&c->model, dir, &c->acks, &err);
	if (!good) {
		struct buf what = { 0 };

		describe(c, count, &what);
		(void)fprintf(stderr, "%s\n   %s\n", buf_string(&what), err.text);
	}
	(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	_exit(good ? 0 : 1);
}

static void
wait_for_one(struct cutting *c)
{
	int status;

	if (wait(&status) < 0)
		abort();
	c->running--;
	if (WIFSIGNALED(status))
		(void)fprintf(stderr, "a judge died of signal %d\n", WTERMSIG(status));
	c->bad += status != 0;
}

/* Makes the state with the fates as they stand, and has it judged if it is new. */
static void
consider(struct cutting *c, size_t count)
{
	uint64_t hash;
	pid_t child;

	disk_copy(&c->now, &c->settled);
	disk_play(&c->now, &c->trace, c->settled_count, count, c->fates);
	hash = disk_hash(&c->now);
	c->made++;
	(void)hashes_add(&c->seen, hash);
	if (!hashes_add(&c->judged, hash + c->acks_count * UINT64_C(0x9e3779b97f4a7c15)) ||
		c->judged.used % c->every != 0 || c->bad >= BAD_SHOWN_MAX)
		return;
	c->chosen++;
	while (c->running >= c->jobs)
		wait_for_one(c);
	child = fork();
	if (child < 0)
		abort();
	if (child == 0)
		judge_here(c, count);
	c->running++;
}

/* ---- which states ---- */

static void
set_all(struct cutting *c, enum fate_kind kind)
{
	for (size_t i = 0; i < c->open_count; i++)
		c->fates[c->open[i]] = (struct fate){ kind, 0 };
}

static void
keep_or_drop_all_ways(struct cutting *c, size_t count)
{
	for (size_t bits = 0; bits < (size_t)1 << c->open_count; bits++) {
		for (size_t i = 0; i < c->open_count; i++)
			c->fates[c->open[i]].kind = (bits >> i & 1) != 0 ? FATE_KEEP : FATE_DROP;
		consider(c, count);
	}
}

static bool
is_write(const struct cutting *c, size_t i)
{
	return c->trace.ops[c->open[i]].kind == OP_WRITE;
}

/* At a border of UNIT bytes within the write; false when there is none. */
static bool
tear(struct cutting *c, size_t i, size_t unit)
{
	const struct op *op = &c->trace.ops[c->open[i]];
	uint64_t first = op->offset / unit + 1;
	uint64_t end = (op->offset + op->data.size + unit - 1) / unit;

	if (op->kind != OP_WRITE || first >= end)
		return false;
	c->fates[c->open[i]] =
		(struct fate){ FATE_TEAR, (first + next_random(c) % (end - first)) * unit };
	return true;
}

static bool
can_tear(struct cutting *c)
{
	bool can = false;

	for (size_t i = 0; i < c->open_count && !can; i++)
		can = tear(c, i, SECTOR_BYTES);
	return can;
}

static void
by_chance(struct cutting *c, size_t count)
{
	for (size_t n = 0; n < c->random_states; n++) {
		for (size_t i = 0; i < c->open_count; i++) {
			uint64_t r = next_random(c) % 8;

			c->fates[c->open[i]].kind = r < 4 ? FATE_KEEP : FATE_DROP;
			if (r == 7 && is_write(c, i))
				c->fates[c->open[i]].kind = FATE_ZERO;
			else if (r == 6)
				(void)tear(c, i, SECTOR_BYTES);
		}
		consider(c, count);
	}
}

/* One write torn or zero, all others kept or dropped. */
static void
one_broken(struct cutting *c, size_t count, size_t i, enum fate_kind others)
{
	set_all(c, others);
	if (tear(c, i, SECTOR_BYTES))
		consider(c, count);
	if (tear(c, i, PAGE_BYTES))
		consider(c, count);
	if (is_write(c, i)) {
		c->fates[c->open[i]] = (struct fate){ FATE_ZERO, 0 };
		consider(c, count);
	}
}

static void
cut_after(struct cutting *c, size_t count)
{
	size_t first;

	c->open_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (trace_is_open(&c->trace, i, count))
			c->open[c->open_count++] = i;
	}
	first = c->open_count == 0 ? count : c->open[0];
	disk_done(&c->now); /* which borrows */
	disk_play(&c->settled, &c->trace, c->settled_count, first, NULL);
	c->settled_count = first;
	set_all(c, FATE_KEEP);
	consider(c, count);
	set_all(c, FATE_DROP);
	consider(c, count);
	for (size_t i = 0; i < c->open_count; i++) {
		one_broken(c, count, i, FATE_KEEP);
		one_broken(c, count, i, FATE_DROP);
	}
	if (c->open_count <= ALL_SUBSETS_UP_TO)
		keep_or_drop_all_ways(c, count);
	if (c->open_count > ALL_SUBSETS_UP_TO || can_tear(c))
		by_chance(c, count);
}

static void
cut_everywhere(struct cutting *c)
{
	disk_copy(&c->settled, &c->base);
	for (size_t count = 0; count <= c->trace.count; count++) {
		const struct op *last = count == 0 ? NULL : &c->trace.ops[count - 1];

		if (last != NULL && last->kind == OP_ACK) {
			model_acks_add(&c->acks, last->data);
			c->acks_count++;
		}
		cut_after(c, count);
	}
	while (c->running > 0)
		wait_for_one(c);
}

/* ---- all of it ---- */

static bool
take_setting(struct cutting *c, const char *text)
{
	return number_setting(text, "random=", &c->random_states) ||
	       number_setting(text, "every=", &c->every) ||
	       number_setting(text, "jobs=", &c->jobs) || model_setting(&c->model, text);
}

static const char *
unless_dash(const char *text)
{
	return strcmp(text, "-") == 0 ? NULL : text;
}

static bool
load(struct cutting *c, char **argv, struct exa_error *err)
{
	c->scratch = argv[1];
	for (char **text = argv + 5; *text != NULL; text++) {
		if (!take_setting(c, *text))
			return exa_fail(err, EXA_USAGE, "there is no setting \"%s\"", *text);
	}
	c->every = c->every > 0 ? c->every : 1;
	c->jobs = c->jobs > 0 ? c->jobs : 1;
	if (unless_dash(argv[4]) != NULL && !model_acks_read(&c->acks, argv[4], err))
		return false;
	if (!disk_load(&c->base, unless_dash(argv[3]), err) ||
		!trace_load(&c->trace, argv[2], &c->base, err))
		return false;
	c->random = c->model.seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	c->fates = exa_alloc_array(c->trace.count + 1, sizeof *c->fates);
	c->open = exa_alloc_array(c->trace.count + 1, sizeof *c->open);
	return true;
}

int
main(int argc, char **argv)
{
	struct cutting *c = exa_alloc(sizeof *c);
	struct exa_error err = { 0 };
	int code = 2;

	c->every = 1;
	c->jobs = 1;
	if (argc < 5) {
		(void)fputs("power-cut SCRATCH TRACE BASE LOG [SETTING...]\n", stderr);
	} else if (!load(c, argv, &err)) {
		(void)fprintf(stderr, "power-cut: %s\n", err.text);
	} else {
		cut_everywhere(c);
		(void)printf("calls=%zu made=%zu distinct=%zu judged=%zu bad=%zu\n", c->trace.count,
			c->made, c->seen.used, c->chosen, c->bad);
		code = c->bad > 0 ? 1 : 0;
	}
	exa_free(c->fates);
	exa_free(c->open);
	exa_free(c->seen.slots);
	exa_free(c->judged.slots);
	trace_done(&c->trace);
	disk_done(&c->now);
	disk_done(&c->settled);
	disk_done(&c->base);
	exa_free(c);
	return code;
}
