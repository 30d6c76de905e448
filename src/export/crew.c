/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <string.h>

#include "crew.h"
#include "exarch/mem.h"

/* A job is some KiB: 64 of them keep all threads busy where one lane has many jobs. */
#define QUEUE_JOBS ((size_t)64)

struct entry {
	void *job;
	const void *lane;
};

struct hand {
	struct crew *crew;
	unsigned number;
	pthread_t thread;
};

struct crew {
	struct crew_options options;
	struct hand *hands;
	unsigned hand_count; /* started */

	pthread_mutex_t mu;
	pthread_cond_t changed;
	/* under mu: */
	struct entry queue[QUEUE_JOBS]; /* the oldest first */
	size_t count;
	const void **lanes; /* of each hand: the one it works in, or NULL */
	bool closed;        /* nothing more comes */
	bool failed;
	struct exa_error error;
};

static bool
is_free(const struct crew *c, const void *lane)
{
	for (unsigned i = 0; lane != NULL && i < c->options.threads; i++) {
		if (c->lanes[i] == lane)
			return false;
	}
	return true;
}

/* The oldest job whose lane is free; an earlier one of the same lane would have been found. */
static bool
take(struct crew *c, struct entry *out)
{
	for (size_t i = 0; !c->failed && i < c->count; i++) {
		if (!is_free(c, c->queue[i].lane))
			continue;
		*out = c->queue[i];
		c->count--;
		memmove(&c->queue[i], &c->queue[i + 1], (c->count - i) * sizeof c->queue[0]);
		return true;
	}
	return false;
}

static void
fail(struct crew *c, const struct exa_error *err)
{
	if (!c->failed)
		c->error = *err;
	c->failed = true;
}

static void *
work(void *arg)
{
	struct hand *h = arg;
	struct crew *c = h->crew;
	struct entry e;

	(void)pthread_mutex_lock(&c->mu);
	while (!c->failed) {
		struct exa_error err;
		bool good;

		if (!take(c, &e)) {
			if (c->closed && c->count == 0)
				break;
			(void)pthread_cond_wait(&c->changed, &c->mu);
			continue;
		}
		c->lanes[h->number] = e.lane;
		(void)pthread_cond_broadcast(&c->changed);
		(void)pthread_mutex_unlock(&c->mu);
		good = c->options.run(c->options.ctx, h->number, e.job, &err);
		(void)pthread_mutex_lock(&c->mu);
		c->lanes[h->number] = NULL;
		if (!good)
			fail(c, &err);
		(void)pthread_cond_broadcast(&c->changed);
	}
	(void)pthread_mutex_unlock(&c->mu);
	return NULL;
}

bool
crew_new(const struct crew_options *options, struct crew **out, struct exa_error *err)
{
	struct crew *c = exa_alloc(sizeof *c);

	c->options = *options;
	c->hands = exa_alloc_array(options->threads, sizeof *c->hands);
	c->lanes = exa_alloc_array(options->threads, sizeof *c->lanes);
	(void)pthread_mutex_init(&c->mu, NULL);
	(void)pthread_cond_init(&c->changed, NULL);
	while (c->hand_count < options->threads) {
		struct hand *h = &c->hands[c->hand_count];

		*h = (struct hand){ .crew = c, .number = c->hand_count };
		if (pthread_create(&h->thread, NULL, work, h) != 0)
			break;
		c->hand_count++;
	}
	if (c->hand_count == options->threads) {
		*out = c;
		return true;
	}
	if (crew_end(c, true, err))
		return exa_fail(err, EXA_FAILED, "can't start %u threads", options->threads);
	return false;
}

bool
crew_give(struct crew *c, void *job, const void *lane)
{
	bool taken;

	(void)pthread_mutex_lock(&c->mu);
	while (c->count == QUEUE_JOBS && !c->failed)
		(void)pthread_cond_wait(&c->changed, &c->mu);
	taken = !c->failed;
	if (taken)
		c->queue[c->count++] = (struct entry){ .job = job, .lane = lane };
	(void)pthread_cond_broadcast(&c->changed);
	(void)pthread_mutex_unlock(&c->mu);
	if (!taken)
		c->options.drop(job);
	return taken;
}

static void
drop_all(struct crew *c)
{
	for (size_t i = 0; i < c->count; i++)
		c->options.drop(c->queue[i].job);
	c->count = 0;
}

bool
crew_end(struct crew *c, bool stop, struct exa_error *err)
{
	bool good;

	(void)pthread_mutex_lock(&c->mu);
	c->closed = true;
	if (stop)
		drop_all(c);
	(void)pthread_cond_broadcast(&c->changed);
	(void)pthread_mutex_unlock(&c->mu);
	for (unsigned i = 0; i < c->hand_count; i++)
		(void)pthread_join(c->hands[i].thread, NULL);
	drop_all(c);
	good = !c->failed;
	if (!good)
		*err = c->error;
	(void)pthread_cond_destroy(&c->changed);
	(void)pthread_mutex_destroy(&c->mu);
	exa_free(c->hands);
	exa_free(c->lanes);
	exa_free(c);
	return good;
}
