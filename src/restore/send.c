/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a batch asks the server to do. An answer counts for as many items as it names; what it
 * doesn't name may have been done, and is looked for before it is asked for again.
 */
#include <assert.h>
#include <string.h>

#include "internal.h"

/* One request. */
struct group {
	struct batch *batch;
	struct restore_thread *thread;
	struct wanted *of[EWS_BATCH_MAX];
	struct item_source sources[GROUP_ITEMS];
	size_t count;
	bool has_passing; /* of some item: the server will do it later, or the mailbox is meant */
	struct exa_error passing;
};

/* The first one is why the server didn't look at the others. */
static void
take_passing(struct group *g, const struct exa_error *why)
{
	if (!g->has_passing)
		g->passing = *why;
	g->has_passing = true;
}

/* The end of a request whose answer was read: what passes is the batch's to wait for. */
static bool
group_good(const struct group *g, struct exa_error *err)
{
	if (!g->has_passing)
		return true;
	*err = g->passing;
	return false;
}

/* ---- choosing ---- */

static uint64_t
bytes_of_form(const struct wanted *w)
{
	return w->native ? w->item.native_bytes : w->item.mime_bytes;
}

/* The next open items, of one form: as many as fit, one at least. */
static void
choose(struct group *g)
{
	struct batch *b = g->batch;
	const uint64_t most = b->source->target->run->options->batch_bytes;
	uint64_t bytes = 0;

	b->asked_count = 0;
	for (size_t i = 0; i < b->count && g->count < b->group; i++) {
		struct wanted *w = &b->wanted[i];

		if (w->state != WANTED_OPEN || (g->count > 0 && w->native != g->of[0]->native))
			continue;
		if (g->count > 0 && bytes + bytes_of_form(w) > most)
			break;
		bytes += bytes_of_form(w);
		b->asked[b->asked_count++] = i;
		g->of[g->count++] = w;
	}
}

/* ---- making ---- */

/* Refused in this form: the other one may do, if there is one. */
static bool
changes_form(struct wanted *w)
{
	const bool other =
		w->native ? catalog_item_has_mime(&w->item) : catalog_item_has_native(&w->item);

	if (w->tried_other || !other)
		return false;
	w->tried_other = true;
	w->native = !w->native;
	w->sent = false; /* nothing of it was done */
	return true;
}

static bool
on_made(void *ctx, size_t index, const struct ews_item_ref *made, const struct exa_error *why,
	struct exa_error *err)
{
	struct group *g = ctx;
	struct wanted *w = g->of[index];

	(void)err;
	if (why == NULL) {
		w->made_id = arena_strndup(g->batch->arena, made->id, strlen(made->id));
		w->state = w->native && made->id[0] != '\0' ? WANTED_UNMARKED : WANTED_DONE;
	} else if (failure_passes(why)) {
		take_passing(g, why);
	} else if (why->code != EXA_UNREADABLE || !changes_form(w)) {
		wanted_fail(w, why);
	}
	return true;
}

static struct ews_new_item
new_item_of(const struct wanted *w, const struct ews_source *source)
{
	/* PidTagMessageFlags: the others are the server's to compute. */
	const int64_t flag_read = 0x1, flag_unsent = 0x8;
	const struct catalog_item *item = &w->item;
	const int64_t flags = item->message_flags > 0 ? item->message_flags : 0;

	return (struct ews_new_item){ .mime = *source,
		.marker = w->marker,
		.class = item->class,
		.categories = item->categories,
		.received_ns = item->received_ns,
		.sent_ns = item->sent_ns,
		.is_read = item->is_read >= 0 ? item->is_read == 1 : (flags & flag_read) != 0,
		.is_draft = (flags & flag_unsent) != 0,
		.flag_status = item->flag_status };
}

static bool
create(struct group *g, const struct ews_source *sources, struct exa_error *err)
{
	const struct source *to = g->batch->source;
	const struct ews_made_handler handler = { .answered = on_made, .ctx = g };
	struct ews_new_item items[GROUP_ITEMS];

	for (size_t i = 0; i < g->count; i++)
		items[i] = new_item_of(g->of[i], &sources[i]);
	return ews_create_items(g->thread->ews, &to->target->mailbox,
		&(struct ews_create_request){
			.folder_id = to->place_id, .items = items, .count = g->count },
		&handler, err);
}

static bool
upload(struct group *g, const struct ews_source *sources, struct exa_error *err)
{
	const struct source *to = g->batch->source;
	const struct ews_made_handler handler = { .answered = on_made, .ctx = g };

	return ews_upload_items(g->thread->ews, &to->target->mailbox,
		&(struct ews_upload_request){
			.folder_id = to->place_id, .streams = sources, .count = g->count },
		&handler, err);
}

