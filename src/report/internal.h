/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a report.
 *
 *   any thread ──► counters (atomics)                 ──┐
 *              └─► outbox (text under mu), wakes ───────┴─► redraw thread ──► talk, out
 *
 * Texts are made by whoever has something to say and written by the redraw thread, so that a slow
 * terminal holds up nobody until the outbox is full. After report_finish has joined that thread,
 * the finishing thread writes.
 */
#ifndef REPORT_INTERNAL_H
#define REPORT_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "exarch/bytes.h"
#include "exarch/display.h"
#include "exarch/report.h"

/* ---- units.c: numbers for people ---- */

void add_count(struct buf *b, uint64_t n);      /* 20,000 */
void add_size(struct buf *b, uint64_t bytes);   /* 1.1 GiB */
void add_span(struct buf *b, uint64_t seconds); /* 0:42, 1:02:03, 2 d 03:04 */
void add_padded(struct buf *b, const char *text, size_t columns, bool right);
size_t text_columns(const char *text); /* on a terminal */
/* Not more than COLUMNS of it, with "..." when something is missing. */
void add_cut(struct buf *b, const char *text, size_t columns);
void add_bar(struct buf *b, uint64_t done, uint64_t all, size_t columns); /* [####----]  50 % */

/* ---- meter.c: rates over a sliding window ---- */

#define METER_SAMPLES ((size_t)32)
#define METER_SPACING_NS (INT64_C(1000) * 1000 * 1000) /* 32 samples: a window of half a minute */

struct meter_sample {
	int64_t at_ns;
	uint64_t items, bytes, progress;
};

struct meter {
	struct meter_sample samples[METER_SAMPLES];
	size_t first, count;
};

struct meter_rates {
	double items_per_s, bytes_per_s, progress_per_s;
};

/* Takes the state of things at NOW's at_ns and gives the rates since the window's oldest sample (0
 * at first). */
struct meter_rates meter_add(struct meter *m, const struct meter_sample *now);

/* ---- status.c: where things stand ---- */

struct status {
	uint64_t mailboxes_done, mailboxes_planned;
	uint64_t items_done, items_expected;
	uint64_t items_listed, items_known;
	uint64_t items_fetched, bytes_fetched;
	uint64_t items_archived, bytes_archived;
	uint64_t problems;
	double items_per_s, bytes_per_s;
	int64_t eta_s; /* -1 not known */
	int64_t waiting_ms;
	int in_flight;
};

#define STATUS_WIDTH_ANY SIZE_MAX

/* Appends one line without its end; the least important parts give way until it fits into WIDTH
 * columns. */
void status_line(const struct status *s, size_t width, struct buf *out);
/* As two lines, each with its end: how far, and how it goes. */
void status_lines(const struct status *s, size_t width, struct buf *out);

/* ---- active.c: the mailboxes that are worked on ---- */

/* More than that stand on no terminal; the rest is counted. */
#define ACTIVE_MAX ((size_t)64)

struct report_active {
	_Atomic uint64_t expected, done, bytes;
	/* under the report's mu: */
	char *mailbox; /* NULL = nobody's */
	char *folder;  /* clean, or NULL */
};

struct active_book {
	struct report_active slots[ACTIVE_MAX];
	size_t more; /* open, without a slot; under mu */
};

/* The caller holds mu. */
struct report_active *active_open(struct active_book *book, const char *mailbox);
void active_close(struct active_book *book, const char *mailbox);
void active_failed(struct active_book *book, const char *mailbox); /* one of its items */
void active_book_done(struct active_book *book);

/* ---- progress.c: what a terminal shows ---- */

struct progress_mailbox {
	const char *mailbox, *folder; /* clean; "" = not known */
	uint64_t done, expected, bytes;
};

struct progress {
	struct status status;
	const struct progress_mailbox *mailboxes;
	size_t count;
	size_t more; /* that there are besides */
};

/* Appends lines, each with its end: as many as fit into SIZE, none wider than it. */
void progress_lines(const struct progress *p, struct display_size size, struct buf *out);

/* ---- problem.c: repeats are collapsed ---- */

#define PROBLEM_SHOWN 3
/* More kinds of trouble than this (mailboxes times codes) nobody reads; it bounds memory. */
#define PROBLEM_GROUPS_MAX 10000

struct problem_group {
	struct problem_group *next;
	enum exa_code code;
	char *name;
	char *mailbox; /* "" = none */
	uint64_t count;
};

