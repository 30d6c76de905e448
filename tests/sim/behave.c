/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <string.h>

#include <jansson.h>

#include "exarch/clock.h"

#include "behave.h"
#include "gen_rng.h"
#include "match.h"

#define OPERATIONS_MAX 64 /* counted by name; there are not so many */

enum { SEED_LATENCY = 61 };

/* A scenario and what has happened under it. */
struct running {
	_Atomic unsigned references;
	struct scenario *scenario;
	int64_t begun_ns;
	uint64_t request_count; /* from here on under the behaviour's mu */
	struct tally tally;
	uint64_t *hits;       /* by fault */
	bool *change_is_done; /* by change */
	struct {
		char name[48];
		uint64_t count, target_count;
	} operations[OPERATIONS_MAX];
	size_t operation_count;
};

struct behaviour {
	pthread_mutex_t mu;
	struct running *now; /* under mu */
	struct throttle *limits;
};

static struct running *
running_new(struct scenario *s)
{
	struct running *r = exa_alloc(sizeof *r);

	r->references = 1;
	r->scenario = s != NULL ? s : exa_alloc(sizeof *s);
	r->begun_ns = clock_mono_ns();
	r->hits = exa_alloc_array(r->scenario->faults_count + 1, sizeof *r->hits);
	r->change_is_done =
		exa_alloc_array(r->scenario->changes_count + 1, sizeof *r->change_is_done);
	return r;
}

static void
running_drop(struct running *r)
{
	if (r == NULL || atomic_fetch_sub(&r->references, 1) != 1)
		return;
	scenario_free(r->scenario);
	tally_done(&r->tally);
	exa_free(r->hits);
	exa_free(r->change_is_done);
	exa_free(r);
}

struct behaviour *
behave_new(struct scenario *s)
{
	struct behaviour *b = exa_alloc(sizeof *b);

	(void)pthread_mutex_init(&b->mu, NULL);
	b->now = running_new(s);
	b->limits = throttle_new();
	return b;
}

void
behave_free(struct behaviour *b)
{
	if (b == NULL)
		return;
	running_drop(b->now);
	throttle_free(b->limits);
	(void)pthread_mutex_destroy(&b->mu);
	exa_free(b);
}

void
behave_replace(struct behaviour *b, struct scenario *s)
{
	struct running *fresh = running_new(s), *old;

	(void)pthread_mutex_lock(&b->mu);
	old = b->now;
	b->now = fresh;
	(void)pthread_mutex_unlock(&b->mu);
	throttle_forget(b->limits);
	running_drop(old);
}

const struct scenario *
verdict_scenario(const struct verdict *v)
{
	return v->running->scenario;
}

static void
count_operation(struct running *r, const struct request_facts *f)
{
	size_t i = 0;

	while (i < r->operation_count && strcmp(r->operations[i].name, f->operation) != 0)
		i++;
	if (i == OPERATIONS_MAX)
		return;
	if (i == r->operation_count) {
		size_t n = strnlen(f->operation, sizeof r->operations[i].name - 1);

		memcpy(r->operations[i].name, f->operation, n);
		r->operation_count++;
	}
	r->operations[i].count++;
	r->operations[i].target_count += f->targets != NULL ? f->targets->count : 0;
}

/* The latency of this request: fixed, and a share of the jitter that follows from the seed. */
static unsigned
latency_of(const struct scenario *s, uint64_t number)
{
	struct gen_rng rng = { gen_seed(s->seed, SEED_LATENCY, number) };

	return s->latency.fixed_ms + gen_below(&rng, s->latency.jitter_ms + 1);
}

void
behave_begin(struct behaviour *b, const struct request_facts *f, struct verdict *out)
{
	struct running *r;
	const struct scenario *s;

	(void)pthread_mutex_lock(&b->mu);
	r = b->now;
	atomic_fetch_add(&r->references, 1);
	s = r->scenario;
	r->request_count++;
	count_operation(r, f);
	*out = (struct verdict){ .running = r,
		.page_max = NO_PAGE_LIMIT,
		.bandwidth = s->bandwidth,
		.gzip = s->gzip == SAID_YES };
	if (f->view != NULL)
		out->wait_ms = latency_of(s, r->request_count);
	(void)pthread_mutex_unlock(&b->mu);
	out->limits = throttle_enter(b->limits, s, f->view != NULL ? f->mailbox : f->operation,
		&out->seen, &out->back_off_ms);
	if (f->view == NULL) /* sign-in and directory are never throttled by mailbox */
		out->limits = THROTTLE_PASS;
}

void
behave_end(struct behaviour *b, const char *mailbox, struct verdict *v)
{
	throttle_leave(b->limits, mailbox, v->told_to_stay_away);
	running_drop(v->running);
	v->running = NULL;
}

void
behave_back_off(struct behaviour *b, const char *mailbox, uint32_t ms)
{
	throttle_back_off(b->limits, mailbox, ms);
}

static int64_t
age_s(const struct running *r)
{
	return (clock_mono_ns() - r->begun_ns) / EXA_NS_PER_S;
}

