/* SPDX-License-Identifier: Apache-2.0 */
/* Figures: one walk over rows, which the index answers; records and recipes only when asked for. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <glib.h>

#include "exarch/clock.h"
#include "exarch/mem.h"
#include "heavy.h"

struct counting {
	struct catalog *catalog;
	const struct stats_options *options;
	struct store_reader *reader; /* NULL: the index is enough */
	struct heavy *heavy;
	struct buf scratch;
	struct stats_result result;
	GHashTable *classes; /* name -> its index */

	/* The folder and mailbox at hand; numbers 0 = none yet. Copies. */
	struct arena *texts;
	struct catalog_mailbox mailbox;
	struct catalog_folder folder;
	struct stats_sum of_mailbox, of_folder;
};

static void
add(struct stats_sum *sum, const struct catalog_row *row, uint64_t native_bytes)
{
	sum->native_bytes += native_bytes;
	if (row->state == ITEM_SUPERSEDED) {
		sum->versions++;
		sum->version_bytes += row->mime_bytes;
		return;
	}
	sum->items++;
	sum->bytes += row->mime_bytes;
	sum->removed += row->state == ITEM_REMOVED;
}

/* ---- folders and mailboxes, in the order of the walk ---- */

static void
end_folder(struct counting *c)
{
	if (c->folder.number != 0 && c->options->folder != NULL)
		c->options->folder(c->options->ctx, &c->mailbox, &c->folder, &c->of_folder);
	c->folder = (struct catalog_folder){ 0 };
	c->of_folder = (struct stats_sum){ 0 };
}

static void
end_mailbox(struct counting *c)
{
	end_folder(c);
	if (c->mailbox.number != 0 && c->options->mailbox != NULL)
		c->options->mailbox(c->options->ctx, &c->mailbox, &c->of_mailbox);
	c->mailbox = (struct catalog_mailbox){ 0 };
	c->of_mailbox = (struct stats_sum){ 0 };
	arena_reset(c->texts);
}

static void
enter(struct counting *c, const struct selected *item)
{
	if (c->mailbox.number != item->mailbox->number) {
		end_mailbox(c);
		c->mailbox = *item->mailbox;
		c->mailbox.smtp = arena_strndup(c->texts, item->mailbox->smtp, CATALOG_TEXT_MAX);
		c->mailbox.display_name = "";
	}
	if (c->folder.number != item->folder->number) {
		end_folder(c);
		c->folder = (struct catalog_folder){ .mailbox = item->folder->mailbox,
			.number = item->folder->number,
			.server_id = "",
			.parent_id = "",
			.name = "",
			.class = "" };
		c->folder.path = arena_strndup(c->texts, item->folder->path, CATALOG_TEXT_MAX);
	}
}

/* ---- years and classes ---- */

static struct stats_sum *
of_year(struct stats_result *r, int64_t received_ns)
{
	time_t seconds = (time_t)(received_ns / EXA_NS_PER_S);
	struct tm tm = { 0 };
	int year = 0;
	size_t i;

	if (received_ns != EXA_NO_TIME && gmtime_r(&seconds, &tm) != NULL)
		year = tm.tm_year + 1900;
	for (i = r->year_count; i > 0 && r->years[i - 1].year >= year; i--) {
		if (r->years[i - 1].year == year)
			return &r->years[i - 1].sum;
	}
	r->years = exa_realloc_array(r->years, r->year_count + 1, sizeof *r->years);
	memmove(&r->years[i + 1], &r->years[i], (r->year_count - i) * sizeof *r->years);
	r->years[i] = (struct stats_year){ .year = year };
	r->year_count++;
	return &r->years[i].sum;
}

