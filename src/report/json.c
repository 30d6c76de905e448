/* SPDX-License-Identifier: Apache-2.0 */
/* JSON lines. The fields stand in docs/report.md and keep their names for good. */
#include <jansson.h>

#include "exarch/clock.h"
#include "internal.h"

#define TEXT_LIMIT ((size_t)4096) /* of a text that had to be repaired */

static void
set_count(json_t *o, const char *key, uint64_t n)
{
	const uint64_t most = INT64_MAX;

	(void)json_object_set_new(o, key, json_integer((json_int_t)(n < most ? n : most)));
}

/* As it is when it is UTF-8 (JSON escapes what a terminal minds), else repaired. NULL is null. */
static void
set_text(json_t *o, const char *key, const char *text)
{
	EXA_AUTO(buf_done) struct buf clean = { 0 };
	json_t *value = text == NULL ? json_null() : json_string(text);

	if (value == NULL) {
		report_clean(&clean, text, TEXT_LIMIT);
		value = json_string(buf_string(&clean));
	}
	(void)json_object_set_new(o, key, value);
}

static void
set_rate(json_t *o, const char *key, double value)
{
	(void)json_object_set_new(o, key, json_real((double)(int64_t)(value * 10 + 0.5) / 10));
}

static json_t *
event(const char *name)
{
	char now[CLOCK_TEXT_MAX];
	json_t *o = json_object();

	clock_format(clock_wall_ns(), now);
	set_text(o, "event", name);
	set_text(o, "time", now);
	return o;
}

static int
append(const char *data, size_t size, void *out)
{
	buf_add(out, data, size);
	return 0;
}

static void
emit(struct buf *out, json_t *o)
{
	(void)json_dump_callback(
		o, append, out, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15));
	buf_add_byte(out, '\n');
	json_decref(o);
}

void
json_start(struct buf *out, const char *title)
{
	json_t *o = event("start");

	set_text(o, "title", title);
	set_text(o, "version", EXARCH_VERSION);
	emit(out, o);
}

void
json_mailbox_open(struct buf *out, const char *mailbox)
{
	json_t *o = event("mailbox_open");

	set_text(o, "mailbox", mailbox);
	emit(out, o);
}

static void
set_error(json_t *o, const struct exa_error *e)
{
	set_text(o, "code", exa_code_name(e->code));
	set_text(o, "name", e->name);
	(void)json_object_set_new(o, "detail", json_integer(e->detail));
	set_text(o, "text", e->text);
}

void
json_problem(struct buf *out, const struct report_problem *p)
{
	json_t *o = event("problem");

	set_text(o, "mailbox", p->mailbox);
	set_text(o, "folder", p->folder);
	set_text(o, "item", p->item);
	set_error(o, p->why);
	emit(out, o);
}

static void
repeats_line(struct buf *out, const char *mailbox, const char *code, const char *name, uint64_t n)
{
	json_t *o = event("repeats");

	set_text(o, "mailbox", mailbox);
	set_text(o, "code", code);
	set_text(o, "name", name);
	set_count(o, "more", n);
	emit(out, o);
}

void
json_repeats(struct buf *out, const struct problem_book *book)
{
	for (const struct problem_group *g = book->first; g != NULL; g = g->next) {
		if (g->count > PROBLEM_SHOWN)
			repeats_line(out, g->mailbox[0] != '\0' ? g->mailbox : NULL,
				exa_code_name(g->code), g->name, g->count - PROBLEM_SHOWN);
	}
	if (book->unlisted > 0)
		repeats_line(out, NULL, NULL, NULL, book->unlisted);
}

void
json_note(struct buf *out, const char *text)
{
	json_t *o = event("note");

	set_text(o, "text", text);
	emit(out, o);
}

void
json_failure(struct buf *out, const struct exa_error *err, int exit_code)
{
	json_t *o = event("failure");

	set_error(o, err);
	(void)json_object_set_new(o, "exit_code", json_integer(exit_code));
	emit(out, o);
}

void
json_warning(struct buf *out, const char *text)
{
	json_t *o = event("warning");

	set_text(o, "text", text);
	emit(out, o);
}

