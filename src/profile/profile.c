/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a file to a struct in three steps: shape.c compares the text with the schema (and explains),
 * libcyaml fills struct raw_profile, and the checks of each part turn that into struct profile.
 * Texts of a profile live in one arena with it.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exarch/fs.h"
#include "exarch/mem.h"
#include "exarch/profile.h"

#include "context.h"
#include "raw.h"
#include "value.h"

struct loaded {
	struct profile profile; /* first: what callers hold is this */
	struct arena *texts;
};

/* ---- libcyaml ---- */

static void *
cyaml_memory(void *ctx, void *p, size_t size)
{
	(void)ctx;
	if (size > 0)
		return exa_realloc(p, size);
	exa_free(p);
	return NULL;
}

static void keep_first_line(cyaml_log_t level, void *ctx, const char *fmt, va_list args)
	EXA_PRINTF(3, 0);

/* libcyaml reports an error and then its backtrace, line by line: the first one says it. */
static void
keep_first_line(cyaml_log_t level, void *ctx, const char *fmt, va_list args)
{
	struct buf *text = ctx;

	if (level == CYAML_LOG_ERROR && text->size == 0)
		buf_vprintf(text, fmt, args);
}

static cyaml_config_t
cyaml_config(struct buf *log)
{
	return (cyaml_config_t){ .log_fn = keep_first_line,
		.log_ctx = log,
		.log_level = CYAML_LOG_ERROR,
		.mem_fn = cyaml_memory };
}

/* NULL on failure. The shape was checked: a failure here is something that shape.c should have
 * refused. */
static struct raw_profile *
read_raw(struct bytes text, const char *file, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf log = { 0 };
	const cyaml_config_t config = cyaml_config(&log);
	cyaml_data_t *data = NULL;
	cyaml_err_t result =
		cyaml_load_data(text.data, text.size, &config, &raw_schema, &data, NULL);

	if (result != CYAML_OK || data == NULL) {
		const char *line = buf_string(&log);

		(void)exa_fail(err, EXA_USAGE, "%s: can't be read: %s (%.*s)", file,
			cyaml_strerror(result), (int)strcspn(line, "\n"), line);
		return NULL;
	}
	return data;
}

static void
free_raw(struct raw_profile **raw)
{
	struct buf log = { 0 };
	const cyaml_config_t config = cyaml_config(&log);

	(void)cyaml_free(&config, &raw_schema, *raw, 0);
	buf_done(&log);
}

/* ---- the checks ---- */

static bool
check_run(const struct context *c, const struct raw_run *raw, struct profile *p)
{
	static const struct raw_run nothing;
	/* beyond 100 ids a request grows over what some servers take; a batch below 64 KiB holds
	 * less than one message, one beyond 256 MiB outlasts any timeout */
	const struct value_range items = { 1, 100 };
	const struct value_range bytes = { 64 * 1024, 256 * 1024 * 1024 };
	const struct value_range threads = { 1, PROFILE_THREADS_MAX };
	const struct value_range days = { 0, 365 };

	if (raw == NULL)
		raw = &nothing;
	p->threads = 4;
	p->batch_items = 50;
	p->batch_bytes = 8 * 1024 * 1024;
	p->mailbox_concurrency = 4;
	p->full_sync_days = 7;
	return value_count(c, "run.threads", raw->threads, threads, &p->threads) &&
	       value_count(c, "run.batch_items", raw->batch_items, items, &p->batch_items) &&
	       value_size(c, "run.batch_bytes", raw->batch_bytes, bytes, &p->batch_bytes) &&
	       value_count(c, "run.mailbox_concurrency", raw->mailbox_concurrency, threads,
		       &p->mailbox_concurrency) &&
	       value_count(c, "run.full_sync_days", raw->full_sync_days, days, &p->full_sync_days);
}

static bool
check_archive_key(const struct context *c, const struct raw_archive_key *raw, struct profile *p)
{
	if (raw == NULL)
		return true;
	if ((raw->key_file == NULL) == (raw->passphrase_file == NULL))
		return context_bad(c, "archive_key", "give `key_file` or `passphrase_file`%s",
			raw->key_file != NULL ? ", not both" : "");
	return value_path(c, "archive_key.key_file", raw->key_file, &p->key_file) &&
	       value_path(
		       c, "archive_key.passphrase_file", raw->passphrase_file, &p->passphrase_file);
}

static bool
check_all(const struct context *c, const struct raw_profile *raw, struct profile *p)
{
	p->path = context_text(c, c->file);
	if (raw->archive == NULL)
		return context_bad(c, "archive", "missing; it names the archive's folder");
	p->create_archive = raw->create_archive == RAW_YES;
	p->versions = raw->versions != 0 ? (enum profile_versions)(raw->versions - 1)
					 : PROFILE_VERSIONS_LATEST;
	for (unsigned i = 0; i < raw->capture_count; i++)
		p->capture |= (unsigned)raw->capture[i];
	p->search = raw->search == RAW_YES;
	if (p->capture == 0)
		p->capture = PROFILE_CAPTURE_MIME;
	return value_path(c, "archive", raw->archive, &p->archive) &&
	       check_archive_key(c, raw->archive_key, p) && source_check(c, raw, p) &&
	       mailboxes_check(c, raw, p) && public_check(c, raw, p) && select_check(c, raw, p) &&
	       delete_check(c, raw, p) && check_run(c, raw->run, p);
}

/* ---- the verbs ---- */

/* An error is one line, whatever the value that it quotes. */
static bool
fail_in_one_line(struct exa_error *err)
{
	for (char *p = err->text; *p != '\0'; p++) {
		if (*p == '\n' || *p == '\t')
			*p = ' ';
	}
	return false;
}

bool
profile_parse(struct bytes text, const char *path, int64_t now_ns, struct profile **out,
	struct exa_error *err)
{
	EXA_AUTO(profile_freep) struct profile *p = NULL;
	EXA_AUTO(exa_freep) char *given_dir = fs_dir_of(path);
	EXA_AUTO(shape_freep) struct shape *shape = NULL;
	EXA_AUTO(free_raw) struct raw_profile *raw = NULL;
	char dir[PATH_MAX];
	struct loaded *loaded;

	if (realpath(given_dir, dir) == NULL) {
		(void)exa_fail_errno(err, errno, "can't find the folder %s", given_dir);
		err->code = EXA_USAGE;
		return false;
	}
	if (!shape_check(text, path, &shape, err))
		return fail_in_one_line(err);
	raw = read_raw(text, path, err);
	if (raw == NULL)
		return false;
	loaded = exa_alloc(sizeof *loaded);
	loaded->texts = arena_new();
	p = &loaded->profile;
	if (!check_all(&(struct context){ .file = path,
			       .dir = dir,
			       .shape = shape,
			       .texts = loaded->texts,
			       .now_ns = now_ns,
			       .err = err },
		    raw, p))
		return fail_in_one_line(err);
	*out = p;
	p = NULL;
	return true;
}

bool
profile_load(const char *path, int64_t now_ns, struct profile **out, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };

	if (!fs_read_file(path, PROFILE_FILE_MAX, &text, err)) {
		err->code = EXA_USAGE; /* whatever the reason, it is another file that helps */
		return false;
	}
	return profile_parse(buf_bytes(&text), path, now_ns, out, err);
}

void
profile_free(struct profile *p)
{
	struct loaded *loaded = (struct loaded *)p;

	if (p == NULL)
		return;
	rules_done(&p->rules);
	arena_free(loaded->texts);
	exa_free(loaded);
}

void
profile_freep(struct profile **p)
{
	profile_free(*p);
	*p = NULL;
}
