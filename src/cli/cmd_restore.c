/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `exarch restore`: back into mailboxes. What can be wrong is looked at in this order, cheapest
 * first: the command line, profile and credentials, the archive and its key, what is chosen, the
 * server. Nothing is changed anywhere before.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "deed.h"
#include "errand.h"
#include "exarch/clock.h"
#include "exarch/mem.h"
#include "exarch/restore.h"
#include "key.h"
#include "restore_tell.h"
#include "select.h"
#include "session.h"

struct restoring {
	const struct args *args;
	struct cancel *cancel;
	struct session session;
	struct selection selection;
	struct catalog *catalog;
	char *mailbox; /* --into; NULL = each item's own */
	char *folder;
	enum restore_duplicates duplicates;
	uint32_t threads;
	struct crawl_mailbox *targets; /* each address once */
	size_t target_count;
	struct deed deed;
	struct buf chosen; /* in words */
};

/* ---- the command line ---- */

static bool
read_into(struct restoring *r, struct exa_error *err)
{
	const char *into = r->args->value[OPT_INTO];
	size_t size;

	if (into == NULL)
		return true;
	size = strcspn(into, "/");
	if (memchr(into, '@', size) == NULL)
		return exa_fail(err, EXA_USAGE,
			"--into begins with a mailbox's address: anna@example.org, or "
			"anna@example.org/Restored");
	r->mailbox = exa_strndup(into, size);
	into += size + strspn(into + size, "/");
	r->folder = into[0] != '\0' ? exa_strdup(into) : NULL;
	return true;
}

static bool
read_duplicates(struct restoring *r, struct exa_error *err)
{
	static const struct {
		const char *name;
		enum restore_duplicates how;
	} hows[] = { { "skip", RESTORE_SKIP }, { "copy", RESTORE_COPY },
		{ "replace", RESTORE_REPLACE } };
	const char *given = r->args->value[OPT_ON_DUPLICATE];

	for (size_t i = 0; given != NULL && i < sizeof hows / sizeof hows[0]; i++) {
		if (strcmp(hows[i].name, given) == 0) {
			r->duplicates = hows[i].how;
			return true;
		}
	}
	return given == NULL ||
	       exa_fail(err, EXA_USAGE, "--on-duplicate is skip, copy or replace, not '%s'", given);
}

static bool
read_limits(struct restoring *r, struct exa_error *err)
{
	const char *threads = r->args->value[OPT_THREADS],
		   *duration = r->args->value[OPT_MAX_DURATION];
	int64_t span_ms;
	uint64_t n;

	r->threads = r->session.profile->threads;
	if (threads != NULL) {
		if (!number_read(threads, &n, err) || n < 1 || n > PROFILE_THREADS_MAX)
			return exa_fail(err, EXA_USAGE,
				"--threads is a number from 1 to %d, not '%s'", PROFILE_THREADS_MAX,
				threads);
		r->threads = (uint32_t)n;
	}
	if (duration == NULL)
		return true;
	if (!clock_parse_span(duration, &span_ms, err))
		return exa_while(err, "--max-duration");
	r->cancel->deadline_mono_ns = clock_mono_ns() + span_ms * EXA_NS_PER_MS;
	return true;
}

static bool
open_session(struct restoring *r, struct exa_error *err)
{
	const char *profile = r->args->value[OPT_PROFILE];

	if (profile == NULL)
		return exa_fail(err, EXA_USAGE,
			"say how to reach the server: --profile FILE, as for `exarch archive`");
	return session_open(profile, r->cancel, &r->session, err);
}

/* For the audit: which items these are. */
static void
describe_choice(struct restoring *r)
{
	static const struct {
		enum option_id id;
		const char *word;
	} parts[] = { { OPT_MAILBOX, "mailbox" }, { OPT_FOLDER, "folder" }, { OPT_SINCE, "since" },
		{ OPT_BEFORE, "before" } };

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		if (r->args->value[parts[i].id] != NULL)
			buf_printf(&r->chosen, "%s%s %s", r->chosen.size > 0 ? ", " : "",
				parts[i].word, r->args->value[parts[i].id]);
	}
	if (r->args->repeated_count > 0)
		buf_printf(&r->chosen, "%s%zu by number", r->chosen.size > 0 ? ", " : "",
			r->args->repeated_count);
	if (r->chosen.size == 0)
		buf_add_string(&r->chosen, "everything");
}

