/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an export has written: a JSON line for each message and file, and the sums that `sha256sum -c`
 * reads. While an export is under way both stand in the workshop; they become MANIFEST.jsonl and
 * MANIFEST.sha256 when it ends in order, also when it is stopped. So a target with a workshop was
 * left by an export that was killed.
 *
 *   exarch.tmp/state        how much of the two is durable, with all that it names
 *   exarch.tmp/items.jsonl  MANIFEST.jsonl
 *   exarch.tmp/sums         MANIFEST.sha256
 *
 * A line is added when its file has its name, or its message is whole in its mbox. Every
 * JOURNAL_STEP_* everything is made durable (syncfs), then `state` says so. What stands behind that
 * point when an export begins is cut off: the power may have failed. A file found there without a
 * line is compared with its message before it gets one; an mbox ends where its last line says.
 */
#ifndef EXPORT_JOURNAL_H
#define EXPORT_JOURNAL_H

#include "exarch/export.h"
#include "target.h"

#define JOURNAL_ITEMS "MANIFEST.jsonl"
#define JOURNAL_SUMS "MANIFEST.sha256"

/* So much may have to be compared or written again after a power cut. */
#define JOURNAL_STEP_BYTES ((uint64_t)128 * 1024 * 1024)
#define JOURNAL_STEP_LINES ((uint64_t)4096)

struct journal;

struct journal_options {
	struct target *target; /* borrowed */
	enum export_format format;
	uint8_t archive[16]; /* its UUID */
	bool update;
};
/*
 * Takes up what the target has. EXA_USAGE: it holds an export that was killed and `update` isn't
 * set; one of another archive or in another format; a manifest that can't be understood.
 */
bool journal_open(
	const struct journal_options *o, struct journal **out, struct exa_error *err) EXA_CHECK;

struct journal_line {
	uint64_t item;
	const struct catalog_mailbox *mailbox;
	const struct catalog_folder *folder;
	int64_t received_ns;
	const char *form; /* "eml", "mbox", "maildir", "fts", "ics", "vcf" */
	const char *path; /* below the target */
	uint64_t bytes;
	uint8_t sha256[CATALOG_SHA256_SIZE];
	/* In an mbox: where the message begins there and how much it takes, with its From_ line. */
	uint64_t offset, length;
};

/* Whether there is a line for this content of the item at this path. Any thread. */
bool journal_has(const struct journal *j, const char *path, uint64_t item,
	const uint8_t sha256[CATALOG_SHA256_SIZE]);
/* Any thread. */
bool journal_add(
	struct journal *j, const struct journal_line *line, struct exa_error *err) EXA_CHECK;

/* Makes all that was added durable, now. Any thread. */
bool journal_step(struct journal *j, struct exa_error *err) EXA_CHECK;

/* Where the mbox at PATH ends by its lines; 0 = there are none. Any thread. */
uint64_t journal_mbox_end(struct journal *j, const char *path);
/* The mbox at PATH is finished; its sum. One thread. */
void journal_mbox_sum(
	struct journal *j, const char *path, const uint8_t sha256[CATALOG_SHA256_SIZE]);

/* Makes everything durable and gives both files their names. J is gone in any case. */
bool journal_close(struct journal *j, struct exa_error *err) EXA_CHECK;
/* For when that can't be: the workshop stays for the next export. NULL is fine. */
void journal_abandon(struct journal *j);

#endif
