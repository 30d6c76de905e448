/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "deed.h"
#include "exarch/clock.h"
#include "restore_tell.h"
#include "text.h"

/* Of more than so many problems people are told the number alone; JSON has them all. */
#define PROBLEMS_SHOWN 50

static bool
in_json(const struct restore_tell *t)
{
	return t->args->value[OPT_JSON] != NULL;
}

static json_t *
event(const char *name)
{
	json_t *o = json_object();

	(void)json_object_set_new(o, "event", json_string(name));
	(void)json_object_set_new(o, "time", deed_json_time(clock_wall_ns()));
	return o;
}

static void
set_text(json_t *o, const char *key, const char *text)
{
	(void)json_object_set_new(o, key, text != NULL ? deed_json_text(text) : json_null());
}

static void
set_count(json_t *o, const char *key, uint64_t n)
{
	(void)json_object_set_new(o, key, json_integer((json_int_t)n));
}

static void
set_error(json_t *o, const struct exa_error *e)
{
	set_text(o, "code", exa_code_name(e->code));
	set_text(o, "name", e->name);
	(void)json_object_set_new(o, "detail", json_integer(e->detail));
	set_text(o, "text", e->text);
}

static void
set_counts(json_t *o, const struct restore_counts *c)
{
	set_count(o, "planned", c->planned);
	set_count(o, "restored", c->restored);
	set_count(o, "bytes", c->bytes);
	set_count(o, "native", c->native);
	set_count(o, "there", c->there);
	set_count(o, "twins", c->twins);
	set_count(o, "replaced", c->replaced);
	set_count(o, "failed", c->failed);
	set_count(o, "damaged", c->damaged);
	set_count(o, "folders", c->folders);
}

/* ---- while it goes on ---- */

static void
print_problem(struct restore_tell *t, const char *mailbox, const char *folder, uint64_t number,
	const struct exa_error *why)
{
	if (++t->problems > PROBLEMS_SHOWN)
		return;
	talk_clear(&t->talk);
	(void)fputs("problem: ", stderr);
	text_print(stderr, mailbox, 0);
	(void)fputc(' ', stderr);
	text_print(stderr, folder != NULL ? folder : "", 0);
	if (number != 0)
		(void)fprintf(stderr, " item %llu", (unsigned long long)number);
	(void)fputs(": ", stderr);
	text_print(stderr, why->text, 0);
	(void)fputc('\n', stderr);
}

static void
on_item(void *ctx, const struct restore_told *told)
{
	struct restore_tell *t = ctx;
	json_t *o;

	t->items++;
	if (in_json(t)) {
		o = event("item");
		set_count(o, "number", told->number);
		set_text(o, "mailbox", told->mailbox);
		set_text(o, "folder", told->folder);
		set_text(o, "outcome", restore_outcome_name(told->outcome));
		set_text(o, "item_id", told->item_id[0] != '\0' ? told->item_id : NULL);
		if (told->why != NULL)
			set_error(o, told->why);
		deed_print_json(o);
	} else if (told->outcome == RESTORE_FAILED) {
		print_problem(t, told->mailbox, told->folder, told->number, told->why);
	}
	talk_status(&t->talk, &(struct talk_status){ .what = "restoring", .items = t->items });
}

static void
on_folder(void *ctx, const char *mailbox, const char *path)
{
	struct restore_tell *t = ctx;
	json_t *o;

	if (in_json(t)) {
		o = event("folder");
		set_text(o, "mailbox", mailbox);
		set_text(o, "folder", path);
		deed_print_json(o);
	}
}

static void
on_problem(void *ctx, const char *mailbox, const char *folder, const struct exa_error *why)
{
	struct restore_tell *t = ctx;
	json_t *o;

	if (!in_json(t)) {
		print_problem(t, mailbox, folder, 0, why);
		return;
	}
	o = event("problem");
	set_text(o, "mailbox", mailbox);
	set_text(o, "folder", folder);
	set_error(o, why);
	deed_print_json(o);
}

static void
on_waiting(void *ctx, uint32_t ms)
{
	struct restore_tell *t = ctx;
	json_t *o;

	if (!in_json(t))
		return;
	o = event("waiting");
	set_count(o, "ms", ms);
	deed_print_json(o);
}

