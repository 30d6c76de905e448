/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the comparison share: diff.c has the run and its mailboxes, diff_folder.c one
 * folder. */
#ifndef CRAWL_DIFF_H
#define CRAWL_DIFF_H

#include <pthread.h>
#include <stdatomic.h>

#include "exarch/crawl.h"
#include "exarch/mem.h"
#include "exarch/work.h"

struct diff_run {
	struct catalog *catalog;
	const struct crawl_diff_options *options;
	struct work *work;
	pthread_mutex_t mu;
	/* under mu: */
	struct crawl_diff_result result;
};

struct diff_mailbox {
	struct diff_run *run;
	const struct crawl_mailbox *what;
	struct work_target *target;
	uint32_t number;                 /* in the archive; 0 = not there */
	_Atomic uint32_t jobs;           /* unfinished folders */
	struct crawl_diff_counts counts; /* under mu of the run */
	_Atomic bool abandoned, done;
	struct exa_error error; /* why; written once, by whoever set `abandoned` */
};

/* A folder to be compared: PATH and ID taken. ID "" = it isn't at the server any more. */
struct diff_place {
	char *id;
	char *path;
	uint32_t number; /* in the archive; 0 = not there */
};
void diff_folder_begin(struct diff_mailbox *m, struct diff_place place);

/* diff.c */
void diff_mailbox_abandon(struct diff_mailbox *m, const struct exa_error *why);
void diff_folder_ends(struct diff_mailbox *m);
void diff_tell_item(struct diff_mailbox *m, const struct crawl_diff_item *item);
/* WHY may be NULL: it was compared to its end. */
void diff_tell_folder(struct diff_mailbox *m, const char *path,
	const struct crawl_diff_counts *counts, const struct exa_error *why);
/* True: the job is in the pool again, or the run ends; false: what it asked for is left out. */
bool diff_retries(struct diff_mailbox *m, struct job *job, enum work_scope scope,
	const struct exa_error *why, bool *stopped_out);

#endif
