/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a batch is at the server already. By marker: exarch has restored it. Without one, in the
 * same second and with the same Message-ID (or search key, where either has no Message-ID): a twin.
 * A twin accounts for one item; the one that has the very id the item was archived under first.
 *
 * Twins also tell what became of uploads whose answer was lost, since those have no marker yet: one
 * that wasn't there before the upload is ours.
 */
#include <stdlib.h>
#include <string.h>

#include "exarch/clock.h"

#include "internal.h"

/* Twins that one batch can have. Hundreds of mails that look alike in a second, times a hundred
 * seconds; more is a loop somewhere. */
#define TWINS_MAX ((size_t)10000)
/* Received further apart than this, two items are asked for as two spans. */
#define GAP_NS (INT64_C(3600) * EXA_NS_PER_S)

struct twin {
	const char *id, *change_key; /* of the batch's arena */
	const char *message_id;
	struct bytes search_key;
	int64_t second;
	bool used;
};

struct looking {
	struct batch *batch;
	struct restore_thread *thread;
	struct twin *twins;
	size_t count, capacity;
};

static int64_t
second_of(int64_t moment_ns)
{
	return moment_ns == EXA_NO_TIME ? EXA_NO_TIME : moment_ns / EXA_NS_PER_S;
}

/* ---- by marker ---- */

static struct wanted *
find_marked(struct batch *b, const char *marker)
{
	for (size_t i = 0; i < b->count; i++) {
		if (strcmp(b->wanted[i].marker, marker) == 0)
			return &b->wanted[i];
	}
	return NULL;
}

static bool
on_marked(void *ctx, const struct ews_found *f, struct exa_error *err)
{
	struct batch *b = ctx;
	struct wanted *w = find_marked(b, f->marker);

	(void)err;
	if (w == NULL || w->state != WANTED_OPEN)
		return true;
	w->state = w->sent ? WANTED_DONE : WANTED_THERE;
	w->made_id = arena_strndup(b->arena, f->id, strlen(f->id));
	return true;
}

static bool
find_all(struct looking *l, struct ews_find_request *request, const struct ews_found_sink *sink,
	struct exa_error *err)
{
	const struct target *t = l->batch->source->target;

	request->folder_id = l->batch->source->place_id;
	request->offset = 0;
	while (request->offset >= 0) {
		if (!ews_search_items(
			    l->thread->ews, &t->mailbox, request, sink, &request->offset, err))
			return exa_while(err, "looking what is there already");
	}
	return true;
}

bool
look_for_marked(struct batch *b, struct restore_thread *t, bool *asked_out, struct exa_error *err)
{
	struct looking l = { .batch = b, .thread = t };
	const struct ews_found_sink sink = { .found = on_marked, .ctx = b };
	const char *markers[EWS_BATCH_MAX];
	struct ews_find_request request = { .markers = markers };

	for (size_t i = 0; i < b->count; i++) {
		if (b->wanted[i].state == WANTED_OPEN)
			markers[request.marker_count++] = b->wanted[i].marker;
	}
	*asked_out = request.marker_count > 0;
	return request.marker_count == 0 || find_all(&l, &request, &sink, err);
}

/* ---- twins ---- */

static bool
is_alike(const struct wanted *w, const struct twin *t)
{
	const struct catalog_item *item = &w->item;

	if (second_of(w->row.received_ns) != t->second)
		return false;
	if (item->internet_message_id[0] != '\0' && t->message_id[0] != '\0')
		return strcmp(item->internet_message_id, t->message_id) == 0;
	return item->search_key.size > 0 && bytes_equal(item->search_key, t->search_key);
}

/* Which items care for twins: those that aren't there by marker; when they replace something, all
 * that are. */
static bool
cares(const struct batch *b, const struct wanted *w)
{
	switch (b->source->target->run->options->duplicates) {
	case RESTORE_SKIP:
		return w->state == WANTED_OPEN;
	case RESTORE_COPY:
		return w->state == WANTED_OPEN && w->native;
	case RESTORE_REPLACE:
		break;
	}
	return w->state != WANTED_FAILED && w->state != WANTED_TWIN;
}

static bool
is_ours(const struct looking *l, const struct ews_found *f)
{
	const char *prefix = l->thread->run->marker_prefix;

	if (strncmp(f->marker, prefix, strlen(prefix)) == 0)
		return true;
	for (size_t i = 0; i < l->batch->count; i++) {
		const struct wanted *w = &l->batch->wanted[i];

		if (w->made_id != NULL && strcmp(w->made_id, f->id) == 0)
			return true;
	}
	return false;
}

static bool
on_candidate(void *ctx, const struct ews_found *f, struct exa_error *err)
{
	struct looking *l = ctx;
	struct arena *a = l->batch->arena;
	struct twin t = { .id = f->id,
		.change_key = f->change_key,
		.message_id = f->internet_message_id,
		.search_key = f->search_key,
		.second = second_of(f->received_ns) };
	uint8_t *key;
	bool alike = false;

	if (is_ours(l, f))
		return true;
	for (size_t i = 0; i < l->batch->count && !alike; i++)
		alike = cares(l->batch, &l->batch->wanted[i]) && is_alike(&l->batch->wanted[i], &t);
	if (!alike)
		return true;
	if (l->count == TWINS_MAX)
		return exa_fail(err, EXA_LIMIT, "more than %zu items look like these", TWINS_MAX);
	t.id = arena_strndup(a, f->id, strlen(f->id));
	t.change_key = arena_strndup(a, f->change_key, strlen(f->change_key));
	t.message_id = arena_strndup(a, t.message_id, strlen(t.message_id));
	key = arena_alloc(a, t.search_key.size + 1);
	if (t.search_key.size > 0)
		memcpy(key, t.search_key.data, t.search_key.size);
	t.search_key = bytes_of(key, t.search_key.size);
	if (l->count == l->capacity) {
		l->capacity = l->capacity > 0 ? l->capacity * 2 : 64;
		l->twins = exa_realloc_array(l->twins, l->capacity, sizeof *l->twins);
	}
	l->twins[l->count++] = t;
	return true;
}

