/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exarch/mem.h"
#include "exarch/work.h"

/* A job that notes what happens to it. */
struct note {
	struct job job; /* first: the pool hands it back */
	struct bench *bench;
	int kind;
	uint32_t fails; /* so often before it succeeds */
};

struct bench {
	struct work *work;
	struct cancel cancel;
	struct work_target *target;
	pthread_mutex_t mu;
	/* under mu: */
	int order[64];
	size_t count;
	uint32_t inside, inside_most;
	/* for meeting points */
	pthread_cond_t met;
	_Atomic uint32_t ran, dropped;
};

static void
drop(struct job *job)
{
	struct note *n = (struct note *)(void *)job;

	(void)atomic_fetch_add(&n->bench->dropped, 1);
	exa_free(n);
}

static struct note *
note_new(struct bench *b, enum work_rank rank, int kind, void (*run)(struct job *, void *))
{
	struct note *n = exa_alloc(sizeof *n);

	n->bench = b;
	n->kind = kind;
	n->job = (struct job){ .rank = rank, .run = run, .drop = drop };
	return n;
}

static void
bench_begin(struct bench *b, const struct work_options *options)
{
	struct work_options o = *options;

	*b = (struct bench){ .count = 0 };
	(void)pthread_mutex_init(&b->mu, NULL);
	(void)pthread_cond_init(&b->met, NULL);
	o.cancel = &b->cancel;
	b->work = work_new(&o);
}

static void
bench_end(struct bench *b)
{
	work_free(b->work);
	(void)pthread_cond_destroy(&b->met);
	(void)pthread_mutex_destroy(&b->mu);
}

static void
note_order(struct job *job, void *thread)
{
	struct note *n = (struct note *)(void *)job;
	struct bench *b = n->bench;

	(void)thread;
	(void)pthread_mutex_lock(&b->mu);
	b->order[b->count++] = n->kind;
	(void)pthread_mutex_unlock(&b->mu);
	(void)atomic_fetch_add(&b->ran, 1);
	exa_free(n);
}

static void
fetches_run_before_lists_before_opens(void **state)
{
	const struct work_options options = { .threads = 1 };
	static const int expected[] = { 1, 1, 2, 2, 3, 3 };
	struct exa_error err;
	struct bench b;

	(void)state;
	bench_begin(&b, &options);
	for (int i = 0; i < 2; i++) {
		work_add(b.work, &note_new(&b, WORK_OPEN, 3, note_order)->job);
		work_add(b.work, &note_new(&b, WORK_LIST, 2, note_order)->job);
		work_add(b.work, &note_new(&b, WORK_FETCH, 1, note_order)->job);
	}
	assert_true(work_run(b.work, &err));
	assert_int_equal(b.count, 6);
	assert_memory_equal(b.order, expected, sizeof expected);
	bench_end(&b);
}

/* Stays inside until TARGET_MAX jobs are, or all others are done: so a broken cap shows as more
 * than that inside. */
static void
note_inside(struct job *job, void *thread)
{
	struct note *n = (struct note *)(void *)job;
	struct bench *b = n->bench;

	(void)thread;
	(void)pthread_mutex_lock(&b->mu);
	b->inside++;
	if (b->inside > b->inside_most)
		b->inside_most = b->inside;
	(void)pthread_cond_broadcast(&b->met);
	while (b->inside_most < 2)
		(void)pthread_cond_wait(&b->met, &b->mu);
	b->inside--;
	(void)pthread_mutex_unlock(&b->mu);
	(void)atomic_fetch_add(&b->ran, 1);
	exa_free(n);
}

static void
a_target_gets_no_more_jobs_at_a_time_than_its_cap(void **state)
{
	const struct work_options options = { .threads = 6, .target_max = 2 };
	struct exa_error err;
	struct bench b;

	(void)state;
	bench_begin(&b, &options);
	b.target = work_target_new(b.work);
	for (int i = 0; i < 40; i++) {
		struct note *n = note_new(&b, WORK_FETCH, i, note_inside);

		n->job.target = b.target;
		work_add(b.work, &n->job);
	}
	assert_true(work_run(b.work, &err));
	assert_int_equal(atomic_load(&b.ran), 40);
	assert_int_equal(b.inside_most, 2);
	bench_end(&b);
}

static void
fail_then_succeed(struct job *job, void *thread)
{
	struct note *n = (struct note *)(void *)job;
	const struct exa_error why = { .code = EXA_NET, .retry_after_ms = 1 };

	if (job->attempts < n->fails)
		work_again(n->bench->work, job, &why);
	else
		note_order(job, thread);
}

