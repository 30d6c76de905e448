/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <pthread.h>
#include <string.h>

#include "exarch/bytes.h"
#include "exarch/clock.h"

#include "mailbox.h"
#include "throttle.h"

struct box {
	uint64_t key;
	unsigned open;
	bool has_bucket;
	double tokens;
	int64_t filled_ns, away_until_ns;
	int64_t told_until_ns; /* as far as a client can know */
};

struct throttle {
	pthread_mutex_t mu;
	struct box *boxes; /* all of this under mu */
	size_t box_count;
	unsigned open;
	struct throttle_peak peak;
};

struct throttle *
throttle_new(void)
{
	struct throttle *l = exa_alloc(sizeof *l);

	(void)pthread_mutex_init(&l->mu, NULL);
	return l;
}

void
throttle_free(struct throttle *l)
{
	if (l == NULL)
		return;
	(void)pthread_mutex_destroy(&l->mu);
	exa_free(l->boxes);
	exa_free(l);
}

static struct box *
box_of(struct throttle *l, const char *mailbox)
{
	char folded[MAILBOX_ADDRESS_MAX];
	size_t n = 0;
	uint64_t key;

	for (; mailbox[n] != '\0' && n < sizeof folded - 1; n++)
		folded[n] = (char)tolower((unsigned char)mailbox[n]);
	key = stable_hash("limits", bytes_of(folded, n), bytes_of(NULL, 0));
	for (size_t i = 0; i < l->box_count; i++) {
		if (l->boxes[i].key == key)
			return &l->boxes[i];
	}
	l->boxes = exa_realloc_array(l->boxes, l->box_count + 1, sizeof *l->boxes);
	l->boxes[l->box_count] = (struct box){ .key = key };
	return &l->boxes[l->box_count++];
}

/* Takes one token; false: there is none. */
static bool
take_token(struct box *b, const struct scenario_budget *budget, int64_t now_ns)
{
	double passed_s = (double)(now_ns - b->filled_ns) / (double)EXA_NS_PER_S;

	if (!b->has_bucket)
		b->tokens = budget->burst;
	else
		b->tokens += passed_s * *budget->refill_per_s;
	if (b->tokens > budget->burst)
		b->tokens = budget->burst;
	b->has_bucket = true;
	b->filled_ns = now_ns;
	if (b->tokens < 1)
		return false;
	b->tokens -= 1;
	return true;
}

static uint32_t
ms_until(int64_t moment_ns, int64_t now_ns)
{
	return moment_ns <= now_ns
		       ? 0
		       : (uint32_t)((moment_ns - now_ns + EXA_NS_PER_MS - 1) / EXA_NS_PER_MS);
}

static void
stay_away(struct box *b, int64_t now_ns, uint32_t ms)
{
	int64_t until_ns = now_ns + (int64_t)ms * EXA_NS_PER_MS;

	if (b->away_until_ns < until_ns)
		b->away_until_ns = until_ns;
}

static enum throttle_answer
judge(struct throttle *l, struct box *b, const struct scenario *s, int64_t now_ns)
{
	if (b->away_until_ns > now_ns) {
		if (s->budget.punish == SAID_YES)
			stay_away(b, now_ns, s->budget.back_off_ms);
		return THROTTLE_EARLY;
	}
	if ((s->limits.total > 0 && l->open > s->limits.total) ||
		(s->limits.per_mailbox > 0 && b->open > s->limits.per_mailbox)) {
		stay_away(b, now_ns, s->limits.back_off_ms);
		return THROTTLE_TOO_MANY;
	}
	if (s->budget.burst > 0 && !take_token(b, &s->budget, now_ns)) {
		stay_away(b, now_ns, s->budget.back_off_ms);
		return THROTTLE_OVER_BUDGET;
	}
	return THROTTLE_PASS;
}

enum throttle_answer
throttle_enter(struct throttle *l, const struct scenario *s, const char *mailbox,
	struct throttle_seen *seen_out, uint32_t *back_off_ms_out)
{
	int64_t now_ns = clock_mono_ns();
	enum throttle_answer answer;
	struct box *b;

	(void)pthread_mutex_lock(&l->mu);
	b = box_of(l, mailbox);
	*seen_out =
		(struct throttle_seen){ ++l->open, ++b->open, ms_until(b->told_until_ns, now_ns) };
	if (l->peak.open < l->open)
		l->peak.open = l->open;
	if (l->peak.mailbox_open < b->open)
		l->peak.mailbox_open = b->open;
	l->peak.early += seen_out->early_ms > 0;
	answer = judge(l, b, s, now_ns);
	*back_off_ms_out = ms_until(b->away_until_ns, now_ns);
	(void)pthread_mutex_unlock(&l->mu);
	return answer;
}

void
throttle_leave(struct throttle *l, const char *mailbox, bool told)
{
	struct box *b;

	(void)pthread_mutex_lock(&l->mu);
	b = box_of(l, mailbox);
	l->open--;
	b->open--;
	if (told)
		b->told_until_ns = b->away_until_ns;
	(void)pthread_mutex_unlock(&l->mu);
}

void
throttle_back_off(struct throttle *l, const char *mailbox, uint32_t ms)
{
	(void)pthread_mutex_lock(&l->mu);
	stay_away(box_of(l, mailbox), clock_mono_ns(), ms);
	(void)pthread_mutex_unlock(&l->mu);
}

struct throttle_peak
throttle_peak(struct throttle *l)
{
	struct throttle_peak peak;

	(void)pthread_mutex_lock(&l->mu);
	peak = l->peak;
	(void)pthread_mutex_unlock(&l->mu);
	return peak;
}

void
throttle_forget(struct throttle *l)
{
	(void)pthread_mutex_lock(&l->mu);
	l->peak = (struct throttle_peak){ 0 };
	for (size_t i = 0; i < l->box_count; i++) {
		l->boxes[i].has_bucket = false;
		l->boxes[i].away_until_ns = l->boxes[i].told_until_ns = 0;
	}
	(void)pthread_mutex_unlock(&l->mu);
}