void
json_status(struct buf *out, const struct status *s)
{
	json_t *o = event("status");

	set_count(o, "mailboxes_planned", s->mailboxes_planned);
	set_count(o, "mailboxes_done", s->mailboxes_done);
	set_count(o, "items_expected", s->items_expected);
	set_count(o, "items_done", s->items_done);
	set_count(o, "items_listed", s->items_listed);
	set_count(o, "items_known", s->items_known);
	set_count(o, "items_fetched", s->items_fetched);
	set_count(o, "bytes_fetched", s->bytes_fetched);
	set_count(o, "items_archived", s->items_archived);
	set_count(o, "bytes_archived", s->bytes_archived);
	set_rate(o, "items_per_s", s->items_per_s);
	set_rate(o, "bytes_per_s", s->bytes_per_s);
	(void)json_object_set_new(o, "eta_s", s->eta_s < 0 ? json_null() : json_integer(s->eta_s));
	(void)json_object_set_new(o, "in_flight", json_integer(s->in_flight));
	(void)json_object_set_new(o, "waiting_ms", json_integer(s->waiting_ms));
	set_count(o, "problems", s->problems);
	emit(out, o);
}

static void
set_counts(json_t *o, const struct report_mailbox *m)
{
	set_count(o, "archived", m->archived);
	set_count(o, "bytes", m->bytes);
	set_count(o, "native_only", m->native_only);
	set_count(o, "known", m->known);
	set_count(o, "excluded", m->excluded);
	set_count(o, "deferred", m->deferred);
	set_count(o, "failed", m->failed);
	set_count(o, "gone", m->gone);
	set_count(o, "removed", m->removed);
	set_count(o, "deleted", m->deleted);
	set_count(o, "undeleted", m->undeleted);
	set_count(o, "pending", m->pending);
	set_count(o, "unexplained", m->unexplained);
}

void
json_mailbox(struct buf *out, const struct report_mailbox *m)
{
	json_t *o = event("mailbox"), *error = json_null();

	set_text(o, "mailbox", m->mailbox);
	set_counts(o, m);
	(void)json_object_set_new(o, "complete", json_boolean(m->complete));
	if (m->error.code != EXA_OK) {
		error = json_object();
		set_error(error, &m->error);
	}
	(void)json_object_set_new(o, "error", error);
	emit(out, o);
}

void
json_deletion(struct buf *out, const struct report_deletion *d)
{
	json_t *o = event("deletion");

	set_text(o, "mailbox", d->mailbox);
	(void)json_object_set_new(o, "dry_run", json_boolean(d->dry_run));
	set_text(o, "left_out", d->left_out);
	set_count(o, "deleted", d->deleted);
	set_count(o, "bytes", d->bytes);
	set_count(o, "undeleted", d->undeleted);
	set_count(o, "younger", d->younger);
	set_count(o, "undated", d->undated);
	set_count(o, "flagged", d->flagged);
	set_count(o, "held", d->held);
	set_count(o, "excluded", d->excluded);
	set_count(o, "changed", d->changed);
	set_count(o, "unsettled", d->unsettled);
	set_count(o, "limited", d->limited);
	emit(out, o);
}

void
json_delete_item(struct buf *out, const struct report_delete_item *item)
{
	char received[CLOCK_TEXT_MAX];
	json_t *o = event("delete_item");

	clock_format(item->received_ns, received);
	set_text(o, "mailbox", item->mailbox);
	set_text(o, "folder", item->folder);
	set_count(o, "number", item->number);
	set_text(o, "received", item->received_ns == EXA_NO_TIME ? NULL : received);
	set_count(o, "bytes", item->bytes);
	emit(out, o);
}

void
json_summary(struct buf *out, const struct report *r, const struct summary_end *end)
{
	const struct report_totals *t = end->totals;
	json_t *o = event("summary");

	(void)json_object_set_new(o, "exit_code", json_integer(end->exit_code));
	set_text(o, "stopped", end->why_stopped);
	set_count(o, "mailboxes", t->mailboxes);
	set_count(o, "mailboxes_failed", t->mailboxes_failed);
	set_count(o, "mailboxes_incomplete", t->mailboxes_incomplete);
	set_counts(o, &t->sum);
	set_count(o, "problems", atomic_load(&r->counters.problems));
	set_count(o, "requests", t->requests);
	set_count(o, "received_bytes", t->received_bytes);
	set_count(o, "stored_bytes_before", t->stored_bytes_before);
	set_count(o, "stored_bytes_after", t->stored_bytes_after);
	set_count(o, "elapsed_ms", t->elapsed_ms > 0 ? (uint64_t)t->elapsed_ms : 0);
	emit(out, o);
}
