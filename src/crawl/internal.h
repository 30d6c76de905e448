/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the crawl share.
 *
 *     open.c    a mailbox: tree, rules, catalog numbers; begins its folders
 *     tree.c    its folders as the server tells of them
 *     public.c  what is other in public folders
 *     root.c    whether the server must be asked for the root of the tree
 *     folder.c  a folder: first what the ledger left open, then the server's changes
 *     judge.c   one listed change: what it means for the ledger
 *     fetch.c   a batch of items: asked for, retried, taken apart
 *     moved.c   an item that is likely known from another folder: followed, or fetched
 *     ladder.c  an item that can't be had: what is tried next
 *     held.c    what is there of an item while another form of it is asked for
 *     item.c    one item: from its bytes to the archive
 *     close.c   a mailbox: reconciled with the server's own counts
 *     delete.c  a mailbox: what is archived and may go, deleted at the server
 *     acks.c    what was submitted, until it is durable
 *
 * A mailbox counts its unfinished folder and fetch jobs; whoever ends the last one queues the
 * closing job. Its fields without a lock are written by the opening, closing and deleting jobs
 * only, which never overlap with others of the mailbox.
 */
#ifndef CRAWL_INTERNAL_H
#define CRAWL_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "exarch/crawl.h"
#include "exarch/mem.h"
#include "exarch/mime.h"
#include "exarch/work.h"

/* How often a folder whose counts don't fit is listed again before the difference is called
 * unexplained: mail keeps arriving while we work, so once is not enough; but a server that counts
 * wrong must not hold us up. */
#define RECONCILE_ROUNDS 3

/* A change younger than this, when the server was asked, may have others beside it that the time of
 * the last change doesn't tell apart; clocks differ too. Such a folder is asked once more, such an
 * item isn't known again when it moves. */
#define CHANGE_SETTLED_NS (60 * EXA_NS_PER_S)

struct mailbox;

struct folder {
	struct mailbox *mailbox;
	uint32_t number;
	char *id;
	char *path;
	char *content; /* public folders: the address that content is asked for at, or NULL */
	enum ews_role role;
	int64_t total_count;
	int64_t changed_ns;
	/* by the folder's own job, one at a time: */
	bool drained;  /* what the ledger left open has been queued */
	bool fresh;    /* listing from the start though items are known: watch for those that are no
			  longer there */
	bool failed;   /* given up in this run */
	bool vanished; /* no longer in the mailbox's tree: only to be written off */
	bool listed;   /* to its end, in this run, or known to be as it was */
	/* A trial: how many items may still be listed; only its state knows of others. */
	uint64_t items_left;
	bool relist;              /* list from the start: the counts don't fit what we know */
	struct catalog_key after; /* draining: the last key looked at */
	bool after_any;
	uint64_t last_epoch;   /* of the last page */
	uint32_t fresh_starts; /* how often it was listed from the start in this run */
	char *dry_state;       /* dry run: the sync state, which isn't stored */
	uint64_t *seen;        /* fresh: first 8 bytes of each id hash listed */
	size_t seen_count, seen_capacity;
	int64_t offset;      /* public folders: of the page at hand, */
	int64_t next_offset; /* and of the one behind it */
	int64_t view_count; /* what all pages said the folder holds; -1: not the same, or nothing */
	/* by the closing job: */
	uint64_t off;   /* how far the ledger is from the server's count */
	bool stirred;   /* it isn't as it was when its count was taken before */
	bool unsettled; /* to be listed again */
};

struct mailbox {
	struct crawl_run *run;
	const struct crawl_mailbox *what;
	struct work_target *target;
	struct report_active *active; /* while it is worked on */
	uint32_t number;
	struct folder *folders; /* those that are archived */
	size_t folder_count;
	uint32_t rounds;       /* of reconciliation */
	int64_t asked_ns;      /* wall clock, before the tree was asked for */
	_Atomic uint32_t jobs; /* unfinished folder and fetch jobs */
	_Atomic uint64_t last_epoch;
	_Atomic uint64_t archived, archived_bytes; /* durable, in this run */
	_Atomic uint64_t native_only;              /* of these, without MIME */
	_Atomic uint64_t would_archive;            /* dry run */
	_Atomic uint64_t gone, removed;
	uint64_t deleted, undeleted; /* by delete.c, at the mailbox's end */
	uint64_t excluded_whole;     /* items in folders excluded as a whole */
	bool opened, done;
	bool partial;           /* not all of its tree could be listed */
	_Atomic bool abandoned; /* the server refuses the mailbox as a whole: its jobs end */
	struct exa_error error; /* why; written once, by whoever set `abandoned` */
};