static struct stats_sum *
of_class(struct counting *c, const char *name)
{
	struct stats_result *r = &c->result;
	gpointer index;

	if (!g_hash_table_contains(c->classes, name) && r->class_count >= STATS_CLASSES_MAX)
		name = "(other)";
	if (g_hash_table_lookup_extended(c->classes, name, NULL, &index))
		return &r->classes[GPOINTER_TO_SIZE(index)].sum;
	r->classes = exa_realloc_array(r->classes, r->class_count + 1, sizeof *r->classes);
	r->classes[r->class_count] = (struct stats_class){ .name = exa_strdup(name) };
	(void)g_hash_table_insert(
		c->classes, r->classes[r->class_count].name, GSIZE_TO_POINTER(r->class_count));
	return &r->classes[r->class_count++].sum;
}

static int
by_bytes(const void *a, const void *b)
{
	const struct stats_class *x = a, *y = b;

	if (x->sum.bytes != y->sum.bytes)
		return x->sum.bytes < y->sum.bytes ? 1 : -1;
	return strcmp(x->name, y->name);
}

/* ---- an item ---- */

static bool
take_part(void *ctx, const struct recipe_part *part, struct exa_error *err)
{
	(void)err;
	heavy_add(ctx, part);
	return true;
}

static bool
read_record(struct counting *c, const struct selected *item, uint64_t *native_bytes_out,
	struct exa_error *err)
{
	struct catalog_item record;
	bool has_mime;

	if (!catalog_item_read(c->reader, item->row, &c->scratch, &record, err))
		return false;
	has_mime = catalog_item_has_mime(&record);
	*native_bytes_out = has_mime ? record.native_bytes : 0;
	add(of_class(c, record.class), item->row, *native_bytes_out);
	return c->heavy == NULL || !has_mime ||
	       recipe_parts(c->reader, &record.recipe, take_part, c->heavy, err);
}

static bool
count_selected(void *ctx, const struct selected *item, struct exa_error *err)
{
	struct counting *c = ctx;
	uint64_t native_bytes = 0;

	if (cancel_raised(c->options->cancel))
		return exa_fail(err, EXA_CANCELLED, "stopped");
	enter(c, item);
	if (c->reader != NULL && !read_record(c, item, &native_bytes, err)) {
		c->result.failed++;
		if (c->options->failed != NULL)
			c->options->failed(c->options->ctx, item, err);
	}
	add(&c->of_folder, item->row, native_bytes);
	add(&c->of_mailbox, item->row, native_bytes);
	add(&c->result.total, item->row, native_bytes);
	add(of_year(&c->result, item->row->received_ns), item->row, native_bytes);
	return true;
}

/* ---- all ---- */

static bool
count_all(struct counting *c, const struct selection *s, struct exa_error *err)
{
	const struct stats_options *o = c->options;
	struct selection all = *s;

	all.all_versions = true;
	if ((o->records || o->attachments) &&
		!store_reader_new(catalog_store(c->catalog), &c->reader, err))
		return false;
	if (o->attachments)
		c->heavy = heavy_new();
	if (!selection_walk(c->catalog, &all, count_selected, c, err))
		return false;
	end_mailbox(c);
	if (c->heavy != NULL)
		heavy_tell(c->heavy, &c->result);
	exa_sort(c->result.classes, c->result.class_count, sizeof *c->result.classes, by_bytes);
	return true;
}

void
stats_result_done(struct stats_result *r)
{
	for (size_t i = 0; i < r->class_count; i++)
		exa_free(r->classes[i].name);
	exa_free(r->classes);
	exa_free(r->years);
	*r = (struct stats_result){ 0 };
}

bool
export_stats(struct catalog *catalog, const struct selection *s,
	const struct stats_options *options, struct stats_result *out, struct exa_error *err)
{
	struct counting c = { .catalog = catalog, .options = options, .texts = arena_new() };
	bool good;

	c.classes = g_hash_table_new(g_str_hash, g_str_equal);
	good = count_all(&c, s, err);
	g_hash_table_destroy(c.classes);
	heavy_free(c.heavy);
	store_reader_free(c.reader);
	buf_done(&c.scratch);
	arena_free(c.texts);
	if (good)
		*out = c.result;
	else
		stats_result_done(&c.result);
	return good;
}
