/* SPDX-License-Identifier: Apache-2.0 */
/* `exarch diff`: the archive against what the server has now. Nothing is written anywhere. */
#include <stdio.h>
#include <string.h>

#include "deed.h"
#include "exarch/mem.h"
#include "key.h"
#include "session.h"
#include "talk.h"
#include "text.h"

struct differ {
	const struct args *args;
	struct cancel *cancel;
	struct session session;
	struct plan plan;
	struct catalog *catalog;
	struct crawl_mailbox *mailboxes;
	size_t mailbox_count;
	struct pattern *folder;
	struct talk talk;
	uint64_t compared;
};

static bool
in_json(const struct differ *d)
{
	return d->args->value[OPT_JSON] != NULL;
}

static void
set_count(json_t *o, const char *key, uint64_t n)
{
	(void)json_object_set_new(o, key, json_integer((json_int_t)n));
}

static void
set_counts(json_t *o, const struct crawl_diff_counts *c)
{
	set_count(o, "listed", c->listed);
	set_count(o, "same", c->same);
	set_count(o, "server_only", c->server_only);
	set_count(o, "failed", c->failed);
	set_count(o, "changed", c->changed);
	set_count(o, "archive_only", c->archive_only);
	set_count(o, "excluded", c->excluded);
	set_count(o, "deferred", c->deferred);
	set_count(o, "removed", c->removed);
}

static json_t *
event(const char *name, const char *mailbox)
{
	json_t *o = json_object();

	(void)json_object_set_new(o, "event", json_string(name));
	(void)json_object_set_new(o, "mailbox", deed_json_text(mailbox));
	return o;
}

static void
set_error(json_t *o, const struct exa_error *why)
{
	(void)json_object_set_new(o, "error",
		why == NULL ? json_null()
			    : json_pack("{s:s, s:s, s:o}", "code", exa_code_name(why->code), "name",
				      why->name, "text", deed_json_text(why->text)));
}

/* ---- while it goes on ---- */

static void
on_item(void *ctx, const struct crawl_diff_item *i)
{
	struct differ *d = ctx;
	json_t *o;

	if (!in_json(d))
		return;
	o = event("difference", i->mailbox);
	(void)json_object_set_new(o, "folder", deed_json_text(i->folder));
	(void)json_object_set_new(o, "what", json_string(crawl_difference_name(i->what)));
	(void)json_object_set_new(
		o, "number", i->number != 0 ? json_integer((json_int_t)i->number) : json_null());
	(void)json_object_set_new(
		o, "item_id", i->item_id[0] != '\0' ? deed_json_text(i->item_id) : json_null());
	(void)json_object_set_new(o, "received", deed_json_time(i->received_ns));
	deed_print_json(o);
}

static void
print_part(uint64_t n, const char *what)
{
	if (n > 0)
		(void)printf(", %llu %s", (unsigned long long)n, what);
}

static void
print_counts(const struct crawl_diff_counts *c)
{
	(void)printf("%llu the same", (unsigned long long)c->same);
	print_part(c->server_only, "at the server only");
	print_part(c->failed, "at the server only, since they FAILED");
	print_part(c->changed, "changed since");
	print_part(c->archive_only, "in the archive only");
	print_part(c->excluded, "excluded");
	print_part(c->deferred, "deferred");
	print_part(c->removed, "removed earlier");
}

static void
print_why(const char *mailbox, const char *path, const struct exa_error *why)
{
	(void)fputs("problem: ", stderr);
	text_print(stderr, mailbox, 0);
	(void)fputc(' ', stderr);
	text_print(stderr, path, 0);
	(void)fputs(": ", stderr);
	text_print(stderr, why->text, 0);
	(void)fputc('\n', stderr);
}

/* Folders in which all is well are for JSON alone. */
static void
on_folder(void *ctx, const char *mailbox, const char *path, const struct crawl_diff_counts *counts,
	const struct exa_error *why)
{
	struct differ *d = ctx;
	json_t *o;

	d->compared += counts->listed;
	if (in_json(d)) {
		o = event("folder", mailbox);
		(void)json_object_set_new(o, "folder", deed_json_text(path));
		set_counts(o, counts);
		set_error(o, why);
		deed_print_json(o);
		return;
	}
	talk_clear(&d->talk);
	if (why != NULL)
		print_why(mailbox, path, why);
	if (crawl_diff_differences(counts) > 0) {
		text_print(stdout, mailbox, 0);
		(void)putchar(' ');
		text_print(stdout, path, 0);
		(void)fputs(": ", stdout);
		print_counts(counts);
		(void)putchar('\n');
	}
	talk_status(&d->talk, &(struct talk_status){ .what = "comparing", .items = d->compared });
}

