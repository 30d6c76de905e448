/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One item on its way back: its record, then its message or native stream from the segments, pulled
 * into the request and compared with the record's length and SHA-256 at the end. What doesn't
 * compare ends the request before its last byte, so the server never makes an item of it.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "internal.h"

static const char *
keep(struct arena *a, const char *text)
{
	return arena_strndup(a, text, strlen(text));
}

bool
item_takes_mime(const char *class)
{
	static const char *const without[] = { "IPM.Contact", "IPM.DistList", "IPM.Task",
		"IPM.StickyNote", "IPM.Activity", "IPM.AbchPerson" };

	for (size_t i = 0; i < sizeof without / sizeof without[0]; i++) {
		if (strncasecmp(class, without[i], strlen(without[i])) == 0)
			return false;
	}
	return true;
}

/* MIME is what a message came as, and what every server takes. Of an appointment it tells half: its
 * stream is better where there is one. */
static bool
goes_native(const struct catalog_item *item)
{
	const bool appointment =
		strncasecmp(item->class, "IPM.Appointment", strlen("IPM.Appointment")) == 0;

	return catalog_item_has_native(item) &&
	       (!catalog_item_has_mime(item) || !item_takes_mime(item->class) || appointment);
}

static void
keep_item(struct arena *a, struct catalog_item *item)
{
	uint8_t *key = arena_alloc(a, item->search_key.size + 1);

	item->server_id = keep(a, item->server_id);
	item->change_key = keep(a, item->change_key);
	item->class = keep(a, item->class);
	item->internet_message_id = keep(a, item->internet_message_id);
	item->categories = keep(a, item->categories);
	if (item->search_key.size > 0)
		memcpy(key, item->search_key.data, item->search_key.size);
	item->search_key = bytes_of(key, item->search_key.size);
}

bool
item_load(struct batch *b, struct wanted *w, struct restore_thread *t, struct exa_error *err)
{
	struct exa_error why;

	if (!catalog_item_read(t->reader, &w->row, &t->scratch, &w->item, &why)) {
		if (why.code != EXA_CORRUPT && why.code != EXA_GONE) {
			*err = why;
			return false;
		}
		w->item = (struct catalog_item){ .number = w->row.number };
		wanted_fail(w, &why);
		return true;
	}
	keep_item(b->arena, &w->item);
	(void)snprintf(w->marker, sizeof w->marker, "%s%llu", t->run->marker_prefix,
		(unsigned long long)w->row.number);
	w->native = goes_native(&w->item);
	if (w->native || item_takes_mime(w->item.class))
		return true;
	(void)exa_fail(&why, EXA_UNREADABLE,
		"an item of class %s can't be made from MIME, and its native stream isn't archived "
		"(`capture: [mime, native]` archives both)",
		w->item.class);
	wanted_fail(w, &why);
	return true;
}

/* ---- as a source ---- */

/* Noted, so that a failure of the archive is told from one of the server. */
static bool
fails(struct item_source *s, const struct exa_error *why)
{
	s->failed = true;
	s->failure = *why;
	return false;
}

static bool
source_open(void *ctx, struct exa_error *err)
{
	struct item_source *s = ctx;
	const struct catalog_item *item = &s->wanted->item;

	recipe_player_freep(&s->player);
	return recipe_player_new(s->thread->reader,
		       s->wanted->native ? &item->native_recipe : &item->recipe, &s->player, err) ||
	       fails(s, err);
}

static bool
source_end(struct item_source *s, struct exa_error *err)
{
	const struct catalog_item *item = &s->wanted->item;
	const uint8_t *recorded = s->wanted->native ? item->native_sha256 : item->mime_sha256;
	uint8_t sha256[CATALOG_SHA256_SIZE];
	uint64_t bytes;

	if (!recipe_player_finish(s->player, &bytes, sha256, err))
		return false;
	return memcmp(sha256, recorded, sizeof sha256) == 0 ||
	       exa_fail(err, EXA_CORRUPT, "the message isn't the one its record names (SHA-256)");
}

static bool
source_next(void *ctx, struct bytes *out, struct exa_error *err)
{
	struct item_source *s = ctx;

	if (!recipe_player_next(s->player, out, err) || (out->size == 0 && !source_end(s, err)))
		return fails(s, err);
	return true;
}

void
item_source_begin(
	struct item_source *s, struct restore_thread *t, struct wanted *w, struct ews_source *out)
{
	*s = (struct item_source){ .thread = t, .wanted = w };
	*out = (struct ews_source){
		.size = w->native ? w->item.native_bytes : w->item.mime_bytes,
		.open = source_open,
		.next = source_next,
		.ctx = s,
	};
}

void
item_source_done(struct item_source *s)
{
	recipe_player_freep(&s->player);
}