struct acks;
struct deletions;
struct moved_job;

struct crawl {
	struct acks *acks;
};

/* One crawl_run. */
struct crawl_run {
	struct crawl *crawl;
	struct catalog *catalog;
	const struct crawl_options *options;
	struct work *work;
	struct mailbox *mailboxes;
	struct deletions *deletions;
	int64_t now_ns;
};

/* One crawler thread's own things. */
struct crawl_thread {
	struct crawl_run *run;
	uint32_t number;
	struct ews *ews;
	struct mime_splitter *splitter;
	struct recipe_writer *recipe;
	struct arena *arena;
	struct catalog_batch batch;
	struct exa_error piece_error;
};

/* acks.c: an item that counts once EPOCH is durable. */
struct ack {
	uint64_t epoch;
	struct mailbox *mailbox;
	uint64_t bytes;
	bool native_only;
};
struct acks *acks_new(void);
void acks_free(struct acks *a);
void acks_attach(struct acks *a, struct report *report); /* NULL detaches */
void acks_add(struct acks *a, const struct ack *ack);
void acks_committed(void *ctx, uint64_t epoch);

/* tree.c: as ews takes it; texts borrowed. */
struct ews_mailbox crawl_ews_mailbox(const struct crawl_mailbox *m);
/* crawl_tree_load in steps. Listed, a tree has all folders but the root, in order of their ids. */
bool tree_list(struct ews *ews, const struct crawl_mailbox *of, struct crawl_tree *out,
	struct exa_error *err) EXA_CHECK;
/* The one parent that isn't listed itself; borrowed. NULL: there is none, or more than one. */
const char *tree_root_id(const struct crawl_tree *t);
/* Takes the root for an empty folder of that id, or asks for it; tree_forget takes it out again. */
void tree_assume_root(struct crawl_tree *t, const char *id);
void tree_forget(struct crawl_tree *t, const char *id);
bool tree_ask_root(struct ews *ews, const struct crawl_mailbox *of, struct crawl_tree *t,
	struct exa_error *err) EXA_CHECK;
/* Paths and decisions; the tree is in order of paths then. May be called again. */
void tree_judge(struct crawl_tree *t, const struct rules *rules, enum catalog_part part);

/* public.c: whom requests for the folder's content are for, whatever its part. */
struct ews_mailbox folder_ews_mailbox(const struct folder *f);
bool folder_is_public(const struct folder *f);
/* A listing begins: how things are where the content is. */
bool public_begin(struct crawl_thread *t, struct folder *f, struct exa_error *err) EXA_CHECK;
/* The page at f->offset; *NEXT_OUT is -1 behind the last. */
bool public_ask_page(struct crawl_thread *t, struct folder *f, const struct ews_change_sink *sink,
	int64_t *next_out, struct exa_error *err) EXA_CHECK;
/* The listing has come to its end. The folder's state from now on: "" when it may not have been
 * whole, and then nothing is to be taken for gone. */
const char *public_end(struct folder *f);

/* root.c */
bool root_load_tree(struct crawl_thread *t, struct mailbox *m, struct crawl_tree *out,
	bool *asked_out, struct exa_error *err) EXA_CHECK;
/* Once the mailbox has its number: what the root was like when it was asked for. */
bool root_note(struct crawl_thread *t, struct mailbox *m, const struct crawl_tree *tree,
	struct exa_error *err) EXA_CHECK;

/* open.c */
/* TARGET is one for all parts of a mailbox: what the server says of one holds for all. */
void mailbox_begin(struct crawl_run *run, struct mailbox *m, struct work_target *target);
/* Frees what it holds; it may be opened again. */
void mailbox_report(
	struct mailbox *m, const struct ledger_counts *counts, uint64_t unexplained, bool complete);