/* The first target that fits; false: none, though the condition speaks of them. */
static bool
find_target(const struct scenario_where *w, const struct request_facts *f, size_t *out)
{
	for (*out = 0; f->targets != NULL && *out < f->targets->count; (*out)++) {
		if (where_fits_target(w, f, *out))
			return true;
	}
	return !where_is_about_targets(w);
}

/* Under mu. Counts the request once, by its first target that fits. */
static bool
is_now_for_request(struct running *r, const struct scenario_where *where,
	const struct scenario_when *when, uint64_t rule, const struct request_facts *f)
{
	size_t at;
	const struct target *t = NULL;

	if (!where_fits_request(where, f) || !find_target(where, f, &at))
		return false;
	if (f->targets != NULL && at < f->targets->count)
		t = &f->targets->rows[at];
	return when_is_now(
		when, &r->tally, when_key(when, rule, f, t), r->scenario->seed, age_s(r));
}

size_t
behave_changes(struct behaviour *b, const struct request_facts *f, struct verdict *v,
	const struct scenario_change **out, size_t max)
{
	struct running *r = v->running;
	size_t count = 0;

	(void)pthread_mutex_lock(&b->mu);
	for (size_t i = 0; i < r->scenario->changes_count && count < max; i++) {
		const struct scenario_change *c = &r->scenario->changes[i];

		if (r->change_is_done[i] ||
			!is_now_for_request(r, &c->where, &c->when, SCENARIO_LIST_MAX + i, f))
			continue;
		r->change_is_done[i] = true;
		out[count++] = c;
	}
	(void)pthread_mutex_unlock(&b->mu);
	return count;
}

/* A code hits targets one by one, each counted for itself when the counter is of such things. */
static void
judge_targets(struct running *r, size_t fault, const struct request_facts *f, struct arena *arena,
	struct verdict *v)
{
	const struct scenario_fault *rule = &r->scenario->faults[fault];
	bool by_target = rule->when.per == PER_ITEM || rule->when.per == PER_FOLDER;

	if (!where_fits_request(&rule->where, f))
		return;
	if (!by_target && !is_now_for_request(r, &rule->where, &rule->when, fault, f))
		return;
	if (v->on_targets == NULL)
		v->on_targets = arena_alloc(arena, (f->targets->count + 1) * sizeof *v->on_targets);
	for (size_t i = 0; i < f->targets->count; i++) {
		const struct target *t = &f->targets->rows[i];

		if (v->on_targets[i] != NULL || !where_fits_target(&rule->where, f, i))
			continue;
		if (by_target &&
			!when_is_now(&rule->when, &r->tally, when_key(&rule->when, fault, f, t),
				r->scenario->seed, age_s(r)))
			continue;
		v->on_targets[i] = rule;
		r->hits[fault]++;
	}
}

static void
judge_request(struct running *r, size_t fault, const struct request_facts *f, struct verdict *v)
{
	const struct scenario_fault *rule = &r->scenario->faults[fault];

	if (!is_now_for_request(r, &rule->where, &rule->when, fault, f) ||
		v->fault_count == VERDICT_FAULTS_MAX)
		return;
	r->hits[fault]++;
	v->faults[v->fault_count++] = rule;
	if (rule->what.wire != WIRE_STALL)
		v->wait_ms += rule->what.wait_ms;
	if (rule->what.page != NULL && *rule->what.page < v->page_max)
		v->page_max = *rule->what.page;
}

void
behave_judge(
	struct behaviour *b, const struct request_facts *f, struct arena *arena, struct verdict *v)
{
	struct running *r = v->running;

	(void)pthread_mutex_lock(&b->mu);
	for (size_t i = 0; i < r->scenario->faults_count; i++) {
		if (r->scenario->faults[i].what.code != NULL && f->targets != NULL &&
			f->targets->count > 0)
			judge_targets(r, i, f, arena, v);
		else
			judge_request(r, i, f, v);
	}
	(void)pthread_mutex_unlock(&b->mu);
}

char *
behave_stats(struct behaviour *b)
{
	struct throttle_peak peak = throttle_peak(b->limits);
	json_t *operations = json_object(), *faults = json_object(), *all;
	char *text;

	(void)pthread_mutex_lock(&b->mu);
	for (size_t i = 0; i < b->now->operation_count; i++)
		(void)json_object_set_new(operations, b->now->operations[i].name,
			json_pack("{s:I, s:I}", "requests", (json_int_t)b->now->operations[i].count,
				"targets", (json_int_t)b->now->operations[i].target_count));
	for (size_t i = 0; i < b->now->scenario->faults_count; i++) {
		const char *name = b->now->scenario->faults[i].name;
		EXA_AUTO(exa_freep) char *number = exa_asprintf("%zu", i + 1);

		(void)json_object_set_new(faults, name != NULL ? name : number,
			json_integer((json_int_t)b->now->hits[i]));
	}
	all = json_pack("{s:I, s:o, s:o, s:i, s:i, s:I}", "requests",
		(json_int_t)b->now->request_count, "operations", operations, "faults", faults,
		"most_open", (int)peak.open, "most_open_in_a_mailbox", (int)peak.mailbox_open,
		"early", (json_int_t)peak.early);
	(void)pthread_mutex_unlock(&b->mu);
	text = json_dumps(all, JSON_COMPACT);
	json_decref(all);
	return text;
}
