/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchange, as far as the crawl sees it: mailboxes in memory behind the functions of exarch/ews.h.
 * A test makes folders and items, changes them between runs, and says what goes wrong.
 */
#ifndef TEST_SERVER_H
#define TEST_SERVER_H

#include "exarch/cancel.h"
#include "exarch/ews.h"

#define SERVER_ITEMS_MAX 2048
#define SERVER_CHANGES_MAX 4096
#define SERVER_FOLDERS_MAX 3
#define SERVER_MAILBOXES_MAX 4

/* Of an item's search key. Binary: the first bytes of its id stand around a zero. */
#define SERVER_KEY_SIZE 16
void server_search_key(const char *id, uint8_t out[SERVER_KEY_SIZE]);

struct server_item {
	char id[24];
	int version;     /* its change key, and a part of its body */
	int version_key; /* of its change key alone */
	const char *class;
	bool unread;
	bool deleted;
	bool no_mime;
	/* How it fails; with EXA_OK it doesn't: in every form, in this one, or when it is deleted.
	 */
	enum exa_code fails, mime_fails, properties_fail, native_fails, keeps;
	bool native_empty;
	int64_t received_ns; /* 0: one second after the beginning of time */
	bool flagged;
	/* By which it is known again when it moves; NULL, 0: the server doesn't say. */
	const char *
		search_key; /* and Message-ID; NULL: a key made from the id, no Message-ID; "" none */
	int64_t modified_ns;
	int64_t message_flags;
	/* counted: */
	int fetched, properties, exported;
	int deletions; /* how often DeleteItem named it */
};

struct server_folder {
	const char *id;
	const char *name;
	struct server_item items[SERVER_ITEMS_MAX];
	size_t item_count;
	/* what an incremental listing names: */
	struct {
		enum ews_change_kind kind;
		size_t item;
	} changes[SERVER_CHANGES_MAX];
	size_t change_count;
	int64_t changed_ns;   /* the last change, as told; 0 = it isn't */
	bool deleted;         /* no longer in the tree */
	int64_t miscounted;   /* added to the count that is told */
	bool gone;            /* deleted since the tree was listed: every question is answered so */
	bool gone_for_counts; /* ... once it has been listed */
	bool forgetful;       /* refuses every state but the empty one */
	bool stuck;           /* never comes to the end of its changes */
};

struct server_mailbox {
	const char *smtp;
	enum ews_part part;
	struct server_folder *folders[SERVER_FOLDERS_MAX];
	size_t folder_count;
	enum exa_code fetches_fail; /* GetItem as a whole */
	enum exa_code exports_fail; /* ExportItems as a whole */
	bool root_fails_after_tree; /* the root, asked for again once it was told */
	bool tree_was_listed;       /* with its root */
	bool listed_twice;          /* each folder, as when one is made between two pages */
	bool changes_twice;         /* each change is told twice */
};

struct server {
	struct server_mailbox mailboxes[SERVER_MAILBOXES_MAX];
	size_t mailbox_count;
	size_t page;      /* changes in a page at most */
	int states_since; /* states made before this are refused: EXA_STALE */
	/* The next so many requests fail: first those of a busy server, then those of one in
	 * trouble. Trees apart. */
	int busy, broken;
	size_t most_at_once;         /* more items in one GetItem take too long; 0 = any number */
	struct server_item *pardons; /* its properties fail but once */
	int backwards;               /* so many GetItem are answered in the wrong order */
	struct cancel *cancel_after_fetch; /* raised when a GetItem has been answered */
	/* Of looks (GetItem without content) and deletions, counted together: the request of this
	 * number, from 1, and all after it end the run, as if the process had died; that one is
	 * carried out first, or not. 0 = none. */
	int dies_at;
	bool dies_late;
	/* The answers of the next so many deletions are lost, carried out or not. */
	int lost_answers;
	bool lost_requests;
	bool reversed;            /* looks are answered in the wrong order */
	void (*after_look)(void); /* called when a look has been answered, once */
	/* Called when the second listing of changes is asked for, of this folder, before it is
	 * answered. */
	void (*at_second_sync)(struct server_folder *f);
	/* counted: */
	int syncs, fetches, exports, drops, looks, deletions;
	int trees, roots;                 /* FindFolder; GetFolder of the root */
	size_t most_exported;             /* in one request */
	enum ews_delete_type deleted_how; /* by the last one */
};

/* The one server of the test program; reset for each test. */
extern struct server server;
void server_reset(void);
/* The same of another part of a mailbox. */
struct server_folder *server_part_add(const char *smtp, enum ews_part part);
/* A mailbox with one folder, "/Inbox"; further ones by server_folder_add. One named "root" is what the
 * tree hangs below; without it the root is empty. */
struct server_folder *server_mailbox_add(const char *smtp);
struct server_folder *server_folder_add(const char *smtp, const char *name);

/* Items are named by their place. An id is "<folder>-<place>". */
void server_fill(struct server_folder *f, size_t count);
void server_change(struct server_folder *f, size_t item);
void server_read(struct server_folder *f, size_t item);
/* Read, as a server has it that gives a new change key for that. */
void server_read_anew(struct server_folder *f, size_t item);
void server_delete(struct server_folder *f, size_t item);
/* To the end of another folder of the mailbox, where it has another id. */
void server_move(struct server_folder *from, size_t item, struct server_folder *to);
/* As above, but no change tells of it. */
void server_add_silently(struct server_folder *f);

#endif