/* The mailbox as a whole failed, or the run ended before it did. */
void mailbox_give_up(struct mailbox *m, const struct exa_error *why);
void mailbox_free(struct mailbox *m);

/* The server refuses the mailbox as a whole: its remaining jobs end when they are run. */
void mailbox_abandon(struct mailbox *m, const struct exa_error *why);
bool mailbox_is_abandoned(const struct mailbox *m);

/* folder.c */
void folder_begin(struct folder *f);
/*
 * Whether a folder, as the server tells of it now, is as it was when it was last listed to its end:
 * a request saved. Counts that don't fit the ledger are found when the mailbox is closed, whatever
 * this says.
 */
struct folder_facts {
	int64_t changed_ns, total_count;
};
bool folder_is_as_listed(const struct crawl_run *run, const struct folder_facts *told,
	const struct catalog_sync *sync);
/* The folder is left out of the rest of this run, and that is reported. */
void folder_give_up(struct folder *f, const struct exa_error *why);

/* close.c: one job of the mailbox has ended. */
void mailbox_job_begins(struct mailbox *m);
void mailbox_job_ends(struct mailbox *m);
/* Waits until everything submitted for the mailbox is durable. */
bool mailbox_wait(struct mailbox *m, struct exa_error *err) EXA_CHECK;
/* Sums the folders' ledger counts. */
bool mailbox_counts(struct mailbox *m, struct ledger_counts *out, struct exa_error *err) EXA_CHECK;

/* delete.c: what is deleted at the server after the mailbox was reconciled. */
struct settled {
	struct ledger_counts counts;
	uint64_t unexplained;
	bool complete;
};
/* True: there is something to do, and the mailbox is reported and closed when it is done. */
bool deletion_begin(struct mailbox *m, const struct settled *settled);
bool deletions_new(struct crawl_run *run, struct deletions **out, struct exa_error *err) EXA_CHECK;
void deletions_free(struct deletions *d);

/*
 * fetch.c: items to ask for, gathered into batches. They are queued only after the ledger changes
 * that name them were submitted: a faster thread's item record must not be applied before the entry
 * that says `pending`.
 */
struct fetch_plan {
	struct folder *folder;
	struct fetch_job *filling;
	uint64_t bytes; /* of the batch being filled */
	struct moved_job *suspects;
	struct job *batches; /* full ones */
};
/* SAID_GONE: when it was asked for; but then it was listed again. */
void fetch_plan_add(struct fetch_plan *p, const struct ledger_entry *entry, bool said_gone);
/* It is likely an archived one that was moved: that is looked into first. */
void fetch_plan_add_suspect(struct fetch_plan *p, const struct ledger_entry *entry,
	const struct catalog_alike_item *likely);
void fetch_plan_queue(struct fetch_plan *p);
void fetch_plan_drop(struct fetch_plan *p);

/* judge.c: what one change means. Collects ledger changes in `batch` and items to fetch in `plan`.
 */
struct listing {
	struct folder *folder;
	struct crawl_thread *thread;
	struct store_txn *txn;
	struct fetch_plan plan;
	uint64_t listed, known;
};
bool judge_change(
	struct listing *l, const struct ews_change *change, struct exa_error *err) EXA_CHECK;
/* An open entry at the start of a run: try it, look at it again, or leave it. */
bool judge_open(struct listing *l, const struct catalog_key *key, const struct ledger_entry *entry,
	bool rules_changed, struct exa_error *err) EXA_CHECK;

/* moved.c: whether a listed item is likely an archived one in another place. A job takes up to
 * EWS_BATCH_MAX of them; false: it is full. */
bool moved_is_suspect(const struct listing *l, const struct catalog_key *key,
	const struct ledger_entry *entry, struct catalog_alike_item *likely_out, bool *out,
	struct exa_error *err) EXA_CHECK;
struct moved_job *moved_job_new(struct folder *f);
bool moved_job_add(struct moved_job *job, const struct ledger_entry *entry,
	const struct catalog_alike_item *likely);
struct job *moved_job_base(struct moved_job *job);

