/* SPDX-License-Identifier: Apache-2.0 */
/* `exarch audit`: who did what to the archive, in order, and whether the record of it is whole. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deed.h"
#include "exarch/clock.h"
#include "exarch/mem.h"
#include "text.h"

/* A run or an audit record; texts live in the arena. */
struct event {
	int64_t when_ns;
	size_t order; /* as found, where moments agree */
	bool is_run;
	struct catalog_run run;
	struct catalog_audit audit;
};

struct events {
	struct arena *texts;
	struct event *of;
	size_t count;
	size_t runs;
};

static const char *
keep(struct events *e, const char *text)
{
	return arena_strndup(e->texts, text, CATALOG_TEXT_MAX);
}

static struct bytes
keep_bytes(struct events *e, struct bytes b)
{
	uint8_t *mine = arena_alloc(e->texts, b.size + 1);

	if (b.size > 0)
		memcpy(mine, b.data, b.size);
	return bytes_of(mine, b.size);
}

static struct event *
add_event(struct events *e, int64_t when_ns)
{
	e->of = exa_realloc_array(e->of, e->count + 1, sizeof *e->of);
	e->of[e->count] = (struct event){ .when_ns = when_ns, .order = e->count };
	return &e->of[e->count++];
}

static bool
take_run(void *ctx, const struct catalog_run *run, struct exa_error *err)
{
	struct events *e = ctx;
	struct event *event = add_event(e, run->ended_ns);

	(void)err;
	e->runs++;
	event->is_run = true;
	event->run = *run;
	event->run.host = keep(e, run->host);
	event->run.profile = keep(e, run->profile);
	event->run.program = keep(e, run->program);
	return true;
}

static bool
take_audit(void *ctx, const struct catalog_audit *audit, struct exa_error *err)
{
	struct events *e = ctx;
	struct event *event = add_event(e, audit->when_ns);

	(void)err;
	event->audit = *audit;
	event->audit.user = keep(e, audit->user);
	event->audit.host = keep(e, audit->host);
	event->audit.program = keep(e, audit->program);
	event->audit.action = keep(e, audit->action);
	event->audit.detail = keep(e, audit->detail);
	event->audit.numbers = keep_bytes(e, audit->numbers);
	return true;
}

static int
by_time(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->when_ns != y->when_ns)
		return x->when_ns < y->when_ns ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* ---- printing ---- */

static json_t *
json_numbers(struct bytes numbers)
{
	json_t *list = json_array();
	uint64_t last = 0, number;

	while (catalog_numbers_next(&numbers, &last, &number))
		(void)json_array_append_new(list, json_integer((json_int_t)number));
	return list;
}

static void
print_audit_json(const struct catalog_audit *a)
{
	deed_print_json(json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:o}",
		"event", "audit", "number", (json_int_t)a->number, "when",
		deed_json_time(a->when_ns), "user", deed_json_text(a->user), "host",
		deed_json_text(a->host), "program", deed_json_text(a->program), "action",
		deed_json_text(a->action), "detail", deed_json_text(a->detail), "items",
		(json_int_t)a->items, "bytes", (json_int_t)a->bytes, "about", (json_int_t)a->about,
		"numbers", json_numbers(a->numbers)));
}

static void
print_event(const struct event *event)
{
	char when[CLOCK_TEXT_MAX], size[16];

	clock_format(event->when_ns, when);
	(void)printf("%s  ", when);
	if (event->is_run) {
		const struct catalog_run *r = &event->run;

		text_size(r->bytes, size);
		text_print(stdout, r->host, 0);
		(void)printf("  archive  run %llu with ", (unsigned long long)r->number);
		text_print(stdout, r->profile, 0);
		(void)printf(": %llu items (%s) archived, %llu failed, exit code %d\n",
			(unsigned long long)r->archived, size, (unsigned long long)r->failed,
			r->exit_code);
		return;
	}
	text_print(stdout, event->audit.user, 0);
	(void)putchar('@');
	text_print(stdout, event->audit.host, 0);
	(void)printf("  ");
	text_print(stdout, event->audit.action, 0);
	(void)printf("  ");
	if (event->audit.items > 0)
		(void)printf("%llu items  ", (unsigned long long)event->audit.items);
	text_print(stdout, event->audit.detail, 0);
	(void)putchar('\n');
}

static void
print_all(const struct events *e, bool json)
{
	for (size_t i = 0; i < e->count; i++) {
		if (!json)
			print_event(&e->of[i]);
		else if (e->of[i].is_run)
			deed_print_run(&e->of[i].run);
		else
			print_audit_json(&e->of[i].audit);
	}
}

static void
tell_broken(void *ctx, const char *what)
{
	(void)ctx;
	(void)fprintf(stderr, "exarch: the record is broken: %s\n", what);
}

/* ---- the verb ---- */

static bool
audit(struct catalog *c, struct events *e, uint64_t *broken_out, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;

	if (!store_read_begin(catalog_store(c), &txn, err) ||
		!catalog_each_run(txn, take_run, e, err) ||
		!catalog_each_audit(txn, take_audit, e, err) ||
		!catalog_check_chains(txn, tell_broken, NULL, broken_out, err))
		return false;
	if (e->count > 0)
		exa_sort(e->of, e->count, sizeof *e->of, by_time);
	return true;
}

static void
print_verdict(const struct events *e, uint64_t broken, bool json)
{
	if (json) {
		deed_print_json(json_pack("{s:s, s:I, s:I, s:I}", "event", "chains", "runs",
			(json_int_t)e->runs, "audit_records", (json_int_t)(e->count - e->runs),
			"broken", (json_int_t)broken));
		return;
	}
	(void)printf("%zu runs and %zu audit records: ", e->runs, e->count - e->runs);
	if (broken > 0)
		(void)printf("BROKEN in %llu places\n", (unsigned long long)broken);
	else
		(void)printf("none is missing, none was changed\n");
}

int
cmd_audit(const struct args *args)
{
	struct events events = { .texts = arena_new() };
	const bool json = args->value[OPT_JSON] != NULL;
	struct catalog *catalog = NULL;
	struct exa_error err;
	uint64_t broken = 0;
	bool good = deed_open(args, STORE_READ, &catalog, &err) &&
		    audit(catalog, &events, &broken, &err);

	if (good && args->value[OPT_VERIFY] == NULL)
		print_all(&events, json);
	if (good)
		print_verdict(&events, broken, json);
	catalog_abandonp(&catalog);
	exa_free(events.of);
	arena_free(events.texts);
	if (!good)
		return fail_with(&err);
	return broken > 0 ? EXIT_CORRUPT : EXIT_DONE;
}
