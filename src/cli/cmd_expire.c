/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `exarch expire`: gives up what a policy says. It can't be undone, so nothing goes unless somebody
 * has seen what, or says beforehand that it may: -n shows it, a terminal is shown it and asked,
 * everything else needs --yes.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "deed.h"
#include "exarch/clock.h"
#include "exarch/retain.h"
#include "indexing.h"
#include "select.h"
#include "text.h"

struct expiring {
	const struct args *args;
	struct retain_policy *policy;
	struct catalog *catalog;
	struct deed deed;
	uint64_t limit;
	bool dry_run, json;
};

/* ---- what is told ---- */

static void
tell_item(void *ctx, const struct retain_item *i)
{
	const struct expiring *e = ctx;

	if (e->json)
		deed_print_json(json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:I}", "event", "item",
			"number", (json_int_t)i->number, "mailbox", deed_json_text(i->mailbox),
			"folder", deed_json_text(i->folder), "rule", deed_json_text(i->rule->name),
			"received", deed_json_time(i->received_ns), "bytes",
			(json_int_t)i->mime_bytes));
}

static void
tell_unreadable(void *ctx, uint64_t number, const struct exa_error *why)
{
	(void)ctx;
	(void)fprintf(stderr, "exarch: item %llu stays, it can't be read: %s\n",
		(unsigned long long)number, why->text);
}

static json_t *
json_held_by(const struct retain_tally *t, const struct catalog_holds *holds)
{
	json_t *list = json_array();

	for (size_t i = 0; i < catalog_holds_count(holds); i++) {
		const struct catalog_hold *hold = catalog_holds_at(holds, i);

		if (t->held_by[i] > 0)
			(void)json_array_append_new(list,
				json_pack("{s:I, s:o, s:I}", "number", (json_int_t)hold->number,
					"name", deed_json_text(hold->name), "items",
					(json_int_t)t->held_by[i]));
	}
	return list;
}

static void
print_json(const struct expiring *e, const struct retain_result *r)
{
	for (size_t i = 0; i < r->rule_count; i++) {
		const struct retain_tally *t = &r->rules[i];

		deed_print_json(json_pack("{s:s, s:o, s:o, s:I, s:I, s:o, s:o, s:I, s:o}", "event",
			"rule", "rule", deed_json_text(e->policy->rules[i].name), "keep",
			deed_json_text(e->policy->rules[i].keep), "items", (json_int_t)t->items,
			"bytes", (json_int_t)t->bytes, "oldest", deed_json_time(t->oldest_ns),
			"newest", deed_json_time(t->newest_ns), "held", (json_int_t)t->held,
			"held_by", json_held_by(t, r->holds)));
	}
	deed_print_json(json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:b}", "event", "expire",
		"dry_run", e->dry_run, "items", (json_int_t)r->items, "bytes", (json_int_t)r->bytes,
		"held", (json_int_t)r->held, "undated", (json_int_t)r->undated, "unreadable",
		(json_int_t)r->unreadable, "stopped", r->stopped));
}

static void
print_day(int64_t moment_ns)
{
	char when[CLOCK_TEXT_MAX] = "-";

	if (moment_ns != EXA_NO_TIME)
		clock_format(moment_ns, when);
	(void)printf("  %-10.10s", when);
}

static void
print_rule(const struct retain_rule *rule, const struct retain_tally *t,
	const struct catalog_holds *holds)
{
	char size[16];

	text_size(t->bytes, size);
	text_print(stdout, rule->name, 28);
	(void)printf("  ");
	text_print(stdout, rule->keep, 10);
	(void)printf("  %9llu  %9s", (unsigned long long)t->items, size);
	print_day(t->oldest_ns);
	print_day(t->newest_ns);
	(void)printf("  %8llu\n", (unsigned long long)t->held);
	for (size_t i = 0; i < catalog_holds_count(holds); i++) {
		if (t->held_by[i] == 0)
			continue;
		(void)printf("    %llu held by ", (unsigned long long)t->held_by[i]);
		text_print(stdout, catalog_holds_at(holds, i)->name, 0);
		(void)putchar('\n');
	}
}

static void
print_table(const struct expiring *e, const struct retain_result *r)
{
	char size[16];

	(void)printf("%-28s  %-10s  %9s  %9s  %-10s  %-10s  %8s\n", "rule", "keep", "expire",
		"size", "oldest", "newest", "held");
	for (size_t i = 0; i < r->rule_count; i++)
		print_rule(&e->policy->rules[i], &r->rules[i], r->holds);
	text_size(r->bytes, size);
	(void)printf("%llu items, %s", (unsigned long long)r->items, size);
	if (r->held > 0)
		(void)printf("; %llu held", (unsigned long long)r->held);
	if (r->undated > 0)
		(void)printf(
			"; %llu kept because they have no date", (unsigned long long)r->undated);
	if (r->unreadable > 0)
		(void)printf("; %llu kept because they can't be read",
			(unsigned long long)r->unreadable);
	(void)printf(r->limited ? "; there is more beyond --limit\n" : "\n");
}