struct problem_book {
	void *tree; /* tsearch(3) */
	struct problem_group *first, *last;
	size_t count;
	uint64_t unlisted; /* problems beyond PROBLEM_GROUPS_MAX */
};

/* Counts the problem; true when it is to be shown. */
bool problem_note(struct problem_book *book, const struct report_problem *p);
void problem_book_done(struct problem_book *book);
/* One line for people, with its newline. */
void problem_text(const struct report_problem *p, struct buf *out);
void problem_repeats_text(const struct problem_book *book, struct buf *out);

/* ---- deletion.c ---- */

/* Appends one line without its end. False: there is nothing that anybody needs to hear. */
bool deletion_text(const struct report_deletion *d, struct buf *out);

/* ---- the report itself ---- */

enum report_mode { MODE_TERMINAL, MODE_LINES, MODE_QUIET, MODE_JSON };

/* A mailbox in the summary. */
struct summary_row {
	struct report_mailbox counts; /* texts are not used: */
	char *mailbox;
	char *error; /* NULL = none */
	bool quiet;  /* complete, nothing failed */
};

#define SUMMARY_ALL_MAX 40    /* up to so many mailboxes all are shown */
#define SUMMARY_ROWS_MAX 1000 /* and never more than this */

struct report_counters {
	_Atomic uint64_t mailboxes_planned, mailboxes_done;
	_Atomic uint64_t counted; /* mailboxes that `expected` stands for */
	_Atomic uint64_t expected, listed, known, settled;
	_Atomic uint64_t fetched, fetched_bytes, archived, archived_bytes;
	_Atomic uint64_t requests, received_bytes, stored_before, stored_after;
	_Atomic uint64_t problems, item_problems;
	_Atomic int_least64_t waiting_until_ns;
	_Atomic int in_flight;
};

struct report {
	enum report_mode mode;
	bool colour;
	FILE *out;
	FILE *talk;
	struct report_log *log; /* NULL = none; written by the redraw thread, and report_finish */
	int64_t interval_ns;    /* between status lines */
	int64_t started_ns;
	struct report_counters counters;

	pthread_t thread;
	bool thread_runs; /* the thread that made the report only */
	int wake_fd;      /* eventfd; -1 = none could be had, the thread then looks once a second */
	_Atomic bool poked;

	/* the redraw thread's own, and of report_finish after it: */
	struct meter meter;
	struct display *display; /* NULL unless MODE_TERMINAL */

	pthread_mutex_t mu;
	pthread_cond_t room; /* the outbox was emptied */
	/* under mu: */
	bool stopping;
	struct buf talk_box, out_box, log_box; /* texts that wait for the redraw thread */
	struct buf warn_box;                   /* quiet mode's warnings, for the end */
	struct problem_book problems;
	struct active_book active; /* its slots' numbers are atomics */
	struct summary_row *rows;
	size_t row_count;
	uint64_t rows_quiet;    /* mailboxes without a row because there is nothing to tell */
	uint64_t rows_left_out; /* beyond SUMMARY_ROWS_MAX */
	struct report_totals totals;
};

/* log.c. False: tell it; whether the next lines can be written is another matter. */
bool log_write(struct report_log *l, struct bytes lines, struct exa_error *err) EXA_CHECK;

struct status report_status(struct report *r, int64_t now_ns);

/* summary.c; the caller holds mu */
void summary_add(struct report *r, const struct report_mailbox *m);
void summary_done(struct report *r);
struct summary_end {
	int exit_code;
	const char *why_stopped; /* NULL = wasn't */
	const struct report_totals *totals;
};
void summary_text(const struct report *r, const struct summary_end *end, struct buf *out);
/* What cron's mail needs: the failures, no table. */
void summary_short(const struct summary_end *end, struct buf *out);

/* json.c: each appends one line */
void json_start(struct buf *out, const char *title);
void json_mailbox_open(struct buf *out, const char *mailbox);
void json_problem(struct buf *out, const struct report_problem *p);
void json_repeats(struct buf *out, const struct problem_book *book);
void json_note(struct buf *out, const char *text);
void json_failure(struct buf *out, const struct exa_error *err, int exit_code);
void json_warning(struct buf *out, const char *text);
void json_deletion(struct buf *out, const struct report_deletion *d);
void json_delete_item(struct buf *out, const struct report_delete_item *item);
void json_status(struct buf *out, const struct status *s);
void json_mailbox(struct buf *out, const struct report_mailbox *m);
void json_summary(struct buf *out, const struct report *r, const struct summary_end *end);

#endif
