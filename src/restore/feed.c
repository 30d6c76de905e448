/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An archived folder's items, in the order received, cut into batches as the threads take them:
 * what waits is bounded by the number of threads, whatever the choice is. Items of one second stay
 * in one batch: of several that look alike each needs one of its own at the server.
 */
#include "exarch/clock.h"

#include "internal.h"

struct feed {
	struct job job; /* first: the pool hands it back */
	struct source *source;
};

/* ---- cutting ---- */

struct cutting {
	struct source *source;
	struct batch *batch;
	uint64_t bytes;
	int64_t last_second;
	bool stopped; /* there is more */
};

static int64_t
second_of(int64_t moment_ns)
{
	return moment_ns == EXA_NO_TIME ? EXA_NO_TIME : moment_ns / EXA_NS_PER_S;
}

static bool
is_full(const struct cutting *c, const struct catalog_row *row)
{
	const uint64_t most = c->source->target->run->options->batch_bytes;
	const bool same = c->batch->count > 0 && second_of(row->received_ns) == c->last_second;

	if (c->batch->count == EWS_BATCH_MAX)
		return true;
	return !same && (c->batch->count >= BATCH_ITEMS || c->bytes >= most);
}

static bool
take_item(void *ctx, const struct restore_chosen *chosen, struct exa_error *err)
{
	struct cutting *c = ctx;
	const struct catalog_row *row = chosen->row;

	if (row->mailbox != c->source->mailbox || row->folder != c->source->folder)
		return exa_fail(err, EXA_CANCELLED, "the folder is at its end");
	if (is_full(c, row)) {
		c->stopped = true;
		return exa_fail(err, EXA_CANCELLED, "the batch is full");
	}
	batch_add(c->batch, row);
	c->bytes += row->mime_bytes;
	c->last_second = second_of(row->received_ns);
	c->source->after = (struct restore_place){ .mailbox = row->mailbox,
		.folder = row->folder,
		.received_ns = row->received_ns,
		.number = row->number };
	return true;
}

/* *OUT is NULL at the folder's end. */
static bool
cut_batch(struct source *s, struct batch **out, bool *more_out, struct exa_error *err)
{
	struct run *run = s->target->run;
	const struct restore_choice *choice = &run->options->choice;
	struct cutting c = { .source = s, .batch = batch_new(s) };
	bool good;

	(void)pthread_mutex_lock(&run->walk_mu);
	good = choice->walk(choice->ctx, &s->after, take_item, &c, err) ||
	       err->code == EXA_CANCELLED;
	(void)pthread_mutex_unlock(&run->walk_mu);
	if (!good || c.batch->count == 0) {
		batch_free(c.batch);
		c.batch = NULL;
	}
	*out = c.batch;
	*more_out = c.stopped;
	return good;
}

/* ---- the job ---- */

static void
feed_end(struct source *s)
{
	exa_free(s->feed);
	s->feed = NULL;
	target_job_ends(s->target);
}

static void
feed_drop(struct job *job)
{
	struct feed *f = (struct feed *)(void *)job;

	f->source->feed = NULL;
	exa_free(f);
}

/* So many batches wait or are worked on that another one helps nobody: the feed rests until one of
 * them has ended. */
static bool
rests(struct source *s)
{
	struct run *run = s->target->run;

	(void)pthread_mutex_lock(&run->mu);
	s->parked = run->batches >= 2 * run->options->threads + 2;
	run->batches += !s->parked;
	(void)pthread_mutex_unlock(&run->mu);
	return s->parked;
}

static void
give_back(struct run *run)
{
	(void)pthread_mutex_lock(&run->mu);
	run->batches--;
	(void)pthread_mutex_unlock(&run->mu);
}

static void
feed_run(struct job *job, void *thread)
{
	struct source *s = ((struct feed *)(void *)job)->source;
	struct run *run = s->target->run;
	struct batch *batch;
	struct exa_error err;
	bool more;

	(void)thread;
	if (atomic_load(&s->target->abandoned)) {
		feed_end(s);
		return;
	}
	if (rests(s))
		return;
	if (!cut_batch(s, &batch, &more, &err)) {
		give_back(run);
		work_stop(run->work, &err); /* the archive can't be walked */
		feed_end(s);
		return;
	}
	if (batch != NULL)
		batch_queue(batch);
	else
		give_back(run);
	if (more)
		work_add(run->work, job);
	else
		feed_end(s);
}

void
feed_begin(struct source *s)
{
	struct feed *f = exa_alloc(sizeof *f);

	f->job = (struct job){
		.rank = WORK_LIST, .target = s->target->work, .run = feed_run, .drop = feed_drop
	};
	f->source = s;
	s->feed = &f->job;
	s->after = (struct restore_place){
		.mailbox = s->mailbox, .folder = s->folder, .received_ns = EXA_NO_TIME
	};
	target_job_begins(s->target);
	work_add(s->target->run->work, &f->job);
}

void
feed_batch_ends(struct run *run)
{
	struct source *next = NULL;

	(void)pthread_mutex_lock(&run->mu);
	run->batches--;
	for (size_t i = 0; i < run->source_count && next == NULL; i++) {
		if (run->sources[i]->parked)
			next = run->sources[i];
	}
	if (next != NULL)
		next->parked = false;
	(void)pthread_mutex_unlock(&run->mu);
	if (next != NULL)
		work_add(run->work, next->feed);
}
