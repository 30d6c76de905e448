/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Report: what happened, as events from all threads, told to people and machines: a display of some
 * lines on a terminal, a status line each minute elsewhere, JSON lines, and a summary at the end. Results
 * go to stdout, talk to stderr. No token, subject or body ever gets here: addresses, folder paths,
 * ids and hashes do.
 *
 * All verbs are for any thread. A report owns one thread of its own, which redraws; terminal output
 * happens there or in report_finish only.
 */
#ifndef EXARCH_REPORT_H
#define EXARCH_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "exarch/attr.h"
#include "exarch/bytes.h"
#include "exarch/error.h"

enum report_style {
	REPORT_AUTO,  /* progress when TALK is a terminal that isn't dumb, else status lines */
	REPORT_QUIET, /* only what needs a human */
	REPORT_JSON,  /* one JSON object per line on stdout: events and summary; fields are
			 documented in docs/report.md, never renamed */
};

/*
 * A log file: the run's JSON lines, whatever the style, a `status` each minute. It is appended to,
 * made with mode 0640, and opened again when somebody has renamed or removed it. A run goes on when
 * it can't be written; that is told once. Borrowed by one report.
 */
struct report_log;
bool report_log_open(const char *path, struct report_log **out, struct exa_error *err) EXA_CHECK;
void report_log_close(struct report_log *l); /* NULL is fine */
/* Adds a `failure`: why a program ended, outside of a report or after it. */
void report_log_failure(struct report_log *l, const struct exa_error *err, int exit_code);

struct report_options {
	enum report_style style;
	FILE *out;                  /* stdout of the program, or a test's file; borrowed */
	FILE *talk;                 /* stderr */
	struct report_log *log;     /* or NULL */
	uint32_t status_interval_s; /* 0 = 60 */
	const char *title;          /* "archiving to /srv/exarch/contoso"; borrowed */
	bool dumb_terminal;         /* TERM is not set, or "dumb": nothing is ever redrawn */
	bool no_colour;             /* NO_COLOR is set and not empty (https://no-color.org) */
};

struct report;

struct report *report_new(const struct report_options *options);
void report_free(struct report *r); /* stops the redraw thread, clears the display */
void report_freep(struct report **r);

/* ---- the run's course ---- */

/* How many mailboxes will be looked at. May be called again when more are found. */
void report_plan(struct report *r, uint64_t mailboxes);
/* A mailbox that is worked on, for its own line on a terminal: from its opening until
 * report_mailbox_done. NULL is fine wherever one is wanted: it has no line then. */
struct report_active;
struct report_active *report_mailbox_open(struct report *r, const char *mailbox);
/* What goes on in it now. */
void report_folder(struct report *r, struct report_active *a, const char *path);
/* Once for each mailbox: items the server says it holds in folders that are archived: for the total
 * and the ETA. Mailboxes not told of yet are taken to hold as much on average. */
void report_expect(struct report *r, struct report_active *a, uint64_t items);
void report_listed(struct report *r, uint64_t items); /* named by a listing */
/* Found archived already. */
void report_known(struct report *r, struct report_active *a, uint64_t items);
/* Received, not yet durable. */
void report_fetched(struct report *r, struct report_active *a, uint64_t items, uint64_t bytes);
void report_archived(
	struct report *r, uint64_t items, uint64_t bytes);    /* durable: only now acknowledged */
void report_requests(struct report *r, int in_flight_change); /* +1 and -1 */
void report_waiting(struct report *r, uint32_t ms); /* the server asked everybody to wait */

/* Something needs a human: a mailbox, folder or item that failed. MAILBOX, FOLDER and ITEM may be
 * NULL. Repeats are collapsed. */
struct report_problem {
	const char *mailbox;
	const char *folder; /* path */
	const char *item;   /* server id */
	const struct exa_error *why;
};
void report_problem(struct report *r, const struct report_problem *p);
/* A remark for people that isn't a problem. */
void report_note(struct report *r, const char *fmt, ...) EXA_PRINTF(2, 3);
/* One that needs a human though the run goes well, so that quiet mode says it too: a certificate
 * that expires in 20 days. */