/* ---- doing it ---- */

static bool
walk(struct expiring *e, bool dry_run, bool items, struct retain_result *out, struct exa_error *err)
{
	const struct retain_options options = { .dry_run = dry_run,
		.limit = e->limit,
		.now_ns = e->deed.when_ns,
		.user = e->deed.user,
		.host = e->deed.host,
		.program = "exarch " EXARCH_VERSION,
		.cancel = deed_stopped_by_signals(),
		.item = items ? tell_item : NULL,
		.unreadable = tell_unreadable,
		.ctx = e };

	return retain_expire(e->catalog, e->policy, &options, out, err);
}

/* Shows what would go and asks. *GO_OUT: whether the answer was "yes". */
static bool
ask(struct expiring *e, bool *go_out, struct exa_error *err)
{
	struct retain_result preview;
	char answer[16] = "";

	*go_out = false;
	if (!walk(e, true, false, &preview, err))
		return false;
	print_table(e, &preview);
	if (preview.items > 0 && !preview.stopped) {
		(void)printf("\nThis can't be undone. Expire these %llu items? Type yes: ",
			(unsigned long long)preview.items);
		(void)fflush(stdout);
		*go_out =
			fgets(answer, sizeof answer, stdin) != NULL && strcmp(answer, "yes\n") == 0;
		(void)printf(*go_out ? "\n" : "Nothing was expired.\n");
	}
	retain_result_done(&preview);
	return true;
}

static void
print_end(const struct expiring *e, const struct retain_result *r)
{
	if (e->json) {
		print_json(e, r);
		return;
	}
	print_table(e, r);
	if (e->dry_run)
		(void)printf("This was a dry run: nothing was changed.\n");
	else if (r->items > 0)
		(void)printf("Their room comes back with `exarch compact %s`.\n",
			e->args->positional[0]);
	if (r->stopped)
		(void)printf("Stopped by a signal; run it again to go on.\n");
}

static int
expire(struct expiring *e, struct exa_error *err)
{
	struct retain_result result;
	bool go = true;
	int code;

	if (!e->dry_run && e->args->value[OPT_YES] == NULL && !ask(e, &go, err))
		return fail_with(err);
	if (!go)
		return EXIT_DONE;
	if (!walk(e, e->dry_run, true, &result, err))
		return fail_with(err);
	print_end(e, &result);
	code = result.unreadable > 0 ? EXIT_CORRUPT : result.stopped ? EXIT_STOPPED : EXIT_DONE;
	if (!e->dry_run && result.items > 0 && !indexing_clean(e->catalog, false))
		code = EXIT_FAILED;
	retain_result_done(&result);
	return code;
}

static bool
prepare(struct expiring *e, struct exa_error *err)
{
	const struct args *args = e->args;

	if (args->value[OPT_POLICY] == NULL)
		return exa_fail(err, EXA_USAGE,
			"--policy is missing: the file that says how long to keep what");
	if (args->value[OPT_LIMIT] != NULL &&
		(!number_read(args->value[OPT_LIMIT], &e->limit, err) || e->limit == 0))
		return exa_fail(err, EXA_USAGE, "--limit is a number from 1 on");
	if (!e->dry_run && args->value[OPT_YES] == NULL &&
		(e->json || isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0))
		return exa_fail(err, EXA_USAGE,
			"nobody is there to ask: give --yes to expire, or -n to see what would be "
			"expired");
	return retain_policy_load(args->value[OPT_POLICY], e->deed.when_ns, &e->policy, err);
}

int
cmd_expire(const struct args *args)
{
	struct expiring e = { .args = args,
		.dry_run = args->value[OPT_DRY_RUN] != NULL,
		.json = args->value[OPT_JSON] != NULL };
	struct exa_error err;
	int code;

	deed_begin(&e.deed);
	if (prepare(&e, &err) &&
		deed_open(args, e.dry_run ? STORE_READ : STORE_WRITE, &e.catalog, &err))
		code = expire(&e, &err);
	else
		code = fail_with(&err);
	catalog_abandonp(&e.catalog); /* what was reported is durable */
	retain_policy_free(e.policy);
	return code;
}
