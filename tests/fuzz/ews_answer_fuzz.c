/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of each operation: the first byte chooses it, the second how the rest is cut. What the
 * callbacks are promised is checked: `begin` before `mime` before `end`, pieces that aren't empty,
 * ids that are there.
 */
#include <stdint.h>
#include <stdlib.h>

#include "exarch/bytes.h"

#include "folder.h"
#include "get_items.h"
#include "sync_items.h"

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
};

static bool
on_begin(void *ctx, size_t index, struct exa_error *err)
{
	struct state *s = ctx;

	(void)err;
	check(index == s->next && !s->begun);
	*s = (struct state){ .next = index, .begun = true };
	return true;
}

static bool
on_mime(void *ctx, size_t index, struct bytes mime, struct exa_error *err)
{
	struct state *s = ctx;

	(void)err;
	check(index == s->next && s->begun && mime.size > 0 && mime.size <= MIME_PIECE_MAX);
	s->mime_bytes += mime.size;
	return true;
}

static bool
on_end(void *ctx, size_t index, const struct ews_item *item, struct exa_error *err)
{
	struct state *s = ctx;

	(void)err;
	check(index == s->next && s->begun && item->mime_bytes == s->mime_bytes);
	check(item->id[0] != '\0');
	*s = (struct state){ .next = index + 1 };
	return true;
}

static bool
on_failed(void *ctx, size_t index, const struct exa_error *why, struct exa_error *err)
{
	struct state *s = ctx;

	(void)err;
	check(index == s->next && why->code != EXA_OK);
	*s = (struct state){ .next = index + 1 };
	return true;
}

static void
feed(const struct answer_spec *spec, void *ctx, size_t expected, struct bytes rest, size_t step)
{
	EXA_AUTO(answer_freep) struct answer *answer = NULL;
	struct exa_error err;
	bool good = answer_new(spec, ctx, expected, &answer, &err);

	while (good && rest.size > 0) {
		good = answer_feed(answer, bytes_take(rest, step), &err);
		rest = bytes_skip(rest, step);
	}
	if (good)
		(void)!answer_finish(answer, &err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct state state = { 0 };
	const struct ews_item_handler handler = { on_begin, on_mime, on_end, on_failed, &state };
	const struct ews_folder_sink folders = { on_folder, NULL };
	const struct ews_change_sink changes = { on_change, NULL };
	EXA_AUTO(folder_reader_done) struct folder_reader folder = { .sink = &folders };
	EXA_AUTO(sync_reader_done) struct sync_reader sync = { .sink = &changes, .last = -1 };
	EXA_AUTO(items_reader_done) struct items_reader items = { 0 };
	struct bytes text = bytes_skip(bytes_of(data, size), 2);

	if (size < 2)
		return 0;
	items_reader_init(&items, &handler);
	switch (data[0] % 4) {
	case 0:
		feed(&get_items_spec, &items, EXPECTED, text, (size_t)data[1] + 1);
		break;
	case 1:
		feed(&sync_items_spec, &sync, 1, text, (size_t)data[1] + 1);
		break;
	case 2:
		feed(&find_folder_spec, &folder, 1, text, (size_t)data[1] + 1);
		break;
	default:
		feed(&get_folder_spec, &folder, 1, text, (size_t)data[1] + 1);
		break;
	}
	return 0;
}