static void
a_job_put_back_runs_again(void **state)
{
	const struct work_options options = { .threads = 2 };
	struct exa_error err;
	struct bench b;
	struct note *n;

	(void)state;
	bench_begin(&b, &options);
	n = note_new(&b, WORK_FETCH, 1, fail_then_succeed);
	n->fails = 2;
	work_add(b.work, &n->job);
	assert_true(work_run(b.work, &err));
	assert_int_equal(atomic_load(&b.ran), 1);
	bench_end(&b);
}

static void
stop_everything(struct job *job, void *thread)
{
	struct note *n = (struct note *)(void *)job;
	struct exa_error why;

	(void)thread;
	(void)exa_fail(&why, EXA_IO, "the disk is full");
	work_stop(n->bench->work, &why);
	exa_free(n);
}

static void
a_stop_drops_what_was_not_begun_and_keeps_the_reason(void **state)
{
	const struct work_options options = { .threads = 1 };
	struct exa_error err;
	struct bench b;

	(void)state;
	bench_begin(&b, &options);
	work_add(b.work, &note_new(&b, WORK_FETCH, 0, stop_everything)->job);
	for (int i = 0; i < 5; i++)
		work_add(b.work, &note_new(&b, WORK_LIST, i, note_order)->job);
	assert_false(work_run(b.work, &err));
	assert_int_equal(err.code, EXA_IO);
	assert_string_equal(err.text, "the disk is full");
	assert_int_equal(atomic_load(&b.ran), 0);
	work_free(b.work);
	b.work = NULL;
	assert_int_equal(atomic_load(&b.dropped), 5);
	bench_end(&b);
}

static void
a_raised_cancel_flag_ends_the_run(void **state)
{
	const struct work_options options = { .threads = 3 };
	struct exa_error err;
	struct bench b;

	(void)state;
	bench_begin(&b, &options);
	cancel_raise(&b.cancel, CANCEL_SIGNAL);
	work_add(b.work, &note_new(&b, WORK_FETCH, 0, note_order)->job);
	assert_false(work_run(b.work, &err));
	assert_int_equal(err.code, EXA_CANCELLED);
	assert_int_equal(atomic_load(&b.ran), 0);
	bench_end(&b);
}

static bool
no_thread(void *ctx, uint32_t number, void **thread_out, struct exa_error *err)
{
	(void)ctx;
	(void)thread_out;
	return exa_fail(err, EXA_AUTH, "thread %u has no key", number);
}

static void
a_thread_that_can_not_begin_ends_the_run_with_its_reason(void **state)
{
	const struct work_options options = { .threads = 2, .thread_begin = no_thread };
	struct exa_error err;
	struct bench b;

	(void)state;
	bench_begin(&b, &options);
	work_add(b.work, &note_new(&b, WORK_FETCH, 0, note_order)->job);
	assert_false(work_run(b.work, &err));
	assert_int_equal(err.code, EXA_AUTH);
	bench_end(&b);
}

/* Opens a target, and has another job close it again. */
static void
close_target(struct job *job, void *thread)
{
	struct note *n = (struct note *)(void *)job;
	struct bench *b = n->bench;

	(void)thread;
	(void)pthread_mutex_lock(&b->mu);
	b->inside--;
	(void)pthread_mutex_unlock(&b->mu);
	work_target_close(b->work, job->target);
	(void)atomic_fetch_add(&b->ran, 1);
	exa_free(n);
}

static void
open_target(struct job *job, void *thread)
{
	struct note *n = (struct note *)(void *)job;
	struct bench *b = n->bench;
	struct note *next = note_new(b, WORK_LIST, 0, close_target);

	(void)thread;
	(void)pthread_mutex_lock(&b->mu);
	if (++b->inside > b->inside_most)
		b->inside_most = b->inside;
	(void)pthread_mutex_unlock(&b->mu);
	next->job.target = job->target;
	work_add(b->work, &next->job);
	exa_free(n);
}

static void
no_more_targets_are_open_than_allowed(void **state)
{
	const struct work_options options = { .threads = 6, .open_max = 2 };
	struct exa_error err;
	struct bench b;

	(void)state;
	bench_begin(&b, &options);
	for (int i = 0; i < 20; i++) {
		struct note *n = note_new(&b, WORK_OPEN, i, open_target);

		n->job.target = work_target_new(b.work);
		work_add(b.work, &n->job);
	}
	assert_true(work_run(b.work, &err));
	assert_int_equal(atomic_load(&b.ran), 20);
	assert_true(b.inside_most <= 2);
	bench_end(&b);
}

static void
fail_unreachable(struct job *job, void *thread)
{
	struct note *n = (struct note *)(void *)job;
	const struct exa_error why = {
		.code = EXA_UNREACHABLE, .retry_after_ms = 1, .text = "can't connect"
	};

	(void)thread;
	(void)atomic_fetch_add(&n->bench->ran, 1);
	work_again(n->bench->work, job, &why);
}

