/* SPDX-License-Identifier: Apache-2.0 */
/* `exarch index`: what makes searching fast. */
#include <stdio.h>
#include <string.h>

#include "exarch/search.h"

#include "deed.h"
#include "key.h"
#include "talk.h"
#include "text.h"

static void
show_progress(void *ctx, uint64_t done, uint64_t total)
{
	talk_status(
		ctx, &(struct talk_status){ .what = "indexing", .items = done, .of_items = total });
}

static void
tell_unreadable(void *ctx, uint64_t number, const struct exa_error *why)
{
	talk_clear(ctx);
	(void)fprintf(stderr, "exarch: item %llu is damaged: %s\n", (unsigned long long)number,
		why->text);
}

static void
print_json(const struct search_build_result *r)
{
	deed_print_json(json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:b}", "event", "index",
		"items", (json_int_t)r->items, "added", (json_int_t)r->added, "renewed",
		(json_int_t)r->renewed, "removed", (json_int_t)r->removed, "unreadable",
		(json_int_t)r->unreadable, "bytes", (json_int_t)r->database_bytes, "made_anew",
		r->was_damaged, "finished", r->finished));
}

static void
print_result(const struct args *args, const struct search_build_result *r)
{
	char size[16];

	if (r->was_damaged)
		(void)fprintf(stderr, "exarch: the index was made anew: %s\n", r->why.text);
	if (args->value[OPT_JSON] != NULL) {
		print_json(r);
		return;
	}
	if (args->value[OPT_QUIET] != NULL)
		return;
	text_size(r->database_bytes, size);
	(void)printf("the index has %llu items, %s: %llu added, %llu renewed, %llu taken out",
		(unsigned long long)r->items, size, (unsigned long long)r->added,
		(unsigned long long)r->renewed, (unsigned long long)r->removed);
	if (r->unreadable > 0)
		(void)printf("; %llu are DAMAGED", (unsigned long long)r->unreadable);
	(void)printf(r->finished ? "\n" : "; stopped by a signal, run it again to go on\n");
}

static int
remove_index(const struct args *args)
{
	struct exa_error err;

	if (!store_exists(args->positional[0]))
		(void)exa_fail(&err, EXA_ABSENT, "there is no archive in %s", args->positional[0]);
	else if (search_remove(args->positional[0], &err))
		return EXIT_DONE;
	return fail_with(&err);
}

int
cmd_index(const struct args *args)
{
	struct talk talk;
	const struct search_build_options options = { .in_clear = args->value[OPT_IN_CLEAR] != NULL,
		.anew = args->value[OPT_ANEW] != NULL,
		.cancel = deed_stopped_by_signals(),
		.progress = show_progress,
		.unreadable = tell_unreadable,
		.ctx = &talk };
	struct search_build_result result;
	struct catalog *catalog = NULL;
	struct exa_error err;
	bool good;

	if (args->value[OPT_REMOVE] != NULL)
		return remove_index(args);
	talk_begin(&talk, "index", args);
	good = deed_open(args, STORE_READ, &catalog, &err) &&
	       search_build(catalog, &options, &result, &err);
	talk_end(&talk);
	catalog_abandonp(&catalog);
	if (!good)
		return fail_with(&err);
	print_result(args, &result);
	if (!result.finished)
		return EXIT_STOPPED;
	return result.unreadable > 0 ? EXIT_CORRUPT : EXIT_DONE;
}
