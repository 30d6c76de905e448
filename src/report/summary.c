/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "exarch/mem.h"
#include "internal.h"

#define NAME_COLUMNS_MAX ((size_t)48)
#define TEXT_LIMIT ((size_t)1024)

/* ---- collecting ---- */

static void
sum_up(struct report_totals *t, const struct report_mailbox *m)
{
	t->mailboxes++;
	t->mailboxes_failed += m->error.code != EXA_OK;
	t->mailboxes_incomplete += m->error.code == EXA_OK && !m->complete;
	t->sum.archived += m->archived;
	t->sum.bytes += m->bytes;
	t->sum.native_only += m->native_only;
	t->sum.known += m->known;
	t->sum.excluded += m->excluded;
	t->sum.deferred += m->deferred;
	t->sum.failed += m->failed;
	t->sum.gone += m->gone;
	t->sum.removed += m->removed;
	t->sum.deleted += m->deleted;
	t->sum.undeleted += m->undeleted;
	t->sum.pending += m->pending;
	t->sum.unexplained += m->unexplained;
}

static bool
nothing_to_tell(const struct report_mailbox *m)
{
	return m->complete && m->error.code == EXA_OK && m->failed == 0 && m->pending == 0 &&
	       m->undeleted == 0 && m->unexplained == 0;
}

/* Beyond a screenful of mailboxes, those without trouble are only counted. */
static void
drop_quiet_rows(struct report *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->row_count; i++) {
		if (r->rows[i].quiet) {
			exa_free(r->rows[i].mailbox);
			exa_free(r->rows[i].error);
			r->rows_quiet++;
		} else {
			r->rows[kept++] = r->rows[i];
		}
	}
	r->row_count = kept;
}

void
summary_add(struct report *r, const struct report_mailbox *m)
{
	struct summary_row row = { .counts = *m, .quiet = nothing_to_tell(m) };

	sum_up(&r->totals, m);
	if (r->totals.mailboxes == SUMMARY_ALL_MAX + 1)
		drop_quiet_rows(r);
	if (row.quiet && r->totals.mailboxes > SUMMARY_ALL_MAX) {
		r->rows_quiet++;
		return;
	}
	if (r->row_count == SUMMARY_ROWS_MAX) {
		r->rows_left_out++;
		return;
	}
	row.mailbox = exa_strdup(m->mailbox == NULL ? "" : m->mailbox);
	if (m->error.code != EXA_OK)
		row.error = exa_strdup(m->error.text);
	if (r->rows == NULL)
		r->rows = exa_alloc_array(SUMMARY_ROWS_MAX, sizeof *r->rows);
	r->rows[r->row_count++] = row;
}

void
summary_done(struct report *r)
{
	for (size_t i = 0; i < r->row_count; i++) {
		exa_free(r->rows[i].mailbox);
		exa_free(r->rows[i].error);
	}
	exa_free(r->rows);
	r->rows = NULL;
	r->row_count = 0;
}

/* ---- the table ---- */

enum column {
	COLUMN_NEW,
	COLUMN_BYTES,
	COLUMN_KNOWN,
	COLUMN_EXCLUDED,
	COLUMN_DEFERRED,
	COLUMN_FAILED,
	COLUMN_GONE,
	COLUMN_REMOVED,
	COLUMN_DELETED,
	COLUMN_UNDELETED,
	COLUMN_PENDING,
	COLUMN_UNEXPLAINED,
	COLUMN_COUNT
};

static const struct {
	const char *title;
	size_t offset; /* of the number in struct report_mailbox */
	bool always;   /* shown even when it is zero everywhere */
} columns[COLUMN_COUNT] = {
	[COLUMN_NEW] = { "new", offsetof(struct report_mailbox, archived), true },
	[COLUMN_BYTES] = { "bytes", offsetof(struct report_mailbox, bytes), false },
	[COLUMN_KNOWN] = { "known", offsetof(struct report_mailbox, known), true },
	[COLUMN_EXCLUDED] = { "excluded", offsetof(struct report_mailbox, excluded), false },
	[COLUMN_DEFERRED] = { "deferred", offsetof(struct report_mailbox, deferred), false },
	[COLUMN_FAILED] = { "failed", offsetof(struct report_mailbox, failed), true },
	[COLUMN_GONE] = { "gone", offsetof(struct report_mailbox, gone), false },
	[COLUMN_REMOVED] = { "removed", offsetof(struct report_mailbox, removed), false },
	[COLUMN_DELETED] = { "deleted", offsetof(struct report_mailbox, deleted), false },
	[COLUMN_UNDELETED] = { "undeleted", offsetof(struct report_mailbox, undeleted), false },
	[COLUMN_PENDING] = { "pending", offsetof(struct report_mailbox, pending), false },
	[COLUMN_UNEXPLAINED] = { "unexplained", offsetof(struct report_mailbox, unexplained),
		true },
};