static void
a_server_that_was_never_reached_ends_the_run_after_few_tries(void **state)
{
	const struct work_options options = { .threads = 1 };
	struct exa_error err;
	struct bench b;

	(void)state;
	bench_begin(&b, &options);
	for (int i = 0; i < 20; i++)
		work_add(b.work, &note_new(&b, WORK_FETCH, i, fail_unreachable)->job);
	assert_false(work_run(b.work, &err));
	assert_int_equal(err.code, EXA_UNREACHABLE);
	assert_string_equal(err.text, "can't connect");
	assert_int_equal(atomic_load(&b.ran), WORK_UNREACHED_MOST);
	bench_end(&b);
}

static void
get_on(struct job *job, void *thread)
{
	struct note *n = (struct note *)(void *)job;

	work_got_on(n->bench->work, job);
	note_order(job, thread);
}

static void
a_server_that_was_reached_before_is_waited_for_longer(void **state)
{
	const struct work_options options = { .threads = 1 };
	struct exa_error err;
	struct bench b;

	(void)state;
	bench_begin(&b, &options);
	work_add(b.work, &note_new(&b, WORK_FETCH, 0, get_on)->job);
	work_add(b.work, &note_new(&b, WORK_LIST, 1, fail_unreachable)->job);
	assert_false(work_run(b.work, &err));
	assert_int_equal(err.code, EXA_UNREACHABLE);
	assert_int_equal(atomic_load(&b.ran), 1 + WORK_UNREACHABLE_MOST);
	bench_end(&b);
}

static void
fail_to_connect_then_get_on(struct job *job, void *thread)
{
	struct note *n = (struct note *)(void *)job;
	const struct exa_error why = { .code = EXA_UNREACHABLE, .retry_after_ms = 1 };

	if (job->attempts < n->fails)
		work_again(n->bench->work, job, &why);
	else
		get_on(job, thread);
}

static void
an_answer_between_failures_to_connect_makes_them_start_from_none(void **state)
{
	const struct work_options options = { .threads = 1 };
	struct exa_error err;
	struct bench b;

	(void)state;
	bench_begin(&b, &options);
	/* ranks, so that one goes through all its failures before the next begins */
	for (enum work_rank rank = WORK_FETCH; rank < WORK_RANK_COUNT; rank++) {
		struct note *n = note_new(&b, rank, 0, fail_to_connect_then_get_on);

		n->fails = (rank == WORK_FETCH ? WORK_UNREACHED_MOST : WORK_UNREACHABLE_MOST) - 1;
		work_add(b.work, &n->job);
	}
	assert_true(work_run(b.work, &err));
	assert_int_equal(atomic_load(&b.ran), WORK_RANK_COUNT);
	bench_end(&b);
}

static void
be_busy_once(struct job *job, void *thread)
{
	struct note *n = (struct note *)(void *)job;
	const struct exa_error why = { .code = EXA_THROTTLED, .retry_after_ms = 1 };

	if (job->attempts == 0)
		work_again(n->bench->work, job, &why);
	else
		note_order(job, thread);
}

static void
after_a_busy_answer_a_target_gets_half_as_many_jobs_at_a_time(void **state)
{
	const struct work_options options = { .threads = 6 };
	struct exa_error err;
	struct bench b;
	struct note *n;

	(void)state;
	bench_begin(&b, &options);
	b.target = work_target_new(b.work);
	n = note_new(&b, WORK_FETCH, 0, be_busy_once);
	n->job.target = b.target;
	work_add(b.work, &n->job);
	/* of a lower rank, so that none begins before the busy answer */
	for (int i = 0; i < 40; i++) {
		n = note_new(&b, WORK_LIST, i, note_inside);
		n->job.target = b.target;
		n->job.rank = WORK_OPEN;
		work_add(b.work, &n->job);
	}
	assert_true(work_run(b.work, &err));
	assert_int_equal(atomic_load(&b.ran), 41);
	assert_int_equal(b.inside_most, 2);
	bench_end(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fetches_run_before_lists_before_opens),
		cmocka_unit_test(a_target_gets_no_more_jobs_at_a_time_than_its_cap),
		cmocka_unit_test(a_job_put_back_runs_again),
		cmocka_unit_test(a_stop_drops_what_was_not_begun_and_keeps_the_reason),
		cmocka_unit_test(a_raised_cancel_flag_ends_the_run),
		cmocka_unit_test(a_thread_that_can_not_begin_ends_the_run_with_its_reason),
		cmocka_unit_test(no_more_targets_are_open_than_allowed),
		cmocka_unit_test(a_server_that_was_never_reached_ends_the_run_after_few_tries),
		cmocka_unit_test(a_server_that_was_reached_before_is_waited_for_longer),
		cmocka_unit_test(an_answer_between_failures_to_connect_makes_them_start_from_none),
		cmocka_unit_test(after_a_busy_answer_a_target_gets_half_as_many_jobs_at_a_time),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
