/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "exarch/clock.h"
#include "key.h"
#include "select.h"
#include "text.h"
#include "verify_tell.h"

static struct cancel stop_asked;

static void
on_stop(int signal_number)
{
	(void)signal_number;
	cancel_raise(&stop_asked, CANCEL_SIGNAL);
}

/* A line that is written over, on a terminal only, and not more often than people can read. */
struct progress {
	const struct args *args;
	bool shown;
	int64_t last_ns;
};

static void
print_progress(void *ctx, uint64_t items, uint64_t bytes)
{
	struct progress *p = ctx;
	int64_t now = clock_mono_ns();
	char size[16];

	if (!p->shown || now - p->last_ns < EXA_NS_PER_S / 5)
		return;
	p->last_ns = now;
	text_size(bytes, size);
	(void)fprintf(stderr, "\r%llu items  %s\033[K", (unsigned long long)items, size);
}

static void
print_failed(void *ctx, const struct selected *item, const struct exa_error *why)
{
	const struct progress *p = ctx;

	if (p->last_ns != 0)
		(void)fprintf(stderr, "\r\033[K");
	tell_item(p->args, item, why);
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

static bool
check_options(const struct args *args, struct exa_error *err)
{
	const char *format = args->value[OPT_FORMAT];

	if (args->value[OPT_TO] == NULL)
		return exa_fail(err, EXA_USAGE, "say where to: --to DIR");
	if (format != NULL && strcmp(format, "eml") != 0)
		return exa_fail(err, EXA_USAGE,
			"--format %s is not available in this version; eml is", format);
	return true;
}

int
cmd_export(const struct args *args)
{
	struct sigaction stop = { .sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND };
	struct progress progress = { .args = args,
		.shown = args->value[OPT_QUIET] == NULL && isatty(STDERR_FILENO) };
	struct export_options options = { .to = args->value[OPT_TO],
		.update = args->value[OPT_UPDATE] != NULL,
		.native = args->value[OPT_NATIVE] != NULL,
		.cancel = &stop_asked,
		.progress = print_progress,
		.failed = print_failed,
		.ctx = &progress };
	struct catalog *catalog = NULL;
	struct export_result result = { 0 };
	struct selection selection;
	struct exa_error err;
	bool good;

	(void)sigaction(SIGINT, &stop, NULL);
	(void)sigaction(SIGTERM, &stop, NULL);
	if (!check_options(args, &err) || !select_read(args, &selection, &err))
		return fail_with(&err);
	good = archive_open(
		       args, (struct store_open_options){ .access = STORE_READ }, &catalog, &err) &&
	       export_eml(catalog, &selection, &options, &result, &err);
	if (progress.last_ns != 0)
		(void)fprintf(stderr, "\r\033[K");
	catalog_abandonp(&catalog);
	selection_done(&selection);
	if (!good)
		return fail_with(&err);
	print_result(args, &result);
	return result.failed > 0 ? EXIT_CORRUPT : EXIT_DONE;
}
