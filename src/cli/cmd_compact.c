/* SPDX-License-Identifier: Apache-2.0 */
/* `exarch compact`: gives back the room of what nothing needs any more. */
#include <stdio.h>
#include <stdlib.h>

#include "deed.h"
#include "exarch/bytes.h"
#include "exarch/mem.h"
#include "indexing.h"
#include "talk.h"
#include "text.h"

#define GARBAGE_DEFAULT_PERCENT 5

static bool
read_garbage(const struct args *args, unsigned *out, struct exa_error *err)
{
	const char *text = args->value[OPT_GARBAGE];
	unsigned long n;
	char *end;

	*out = args->value[OPT_ALL] != NULL ? 0 : GARBAGE_DEFAULT_PERCENT;
	if (text == NULL)
		return true;
	if (args->value[OPT_ALL] != NULL)
		return exa_fail(err, EXA_USAGE, "give --garbage or --all, not both");
	n = strtoul(text, &end, 10);
	if (*end == '%')
		end++;
	if (*text < '0' || *text > '9' || *end != '\0' || n > 100)
		return exa_fail(err, EXA_USAGE, "--garbage is a share such as 5%%, not '%s'", text);
	*out = (unsigned)n;
	return true;
}

static void
print_json(const struct store_compact_result *r, bool dry_run)
{
	deed_print_json(json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "event",
		"compact", "dry_run", dry_run, "segments", (json_int_t)r->segments, "segments_cut",
		(json_int_t)r->segments_cut, "segments_damaged", (json_int_t)r->segments_damaged,
		"bytes_before", (json_int_t)r->bytes_before, "bytes_after",
		(json_int_t)r->bytes_after, "objects_dropped", (json_int_t)r->objects_dropped,
		"object_bytes_dropped", (json_int_t)r->object_bytes_dropped, "finished",
		r->finished));
}

static void
describe(const struct store_compact_result *r, struct buf *out)
{
	char before[16], after[16], dropped[16];

	text_size(r->bytes_before, before);
	text_size(r->bytes_after, after);
	text_size(r->object_bytes_dropped, dropped);
	buf_printf(out, "%llu of %llu segments cut, %s before, %s after, %llu objects (%s) dropped",
		(unsigned long long)r->segments_cut, (unsigned long long)r->segments, before, after,
		(unsigned long long)r->objects_dropped, dropped);
	if (!r->finished)
		buf_printf(out, ", stopped before the end");
}

static void
print_result(const struct store_compact_result *r, bool dry_run, const char *archive)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };

	if (r->segments_damaged > 0)
		(void)printf("%llu segments were left as they are, since they are DAMAGED or what "
			     "stands before them is; `exarch verify %s` names the damage\n",
			(unsigned long long)r->segments_damaged, archive);
	if (r->segments_cut == 0 && r->segments_damaged > 0 && r->finished)
		return;
	if (r->segments_cut == 0 && r->finished) {
		(void)printf("nothing to give back: too little of the archive is garbage (--all "
			     "takes what there is)\n");
		return;
	}
	describe(r, &text);
	(void)printf("%s%s\n", dry_run ? "dry run, nothing was changed: " : "", buf_string(&text));
	if (!r->finished)
		(void)printf("what was done stands; run it again to go on\n");
}

/* ---- the record of it ---- */

struct errand {
	struct catalog *catalog;
	struct talk talk;
	uint64_t announced; /* number of the audit record; 0 = there was nothing to do */
};

static void
show_progress(void *ctx, uint64_t done_bytes, uint64_t total_bytes)
{
	struct errand *e = ctx;

	talk_status(
		&e->talk, &(struct talk_status){
				  .what = "compacting", .done = done_bytes, .all = total_bytes });
}

static bool
announce(void *ctx, uint64_t segments, struct exa_error *err)
{
	struct errand *e = ctx;
	EXA_AUTO(exa_freep)
	char *detail = exa_asprintf("%llu segments to cut down", (unsigned long long)segments);
	struct catalog_audit audit;
	struct deed deed;

	deed_begin(&deed);
	audit = deed_audit(&deed, "compact begin", detail);
	if (!catalog_audit_add(e->catalog, &audit, err))
		return false;
	e->announced = audit.number;
	return true;
}

static bool
conclude(const struct errand *e, const struct store_compact_result *r, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf detail = { 0 };
	struct catalog_audit audit;
	struct deed deed;

	if (e->announced == 0)
		return true;
	describe(r, &detail);
	deed_begin(&deed);
	audit = deed_audit(&deed, "compact end", buf_string(&detail));
	audit.about = e->announced;
	audit.bytes = r->bytes_before > r->bytes_after ? r->bytes_before - r->bytes_after : 0;
	return catalog_audit_add(e->catalog, &audit, err);
}

static bool
compact(const struct args *args, struct catalog *c, struct store_compact_options *options,
	struct store_compact_result *out, struct exa_error *err)
{
	struct errand errand = { .catalog = c };
	bool good;

	options->begins = announce;
	options->progress = show_progress;
	options->ctx = &errand;
	talk_begin(&errand.talk, "compact", args);
	good = catalog_compact(c, options, out, err);
	talk_end(&errand.talk);
	return good && conclude(&errand, out, err);
}

int
cmd_compact(const struct args *args)
{
	struct store_compact_options options = { .dry_run = args->value[OPT_DRY_RUN] != NULL };
	struct store_compact_result result = { 0 };
	struct catalog *catalog = NULL;
	struct exa_error err;
	bool good, cleaned;

	options.cancel = deed_stopped_by_signals();
	good = read_garbage(args, &options.garbage_percent, &err) &&
	       deed_open(args, STORE_WRITE, &catalog, &err) &&
	       compact(args, catalog, &options, &result, &err);
	cleaned = !good || options.dry_run || indexing_clean(catalog, true);
	catalog_abandonp(&catalog); /* what was reported is durable */
	if (!good)
		return fail_with(&err);
	if (args->value[OPT_JSON] != NULL)
		print_json(&result, options.dry_run);
	else if (args->value[OPT_QUIET] == NULL || result.segments_damaged > 0)
		print_result(&result, options.dry_run, args->positional[0]);
	if (result.segments_damaged > 0)
		return EXIT_CORRUPT;
	if (!cleaned)
		return EXIT_FAILED;
	return result.finished ? EXIT_DONE : EXIT_STOPPED;
}
