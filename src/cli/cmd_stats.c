/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures. The index answers for totals, mailboxes, folders, years and runs; classes need every
 * item's record, attachments every recipe too, so both are asked for by name.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "exarch/clock.h"
#include "exarch/mem.h"
#include "key.h"
#include "select.h"
#include "text.h"

/* The last runs; --by run has all. */
#define RUNS_SHOWN ((size_t)10)

static struct cancel stop_asked;

static void
on_stop(int signal_number)
{
	(void)signal_number;
	cancel_raise(&stop_asked, CANCEL_SIGNAL);
}

enum by { BY_ALL, BY_MAILBOX, BY_FOLDER, BY_YEAR, BY_CLASS, BY_RUN, BY_COUNT };

struct telling {
	const struct args *args;
	enum by by;
	bool json, whole; /* whole: nothing is selected, so sizes on disk make sense */
	bool headed;      /* the table's head is printed */
	struct store_stats store;
	uint64_t expired;
};

/* ---- lines ---- */

static void
print_head(struct telling *t, const char *what)
{
	if (!t->json && !t->headed)
		(void)printf("%-44s %12s %12s %10s %10s\n", what, "items", "bytes", "removed",
			"versions");
	t->headed = true;
}

static void
print_columns(const struct stats_sum *s)
{
	char size[16];

	text_size(s->bytes, size);
	(void)printf(" %12llu %12s %10llu %10llu\n", (unsigned long long)s->items, size,
		(unsigned long long)s->removed, (unsigned long long)s->versions);
}

static json_t *
sum_line(const char *table, const struct stats_sum *s)
{
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "table", table, "items",
		(json_int_t)s->items, "bytes", (json_int_t)s->bytes, "removed",
		(json_int_t)s->removed, "versions", (json_int_t)s->versions, "version_bytes",
		(json_int_t)s->version_bytes, "native_bytes", (json_int_t)s->native_bytes);
}

static void
tell_named(struct telling *t, const char *table, const char *name, const struct stats_sum *s)
{
	json_t *line;

	if (t->json) {
		line = sum_line(table, s);
		(void)json_object_set_new(line, table, text_value(name));
		text_json(line);
		return;
	}
	print_head(t, table);
	text_print(stdout, name, 44);
	print_columns(s);
}

static void
tell_mailbox(void *ctx, const struct catalog_mailbox *m, const struct stats_sum *s)
{
	struct telling *t = ctx;
	json_t *line;

	if (t->by != BY_ALL && t->by != BY_MAILBOX)
		return;
	if (t->json) {
		line = sum_line("mailbox", s);
		(void)json_object_set_new(line, "mailbox", text_value(m->smtp));
		(void)json_object_set_new(line, "part", json_string(catalog_part_name(m->part)));
		text_json(line);
		return;
	}
	print_head(t, "mailbox");
	text_mailbox(stdout, m, 44);
	print_columns(s);
}

static void
tell_folder(void *ctx, const struct catalog_mailbox *m, const struct catalog_folder *f,
	const struct stats_sum *s)
{
	struct telling *t = ctx;
	EXA_AUTO(buf_done) struct buf name = { 0 };
	json_t *line;

	if (t->by != BY_FOLDER && !(t->json && t->by == BY_ALL))
		return;
	if (t->json) {
		line = sum_line("folder", s);
		(void)json_object_set_new(line, "mailbox", text_value(m->smtp));
		(void)json_object_set_new(line, "part", json_string(catalog_part_name(m->part)));
		(void)json_object_set_new(line, "folder", text_value(f->path));
		text_json(line);
		return;
	}
	print_head(t, "folder");
	buf_printf(&name, "%s%s%s", m->smtp, catalog_part_suffix(m->part), f->path);
	text_print(stdout, buf_string(&name), 44);
	print_columns(s);
}

static void
tell_failed(void *ctx, const struct selected *item, const struct exa_error *why)
{
	(void)ctx;
	(void)fprintf(stderr, "exarch: item %llu: %s\n", (unsigned long long)item->row->number,
		why->text);
}

/* ---- runs ---- */

struct run_lines {
	struct telling *telling;
	uint64_t skip; /* so many aren't shown */
	uint64_t seen, items, bytes;
};

static bool
count_run(void *ctx, const struct catalog_run *run, struct exa_error *err)
{
	uint64_t *count = ctx;

	(void)run;
	(void)err;
	(*count)++;
	return true;
}

static void
print_run(const struct run_lines *r, const struct catalog_run *run, const char *started)
{
	char size[16], sum[16];

	text_size(run->bytes, size);
	text_size(r->bytes, sum);
	(void)printf("%6llu  %-20s  %12llu %12s %16llu %12s\n", (unsigned long long)run->number,
		started, (unsigned long long)run->archived, size, (unsigned long long)r->items,
		sum);
}