void report_warning(struct report *r, const char *fmt, ...) EXA_PRINTF(2, 3);

/* ---- results ---- */

/* What a mailbox came to. Counts of this run, except where said. */
struct report_mailbox {
	const char *mailbox;
	uint64_t archived;    /* new instances in this run */
	uint64_t bytes;       /* of their MIME and native streams */
	uint64_t native_only; /* of `archived`, those without MIME: as native stream alone */
	uint64_t known;       /* archived already and still at the server */
	uint64_t excluded; /* standing: held back by a rule, folders excluded as a whole included */
	uint64_t deferred; /* standing */
	uint64_t failed;   /* standing */
	uint64_t gone;     /* deleted at the server before they were fetched */
	uint64_t removed;  /* archived earlier, found deleted at the server in this run */
	uint64_t deleted;  /* at the server by this run, being archived */
	uint64_t undeleted;   /* that were to be, and are not: refused, or not read back */
	uint64_t pending;     /* still to be fetched when the run ended */
	uint64_t unexplained; /* |server's own count - what the ledger says|, summed over folders */
	bool complete;        /* every folder was listed to its end and nothing is pending */
	struct exa_error error; /* why the mailbox as a whole failed; code EXA_OK if it didn't */
};
void report_mailbox_done(struct report *r, const struct report_mailbox *result);

/* What deleting at the server came to in a mailbox. A dry run: what it would come to. */
struct report_deletion {
	const char *mailbox;
	bool dry_run;
	const char *left_out; /* why nothing of the mailbox was looked at; NULL = it was */
	uint64_t deleted, bytes;
	uint64_t undeleted;
	/* Archived items that stay at the server, by what keeps them: */
	uint64_t younger, undated, flagged, held, excluded, changed, unsettled, limited;
};
void report_deletion(struct report *r, const struct report_deletion *d);
/* An item that a dry run would delete. Told in JSON only. */
struct report_delete_item {
	const char *mailbox;
	const char *folder; /* path */
	uint64_t number;
	int64_t received_ns;
	uint64_t bytes;
};
void report_delete_item(struct report *r, const struct report_delete_item *item);

struct report_totals {
	uint64_t mailboxes, mailboxes_failed, mailboxes_incomplete;
	struct report_mailbox sum;                        /* mailbox NULL */
	uint64_t requests, received_bytes;                /* filled in by report_traffic */
	uint64_t stored_bytes_before, stored_bytes_after; /* size of the archive */
	int64_t elapsed_ms;
};
/* Adds to what was told before: each thread tells its own at its end. */
void report_traffic(struct report *r, uint64_t requests, uint64_t received_bytes);
void report_stored(struct report *r, uint64_t bytes_before, uint64_t bytes_after);

/* What report_finish will give, so far: for the exit code and the manifest. */
void report_totals_so_far(struct report *r, struct report_totals *totals_out);

/* Prints the summary (a table by mailbox, capped for thousands of them, then totals) and gives the
 * totals. WHY_STOPPED may be NULL. Call once, after all other threads are done. */
void report_finish(
	struct report *r, int exit_code, const char *why_stopped, struct report_totals *totals_out);

/* Prints where things stand, now, to TALK (SIGUSR1). Async-signal-safe: sets a flag for the redraw
 * thread. */
void report_poke(struct report *r);

/* ---- texts from outside ---- */

/*
 * Appends TEXT to OUT as one line that a terminal can be trusted with: valid UTF-8; each run of
 * white space and control characters (C0, C1, DEL) becomes one space, none at either end; bytes
 * that aren't UTF-8 and characters that reorder or hide others (bidi controls, zero width space)
 * become U+FFFD. At most LIMIT bytes, cut between characters.
 */
void report_clean(struct buf *out, const char *text, size_t limit);

#endif
