/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "exarch/bytes.h"
#include "exarch/clock.h"

#include "gen_message.h"
#include "gen_rng.h"
#include "gen_text.h"

#define THREAD_DEPTH_MAX 4 /* answers quote answers that far back */
#define PARENT_REACH 60    /* an answer follows within so many messages */
#define SHARED_FILES 400   /* sent again and again by different people */
#define MINUTE_NS (60 * EXA_NS_PER_S)

/* The purposes of gen_seed here. */
enum { SEED_THREADED = 10, SEED_SINGLE, SEED_ADDED, SEED_SHARED_FILE, SEED_LOGO };

static uint64_t
seed_of(const struct gen_world *w, struct gen_ref ref)
{
	uint64_t number = (uint64_t)ref.mailbox << 32 | ref.number;

	if (!ref.is_single)
		return gen_seed(w->seed, SEED_THREADED, ref.number);
	return gen_seed(w->seed, ref.is_added ? SEED_ADDED : SEED_SINGLE, number);
}

static bool
is_listed(const struct gen_message *m, struct gen_party p)
{
	for (size_t i = 0; i < m->to_count; i++) {
		if (m->to[i].inside == p.inside && m->to[i].index == p.index)
			return true;
	}
	return m->from.inside == p.inside && m->from.index == p.index;
}

static void
add_to(struct gen_message *m, struct gen_party p)
{
	if (m->to_count < GEN_TO_MAX && !is_listed(m, p))
		m->to[m->to_count++] = p;
}

static struct gen_party
somebody_inside(const struct gen_world *w, struct gen_rng *r)
{
	/* The smaller of two chances: the first mailboxes get more mail than the last. */
	uint32_t a = gen_below(r, w->mailboxes), b = gen_below(r, w->mailboxes);

	return (struct gen_party){ true, gen_chance(r, 50) && b < a ? b : a };
}

static struct gen_party
somebody_outside(struct gen_rng *r)
{
	return (struct gen_party){ false, gen_below(r, GEN_OUTSIDE_COUNT) };
}

/* An answer goes from one who got the message to all the others. */
static void
answer_parties(const struct gen_message *parent, struct gen_message *m)
{
	m->from = parent->to[0];
	add_to(m, parent->from);
	for (size_t i = 1; i < parent->to_count; i++)
		add_to(m, parent->to[i]);
}

static void
fresh_parties(const struct gen_world *w, struct gen_rng *r, struct gen_message *m)
{
	unsigned count = 1;

	if (gen_chance(r, 45)) {
		m->from = somebody_outside(r);
		count += gen_chance(r, 15) ? 1 + gen_below(r, 2) : 0;
	} else {
		m->from = somebody_inside(w, r);
		while (count < GEN_TO_MAX && gen_chance(r, 45))
			count += 1 + count / 2;
	}
	for (unsigned i = 0; i < count; i++)
		add_to(m, somebody_inside(w, r));
	if (m->to_count == 0) /* to oneself only: then to somebody outside */
		add_to(m, somebody_outside(r));
}

static void
thread_parties(
	const struct gen_world *w, uint32_t number, unsigned depth_left, struct gen_message *m)
{
	struct gen_rng r = { 0 };
	struct gen_message parent = { 0 };

	*m = (struct gen_message){ .seed = gen_seed(w->seed, SEED_THREADED, number) };
	r.state = m->seed;
	m->topic = m->seed;
	if (number > PARENT_REACH && depth_left > 0 && gen_chance(&r, 40)) {
		m->parent = number - 1 - gen_below(&r, PARENT_REACH);
		thread_parties(w, m->parent, depth_left - 1, &parent);
		m->topic = parent.topic;
		m->depth = parent.depth + 1;
		m->is_forward = gen_chance(&r, 20);
		if (!m->is_forward && parent.to[0].inside) {
			answer_parties(&parent, m);
			return;
		}
	}
	fresh_parties(w, &r, m);
}

