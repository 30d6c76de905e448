/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the restore share.
 *
 *     restore.c  one run: threads, the audit, the end
 *     plan.c     which folders of which mailboxes the choice has, and where they go
 *     target.c   a mailbox at the server: opened, its folders made ready, closed
 *     tree.c     its folders as they are
 *     place.c    where among them an archived folder belongs
 *     feed.c     an archived folder: its items, cut into batches
 *     batch.c    a batch: looked for, sent, looked for again when an answer is lost
 *     look.c     what of a batch is there already
 *     send.c     what isn't
 *     item.c     one item, from the archive into a request
 *     tell.c     what is counted and told
 *
 * A target counts its unfinished feeds and batches; whoever ends the last one closes it.
 */
#ifndef RESTORE_INTERNAL_H
#define RESTORE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "exarch/mem.h"
#include "exarch/restore.h"
#include "exarch/work.h"

/* Items of a batch, as long as their seconds differ: one question finds what is there of them. */
#define BATCH_ITEMS ((size_t)50)
/* Items of a request. The server works on them one after the other, and its time is limited. */
#define GROUP_ITEMS ((size_t)10)

struct run;
struct target;

/* A folder at the server. */
struct place {
	char *id;
	bool is_new; /* dry run: it would be made, and has no id that means anything */
	char *parent_id;
	char *name;
	enum ews_role role;
};

struct tree {
	struct place **places; /* the root first */
	size_t count, capacity;
};

/* A folder of the archive that has something chosen. */
struct source {
	struct target *target;
	uint32_t mailbox, folder;
	char *path; /* in the archive */
	uint64_t planned;
	/* set when the target is opened: */
	char *place_id; /* "" = would be made: nothing is there */
	char *place_path;
	/* the feed: */
	struct job *feed;
	struct restore_place after;
	bool parked; /* under mu of the run: the feed rests, and isn't in the pool */
};

/* A mailbox, or its online archive, at the server. */
struct target {
	struct run *run;
	char *smtp;
	struct ews_mailbox mailbox; /* borrows it */
	char *label;
	struct work_target *work;
	struct source **sources;
	size_t source_count, source_capacity;
	struct restore_counts counts; /* under mu of the run */
	_Atomic uint32_t jobs;        /* unfinished feeds and batches */
	bool opened, done;
	_Atomic bool abandoned; /* the server refuses it as a whole: its jobs end */
	struct exa_error error; /* why; written once, by whoever set `abandoned` */
};

struct run {
	struct catalog *catalog;
	const struct restore_options *options;
	struct work *work;
	char marker_prefix[36]; /* uuid of the archive, and a slash */
	struct target **targets;
	size_t target_count;
	struct source **sources;
	size_t source_count, source_capacity;
	pthread_mutex_t walk_mu; /* one walk over the choice at a time */
	pthread_mutex_t mu;
	/* under mu: */
	uint32_t batches; /* unfinished */
	struct restore_result result;
	uint64_t *restored; /* numbers, for the audit */
	size_t restored_count, restored_capacity;
};

/* One thread's own things. */
struct restore_thread {
	struct run *run;
	struct ews *ews;
	struct store_reader *reader;
	struct buf scratch;
};

enum wanted_state {
	WANTED_OPEN,     /* isn't there, as far as is known */
	WANTED_UNMARKED, /* uploaded as `made_id`; its marker is to be set */
	WANTED_DONE,     /* restored by this run */
	WANTED_THERE,    /* ... by an earlier one */
	WANTED_TWIN,
	WANTED_FAILED,
};

/* Twins that were there before an upload, by which it is told afterwards which one is new. */
#define KNOWN_MAX 8

/* An item of a batch. Texts stand in the batch's arena. */
struct wanted {
	enum wanted_state state;
	bool told;
	bool native;      /* is to go as its native stream */
	bool tried_other; /* the server refused one form already */
	bool sent;        /* asked for at least once: it may be there though no answer says so */
	struct catalog_row row;
	struct catalog_item item;
	char marker[EWS_MARKER_MAX];
	const char *made_id;
	const char *old_id, *old_change_key; /* replaced by it: to be deleted; NULL = nothing */
	const char *known[KNOWN_MAX];
	size_t known_count;
	struct exa_error *why; /* WANTED_FAILED; owned */
};

enum phase {
	PHASE_LOOK_MARKED, /* what exarch has restored before */
	PHASE_LOOK_TWINS,  /* what is like it */
	PHASE_SEND,
	PHASE_MARK,
	PHASE_DELETE,
	PHASE_DONE,
};

