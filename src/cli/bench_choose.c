/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"
#include "errand.h"
#include "exarch/mem.h"

/* How many mailboxes are looked at for each one that is wanted, before fewer items are taken. */
#define LOOKED_AT_MOST 4
/* Of an item whose size isn't told. */
#define ITEM_BYTES ((uint64_t)100 * 1024)

struct choosing {
	struct session *session;
	struct ews *ews;
	struct bench_choice choice;
	uint64_t *holds; /* items, by mailbox of the choice */
	uint64_t *bytes;
	const struct crawl_mailbox *now; /* being asked for */
	struct crawl_tree tree;
};

static bool
load_tree(void *ctx, struct exa_error *err)
{
	struct choosing *c = ctx;

	return crawl_tree_load(c->ews, c->now, &c->session->profile->rules, &c->tree, err);
}

static void
take(struct choosing *c, const struct crawl_mailbox *mailbox)
{
	struct bench_choice *choice = &c->choice;
	uint64_t items = 0, bytes = 0;

	for (size_t i = 0; i < c->tree.count; i++) {
		const struct crawl_folder *f = &c->tree.folders[i];
		uint64_t total = f->total_count > 0 ? (uint64_t)f->total_count : 0;

		if (f->decision.verdict != RULES_ARCHIVE)
			continue;
		items += total;
		bytes += f->size_bytes >= 0 ? (uint64_t)f->size_bytes : total * ITEM_BYTES;
	}
	if (items == 0)
		return;
	c->holds[choice->count] = items;
	c->bytes[choice->count] = bytes;
	choice->mailboxes[choice->count] = *mailbox;
	choice->mailboxes[choice->count++].label = exa_strdup(mailbox->label);
}

/* A mailbox that can't be had is left to `exarch archive` to complain about. */
static bool
look_at(struct choosing *c, const struct crawl_mailbox *mailbox, struct cancel *cancel,
	struct exa_error *err)
{
	c->now = mailbox;
	if (!errand_run(load_tree, c, cancel, err)) {
		if (err->code != EXA_ASIDE && err->code != EXA_GONE && err->code != EXA_DENIED)
			return exa_while(err, "mailbox %s", mailbox->label);
		c->choice.refused += err->code != EXA_GONE || mailbox->part == CATALOG_PRIMARY;
		return true;
	}
	take(c, mailbox);
	crawl_tree_done(&c->tree);
	return true;
}

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Each the same first; what is missing then from whoever has more. */
static void
share_out(struct choosing *c, uint64_t items, uint64_t share)
{
	struct bench_choice *choice = &c->choice;

	for (size_t i = 0; i < choice->count; i++) {
		choice->mailboxes[i].items_max = least(least(c->holds[i], share), items);
		items -= choice->mailboxes[i].items_max;
	}
	for (size_t i = 0; i < choice->count; i++) {
		uint64_t more = least(c->holds[i] - choice->mailboxes[i].items_max, items);

		choice->mailboxes[i].items_max += more;
		items -= more;
	}
	while (choice->count > 0 && choice->mailboxes[choice->count - 1].items_max == 0)
		exa_free(choice->mailboxes[--choice->count].label);
	for (size_t i = 0; i < choice->count; i++) {
		const uint64_t taken = choice->mailboxes[i].items_max;

		choice->items += taken;
		choice->estimated_bytes +=
			(uint64_t)((double)c->bytes[i] * (double)taken / (double)c->holds[i]);
	}
}

static bool
look_around(struct choosing *c, const struct crawl_mailbox *all, size_t count, uint64_t items,
	struct cancel *cancel, struct exa_error *err)
{
	size_t wanted = 2 * (size_t)c->session->profile->mailbox_concurrency;
	uint64_t share, found = 0;

	wanted = (size_t)least(least(wanted, count), items);
	share = (items + wanted - 1) / wanted;
	c->choice.mailboxes = exa_alloc_array(count, sizeof *c->choice.mailboxes);
	c->holds = exa_alloc_array(count, sizeof *c->holds);
	c->bytes = exa_alloc_array(count, sizeof *c->bytes);
	for (size_t i = 0;
		i < count && found < items && (i < wanted * LOOKED_AT_MOST || c->choice.count == 0);
		i++) {
		const size_t before = c->choice.count;

		if (!look_at(c, &all[i], cancel, err))
			return false;
		if (c->choice.count > before)
			found += least(c->holds[before], share);
	}
	if (c->choice.count == 0)
		return exa_fail(err, EXA_USAGE,
			"none of the profile's mailboxes holds an item that would be archived");
	share_out(c, items, share);
	return true;
}

static bool
choose(struct choosing *c, struct crawl_mailbox *all, size_t count, uint64_t items,
	struct cancel *cancel, struct exa_error *err)
{
	bool good;

	if (count == 0)
		return exa_fail(err, EXA_USAGE,
			"no mailbox would be archived; `exarch mailboxes` says why");
	if (!session_locate(c->session, all, count, cancel, err) ||
		!ews_new(&c->session->ews, &c->ews, err))
		return false;
	good = look_around(c, all, count, items, cancel, err);
	ews_free(c->ews);
	return good;
}

bool
bench_choose(struct session *s, const struct plan *plan, uint64_t items, struct cancel *cancel,
	struct bench_choice *out, struct exa_error *err)
{
	struct crawl_mailbox *all = exa_alloc_array(plan->count * PARTS_MOST, sizeof *all);
	struct choosing c = { .session = s };
	size_t count = 0;
	bool good;

	for (size_t i = 0; i < plan->count; i++) {
		if (plan->entries[i].decision.verdict == RULES_ARCHIVE)
			count += session_parts(s, &plan->entries[i].mailbox, &all[count]);
	}
	good = choose(&c, all, count, items, cancel, err);
	for (size_t i = 0; i < count; i++)
		exa_free(all[i].label);
	exa_free(all);
	exa_free(c.holds);
	exa_free(c.bytes);
	if (good)
		*out = c.choice;
	else
		bench_choice_done(&c.choice);
	return good;
}

void
bench_choice_done(struct bench_choice *c)
{
	for (size_t i = 0; i < c->count; i++)
		exa_free(c->mailboxes[i].label);
	exa_free(c->mailboxes);
	*c = (struct bench_choice){ 0 };
}