static int
by_time(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The seconds of the items, as spans; what lies close together is one. Returns 0 when the whole
 * folder has to be looked through: the time of some isn't known. */
static size_t
make_spans(const struct batch *b, struct ews_span spans[EWS_SPANS_MAX])
{
	int64_t seconds[EWS_BATCH_MAX];
	size_t count = 0, made = 0;

	for (size_t i = 0; i < b->count; i++) {
		const struct wanted *w = &b->wanted[i];

		if (!cares(b, w))
			continue;
		if (w->row.received_ns == EXA_NO_TIME)
			return 0;
		seconds[count++] = second_of(w->row.received_ns) * EXA_NS_PER_S;
	}
	exa_sort(seconds, count, sizeof seconds[0], by_time);
	for (size_t i = 0; i < count; i++) {
		const int64_t end_ns = seconds[i] + EXA_NS_PER_S;

		if (made > 0 &&
			(made == EWS_SPANS_MAX || seconds[i] - spans[made - 1].before_ns < GAP_NS))
			spans[made - 1].before_ns = end_ns;
		else
			spans[made++] = (struct ews_span){ seconds[i], end_ns };
	}
	return made;
}

static bool
is_known(const struct wanted *w, const struct twin *t)
{
	for (size_t i = 0; i < w->known_count; i++) {
		if (strcmp(w->known[i], t->id) == 0)
			return true;
	}
	return false;
}

/* An upload whose answer was lost: what is like it and wasn't there before it came from us. With
 * more twins than can be remembered nobody could tell: then it isn't sent again either. */
static void
adopt(struct looking *l, struct wanted *w)
{
	struct exa_error why;

	for (size_t i = 0; i < l->count; i++) {
		struct twin *t = &l->twins[i];

		if (t->used || !is_alike(w, t) || is_known(w, t))
			continue;
		t->used = true;
		w->made_id = t->id;
		w->state = WANTED_UNMARKED;
		return;
	}
	if (w->known_count < KNOWN_MAX)
		return;
	(void)exa_fail(&why, EXA_FAILED,
		"whether it was restored can't be told: there are too many like it");
	wanted_fail(w, &why);
}

static void
remember_twins(const struct looking *l, struct wanted *w)
{
	w->known_count = 0;
	for (size_t i = 0; i < l->count && w->known_count < KNOWN_MAX; i++) {
		if (is_alike(w, &l->twins[i]))
			w->known[w->known_count++] = l->twins[i].id;
	}
}

static void
take_twin(const struct looking *l, struct wanted *w, struct twin *t)
{
	const enum restore_duplicates how = l->batch->source->target->run->options->duplicates;

	t->used = true;
	if (how == RESTORE_SKIP) {
		w->state = WANTED_TWIN;
		w->made_id = t->id;
	} else if (how == RESTORE_REPLACE) {
		w->old_id = t->id;
		w->old_change_key = t->change_key;
	}
}

enum exactness { SAME_ID, ALIKE };

static void
match(struct looking *l, enum exactness how)
{
	for (size_t i = 0; i < l->batch->count; i++) {
		struct wanted *w = &l->batch->wanted[i];

		if (!cares(l->batch, w) || w->sent || w->old_id != NULL)
			continue;
		for (size_t k = 0; k < l->count; k++) {
			struct twin *t = &l->twins[k];

			if (t->used || !is_alike(w, t) ||
				(how == SAME_ID && strcmp(t->id, w->item.server_id) != 0))
				continue;
			take_twin(l, w, t);
			break;
		}
	}
}

/* What an earlier look has assigned stays so. */
static void
keep_assigned(struct looking *l)
{
	for (size_t i = 0; i < l->batch->count; i++) {
		const struct wanted *w = &l->batch->wanted[i];

		for (size_t k = 0; w->old_id != NULL && k < l->count; k++) {
			if (strcmp(l->twins[k].id, w->old_id) == 0)
				l->twins[k].used = true;
		}
	}
}

static void
judge_twins(struct looking *l)
{
	keep_assigned(l);
	for (size_t i = 0; i < l->batch->count; i++) {
		struct wanted *w = &l->batch->wanted[i];

		if (w->state != WANTED_OPEN || !w->native)
			continue;
		if (w->sent)
			adopt(l, w);
		else
			remember_twins(l, w);
	}
	if (l->batch->source->target->run->options->duplicates == RESTORE_COPY)
		return;
	match(l, SAME_ID);
	match(l, ALIKE);
}

bool
look_for_twins(struct batch *b, struct restore_thread *t, bool *asked_out, struct exa_error *err)
{
	struct looking l = { .batch = b, .thread = t };
	const struct ews_found_sink sink = { .found = on_candidate, .ctx = &l };
	struct ews_span spans[EWS_SPANS_MAX];
	struct ews_find_request request = { .spans = spans };
	bool good;

	*asked_out = false;
	for (size_t i = 0; i < b->count; i++)
		*asked_out = *asked_out || cares(b, &b->wanted[i]);
	if (!*asked_out)
		return true;
	request.span_count = make_spans(b, spans);
	good = find_all(&l, &request, &sink, err);
	if (good)
		judge_twins(&l);
	exa_free(l.twins);
	return good;
}
