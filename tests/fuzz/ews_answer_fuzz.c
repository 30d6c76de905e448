/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of each operation: the first byte chooses it, the second how the rest is cut. What the
 * callbacks are promised is checked: `begin` before `mime` before `end`, pieces that aren't empty,
 * ids that are there. What is good without the short cut past the parser must be good and the same
 * with it.
 */
#include <stdint.h>
#include <stdlib.h>

#include "exarch/bytes.h"

#include "find_items.h"
#include "folder.h"
#include "items.h"
#include "sync_items.h"
#include "writes.h"

#define EXPECTED 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool promise)
{
	if (!promise)
		abort();
}

static bool
on_folder(void *ctx, const struct ews_folder *folder, struct exa_error *err)
{
	(void)ctx;
	(void)err;
	check(folder->id[0] != '\0' && folder->name != NULL && folder->class != NULL);
	return true;
}

static bool
on_change(void *ctx, const struct ews_change *change, struct exa_error *err)
{
	(void)ctx;
	(void)err;
	check(change->id[0] != '\0' && change->class != NULL);
	return true;
}

struct state {
	size_t next;
	bool begun;
	uint64_t mime_bytes;
	struct buf mime; /* of all items that ended */
	size_t mark;     /* where the content of this one begins */
};

/* Item INDEX is done with: its content counts or doesn't. */
static void
settle(struct state *s, bool ended)
{
	if (!ended)
		s->mime.size = s->mark;
	buf_add_byte(&s->mime, ended ? 'e' : 'f');
	s->mark = s->mime.size;
	s->next++;
	s->begun = false;
	s->mime_bytes = 0;
}

static bool
on_begin(void *ctx, size_t index, struct exa_error *err)
{
	struct state *s = ctx;

	(void)err;
	check(index == s->next && !s->begun);
	s->begun = true;
	return true;
}

static bool
on_mime(void *ctx, size_t index, struct bytes mime, struct exa_error *err)
{
	struct state *s = ctx;

	(void)err;
	check(index == s->next && s->begun && mime.size > 0 && mime.size <= MIME_PIECE_MAX);
	s->mime_bytes += mime.size;
	buf_add_bytes(&s->mime, mime);
	return true;
}

static bool
on_end(void *ctx, size_t index, const struct ews_item *item, struct exa_error *err)
{
	struct state *s = ctx;

	(void)err;
	check(index == s->next && s->begun && item->mime_bytes == s->mime_bytes);
	check(item->id[0] != '\0');
	settle(s, true);
	return true;
}

static bool
on_failed(void *ctx, size_t index, const struct exa_error *why, struct exa_error *err)
{
	struct state *s = ctx;

	(void)err;
	check(index == s->next && why->code != EXA_OK);
	settle(s, false);
	return true;
}

static bool
feed(const struct answer_spec *spec, void *ctx, size_t expected, struct bytes rest, size_t step,
	bool plain)
{
	EXA_AUTO(answer_freep) struct answer *answer = NULL;
	struct exa_error err;
	bool good = answer_new(spec, ctx, expected, &answer, &err);

	if (good && plain)
		answer_take_no_short_cut(answer);
	while (good && rest.size > 0) {
		good = answer_feed(answer, bytes_take(rest, step), &err);
		rest = bytes_skip(rest, step);
	}
	return good && answer_finish(answer, &err);
}

static bool
feed_items(const struct answer_spec *spec, struct state *state, struct bytes text, size_t step,
	bool plain)
{
	const struct ews_item_handler handler = { on_begin, on_mime, on_end, on_failed, state };
	EXA_AUTO(items_reader_done) struct items_reader items = { 0 };

	items_reader_init(&items, &handler);
	return feed(spec, &items, EXPECTED, text, step, plain);
}

static void
compare_items(const struct answer_spec *spec, struct bytes text, size_t step)
{
	struct state plain = { 0 }, quick = { 0 };
	bool plain_good = feed_items(spec, &plain, text, step, true);
	bool quick_good = feed_items(spec, &quick, text, step, false);

	if (plain_good)
		check(quick_good && bytes_equal(buf_bytes(&plain.mime), buf_bytes(&quick.mime)));
	buf_done(&plain.mime);
	buf_done(&quick.mime);
}

static bool
on_found(void *ctx, const struct ews_found *found, struct exa_error *err)
{
	(void)ctx;
	(void)err;
	check(found->id[0] != '\0');
	return true;
}

static bool
on_made(void *ctx, size_t index, const struct ews_item_ref *made, const struct exa_error *why,
	struct exa_error *err)
{
	size_t *next = ctx;

	(void)err;
	check(index == (*next)++ && (why != NULL || made->id != NULL));
	return true;
}

static void
feed_made(const struct answer_spec *spec, struct bytes text, size_t step)
{
	size_t next = 0;
	const struct ews_made_handler handler = { .answered = on_made, .ctx = &next };
	EXA_AUTO(made_reader_done) struct made_reader reader = { .handler = &handler };

	check(!feed(spec, &reader, EXPECTED, text, step, false) || next == EXPECTED);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ews_folder_sink folders = { on_folder, NULL };
	const struct ews_change_sink changes = { on_change, NULL };
	const struct ews_found_sink founds = { on_found, NULL };
	EXA_AUTO(folder_reader_done) struct folder_reader folder = { .sink = &folders };
	EXA_AUTO(find_reader_done) struct find_reader find = { .sink = &founds };
	EXA_AUTO(sync_reader_done) struct sync_reader sync = { .sink = &changes, .last = -1 };
	EXA_AUTO(find_items_reader_done) struct find_items_reader found = { .sink = &changes };
	struct bytes text = bytes_skip(bytes_of(data, size), 2);
	size_t step = size < 2 ? 1 : (size_t)data[1] + 1;

	switch (size < 2 ? 0 : data[0] % 8) {
	case 0:
		compare_items(&get_items_spec, text, step);
		compare_items(&export_items_spec, text, step);
		break;
	case 1:
		(void)feed(&sync_items_spec, &sync, 1, text, step, false);
		break;
	case 4:
		compare_items(&export_items_spec, text, step);
		break;
	case 5:
		(void)feed(&find_items_spec, &found, 1, text, step, false);
		break;
	case 2:
		(void)feed(&find_folder_spec, &folder, 1, text, step, false);
		break;
	case 6:
		feed_made(&create_items_spec, text, step);
		feed_made(&upload_items_spec, text, step);
		break;
	case 7:
		(void)feed(&search_items_spec, &find, 1, text, step, false);
		break;
	default:
		(void)feed(&get_folder_spec, &folder, 1, text, step, false);
		break;
	}
	return 0;
}
