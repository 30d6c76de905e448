/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "key.h"
#include "select.h"
#include "talk.h"
#include "text.h"
#include "verify_tell.h"

/* More than that seldom helps: the disk is the limit then. */
#define THREADS_DEFAULT_MAX 4

static struct cancel stop_asked;

static void
on_stop(int signal_number)
{
	(void)signal_number;
	cancel_raise(&stop_asked, CANCEL_SIGNAL);
}

struct exporting {
	const struct args *args;
	struct talk talk;
};

static void
passed_item(void *ctx, uint64_t items, uint64_t bytes)
{
	struct exporting *e = ctx;

	talk_status(&e->talk,
		&(struct talk_status){ .what = "exporting", .items = items, .bytes = bytes });
}

static void
print_failed(void *ctx, const struct selected *item, const struct exa_error *why)
{
	struct exporting *e = ctx;

	talk_clear(&e->talk);
	tell_item(e->args, item, why);
}

static void
print_result(const struct args *args, const struct export_result *r)
{
	char size[16];

	if (args->value[OPT_JSON] != NULL) {
		json_t *line = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "event", "export",
			"items", (json_int_t)r->items, "bytes", (json_int_t)r->bytes, "native_only",
			(json_int_t)r->native_only, "skipped", (json_int_t)r->skipped, "failed",
			(json_int_t)r->failed);

		if (line != NULL)
			(void)json_dumpf(line, stdout, JSON_COMPACT);
		(void)putchar('\n');
		json_decref(line);
		return;
	}
	if (args->value[OPT_QUIET] != NULL)
		return;
	text_size(r->bytes, size);
	(void)printf("exported %llu items, %s, to %s", (unsigned long long)r->items, size,
		args->value[OPT_TO]);
	if (r->native_only > 0)
		(void)printf("; %llu of them have no MIME: native streams (.fts)",
			(unsigned long long)r->native_only);
	if (r->skipped > 0)
		(void)printf("; %llu were there already", (unsigned long long)r->skipped);
	if (r->failed > 0)
		(void)printf("; %llu FAILED", (unsigned long long)r->failed);
	(void)putchar('\n');
}

/* The position of the option's value among WORDS, 0 when it isn't given. */
static bool
read_word(const struct args *args, enum option_id id, const char *const *words, size_t count,
	int *out, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf known = { 0 };
	const char *value = args->value[id];

	*out = 0;
	for (size_t i = 0; value != NULL && i < count; i++) {
		if (strcmp(value, words[i]) == 0) {
			*out = (int)i;
			return true;
		}
		if (words[i][0] != '\0')
			buf_printf(&known, "%s%s", known.size > 0 ? ", " : "", words[i]);
	}
	return value == NULL || exa_fail(err, EXA_USAGE, "--%s %s: it is one of: %s",
					option_specs[id].name, value, buf_string(&known));
}

static bool
read_threads(const struct args *args, unsigned *out, struct exa_error *err)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t n;

	*out = cores < 1 ? 1 : cores > THREADS_DEFAULT_MAX ? THREADS_DEFAULT_MAX : (unsigned)cores;
	if (args->value[OPT_WORKERS] == NULL)
		return true;
	if (!number_read(args->value[OPT_WORKERS], &n, err))
		return exa_while(err, "--threads");
	if (n < 1 || n > EXPORT_THREADS_MAX)
		return exa_fail(
			err, EXA_USAGE, "--threads is a number from 1 to %u", EXPORT_THREADS_MAX);
	*out = (unsigned)n;
	return true;
}

static bool
read_options(const struct args *args, struct export_options *o, struct exa_error *err)
{
	static const char *const formats[] = { "eml", "mbox", "maildir" };
	static const char *const layouts[] = { "++", "nested" };
	static const char *const inners[] = { "", "beside", "instead" };
	int format, layout, inner;

	if (args->value[OPT_TO] == NULL)
		return exa_fail(err, EXA_USAGE, "say where to: --to DIR");
	if (!read_word(args, OPT_FORMAT, formats, 3, &format, err) ||
		!read_word(args, OPT_LAYOUT, layouts, 2, &layout, err) ||
		!read_word(args, OPT_ICS_VCF, inners, 3, &inner, err) ||
		!read_threads(args, &o->threads, err))
		return false;
	o->format = (enum export_format)format;
	o->layout = (enum export_layout)layout;
	o->inner = (enum export_inner)inner;
	if (args->value[OPT_LAYOUT] != NULL && (o->format != EXPORT_MAILDIR || o->flat))
		return exa_fail(err, EXA_USAGE, "--layout is for --format maildir without --flat");
	return true;
}

int
cmd_export(const struct args *args)
{
	struct sigaction stop = { .sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND };
	struct exporting exporting = { .args = args };
	struct export_options options = { .to = args->value[OPT_TO],
		.flat = args->value[OPT_FLAT] != NULL,
		.update = args->value[OPT_UPDATE] != NULL,
		.native = args->value[OPT_NATIVE] != NULL,
		.cancel = &stop_asked,
		.progress = passed_item,
		.failed = print_failed,
		.ctx = &exporting };
	struct catalog *catalog = NULL;
	struct export_result result = { 0 };
	struct selection selection;
	struct exa_error err;
	bool good;

	(void)sigaction(SIGINT, &stop, NULL);
	(void)sigaction(SIGTERM, &stop, NULL);
	if (!read_options(args, &options, &err) || !select_read(args, &selection, &err))
		return fail_with(&err);
	talk_begin(&exporting.talk, "export", args);
	good = archive_open(
		       args, (struct store_open_options){ .access = STORE_READ }, &catalog, &err) &&
	       export_files(catalog, &selection, &options, &result, &err);
	talk_end(&exporting.talk);
	catalog_abandonp(&catalog);
	selection_done(&selection);
	if (!good)
		return fail_with(&err);
	print_result(args, &result);
	return result.failed > 0 ? EXIT_CORRUPT : EXIT_DONE;
}
