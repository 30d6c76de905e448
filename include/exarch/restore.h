/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Restore: from the archive back into Exchange mailboxes. A message goes back as MIME with what the
 * archive knows beside it (CreateItem), anything else, and what has no MIME, as the server's own
 * native stream (UploadItems). docs/restore.md tells what is restored exactly.
 *
 * What is restored carries a marker: a named property with the archive's uuid and the item's
 * number. Before anything is sent the target folder is asked for the markers of the batch, and
 * after every answer that was lost it is asked again. So an item is never restored twice into a
 * folder, however often a restore is stopped and run again, in whatever way; no journal is needed,
 * and none can be lost. (src/restore/batch.c)
 *
 * An item that is there without a marker (it was never lost, or came back in another way) is
 * recognised by the second it was received, and the Message-ID, or the search key if either has no
 * Message-ID; `duplicates` says what is done then. One such item accounts for one archived item.
 *
 * One restore at a time on a catalog, which must be open for writing: the audit says who restored
 * what to where. restore_run blocks; it makes its own threads.
 */
#ifndef EXARCH_RESTORE_H
#define EXARCH_RESTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/attr.h"
#include "exarch/cancel.h"
#include "exarch/catalog.h"
#include "exarch/error.h"
#include "exarch/ews.h"

/* How far a walk over the choice has come. Zeros = nowhere yet. */
struct restore_place {
	uint32_t mailbox, folder;
	int64_t received_ns;
	uint64_t number;
};

/* Texts are borrowed for the call. */
struct restore_chosen {
	const struct catalog_mailbox *mailbox;
	const struct catalog_folder *folder;
	const struct catalog_row *row;
};
typedef bool restore_chosen_fn(void *ctx, const struct restore_chosen *item, struct exa_error *err);

/* What is to be restored: whoever has a selection walks it. */
struct restore_choice {
	/* Calls FN for each item behind AFTER: mailboxes by number, folders by number, items in the
	 * order received. A false of FN ends the walk with its err. One call at a time. */
	bool (*walk)(void *ctx, const struct restore_place *after, restore_chosen_fn *fn,
		void *fn_ctx, struct exa_error *err);
	void *ctx;
};

/* With an item that is there without a marker of ours. */
enum restore_duplicates {
	RESTORE_SKIP,    /* leave it; the archived one isn't restored */
	RESTORE_COPY,    /* restore beside it */
	RESTORE_REPLACE, /* restore, then delete it (it goes to Recoverable Items) */
};

enum restore_outcome {
	RESTORE_DONE,  /* restored; in a dry run: would be */
	RESTORE_THERE, /* exarch has restored it before */
	RESTORE_TWIN,  /* something like it was there */
	RESTORE_FAILED,
};
const char *restore_outcome_name(
	enum restore_outcome o); /* "restored", "there", "twin", "failed" */

struct restore_counts {
	uint64_t planned;
	uint64_t restored, bytes;
	uint64_t native;   /* of `restored`, from native streams */
	uint64_t there;    /* restored by an earlier run */
	uint64_t twins;    /* left alone: something like it is there */
	uint64_t replaced; /* deleted for what was restored in its place */
	uint64_t failed;
	uint64_t damaged; /* of these, because the archive couldn't give them back */
	uint64_t folders; /* made */
};

struct restore_told {
	uint64_t number;
	const char *mailbox; /* target, as a label */
	const char *folder;  /* target's path */
	enum restore_outcome outcome;
	const char *item_id;         /* at the server; "" when not known */
	const struct exa_error *why; /* with RESTORE_FAILED */
};

/* What a mailbox came to. */
struct restore_mailbox {
	const char *mailbox;
	struct restore_counts counts;
	bool complete;          /* every item planned was restored, found there or failed */
	struct exa_error error; /* why it wasn't finished; EXA_OK = it was, or the run ended */
};

/* Called one at a time, from any thread. */
struct restore_listener {
	void (*item)(void *ctx, const struct restore_told *told);
	/* A folder that was made, or would be in a dry run. */
	void (*folder)(void *ctx, const char *mailbox, const char *path);
	/* Trouble of a folder (or, with NULL, a mailbox) as a whole. */
	void (*problem)(
		void *ctx, const char *mailbox, const char *folder, const struct exa_error *why);
	void (*mailbox)(void *ctx, const struct restore_mailbox *result);
	void (*waiting)(void *ctx, uint32_t ms); /* the server asked for it */
	void *ctx;
};

struct restore_options {
	struct restore_choice choice;
	const char *into_mailbox; /* an address; NULL = each item's own */
	const char *into_folder;  /* "Restored/2026": the archived tree is made below it; NULL = as
				     it was. Only with into_mailbox */
	enum restore_duplicates duplicates;
	bool dry_run; /* look and tell; change nothing */

	struct ews_options ews; /* for each thread's own client */
	struct restore_listener listener;
	struct cancel *cancel;
	uint32_t threads;
	uint64_t batch_bytes;         /* most that goes into one request, one item excepted */
	uint32_t mailbox_concurrency; /* mailboxes worked on at a time */

	/* for the audit record */
	const char *user, *host, *program;
	const char *chosen; /* the choice in words */
};

struct restore_result {
	struct restore_counts counts;
	uint64_t mailboxes, mailboxes_failed, mailboxes_incomplete;
	uint64_t requests, received_bytes;
};

/*
 * Runs to the end. True: everything chosen was looked at (single failures are in *OUT and were
 * told). False: the run as a whole ended early; EXA_CANCELLED when asked to. *OUT is filled in
 * either case. What was told as restored is restored.
 */
bool restore_run(struct catalog *catalog, const struct restore_options *options,
	struct restore_result *out, struct exa_error *err) EXA_CHECK;

#endif