static bool
tell_run(void *ctx, const struct catalog_run *run, struct exa_error *err)
{
	struct run_lines *r = ctx;
	char started[CLOCK_TEXT_MAX];

	(void)err;
	r->items += run->archived;
	r->bytes += run->bytes;
	if (r->seen++ < r->skip)
		return true;
	clock_format(run->started_ns, started);
	if (r->telling->json)
		text_json(json_pack("{s:s, s:I, s:s, s:I, s:I, s:I, s:I, s:i}", "table", "run",
			"run", (json_int_t)run->number, "started", started, "items",
			(json_int_t)run->archived, "bytes", (json_int_t)run->bytes, "items_so_far",
			(json_int_t)r->items, "bytes_so_far", (json_int_t)r->bytes, "exit_code",
			run->exit_code));
	else
		print_run(r, run, started);
	return true;
}

/* Runs are a few a day. What a run stored isn't recorded: growth is in what it archived. */
static bool
tell_runs(struct telling *t, struct catalog *c, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct run_lines r = { .telling = t };
	uint64_t count = 0;

	if (!store_read_begin(catalog_store(c), &txn, err) ||
		!catalog_each_run(txn, count_run, &count, err))
		return false;
	if (!t->json && t->by == BY_ALL && count > RUNS_SHOWN)
		r.skip = count - RUNS_SHOWN;
	if (!t->json && count > 0)
		(void)printf("%s%6s  %-20s  %12s %12s %16s %12s\n", t->by == BY_ALL ? "\n" : "",
			"run", "started", "items", "bytes", "items so far", "bytes");
	return catalog_each_run(txn, tell_run, &r, err);
}

/* ---- the whole ---- */

static void
tell_year_json(const struct stats_year *y)
{
	json_t *line = sum_line("year", &y->sum);

	(void)json_object_set_new(line, "year", y->year != 0 ? json_integer(y->year) : json_null());
	text_json(line);
}

static void
tell_years(struct telling *t, const struct stats_result *r)
{
	t->headed = false;
	if (!t->json && t->by == BY_ALL && r->year_count > 0)
		(void)putchar('\n');
	for (size_t i = 0; i < r->year_count; i++) {
		char name[16];

		if (t->json) {
			tell_year_json(&r->years[i]);
			continue;
		}
		(void)snprintf(name, sizeof name, "%d", r->years[i].year);
		tell_named(t, "year", r->years[i].year != 0 ? name : "(no date)", &r->years[i].sum);
	}
}

static void
tell_classes(struct telling *t, const struct stats_result *r)
{
	t->headed = false;
	if (!t->json && t->by == BY_ALL && r->class_count > 0)
		(void)putchar('\n');
	for (size_t i = 0; i < r->class_count; i++)
		tell_named(t, "class", r->classes[i].name, &r->classes[i].sum);
}

static void
tell_parts(const struct telling *t, const char *title, const char *table,
	const struct stats_part *parts, size_t count)
{
	if (!t->json && count > 0)
		(void)printf("\n%-44s %12s %10s %12s\n", title, "size", "copies", "all copies");
	for (size_t i = 0; i < count; i++) {
		const struct stats_part *p = &parts[i];
		char size[16], all[16];

		if (t->json) {
			text_json(json_pack("{s:s, s:o, s:I, s:I}", "table", table, "name",
				text_value(p->name), "bytes", (json_int_t)p->size, "copies",
				(json_int_t)p->copies));
			continue;
		}
		text_size(p->size, size);
		text_size(p->size * p->copies, all);
		text_print(stdout, p->name[0] != '\0' ? p->name : "(no name)", 44);
		(void)printf(" %12s %10llu %12s\n", size, (unsigned long long)p->copies, all);
	}
}

static double
ratio(uint64_t part, uint64_t whole)
{
	return whole > 0 ? (double)part / (double)whole : 0;
}

static void
tell_total_json(const struct telling *t, const struct stats_sum *s, uint64_t raw)
{
	json_t *line = sum_line("total", s);

	if (t->whole) {
		const struct store_stats *d = &t->store;

		(void)json_object_update_new(line,
			json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f}", "raw_bytes",
				(json_int_t)raw, "unique_bytes", (json_int_t)d->object_raw_bytes,
				"objects", (json_int_t)d->object_count, "stored_bytes",
				(json_int_t)d->segment_bytes, "index_bytes",
				(json_int_t)d->index_bytes, "expired", (json_int_t)t->expired,
				"dedup_ratio", ratio(d->object_raw_bytes, raw), "compression_ratio",
				ratio(d->segment_bytes, d->object_raw_bytes), "stored_ratio",
				ratio(d->segment_bytes, raw)));
	}
	text_json(line);
}