/* The forms in which the server gives an item. */
enum item_form { FORM_MIME, FORM_NATIVE };

/* How an item is asked for, when the easy way has failed; ladder.c. */
enum item_rung {
	RUNG_BATCH,
	RUNG_ALONE,
	RUNG_FRESH, /* alone, on a new connection */
};

/* held.c */
struct item_held {
	struct arena *arena; /* has all of it */
	struct ews_item item;
	bool has_mime;
	struct recipe_result mime;
};
struct item_ref;
struct item_held *held_new(const struct ews_item *item, const struct recipe_result *mime);
struct item_held *held_of_listing(const struct item_ref *ref);
void held_free(struct item_held *h);

/* item.c */
struct item_ref {
	char *id;
	char *change_key;
	char *class;
	int64_t size_bytes, received_ns;
	int is_read;
	uint32_t attempts;      /* failed fetches in earlier runs */
	enum item_form form;    /* asked for now */
	enum item_rung rung;    /* and how */
	bool done;              /* archived, gone or given up: not to be asked for again */
	bool said_gone;         /* by a server that lists it all the same */
	bool moves;             /* form or rung have changed: into another job */
	struct item_held *held; /* what is there of it already; owned */
	struct exa_error *why;  /* why the form wanted first can't be had; owned */
};
bool item_begin(struct crawl_thread *t);
/* Bytes of the form. */
bool item_mime(struct crawl_thread *t, struct bytes mime, struct exa_error *err) EXA_CHECK;
bool item_native(struct crawl_thread *t, struct bytes stream, struct exa_error *err) EXA_CHECK;
/* The form has come to its end, and is in the store. */
bool item_mime_stored(struct crawl_thread *t, const char *id, struct recipe_result *out,
	struct exa_error *err) EXA_CHECK;
bool item_native_stored(struct crawl_thread *t, const char *id, struct recipe_result *out,
	struct exa_error *err) EXA_CHECK;
/* MIME, NATIVE: NULL = it has no such form; one of them is there. */
bool item_archive(struct crawl_thread *t, struct folder *f, const struct ews_item *item,
	const struct recipe_result *mime, const struct recipe_result *native,
	struct exa_error *err) EXA_CHECK;
/* It is archived without a form that was asked for: said. */
void item_lacks_form(struct folder *f, const struct item_ref *ref, const struct exa_error *why);
/* The same for a message that the archive has already, as item FORMER, which it was before it moved. */
bool item_follow(struct crawl_thread *t, struct folder *f, const struct ews_item *item,
	const struct recipe_result *mime, uint64_t former, struct exa_error *err) EXA_CHECK;
bool item_gone(struct crawl_thread *t, struct folder *f, const struct item_ref *ref,
	struct exa_error *err) EXA_CHECK;
bool item_failed(struct crawl_thread *t, struct folder *f, const struct item_ref *ref,
	const struct exa_error *why, struct exa_error *err) EXA_CHECK;

/* ladder.c: an item failed in a way that doesn't pass. Either it `moves` then, or is `done`. */
bool ladder_next(struct crawl_thread *t, struct folder *f, struct item_ref *ref, bool was_alone,
	const struct exa_error *why, struct exa_error *err) EXA_CHECK;

/* crawl.c: does what policy says of a failed job. The caller does the rest. */
enum outcome {
	OUTCOME_QUEUED,  /* the job is in the pool again, and no longer the caller's */
	OUTCOME_STOPPED, /* the run ends */
	OUTCOME_SMALLER, /* the batch is to be halved */
	OUTCOME_SKIPPED, /* what was asked for is left out of this run */
	OUTCOME_ASIDE,   /* the mailbox is left to a later run: mailbox_abandon was called */
};
enum outcome job_fails(struct crawl_thread *t, struct mailbox *m, struct job *job,
	enum work_scope scope, const struct exa_error *why);

/* crawl.c: notes the epoch of something submitted for a mailbox. */
void mailbox_submitted(struct mailbox *m, uint64_t epoch);
bool submit(struct crawl_thread *t, struct mailbox *m, uint64_t *epoch_out,
	struct exa_error *err) EXA_CHECK;

#endif