/* The archive couldn't give an item: the request never became whole, so nothing was done. */
static bool
fails_here(struct group *g)
{
	bool any = false;

	for (size_t i = 0; i < g->count; i++) {
		if (!g->sources[i].failed)
			continue;
		any = true;
		(void)exa_while(&g->sources[i].failure, "item %llu",
			(unsigned long long)g->of[i]->row.number);
		wanted_fail(g->of[i], &g->sources[i].failure);
	}
	return any;
}

bool
send_group(struct batch *b, struct restore_thread *t, struct exa_error *err)
{
	struct group g = { .batch = b, .thread = t };
	struct ews_source sources[GROUP_ITEMS];
	bool good;

	choose(&g);
	assert(g.count > 0); /* who calls has seen an open one */
	for (size_t i = 0; i < g.count; i++) {
		item_source_begin(&g.sources[i], t, g.of[i], &sources[i]);
		g.of[i]->sent = true;
	}
	good = g.of[0]->native ? upload(&g, sources, err) : create(&g, sources, err);
	if (!good && fails_here(&g))
		good = true;
	for (size_t i = 0; i < g.count; i++)
		item_source_done(&g.sources[i]);
	return good && group_good(&g, err);
}

/* ---- marking ---- */

/* One that can't be marked is restored all the same; a later run knows it as a twin. */
static bool
on_marked(void *ctx, size_t index, const struct ews_item_ref *made, const struct exa_error *why,
	struct exa_error *err)
{
	struct group *g = ctx;

	(void)made;
	(void)err;
	if (why != NULL && failure_passes(why))
		take_passing(g, why);
	else
		g->of[index]->state = WANTED_DONE;
	return true;
}

bool
send_marks(struct batch *b, struct restore_thread *t, struct exa_error *err)
{
	struct group g = { .batch = b, .thread = t };
	const struct ews_made_handler handler = { .answered = on_marked, .ctx = &g };
	struct ews_mark marks[EWS_BATCH_MAX];

	for (size_t i = 0; i < b->count; i++) {
		struct wanted *w = &b->wanted[i];

		if (w->state != WANTED_UNMARKED)
			continue;
		marks[g.count] = (struct ews_mark){ .id = w->made_id, .marker = w->marker };
		g.of[g.count++] = w;
	}
	return ews_mark_items(t->ews, &b->source->target->mailbox, marks, g.count, &handler, err) &&
	       group_good(&g, err);
}

/* ---- deleting what was replaced ---- */

static bool
on_deleted(void *ctx, size_t index, const struct exa_error *why, struct exa_error *err)
{
	struct group *g = ctx;
	struct wanted *w = g->of[index];
	struct exa_error told;

	(void)err;
	if (why != NULL && failure_passes(why)) {
		take_passing(g, why);
		return true;
	}
	w->old_id = NULL;
	if (why == NULL || why->code == EXA_GONE) {
		tell_replaced(g->batch->source->target);
		return true;
	}
	told = *why;
	(void)exa_while(&told, "item %llu was restored, but what it replaces can't be deleted",
		(unsigned long long)w->row.number);
	tell_problem(g->batch->source->target, g->batch->source->place_path, &told);
	return true;
}

static bool
is_restored(const struct wanted *w)
{
	return w->state == WANTED_DONE || w->state == WANTED_THERE;
}

bool
send_deletions(struct batch *b, struct restore_thread *t, struct exa_error *err)
{
	struct group g = { .batch = b, .thread = t };
	const struct ews_delete_handler handler = { .answered = on_deleted, .ctx = &g };
	struct ews_item_ref refs[EWS_BATCH_MAX];

	for (size_t i = 0; i < b->count; i++) {
		struct wanted *w = &b->wanted[i];

		if (w->old_id == NULL)
			continue;
		if (!is_restored(w)) {
			w->old_id = NULL; /* it stays: nothing took its place */
			continue;
		}
		refs[g.count] =
			(struct ews_item_ref){ .id = w->old_id, .change_key = w->old_change_key };
		g.of[g.count++] = w;
	}
	if (g.count == 0)
		return true;
	return ews_delete_items(t->ews, &b->source->target->mailbox,
		       &(struct ews_delete_request){
			       .type = EWS_DELETE_SOFT, .refs = refs, .count = g.count },
		       &handler, err) &&
	       group_good(&g, err);
}
