/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the deletion share; delete.c tells the story. */
#ifndef CRAWL_DELETE_H
#define CRAWL_DELETE_H

#include "internal.h"

#define DELETE_ROWS_STEP ((size_t)256) /* copied in one transaction */

enum due_state {
	DUE_OPEN,    /* to be deleted, or maybe deleted: the server has to say */
	DUE_DELETED, /* it is no longer there, and we asked for that */
	DUE_KEPT,    /* it stays: something keeps it */
	DUE_REFUSED, /* it stays: the server refused to delete it */
};

/* An item that is due at the server. */
struct due {
	enum due_state state;
	uint64_t number;
	uint32_t folder;  /* number */
	const char *path; /* of the folder, borrowed from it; NULL = no longer known */
	char *id;
	char *change_key; /* as archived */
	int64_t received_ns;
	uint64_t bytes;
	uint32_t asks; /* how often its deletion was asked for */
};

enum deletion_phase {
	DELETION_RESUME, /* a batch that an earlier run began and didn't end */
	DELETION_CHOOSE, /* candidates from the archive, read back */
	DELETION_LOOK,   /* as they are at the server now */
	DELETION_ASK,    /* DeleteItem */
	DELETION_RECORD, /* what became of the batch */
	DELETION_DONE,
};

/* A mailbox's deletion: one job, one batch at a time. */
struct deletion {
	struct job job; /* first: the pool hands it back */
	struct mailbox *mailbox;
	struct settled settled;
	enum deletion_phase phase;
	bool chooses;       /* else only what was interrupted is looked up */
	size_t interrupted; /* looked up so far, of all */
	struct report_deletion told;

	/* the batch */
	struct due due[EWS_BATCH_MAX];
	size_t due_count;
	uint64_t intent; /* the audit record that announced it; 0 = none yet */
	bool resumed;    /* announced by an earlier run */
	size_t unasked;  /* ... items of it that there is nothing left to ask with */
	uint64_t taken;  /* of the most that may be deleted in the run */
	char refusal[EXA_ERROR_NAME_MAX]; /* the server's name for its first refusal */

	/* the walk over the archive */
	struct catalog_holds *holds;
	struct store_reader *reader;
	struct buf scratch;
	size_t folder; /* in mailbox->folders */
	struct catalog_place place;
	struct catalog_row rows[DELETE_ROWS_STEP];
	size_t row, row_count;
	bool more; /* rows of the folder behind these */
};

/* delete.c */
void due_done(struct due *d);
void deletion_forget_batch(struct deletion *d);
/* Adds what is deleted of the batch to what is told in the end. */
void deletion_count_deleted(struct deletion *d);
size_t deletion_count(const struct deletion *d, enum due_state state);
/* Takes up to WANTED of what may still be deleted in this run; gives back what wasn't. */
uint64_t deletions_take(struct deletions *all, uint64_t wanted);
void deletions_give_back(struct deletions *all, uint64_t count);
bool deletions_exhausted(const struct deletions *all);

/* delete_choose.c: fills the batch as far as the next rows give something, so that a walk over a
 * large archive is many short steps. */
enum chosen {
	CHOSEN_SOME,    /* go on choosing */
	CHOSEN_BATCH,   /* a batch, maybe the last one */
	CHOSEN_NOTHING, /* the walk is at its end */
};
bool deletion_choose(struct deletion *d, enum chosen *out, struct exa_error *err) EXA_CHECK;

/* delete_ask.c: settle the open items of the batch as far as one request tells. */
bool deletion_look(struct deletion *d, struct crawl_thread *t, struct exa_error *err) EXA_CHECK;
bool deletion_ask(struct deletion *d, struct crawl_thread *t, struct exa_error *err) EXA_CHECK;

/* delete_record.c: the two audit records of a batch, each durable when these return. One thread at
 * a time in either: `mu` of the deletions is taken. */
bool deletion_announce(struct deletion *d, struct exa_error *err) EXA_CHECK;
bool deletion_conclude(struct deletion *d, struct crawl_thread *t, struct exa_error *err) EXA_CHECK;

/* A batch that was announced, and never concluded. */
struct interrupted {
	uint64_t record;
	uint32_t mailbox;
	uint64_t *numbers; /* of its items; owned */
	size_t count;
};
/* Finds them in the audit records. The caller frees *OUT and each `numbers`. */
bool deletion_find_interrupted(struct crawl_run *run, struct interrupted **out, size_t *count_out,
	struct exa_error *err) EXA_CHECK;
/* Puts the items of one into the batch, as far as the archive still has them. */
bool deletion_resume(
	struct deletion *d, const struct interrupted *from, struct exa_error *err) EXA_CHECK;

struct deletions {
	/* one audit record after the other: */
	pthread_mutex_t mu;
	_Atomic uint64_t left; /* of the most that may be deleted in this run */
	/* read only while the crawl runs: */
	struct interrupted *interrupted;
	size_t interrupted_count;
};

#endif