static uint64_t
number(const struct report_mailbox *m, int column)
{
	uint64_t value;

	memcpy(&value, (const char *)m + columns[column].offset, sizeof value);
	return value;
}

static void
add_cell(struct buf *out, const struct report_mailbox *m, int column)
{
	if (column == COLUMN_BYTES)
		add_size(out, number(m, column));
	else
		add_count(out, number(m, column));
}

/* Totals are at least as wide as what they sum, but "9.9 MiB" may stand above "1 GiB". */
struct layout {
	size_t name_width;
	size_t widths[COLUMN_COUNT]; /* 0 = left out */
};

static void
widen(struct layout *l, const struct report_mailbox *m)
{
	EXA_AUTO(buf_done) struct buf cell = { 0 };

	for (int i = 0; i < COLUMN_COUNT; i++) {
		if (l->widths[i] == 0)
			continue;
		buf_reset(&cell);
		add_cell(&cell, m, i);
		if (cell.size > l->widths[i])
			l->widths[i] = cell.size;
	}
}

static size_t
name_columns(const char *name)
{
	EXA_AUTO(buf_done) struct buf clean = { 0 };
	size_t width;

	report_clean(&clean, name, TEXT_LIMIT);
	width = text_columns(buf_string(&clean));
	return width < NAME_COLUMNS_MAX ? width : NAME_COLUMNS_MAX;
}

static struct layout
lay_out(const struct report *r, const struct report_mailbox *sum)
{
	struct layout l = { .name_width = strlen("mailbox") };

	for (int i = 0; i < COLUMN_COUNT; i++) {
		if (columns[i].always || number(sum, i) > 0)
			l.widths[i] = strlen(columns[i].title);
	}
	widen(&l, sum);
	for (size_t i = 0; i < r->row_count; i++) {
		size_t width = name_columns(r->rows[i].mailbox);

		if (width > l.name_width)
			l.name_width = width;
		widen(&l, &r->rows[i].counts);
	}
	return l;
}

static void
add_name(struct buf *out, const char *name, size_t width)
{
	EXA_AUTO(buf_done) struct buf clean = { 0 };

	EXA_AUTO(buf_done) struct buf cut = { 0 };

	report_clean(&clean, name, TEXT_LIMIT);
	add_cut(&cut, buf_string(&clean), width);
	add_padded(out, buf_string(&cut), width, false);
}

static void
add_titles(struct buf *out, const struct layout *l)
{
	add_padded(out, "mailbox", l->name_width, false);
	for (int i = 0; i < COLUMN_COUNT; i++) {
		if (l->widths[i] == 0)
			continue;
		buf_add_string(out, "  ");
		add_padded(out, columns[i].title, l->widths[i], true);
	}
	buf_add_byte(out, '\n');
}

static void
add_row(struct buf *out, const struct layout *l, const char *name, const struct report_mailbox *m)
{
	EXA_AUTO(buf_done) struct buf cell = { 0 };

	add_name(out, name, l->name_width);
	for (int i = 0; i < COLUMN_COUNT; i++) {
		if (l->widths[i] == 0)
			continue;
		buf_reset(&cell);
		add_cell(&cell, m, i);
		buf_add_string(out, "  ");
		add_padded(out, buf_string(&cell), l->widths[i], true);
	}
	buf_add_byte(out, '\n');
}

static int
by_name(const void *a, const void *b)
{
	const struct summary_row *x = a, *y = b;

	return strcmp(x->mailbox, y->mailbox);
}

static void
add_more(struct buf *out, uint64_t n, const char *what)
{
	if (n == 0)
		return;
	buf_add_string(out, "... and ");
	add_count(out, n);
	buf_printf(out, " more mailbox%s %s\n", n == 1 ? "" : "es", what);
}

static void
add_errors(struct buf *out, const struct report *r)
{
	for (size_t i = 0; i < r->row_count; i++) {
		const struct summary_row *row = &r->rows[i];

		if (row->error == NULL)
			continue;
		report_clean(out, row->mailbox, TEXT_LIMIT);
		buf_add_string(out, " was not finished: ");
		report_clean(out, row->error, TEXT_LIMIT);
		buf_add_byte(out, '\n');
	}
}

