/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include <jansson.h>

#include "exarch/export.h"

#include "key.h"
#include "talk.h"
#include "text.h"
#include "verify_tell.h"

struct rebuilding {
	const struct args *args;
	struct talk talk;
	struct catalog *catalog;
	struct store_stats stats;
	uint64_t items, damaged;
};

static void
take_damage(void *ctx, const struct store_damage *damage)
{
	struct rebuilding *r = ctx;

	talk_clear(&r->talk);
	tell_damage(r->args, damage);
	r->damaged++;
}

static void
walked(void *ctx, uint64_t done, uint64_t total)
{
	struct rebuilding *r = ctx;

	talk_status(
		&r->talk, &(struct talk_status){ .what = "segments", .done = done, .all = total });
}

static bool
count_item(void *ctx, const struct selected *item, struct exa_error *err)
{
	struct rebuilding *r = ctx;

	(void)item;
	(void)err;
	r->items++;
	return true;
}

static bool
count_items(struct rebuilding *r, struct exa_error *err)
{
	struct selection everything;
	bool good;

	selection_init(&everything);
	everything.all_versions = true;
	good = selection_walk(r->catalog, &everything, count_item, r, err);
	selection_done(&everything);
	return good;
}

static bool
rebuild(struct rebuilding *r, struct exa_error *err)
{
	const struct store_open_options options = {
		.access = STORE_REBUILD, .damaged = take_damage, .progress = walked, .ctx = r
	};
	struct catalog *c;

	if (!archive_open(r->args, options, &r->catalog, err) ||
		!store_stat(catalog_store(r->catalog), &r->stats, err) || !count_items(r, err))
		return false;
	c = r->catalog;
	r->catalog = NULL;
	return catalog_close(c, err);
}

static void
print_result(const struct rebuilding *r, int code)
{
	const char *dir = r->args->positional[0];

	if (r->args->value[OPT_JSON] != NULL) {
		text_json(json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:i}", "event", "rebuild",
			"segments", (json_int_t)r->stats.segment_count, "objects",
			(json_int_t)r->stats.object_count, "items", (json_int_t)r->items, "commits",
			(json_int_t)r->stats.last_commit, "damaged", (json_int_t)r->damaged,
			"exit_code", code));
		return;
	}
	if (r->args->value[OPT_QUIET] != NULL && r->damaged == 0)
		return;
	(void)printf("made the index of %s again: %llu segments, %llu objects, %llu items, up to "
		     "commit %llu\n",
		dir, (unsigned long long)r->stats.segment_count,
		(unsigned long long)r->stats.object_count, (unsigned long long)r->items,
		(unsigned long long)r->stats.last_commit);
	if (r->damaged > 0)
		(void)printf("%llu DAMAGED places were stepped over; `exarch verify %s` names the "
			     "items that can't be given back\n",
			(unsigned long long)r->damaged, dir);
}

int
cmd_rebuild(const struct args *args)
{
	struct rebuilding r = { .args = args };
	struct exa_error err;
	bool good;
	int code;

	talk_begin(&r.talk, "rebuild", args);
	good = rebuild(&r, &err);
	talk_end(&r.talk);
	catalog_abandonp(&r.catalog);
	if (!good)
		return fail_with(&err);
	code = r.damaged > 0 ? EXIT_CORRUPT : EXIT_DONE;
	print_result(&r, code);
	return code;
}