/* ---- archive and choice ---- */

/* The archive of the verb, which needn't be the one that the profile names. */
static bool
open_archive(struct restoring *r, struct exa_error *err)
{
	const enum store_access access =
		r->args->value[OPT_DRY_RUN] != NULL ? STORE_READ : STORE_WRITE;

	return deed_open(r->args, access, &r->catalog, err);
}

struct adapter {
	const struct restore_place *after;
	restore_chosen_fn *fn;
	void *ctx;
};

static bool
is_behind(const struct restore_place *after, const struct catalog_row *row)
{
	if (row->mailbox != after->mailbox)
		return row->mailbox > after->mailbox;
	if (row->folder != after->folder)
		return row->folder > after->folder;
	if (row->received_ns != after->received_ns)
		return row->received_ns > after->received_ns;
	return row->number > after->number;
}

static bool
hand_on(void *ctx, const struct selected *item, struct exa_error *err)
{
	struct adapter *a = ctx;

	return a->fn(
		a->ctx, &(struct restore_chosen){ item->mailbox, item->folder, item->row }, err);
}

/* A selection by number knows no `after`. */
static bool
hand_on_behind(void *ctx, const struct selected *item, struct exa_error *err)
{
	const struct adapter *a = ctx;

	return !is_behind(a->after, item->row) || hand_on(ctx, item, err);
}

static bool
walk_choice(void *ctx, const struct restore_place *after, restore_chosen_fn *fn, void *fn_ctx,
	struct exa_error *err)
{
	struct restoring *r = ctx;
	struct selection selection = r->selection;
	struct adapter a = { .after = after, .fn = fn, .ctx = fn_ctx };

	if (selection.id_count > 0)
		return selection_walk(r->catalog, &selection, hand_on_behind, &a, err);
	selection.after = (struct selected_place){ .mailbox = after->mailbox,
		.folder = after->folder,
		.received_ns = after->received_ns,
		.number = after->number };
	return selection_walk(r->catalog, &selection, hand_on, &a, err);
}

/* ---- the server ---- */

static void
add_target(struct restoring *r, const char *smtp)
{
	for (size_t i = 0; i < r->target_count; i++) {
		if (strcasecmp(r->targets[i].smtp, smtp) == 0)
			return;
	}
	r->targets = exa_realloc_array(r->targets, r->target_count + 1, sizeof *r->targets);
	r->targets[r->target_count++] = (struct crawl_mailbox){ .smtp = exa_strdup(smtp) };
}

static bool
take_target(void *ctx, const struct selected *item, struct exa_error *err)
{
	(void)err;
	add_target(ctx, item->mailbox->smtp);
	return true;
}

/* Whose mailboxes these are: asked only where it decides which server, or how often a wrong
 * password is tried. */
static bool
find_targets(struct restoring *r, struct exa_error *err)
{
	const struct profile *p = r->session.profile;

	if (!p->autodiscover && p->auth.kind != AUTH_BASIC && p->auth.kind != AUTH_NTLM)
		return true;
	if (r->mailbox == NULL)
		return selection_walk(r->catalog, &r->selection, take_target, r, err);
	add_target(r, r->mailbox);
	return true;
}

static bool
ignore_folder(void *ctx, const struct ews_folder *folder, struct exa_error *err)
{
	(void)ctx;
	(void)folder;
	(void)err;
	return true;
}