static void
add_table(struct buf *out, const struct report *r, const struct report_mailbox *sum)
{
	const struct layout l = lay_out(r, sum);

	exa_sort(r->rows, r->row_count, sizeof *r->rows, by_name);
	add_titles(out, &l);
	for (size_t i = 0; i < r->row_count; i++)
		add_row(out, &l, r->rows[i].mailbox, &r->rows[i].counts);
	add_more(out, r->rows_left_out, "with something to report");
	add_more(out, r->rows_quiet, "with nothing to report");
	add_row(out, &l, "total", sum);
	add_errors(out, r);
}

/* ---- the lines below it ---- */

static void
add_rate(struct buf *out, const struct report_totals *t)
{
	const double seconds = (double)t->elapsed_ms / 1000.0;

	add_count(out, t->sum.archived);
	buf_add_string(out, t->sum.archived == 1 ? " new item, " : " new items, ");
	add_size(out, t->sum.bytes);
	buf_add_string(out, " in ");
	add_span(out, (uint64_t)t->elapsed_ms / 1000);
	if (t->elapsed_ms >= 1000 && t->sum.archived > 0) {
		buf_add_string(out, " (");
		add_count(out, (uint64_t)((double)t->sum.archived / seconds + 0.5));
		buf_add_string(out, " items/s, ");
		add_size(out, (uint64_t)((double)t->sum.bytes / seconds));
		buf_add_string(out, "/s)");
	}
	buf_add_byte(out, '\n');
}

static void
add_native_only(struct buf *out, const struct report_totals *t)
{
	if (t->sum.native_only == 0)
		return;
	add_count(out, t->sum.native_only);
	buf_add_string(out, " of them as native stream only: the server gave no MIME\n");
}

static void
add_traffic(struct buf *out, const struct report_totals *t)
{
	if (t->requests == 0)
		return;
	add_count(out, t->requests);
	buf_add_string(out, t->requests == 1 ? " request, " : " requests, ");
	add_size(out, t->received_bytes);
	buf_add_string(out, " received\n");
}

static void
add_archive(struct buf *out, const struct report_totals *t)
{
	if (t->stored_bytes_after == 0)
		return;
	buf_add_string(out, "archive: ");
	add_size(out, t->stored_bytes_before);
	buf_add_string(out, " before, ");
	add_size(out, t->stored_bytes_after);
	buf_add_string(out, " now");
	if (t->sum.bytes > 0 && t->stored_bytes_after >= t->stored_bytes_before)
		buf_printf(out, "; the new items take %.2f of their size",
			(double)(t->stored_bytes_after - t->stored_bytes_before) /
				(double)t->sum.bytes);
	buf_add_byte(out, '\n');
}

static void
add_if(struct buf *out, uint64_t n, const char *one, const char *many, bool *any)
{
	if (n == 0)
		return;
	buf_add_string(out, *any ? ", " : "");
	add_count(out, n);
	buf_printf(out, " %s", n == 1 ? one : many);
	*any = true;
}

/* "3 items failed, 2 unexplained" or nothing. */
static bool
add_missing(struct buf *out, const struct report_totals *t)
{
	bool any = false;

	add_if(out, t->mailboxes_failed, "mailbox failed", "mailboxes failed", &any);
	add_if(out, t->mailboxes_incomplete, "mailbox incomplete", "mailboxes incomplete", &any);
	add_if(out, t->sum.failed, "item failed", "items failed", &any);
	add_if(out, t->sum.unexplained, "item unexplained", "items unexplained", &any);
	add_if(out, t->sum.undeleted, "item not deleted", "items not deleted", &any);
	add_if(out, t->sum.pending, "item pending", "items pending", &any);
	return any;
}

static void
add_verdict(struct buf *out, const struct summary_end *end)
{
	EXA_AUTO(buf_done) struct buf missing = { 0 };

	if (end->why_stopped != NULL) {
		buf_add_string(out, "stopped early: ");
		report_clean(out, end->why_stopped, TEXT_LIMIT);
		buf_add_string(out, "; a rerun continues from here\n");
	}
	if (add_missing(&missing, end->totals)) {
		buf_add_string(out, "not complete: ");
		buf_add_bytes(out, buf_bytes(&missing));
		buf_add_byte(out, '\n');
	}
}

void
summary_text(const struct report *r, const struct summary_end *end, struct buf *out)
{
	if (end->totals->mailboxes > 0)
		add_table(out, r, &end->totals->sum);
	add_rate(out, end->totals);
	add_native_only(out, end->totals);
	add_traffic(out, end->totals);
	add_archive(out, end->totals);
	add_verdict(out, end);
	if (end->exit_code != 0)
		buf_printf(out, "exit status %d\n", end->exit_code);
}

/* Which mailboxes failed, and why, was told when it happened. */
void
summary_short(const struct summary_end *end, struct buf *out)
{
	add_verdict(out, end);
}