static void
tell_disk(const struct telling *t, uint64_t raw)
{
	const struct store_stats *d = &t->store;
	char all[16], unique[16], stored[16], index[16];

	text_size(raw, all);
	text_size(d->object_raw_bytes, unique);
	text_size(d->segment_bytes, stored);
	text_size(d->index_bytes, index);
	(void)printf("%s of messages, %s of it different (%.3f), stored in %s (%.3f of that; %.3f "
		     "of all); index %s\n",
		all, unique, ratio(d->object_raw_bytes, raw), stored,
		ratio(d->segment_bytes, d->object_raw_bytes), ratio(d->segment_bytes, raw), index);
	if (t->expired > 0)
		(void)printf("%llu items have expired\n", (unsigned long long)t->expired);
}

static void
tell_total(struct telling *t, const struct stats_result *r)
{
	/* Streams beside MIME are known only when records were read. */
	uint64_t raw = r->total.bytes + r->total.version_bytes + r->total.native_bytes;

	if (t->json) {
		tell_total_json(t, &r->total, raw);
		return;
	}
	print_head(t, "");
	text_print(stdout, "total", 44);
	print_columns(&r->total);
	if (t->whole)
		tell_disk(t, raw);
}

static bool
tell_all(struct telling *t, struct catalog *c, const struct stats_result *r, struct exa_error *err)
{
	if (t->by != BY_RUN)
		tell_total(t, r);
	if (t->by == BY_ALL || t->by == BY_YEAR)
		tell_years(t, r);
	tell_classes(t, r);
	tell_parts(t, "largest attachments", "largest", r->largest, r->largest_count);
	tell_parts(t, "attachments that cost most without deduplication", "repeated", r->repeated,
		r->repeated_count);
	return (t->by != BY_ALL && t->by != BY_RUN) || !t->whole || tell_runs(t, c, err);
}

/* ---- the verb ---- */

static bool
read_by(const struct args *args, enum by *out, struct exa_error *err)
{
	static const char *const words[BY_COUNT] = { "", "mailbox", "folder", "year", "class",
		"run" };
	const char *value = args->value[OPT_BY];

	*out = BY_ALL;
	for (int i = BY_MAILBOX; value != NULL && i < BY_COUNT; i++) {
		if (strcmp(value, words[i]) == 0)
			*out = (enum by)i;
	}
	return value == NULL || *out != BY_ALL ||
	       exa_fail(err, EXA_USAGE, "--by %s: it is one of: mailbox, folder, year, class, run",
		       value);
}

static bool
count_expired(void *ctx, const struct catalog_expired *e, struct exa_error *err)
{
	uint64_t *count = ctx;

	(void)e;
	(void)err;
	(*count)++;
	return true;
}

static bool
look_at_store(struct telling *t, struct catalog *c, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;

	return store_stat(catalog_store(c), &t->store, err) &&
	       store_read_begin(catalog_store(c), &txn, err) &&
	       catalog_each_expired(txn, count_expired, &t->expired, err);
}

static bool
run(struct telling *t, struct catalog *c, const struct selection *s, struct stats_result *r,
	struct exa_error *err)
{
	const struct stats_options options = { .records = t->by == BY_CLASS,
		.attachments = t->args->value[OPT_ATTACHMENTS] != NULL,
		.cancel = &stop_asked,
		.folder = tell_folder,
		.mailbox = tell_mailbox,
		.failed = tell_failed,
		.ctx = t };

	return look_at_store(t, c, err) &&
	       (t->by == BY_RUN || export_stats(c, s, &options, r, err)) && tell_all(t, c, r, err);
}

static bool
is_whole(const struct args *args)
{
	return args->value[OPT_MAILBOX] == NULL && args->value[OPT_FOLDER] == NULL &&
	       args->value[OPT_SINCE] == NULL && args->value[OPT_BEFORE] == NULL &&
	       args->repeated_count == 0;
}

int
cmd_stats(const struct args *args)
{
	struct sigaction stop = { .sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND };
	struct telling t = {
		.args = args, .json = args->value[OPT_JSON] != NULL, .whole = is_whole(args)
	};
	struct stats_result result = { 0 };
	struct catalog *catalog = NULL;
	struct selection selection;
	struct exa_error err;
	uint64_t failed;
	bool good;

	(void)sigaction(SIGINT, &stop, NULL);
	(void)sigaction(SIGTERM, &stop, NULL);
	if (!read_by(args, &t.by, &err) || !select_read(args, &selection, &err))
		return fail_with(&err);
	good = archive_open(
		       args, (struct store_open_options){ .access = STORE_READ }, &catalog, &err) &&
	       run(&t, catalog, &selection, &result, &err);
	catalog_abandonp(&catalog);
	selection_done(&selection);
	failed = result.failed;
	stats_result_done(&result);
	if (!good)
		return fail_with(&err);
	if (failed > 0)
		(void)fprintf(stderr, "exarch: %llu items could not be looked at\n",
			(unsigned long long)failed);
	return failed > 0 ? EXIT_CORRUPT : EXIT_DONE;
}