struct batch {
	struct job job; /* first: the pool hands it back */
	struct source *source;
	struct arena *arena;
	enum phase phase;
	bool loaded;
	bool looked;               /* at least once to the end */
	size_t group;              /* items of a request at most: fewer after trouble */
	size_t asked[GROUP_ITEMS]; /* the items of the request under way, by their place */
	size_t asked_count;
	size_t count;
	struct wanted wanted[EWS_BATCH_MAX];
};

/* plan.c */
bool plan_restore(struct run *run, struct exa_error *err) EXA_CHECK;
void plan_forget(struct run *run);

/* target.c */
void target_begin(struct target *t);
void target_abandon(struct target *t, const struct exa_error *why);
void target_job_begins(struct target *t);
void target_job_ends(struct target *t);
/* The run ended before the target did. */
void target_give_up(struct target *t, const struct exa_error *why);
/* What policy says of a failed job: crawl's rule, for the same reasons. */
enum outcome {
	OUTCOME_QUEUED,
	OUTCOME_STOPPED,
	OUTCOME_SMALLER,
	OUTCOME_SKIPPED,
	OUTCOME_ASIDE,
};
enum outcome target_job_fails(struct restore_thread *t, struct target *target, struct job *job,
	enum work_scope scope, const struct exa_error *why);

/* tree.c */
bool server_tree_load(struct ews *ews, const struct ews_mailbox *mailbox, struct tree *out,
	struct exa_error *err) EXA_CHECK;
void server_tree_done(struct tree *t);
struct place *server_tree_root(struct tree *t);
struct place *server_tree_by_role(struct tree *t, enum ews_role role); /* NULL: none */
struct place *server_tree_child(struct tree *t, const struct place *parent, const char *name);
struct place *server_tree_add(
	struct tree *t, const char *parent_id, const char *id, const char *name);

/* place.c: where things go. One resolver for each mailbox of the archive. */
struct archived_folder {
	char *path;
	char *class;
	enum ews_role role;
};
struct archived_folders {
	struct archived_folder *of;
	size_t count, capacity;
};
bool archived_folders_load(struct catalog *c, uint32_t mailbox, struct archived_folders *out,
	struct exa_error *err) EXA_CHECK;
void archived_folders_done(struct archived_folders *f);
/* The way from a place of the tree downwards by names. */
struct way {
	struct place *from;
	char **names;   /* owned */
	char **classes; /* of a folder that has to be made; owned */
	size_t count;
};
void way_find(struct tree *tree, const struct archived_folders *archived, const char *into,
	const char *path, struct way *out);
void way_done(struct way *w);

/* feed.c */
void feed_begin(struct source *s);
/* One of the batches has ended: another one may be cut. */
void feed_batch_ends(struct run *run);

/* batch.c */
struct batch *batch_new(struct source *s);
void batch_add(struct batch *b, const struct catalog_row *row);
void batch_queue(struct batch *b);
void batch_free(struct batch *b);
/* WHY is what a server says of one item: it will pass, or is of the mailbox. */
bool failure_passes(const struct exa_error *why);
void wanted_fail(struct wanted *w, const struct exa_error *why);

/* look.c: each settles some of what is there of the open items. *ASKED_OUT: the server was asked. */
bool look_for_marked(struct batch *b, struct restore_thread *t, bool *asked_out,
	struct exa_error *err) EXA_CHECK;
bool look_for_twins(struct batch *b, struct restore_thread *t, bool *asked_out,
	struct exa_error *err) EXA_CHECK;

/* send.c: each is one request. */
bool send_group(struct batch *b, struct restore_thread *t, struct exa_error *err) EXA_CHECK;
bool send_marks(struct batch *b, struct restore_thread *t, struct exa_error *err) EXA_CHECK;
bool send_deletions(struct batch *b, struct restore_thread *t, struct exa_error *err) EXA_CHECK;

/* item.c */
struct item_source {
	struct restore_thread *thread;
	struct wanted *wanted;
	struct recipe_player *player;
	bool failed; /* the archive couldn't give it: */
	struct exa_error failure;
};
/* False: Exchange makes no item of this class from MIME; its native stream is all that helps. */
bool item_takes_mime(const char *class);
/* Reads the record; WANTED_FAILED when the archive can't give it. */
bool item_load(struct batch *b, struct wanted *w, struct restore_thread *t,
	struct exa_error *err) EXA_CHECK;
void item_source_begin(
	struct item_source *s, struct restore_thread *t, struct wanted *w, struct ews_source *out);
void item_source_done(struct item_source *s);

/* tell.c */
void tell_batch(struct batch *b);
void tell_folder(struct target *t, const char *path);
void tell_problem(struct target *t, const char *folder, const struct exa_error *why);
void tell_target(struct target *t, bool complete);
void tell_waiting(struct run *run, uint32_t ms);
void tell_replaced(struct target *t);

#endif