/* ---- results ---- */

static void
print_part(uint64_t n, const char *what)
{
	if (n > 0)
		(void)printf(", %llu %s", (unsigned long long)n, what);
}

static void
print_counts(const struct restore_tell *t, const char *who, const struct restore_counts *c)
{
	char size[16];

	text_size(c->bytes, size);
	text_print(stdout, who, 0);
	(void)printf(": %llu %s, %s", (unsigned long long)c->restored,
		t->dry_run ? "would be restored" : "restored", size);
	print_part(c->native, "of them from native streams");
	print_part(c->there, "restored before");
	print_part(c->twins, "there already");
	print_part(c->replaced, "deleted for what replaces them");
	print_part(c->folders, t->dry_run ? "folders would be made" : "folders made");
	print_part(c->failed, "FAILED");
	(void)putchar('\n');
}

static void
on_mailbox(void *ctx, const struct restore_mailbox *m)
{
	struct restore_tell *t = ctx;
	const bool failed = m->error.code != EXA_OK;
	json_t *o, *error = json_null();

	if (in_json(t)) {
		o = event("mailbox");
		set_text(o, "mailbox", m->mailbox);
		set_counts(o, &m->counts);
		(void)json_object_set_new(o, "complete", json_boolean(m->complete));
		if (failed) {
			error = json_object();
			set_error(error, &m->error);
		}
		(void)json_object_set_new(o, "error", error);
		deed_print_json(o);
		return;
	}
	talk_clear(&t->talk);
	if (t->args->value[OPT_QUIET] == NULL)
		print_counts(t, m->mailbox, &m->counts);
	if (!failed)
		return;
	text_print(stderr, m->mailbox, 0);
	(void)fputs(" was not finished: ", stderr);
	text_print(stderr, m->error.text, 0);
	(void)fputc('\n', stderr);
}

void
restore_tell_begin(struct restore_tell *t, const struct args *args)
{
	json_t *o;

	*t = (struct restore_tell){ .args = args, .dry_run = args->value[OPT_DRY_RUN] != NULL };
	talk_begin(&t->talk, "restore", args);
	if (!in_json(t))
		return;
	o = event("start");
	set_text(o, "title", t->dry_run ? "looking what would be restored" : "restoring");
	set_text(o, "version", EXARCH_VERSION);
	deed_print_json(o);
}

struct restore_listener
restore_tell_listener(struct restore_tell *t)
{
	return (struct restore_listener){ .item = on_item,
		.folder = on_folder,
		.problem = on_problem,
		.mailbox = on_mailbox,
		.waiting = on_waiting,
		.ctx = t };
}

static void
print_summary_json(const struct restore_result *r, int exit_code, const char *why_stopped)
{
	json_t *o = event("summary");

	(void)json_object_set_new(o, "exit_code", json_integer(exit_code));
	set_text(o, "stopped", why_stopped);
	set_count(o, "mailboxes", r->mailboxes);
	set_count(o, "mailboxes_failed", r->mailboxes_failed);
	set_count(o, "mailboxes_incomplete", r->mailboxes_incomplete);
	set_counts(o, &r->counts);
	set_count(o, "requests", r->requests);
	set_count(o, "received_bytes", r->received_bytes);
	deed_print_json(o);
}

void
restore_tell_end(struct restore_tell *t, const struct restore_result *r, int exit_code,
	const char *why_stopped)
{
	talk_end(&t->talk);
	if (in_json(t)) {
		print_summary_json(r, exit_code, why_stopped);
		return;
	}
	if (t->problems > PROBLEMS_SHOWN)
		(void)fprintf(stderr, "... and %llu more problems\n",
			(unsigned long long)(t->problems - PROBLEMS_SHOWN));
	if (why_stopped != NULL)
		(void)fprintf(
			stderr, "stopped early: %s; a rerun continues from here\n", why_stopped);
	if (t->args->value[OPT_QUIET] != NULL)
		return;
	if (r->mailboxes == 0)
		(void)puts("nothing is chosen");
	else if (r->mailboxes > 1)
		print_counts(t, "total", &r->counts);
}