static bool
ask_to_be_let_in(void *ctx, struct exa_error *err)
{
	const struct restoring *r = ctx;
	EXA_AUTO(ews_freep) struct ews *ews = NULL;
	const struct ews_mailbox mailbox = { .smtp = r->targets[0].smtp };
	const struct ews_folder_sink sink = { .folder = ignore_folder };

	return ews_new(&r->session.ews, &ews, err) &&
	       ews_get_folder(ews, &mailbox, NULL, &sink, err);
}

/* Each refusal of a password counts towards the account's lockout: so one question goes before all
 * threads. What else it meets is for the restore. */
static bool
sign_in_once(struct restoring *r, struct exa_error *err)
{
	const enum auth_kind kind = r->session.profile->auth.kind;

	if (r->target_count == 0 || (kind != AUTH_BASIC && kind != AUTH_NTLM))
		return true;
	return errand_run(ask_to_be_let_in, r, r->cancel, err) ||
	       (err->code != EXA_AUTH && err->code != EXA_CANCELLED);
}

static bool
prepare(struct restoring *r, struct exa_error *err)
{
	return read_into(r, err) && read_duplicates(r, err) &&
	       select_read(r->args, &r->selection, err) && open_session(r, err) &&
	       read_limits(r, err) && open_archive(r, err) && find_targets(r, err) &&
	       session_locate(&r->session, r->targets, r->target_count, r->cancel, err) &&
	       sign_in_once(r, err);
}

/* ---- the end ---- */

static int
code_of(bool good, const struct exa_error *err, const struct restore_result *result)
{
	if (result->counts.damaged > 0)
		return EXIT_CORRUPT;
	if (!good)
		return exit_code_of(err);
	return result->counts.failed > 0 || result->mailboxes_failed > 0 ||
			       result->mailboxes_incomplete > 0
		       ? EXIT_INCOMPLETE
		       : EXIT_DONE;
}

static const char *
why_stopped(const struct restoring *r, bool good, const struct exa_error *err)
{
	if (good || err->code != EXA_CANCELLED)
		return NULL;
	return cancel_why(r->cancel) == CANCEL_DEADLINE ? "--max-duration is over"
							: "stopped by a signal";
}

static int
restore(struct restoring *r)
{
	const struct profile *profile = r->session.profile;
	struct restore_tell tell;
	const struct restore_options options = {
		.choice = { .walk = walk_choice, .ctx = r },
		.into_mailbox = r->mailbox,
		.into_folder = r->folder,
		.duplicates = r->duplicates,
		.dry_run = r->args->value[OPT_DRY_RUN] != NULL,
		.ews = r->session.ews,
		.listener = restore_tell_listener(&tell),
		.cancel = r->cancel,
		.threads = r->threads,
		.batch_bytes = profile->batch_bytes,
		.mailbox_concurrency = profile->mailbox_concurrency,
		.user = r->deed.user,
		.host = r->deed.host,
		.program = "exarch " EXARCH_VERSION,
		.chosen = buf_string(&r->chosen),
	};
	struct restore_result result;
	struct exa_error err;
	bool good;
	int code;

	restore_tell_begin(&tell, r->args);
	good = restore_run(r->catalog, &options, &result, &err);
	code = code_of(good, &err, &result);
	restore_tell_end(&tell, &result, code, why_stopped(r, good, &err));
	if (!good && err.code != EXA_CANCELLED)
		(void)fail_with(&err);
	return code;
}

int
cmd_restore(const struct args *args)
{
	struct restoring r = { .args = args, .cancel = deed_stopped_by_signals() };
	struct exa_error err;
	int code;

	selection_init(&r.selection);
	deed_begin(&r.deed);
	describe_choice(&r);
	code = prepare(&r, &err) ? restore(&r) : fail_with(&err);
	if (r.catalog != NULL && !catalog_close(r.catalog, &err) && code == EXIT_DONE)
		code = fail_with(&err);
	for (size_t i = 0; i < r.target_count; i++)
		exa_free(r.targets[i].smtp);
	exa_free(r.targets);
	selection_done(&r.selection);
	session_done(&r.session);
	exa_free(r.mailbox);
	exa_free(r.folder);
	buf_done(&r.chosen);
	return code;
}
