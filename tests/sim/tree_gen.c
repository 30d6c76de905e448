/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <strings.h>

#include "gen_plan.h"
#include "gen_rng.h"
#include "gen_text.h"
#include "gen_view.h"
#include "tree_gen.h"

struct gen_store {
	struct mailstore store;
	struct gen_plan plan;
	struct gen_epoch epoch;
	enum extra_folders extra;
	struct mailbox_id *ids;
	pthread_mutex_t mu;
	struct view **views; /* under mu; made when first asked for, then kept */
};

static bool
open_view(struct mailstore *store, const char *address, enum freshness how, struct view **out)
{
	struct gen_store *s = (struct gen_store *)store;
	uint32_t count = s->plan.world.mailboxes, i = 0;

	(void)how; /* nothing changes while we run */
	while (i < count && strcasecmp(s->ids[i].address, address) != 0)
		i++;
	if (i == count)
		return false;
	(void)pthread_mutex_lock(&s->mu);
	if (s->views[i] == NULL)
		s->views[i] = gen_view_new(&s->plan, i, &s->ids[i], s->epoch, s->extra);
	*out = view_keep(s->views[i]);
	(void)pthread_mutex_unlock(&s->mu);
	return true;
}

static void
list_boxes(struct mailstore *store, struct mailbox_id **out, size_t *count_out)
{
	struct gen_store *s = (struct gen_store *)store;

	*count_out = s->plan.world.mailboxes;
	*out = exa_alloc_array(*count_out, sizeof **out);
	for (size_t i = 0; i < *count_out; i++)
		(*out)[i] = s->ids[i];
}

static void
free_store(struct mailstore *store)
{
	struct gen_store *s = (struct gen_store *)store;

	for (uint32_t i = 0; i < s->plan.world.mailboxes; i++)
		view_drop(s->views[i]);
	gen_plan_done(&s->plan);
	(void)pthread_mutex_destroy(&s->mu);
	exa_free(s->views);
	exa_free(s->ids);
	exa_free(s);
}

static const struct mailstore_ops gen_store_ops = { open_view, list_boxes, free_store };

bool
tree_gen_open(const struct tree_gen_options *o, struct mailstore **out, struct exa_error *err)
{
	struct gen_world world = {
		.seed = gen_mix(o->seed), .mailboxes = o->mailboxes, .small = o->small
	};
	struct gen_store *s;

	if ((uint64_t)o->remove > (uint64_t)o->mailboxes * o->items)
		return exa_fail(err, EXA_USAGE, "--remove %u: there are only %u items", o->remove,
			o->mailboxes * o->items);
	s = exa_alloc(sizeof *s);
	gen_text_init();
	s->store.ops = &gen_store_ops;
	gen_plan_init(&s->plan, &world, o->items);
	s->plan.has_archive = o->online_archive;
	s->plan.more_folders = o->more_folders;
	s->epoch = (struct gen_epoch){ o->add, o->remove };
	s->extra = o->folders;
	(void)pthread_mutex_init(&s->mu, NULL);
	s->ids = exa_alloc_array(o->mailboxes, sizeof *s->ids);
	s->views = exa_alloc_array(o->mailboxes, sizeof *s->views);
	for (uint32_t i = 0; i < o->mailboxes; i++) {
		struct gen_name name;

		gen_name_of((struct gen_party){ true, i }, &name);
		mailbox_id_init(&s->ids[i], name.address, name.name);
	}
	*out = &s->store;
	return true;
}