static void
on_mailbox(void *ctx, const char *mailbox, const struct crawl_diff_counts *counts,
	const struct exa_error *why)
{
	struct differ *d = ctx;
	json_t *o;

	if (in_json(d)) {
		o = event("mailbox", mailbox);
		set_counts(o, counts);
		set_error(o, why);
		deed_print_json(o);
		return;
	}
	talk_clear(&d->talk);
	if (why != NULL)
		print_why(mailbox, "", why);
	text_print(stdout, mailbox, 0);
	(void)fputs(": ", stdout);
	print_counts(counts);
	(void)putchar('\n');
}

/* ---- the run ---- */

static bool
choose_mailboxes(struct differ *d, struct exa_error *err)
{
	if (!plan_load(&d->session, d->args->value[OPT_MAILBOX], d->cancel, &d->plan, err))
		return false;
	d->mailboxes = exa_alloc_array(d->plan.count * PARTS_MOST, sizeof *d->mailboxes);
	for (size_t i = 0; i < d->plan.count; i++) {
		if (d->plan.entries[i].decision.verdict == RULES_ARCHIVE)
			d->mailbox_count += session_parts(&d->session, &d->plan.entries[i].mailbox,
				&d->mailboxes[d->mailbox_count]);
	}
	if (d->mailbox_count > 0)
		return session_locate(&d->session, d->mailboxes, d->mailbox_count, d->cancel, err);
	return exa_fail(err, EXA_USAGE, "no mailbox is chosen; `exarch mailboxes %s` says why",
		d->args->positional[1]);
}

static bool
prepare(struct differ *d, struct exa_error *err)
{
	const char *folder = d->args->value[OPT_FOLDER];

	if (folder != NULL && !pattern_compile(folder, &d->folder, err))
		return exa_while(err, "--folder");
	return session_open(d->args->positional[1], d->cancel, &d->session, err) &&
	       deed_open(d->args, STORE_READ, &d->catalog, err) && choose_mailboxes(d, err);
}

static int
code_of(const struct crawl_diff_result *r)
{
	return crawl_diff_differences(&r->counts) > 0 || r->mailboxes_failed > 0 ||
			       r->folders_failed > 0
		       ? EXIT_INCOMPLETE
		       : EXIT_DONE;
}

static void
tell_end(struct differ *d, const struct crawl_diff_result *r, int code)
{
	json_t *o;

	talk_end(&d->talk);
	if (in_json(d)) {
		o = json_object();
		(void)json_object_set_new(o, "event", json_string("diff"));
		(void)json_object_set_new(o, "exit_code", json_integer(code));
		set_count(o, "mailboxes", r->mailboxes);
		set_count(o, "mailboxes_failed", r->mailboxes_failed);
		set_count(o, "folders_failed", r->folders_failed);
		set_counts(o, &r->counts);
		deed_print_json(o);
	} else if (code == EXIT_DONE) {
		(void)puts("no difference");
	}
}

static int
diff(struct differ *d)
{
	const struct crawl_diff_options options = {
		.mailboxes = d->mailboxes,
		.mailbox_count = d->mailbox_count,
		.rules = &d->session.profile->rules,
		.folder = d->folder,
		.ews = d->session.ews,
		.listener = { .item = on_item,
			.folder = on_folder,
			.mailbox = on_mailbox,
			.ctx = d },
		.cancel = d->cancel,
		.threads = d->session.profile->threads,
		.mailbox_concurrency = d->session.profile->mailbox_concurrency,
	};
	struct crawl_diff_result result;
	struct exa_error err;
	int code;

	talk_begin(&d->talk, "diff", d->args);
	if (!crawl_diff(d->catalog, &options, &result, &err)) {
		talk_end(&d->talk);
		return fail_with(&err);
	}
	code = code_of(&result);
	tell_end(d, &result, code);
	return code;
}

int
cmd_diff(const struct args *args)
{
	struct differ d = { .args = args, .cancel = deed_stopped_by_signals() };
	struct exa_error err;
	int code = prepare(&d, &err) ? diff(&d) : fail_with(&err);

	catalog_abandonp(&d.catalog);
	for (size_t i = 0; i < d.mailbox_count; i++)
		exa_free(d.mailboxes[i].label);
	exa_free(d.mailboxes);
	plan_done(&d.plan);
	session_done(&d.session);
	pattern_freep(&d.folder);
	return code;
}
