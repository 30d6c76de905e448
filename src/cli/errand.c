/* SPDX-License-Identifier: Apache-2.0 */
#include "exarch/work.h"

#include "errand.h"

struct errand {
	struct job job; /* first: the pool hands it back */
	struct work *work;
	bool (*does)(void *ctx, struct exa_error *err);
	void *ctx;
};

static void
run(struct job *base, void *thread)
{
	struct errand *e = (struct errand *)(void *)base;
	struct exa_error err;

	(void)thread;
	if (e->does(e->ctx, &err))
		return;
	if (work_advise(&err, WORK_SCOPE_RUN, work_attempts(base, &err)) == WORK_RETRY)
		work_again(e->work, base, &err);
	else
		work_stop(e->work, &err);
}

static void
drop(struct job *job)
{
	(void)job; /* on its owner's stack */
}

bool
errand_run(bool (*does)(void *ctx, struct exa_error *err), void *ctx, struct cancel *cancel,
	struct exa_error *err)
{
	const struct work_options options = { .threads = 1, .cancel = cancel };
	struct errand e = {
		.job = { .rank = WORK_OPEN, .run = run, .drop = drop }, .does = does, .ctx = ctx
	};
	bool good;

	e.work = work_new(&options);
	work_add(e.work, &e.job);
	good = work_run(e.work, err);
	work_free(e.work);
	return good;
}