void
gen_parties_of(const struct gen_world *w, struct gen_ref ref, struct gen_message *out)
{
	struct gen_rng r;

	if (!ref.is_single) {
		thread_parties(w, ref.number, THREAD_DEPTH_MAX, out);
		return;
	}
	*out = (struct gen_message){ .seed = seed_of(w, ref) };
	out->topic = out->seed;
	r.state = out->seed;
	out->from = somebody_outside(&r);
	add_to(out, (struct gen_party){ true, ref.mailbox });
}

static int64_t
date_of(const struct gen_world *w, struct gen_ref ref, uint64_t seed)
{
	uint64_t span_s = (uint64_t)((GEN_END_NS - GEN_BEGIN_NS) / EXA_NS_PER_S), place_s;

	if (ref.is_added)
		return GEN_END_NS +
		       ((int64_t)ref.number * w->mailboxes + ref.mailbox + 1) * MINUTE_NS;
	if (ref.is_single)
		place_s = seed % span_s;
	else
		place_s = span_s * ref.number / (w->threaded_count + 1);
	return GEN_BEGIN_NS + (int64_t)place_s * EXA_NS_PER_S;
}

static void
add_files(const struct gen_world *w, struct gen_rng *r, struct gen_message *m)
{
	struct gen_message parent;

	if (w->small)
		return;
	if (m->is_forward) {
		gen_message_of(w, (struct gen_ref){ .number = m->parent }, &parent);
		m->file_count = parent.file_count;
		for (size_t i = 0; i < parent.file_count; i++)
			m->files[i] = parent.files[i];
	}
	if (m->file_count > 0 || !gen_chance(r, 24))
		return;
	m->file_count = 1 + (gen_chance(r, 30) ? 1 + gen_below(r, GEN_FILES_MAX - 1) : 0);
	for (size_t i = 0; i < m->file_count; i++) {
		uint64_t seed = gen_next(r);

		if (gen_chance(r, 20))
			seed = gen_seed(w->seed, SEED_SHARED_FILE, gen_below(r, SHARED_FILES));
		m->files[i] = gen_file_of(seed);
	}
}

void
gen_message_of(const struct gen_world *w, struct gen_ref ref, struct gen_message *out)
{
	struct gen_rng r;

	gen_parties_of(w, ref, out);
	r.state = out->seed ^ 0x73686170;
	out->date_ns = date_of(w, ref, out->seed);
	out->has_html = gen_chance(&r, 80);
	out->is_base64 = gen_chance(&r, 40);
	out->has_logo = !w->small && out->has_html && gen_chance(&r, 44);
	out->text_size = 300 + gen_below(&r, 900) + (gen_chance(&r, 30) ? gen_below(&r, 6000) : 0);
	out->line_width = gen_chance(&r, 97) ? 76 : gen_chance(&r, 50) ? 72 : 64;
	add_files(w, &r, out);
}

void
gen_subject(const struct gen_message *m, char *out, size_t size)
{
	EXA_AUTO(buf_done) struct buf words = { 0 };
	struct gen_rng r = { m->topic ^ 0x7375626a };
	const char *prefix = m->depth == 0 ? "" : m->is_forward ? "FW: " : "RE: ";

	gen_words(&words, &r, 2 + gen_below(&r, 6), GEN_CAPITAL);
	(void)snprintf(out, size, "%s%s", prefix, buf_string(&words));
}

void
gen_message_id(const struct gen_message *m, char *out, size_t size)
{
	(void)snprintf(out, size, "<DB%c%016" PRIX64 "%04X@DB9PR0%uMB%04u.eurprd04.prod.example>",
		(int)('3' + m->seed % 7), m->seed, (unsigned)(m->topic & 0xffff),
		(unsigned)(m->seed % 9) + 1, (unsigned)(m->topic % 9000) + 1000);
}

size_t
gen_size_estimate(const struct gen_message *m)
{
	size_t words = m->text_size * (m->depth + 1);
	size_t size = 2500 + words + (m->has_html ? 5500 + words * 3 / 2 : 0);

	if (m->is_base64)
		size = size * 4 / 3;
	if (m->has_logo)
		size += 14000;
	for (size_t i = 0; i < m->file_count; i++)
		size += m->files[i].size * 78 / 57 + 400;
	return size;
}
