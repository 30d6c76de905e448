/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is there of an item already while another form of it is still asked for: its properties, and
 * its MIME when that is in the store. Nothing in the archive names it yet; a run that ends here
 * leaves the item pending.
 */
#include <string.h>

#include "exarch/clock.h"
#include "internal.h"

static const char *
keep(struct arena *a, const char *text)
{
	return arena_strndup(a, text, strlen(text));
}

static struct bytes
keep_bytes(struct arena *a, struct bytes bytes)
{
	uint8_t *copy;

	if (bytes.size == 0)
		return bytes_of(NULL, 0);
	copy = arena_alloc(a, bytes.size);
	memcpy(copy, bytes.data, bytes.size);
	return bytes_of(copy, bytes.size);
}

struct item_held *
held_new(const struct ews_item *item, const struct recipe_result *mime)
{
	struct arena *arena = arena_new();
	struct item_held *h = arena_alloc(arena, sizeof *h);

	h->arena = arena;
	h->item = *item;
	h->item.id = keep(arena, item->id);
	h->item.change_key = keep(arena, item->change_key);
	h->item.class = keep(arena, item->class);
	h->item.internet_message_id = keep(arena, item->internet_message_id);
	h->item.categories = keep(arena, item->categories);
	h->item.search_key = keep_bytes(arena, item->search_key);
	h->has_mime = mime != NULL;
	if (mime != NULL)
		h->mime = *mime;
	return h;
}

struct item_held *
held_of_listing(const struct item_ref *ref)
{
	const struct ews_item listed = { .id = ref->id,
		.change_key = ref->change_key,
		.class = ref->class,
		.internet_message_id = "",
		.categories = "",
		.size_bytes = ref->size_bytes,
		.received_ns = ref->received_ns,
		.sent_ns = EXA_NO_TIME,
		.created_ns = EXA_NO_TIME,
		.modified_ns = EXA_NO_TIME,
		.message_flags = -1,
		.is_read = ref->is_read,
		.has_attachments = -1,
		.flag_status = -1 };

	return held_new(&listed, NULL);
}

void
held_free(struct item_held *h)
{
	if (h != NULL)
		arena_free(h->arena);
}
