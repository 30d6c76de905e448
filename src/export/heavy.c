/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <glib.h>
#include <gmime/gmime.h>

#include "exarch/mem.h"
#include "exarch/message.h"
#include "exarch/report.h"
#include "heavy.h"

/* Headers of a part are short; what stands before them is another part's end. */
#define HEADERS_MAX ((size_t)4096)

struct watched {
	struct store_id id;
	struct stats_part part;
	uint64_t weight; /* bytes of all copies, and of what made room */
	size_t at;       /* in the heap */
};

struct heavy {
	GHashTable *by_id;
	struct watched **heap; /* the least weight first */
	size_t count;
	struct watched largest[STATS_PARTS_MAX]; /* descending by size */
	size_t largest_count;
};

static guint
id_hash(gconstpointer id)
{
	return get_le32(id);
}

static gboolean
id_equal(gconstpointer a, gconstpointer b)
{
	return memcmp(a, b, STORE_ID_SIZE) == 0;
}

struct heavy *
heavy_new(void)
{
	struct heavy *h = exa_alloc(sizeof *h);

	h->by_id = g_hash_table_new_full(id_hash, id_equal, NULL, exa_free);
	h->heap = exa_alloc_array(HEAVY_WATCHED, sizeof(struct watched *));
	return h;
}

void
heavy_free(struct heavy *h)
{
	if (h == NULL)
		return;
	g_hash_table_destroy(h->by_id);
	exa_free(h->heap);
	exa_free(h);
}

/* ---- names ---- */

/* The headers behind the last boundary. */
static struct bytes
last_headers(struct bytes b)
{
	struct bytes tail = bytes_skip(b, b.size > HEADERS_MAX ? b.size - HEADERS_MAX : 0);

	for (size_t i = tail.size; i >= 3; i--) {
		if (memcmp(tail.data + i - 3, "\n--", 3) == 0) {
			const uint8_t *end = memchr(tail.data + i, '\n', tail.size - i);

			return end == NULL ? tail : bytes_skip(tail, (size_t)(end - tail.data) + 1);
		}
	}
	return tail;
}

/* A text without a name is a body: Exchange likes them in base64. */
static bool
is_body(GMimeObject *part, const char *name)
{
	GMimeContentType *type = part != NULL ? g_mime_object_get_content_type(part) : NULL;

	return name == NULL && type != NULL && g_mime_content_type_is_type(type, "text", "*");
}

bool
heavy_name(struct bytes headers, char out[STATS_PART_NAME_MAX + 1])
{
	struct bytes block = last_headers(headers);
	EXA_AUTO(buf_done) struct buf clean = { 0 };
	GMimeStream *stream;
	GMimeParser *parser;
	GMimeObject *part;
	const char *name;
	bool attached;

	message_gmime_ready();
	stream = g_mime_stream_mem_new_with_buffer((const char *)block.data, block.size);
	parser = g_mime_parser_new_with_stream(stream);
	part = g_mime_parser_construct_part(parser, NULL);
	name = part != NULL && GMIME_IS_PART(part) ? g_mime_part_get_filename(GMIME_PART(part))
						   : NULL;
	if (name != NULL)
		report_clean(&clean, name, STATS_PART_NAME_MAX);
	out[0] = '\0';
	if (clean.size > 0)
		memcpy(out, buf_string(&clean), clean.size + 1);
	attached = !is_body(part, name);
	if (part != NULL)
		g_object_unref(part);
	g_object_unref(parser);
	g_object_unref(stream);
	return attached;
}

/* ---- the largest ---- */

/* Whoever was once too small for the list stays so: copies are counted from the first on. */
static void
add_largest(struct heavy *h, const struct watched *w)
{
	size_t i;

	for (i = 0; i < h->largest_count; i++) {
		if (id_equal(&h->largest[i].id, &w->id) &&
			h->largest[i].part.size == w->part.size) {
			h->largest[i].part.copies++;
			return;
		}
	}
	if (h->largest_count == STATS_PARTS_MAX &&
		h->largest[STATS_PARTS_MAX - 1].part.size >= w->part.size)
		return;
	if (h->largest_count < STATS_PARTS_MAX)
		h->largest_count++;
	for (i = h->largest_count - 1; i > 0 && h->largest[i - 1].part.size < w->part.size; i--)
		h->largest[i] = h->largest[i - 1];
	h->largest[i] = *w;
	h->largest[i].part.copies = 1;
}

/* ---- the most repeated ---- */

static void
put_at(struct heavy *h, struct watched *w, size_t at)
{
	h->heap[at] = w;
	w->at = at;
}

static void
sift_down(struct heavy *h, struct watched *w)
{
	size_t at = w->at;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < h->count && h->heap[child + 1]->weight < h->heap[child]->weight)
			child++;
		if (child >= h->count || h->heap[child]->weight >= w->weight)
			break;
		put_at(h, h->heap[child], at);
		at = child;
	}
	put_at(h, w, at);
}

static void
sift_up(struct heavy *h, struct watched *w)
{
	size_t at = w->at;

	while (at > 0 && h->heap[(at - 1) / 2]->weight > w->weight) {
		put_at(h, h->heap[(at - 1) / 2], at);
		at = (at - 1) / 2;
	}
	put_at(h, w, at);
}

static void
watch(struct heavy *h, const struct watched *fresh)
{
	struct watched *w;

	if (h->count == HEAVY_WATCHED) {
		w = h->heap[0];
		(void)g_hash_table_steal(h->by_id, &w->id);
		w->id = fresh->id;
		w->part = fresh->part;
		w->weight += fresh->weight;
		(void)g_hash_table_insert(h->by_id, &w->id, w);
		sift_down(h, w);
		return;
	}
	w = exa_alloc(sizeof *w);
	*w = *fresh;
	w->at = h->count++;
	(void)g_hash_table_insert(h->by_id, &w->id, w);
	sift_up(h, w);
}

void
heavy_add(struct heavy *h, const struct recipe_part *part)
{
	struct watched fresh = {
		.id = part->id, .part = { .size = part->size, .copies = 1 }, .weight = part->size
	};
	struct watched *known = g_hash_table_lookup(h->by_id, &part->id);

	if (known != NULL && known->part.size == part->size) {
		known->part.copies++;
		known->weight += part->size;
		sift_down(h, known);
		add_largest(h, known);
		return;
	}
	if (!heavy_name(part->before, fresh.part.name))
		return;
	add_largest(h, &fresh);
	/* Two large parts that begin alike: the first one is watched. */
	if (known == NULL)
		watch(h, &fresh);
}

static uint64_t
saved(const struct stats_part *p)
{
	return (p->copies - 1) * p->size;
}

static int
by_saved(const void *a, const void *b)
{
	const struct watched *const *x = a, *const *y = b;

	if (saved(&(*x)->part) != saved(&(*y)->part))
		return saved(&(*x)->part) < saved(&(*y)->part) ? 1 : -1;
	return memcmp(&(*x)->id, &(*y)->id, sizeof(*x)->id);
}

void
heavy_tell(struct heavy *h, struct stats_result *out)
{
	exa_sort(h->heap, h->count, sizeof(struct watched *), by_saved);
	out->repeated_count = 0;
	for (size_t i = 0; i < h->count && i < STATS_PARTS_MAX; i++) {
		if (h->heap[i]->part.copies > 1)
			out->repeated[out->repeated_count++] = h->heap[i]->part;
	}
	for (size_t i = 0; i < h->largest_count; i++)
		out->largest[i] = h->largest[i].part;
	out->largest_count = h->largest_count;
}
