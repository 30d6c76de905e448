/* SPDX-License-Identifier: Apache-2.0 */
#include "exarch/mem.h"

#include "gen_plan.h"
#include "gen_rng.h"

#define COPIES_MEAN 2   /* of a threaded message, about; for the first guess at their count */
#define FULL_PERCENT 90 /* from there on single messages fill up */

struct fill {
	struct gen_plan *plan;
	uint32_t *used; /* slots of each mailbox */
	uint64_t total;
};

static void
add_copy(struct fill *f, struct gen_party who, uint32_t number, bool is_sent)
{
	struct gen_plan *p = f->plan;

	if (!who.inside || f->used[who.index] == p->items)
		return;
	p->slots[(uint64_t)who.index * p->items + f->used[who.index]++] =
		(struct gen_slot){ number, false, is_sent };
	f->total++;
}

static void
fill_with_threads(struct fill *f, uint64_t all)
{
	struct gen_world *w = &f->plan->world;
	uint64_t limit = all / COPIES_MEAN * 3 / 2 + 1;
	uint32_t number = 0;

	for (; number < limit && f->total < all / 100 * FULL_PERCENT; number++) {
		struct gen_message m;

		gen_parties_of(w, (struct gen_ref){ .number = number }, &m);
		add_copy(f, m.from, number, true);
		for (size_t i = 0; i < m.to_count; i++)
			add_copy(f, m.to[i], number, false);
	}
	w->threaded_count = number;
}

static uint32_t
common_divisor(uint32_t a, uint32_t b)
{
	while (b != 0) {
		uint32_t t = a % b;

		a = b;
		b = t;
	}
	return a;
}

/* A stride through the slots that meets each once, and the way back. */
static void
choose_stride(struct gen_plan *p)
{
	uint32_t n = p->items;

	p->remove_stride = 1;
	p->remove_inverse = 1;
	if (n < 3)
		return;
	p->remove_stride = n / 2 + n / 7 + 1;
	while (common_divisor(p->remove_stride, n) != 1)
		p->remove_stride++;
	p->remove_stride %= n;
	for (uint32_t i = 1; i < n; i++) {
		if ((uint64_t)i * p->remove_stride % n == 1)
			p->remove_inverse = i;
	}
}

void
gen_plan_init(struct gen_plan *p, const struct gen_world *w, uint32_t items)
{
	struct fill f = { .plan = p };

	*p = (struct gen_plan){ .world = *w, .items = items };
	p->slots = exa_alloc_array((size_t)w->mailboxes * items + 1, sizeof *p->slots);
	f.used = exa_alloc_array(w->mailboxes, sizeof *f.used);
	fill_with_threads(&f, (uint64_t)w->mailboxes * items);
	for (uint32_t m = 0; m < w->mailboxes; m++) {
		for (uint32_t i = f.used[m]; i < items; i++)
			p->slots[(uint64_t)m * items + i] = (struct gen_slot){ i, true, false };
	}
	exa_free(f.used);
	choose_stride(p);
}

void
gen_plan_done(struct gen_plan *p)
{
	exa_free(p->slots);
	p->slots = NULL;
}

uint32_t
gen_plan_slots(const struct gen_plan *p, uint32_t mailbox, uint32_t added)
{
	uint32_t m = p->world.mailboxes;

	return p->items + added / m + (mailbox < added % m);
}

/* Removals go round the mailboxes, and within one by the stride. */
bool
gen_plan_has(const struct gen_plan *p, uint32_t mailbox, uint32_t slot, struct gen_epoch epoch)
{
	uint64_t turn;

	if (slot >= p->items)
		return (uint64_t)(slot - p->items) * p->world.mailboxes + mailbox < epoch.added;
	turn = (uint64_t)slot * p->remove_inverse % p->items;
	return turn * p->world.mailboxes + mailbox >= epoch.removed;
}

struct gen_ref
gen_plan_ref(const struct gen_plan *p, uint32_t mailbox, uint32_t slot, bool *is_sent_out)
{
	const struct gen_slot *s;

	*is_sent_out = false;
	if (slot >= p->items)
		return (struct gen_ref){ true, true, mailbox, slot - p->items };
	s = &p->slots[(uint64_t)mailbox * p->items + slot];
	*is_sent_out = s->is_sent;
	return (struct gen_ref){ s->is_single, false, s->is_single ? mailbox : 0, s->number };
}
