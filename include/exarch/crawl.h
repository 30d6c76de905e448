/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crawl: from the server's mailboxes into the archive. For each mailbox: its folder tree, the
 * rules, the changes of each folder since the last run into the ledger, and the pending items of
 * the ledger into the store. A run that ends anywhere, for whatever reason, is continued by the
 * next one. src/crawl/item.c is the life of an item; src/crawl/folder.c one page of changes.
 *
 * One crawl at a time on a catalog. crawl_run blocks; it makes its own threads.
 */
#ifndef EXARCH_CRAWL_H
#define EXARCH_CRAWL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/attr.h"
#include "exarch/cancel.h"
#include "exarch/catalog.h"
#include "exarch/error.h"
#include "exarch/ews.h"
#include "exarch/report.h"
#include "exarch/rules.h"

/* How requests about public folders find their way (docs/ews.md). */
struct crawl_public {
	/* Makes the two below known; called by the thread that opens the mailbox, again if it
	 * failed in a way that passes. */
	bool (*locate)(void *ctx, struct exa_error *err);
	const char *hierarchy;        /* X-AnchorMailbox of questions about the tree */
	const char *hierarchy_server; /* X-PublicFolderMailbox of these */
	/*
	 * Appends the address to which questions about content are routed, from the GUID of the
	 * mailbox that has it. Called once a run for each GUID, by the thread that opens the
	 * mailbox. False: passed up if it passes, else questions about that content go where those
	 * about the tree go, and most likely fail.
	 */
	bool (*content)(
		void *ctx, const char *guid, struct buf *address_out, struct exa_error *err);
	void *ctx;
};

/* A mailbox, or one of its other parts: each is listed, reconciled and reported by itself. */
struct crawl_mailbox {
	char *smtp;
	char *display_name;
	char *label; /* what it is called in the report: the address, and the part if it isn't the
			primary one */
	enum catalog_part part;
	/* Public folders, seen with the rights of `smtp`; else NULL. Borrowed. */
	const struct crawl_public *routing;
	/* For a trial: list only so many of its items, in folder order, and so archive no more; 0 =
	 * all of them. Its counts are not reconciled, and it is never complete. */
	uint64_t items_max;
};

enum crawl_versions {
	CRAWL_VERSIONS_FIRST, /* an archived item that changes at the server is not fetched again */
	CRAWL_VERSIONS_LATEST, /* it is, and takes the place of the earlier instance, which stays in
				  the archive as superseded */
	CRAWL_VERSIONS_ALL,    /* it is, and both are shown */
};

/*
 * Deleting at the server what is archived: src/crawl/delete.c. Only in mailboxes that this run
 * brought to a complete end, never in recoverable items or public folders. Zeros = nothing is
 * deleted; what an earlier run left half told in the audit is looked up all the same.
 */
struct crawl_deleting {
	bool archived; /* switches it on */
	enum ews_delete_type how;
	int64_t before_ns; /* only what was received before; EXA_NO_TIME = whenever */
	uint64_t most;     /* items in this run; UINT64_MAX = any number */
	const char *user, *host, *program; /* for the audit records */
};

/* In which forms items are archived; one of them at least. */
enum crawl_capture {
	CRAWL_CAPTURE_MIME = 1U << 0,
	CRAWL_CAPTURE_NATIVE = 1U << 1, /* the server's native stream */
};

struct crawl_options {
	const struct crawl_mailbox *mailboxes; /* each once; those of one address side by side */
	size_t mailbox_count;
	const struct rules *rules;
	uint64_t fingerprint; /* rules_fingerprint: a changed one makes open ledger entries be
				 judged again */
	enum crawl_versions versions;
	/* enum crawl_capture. An item that can't be had in a form that was asked for is archived
	 * in the other one all the same. */
	unsigned capture;
	struct ews_options ews; /* for each thread's own client */
	struct report *report;
	struct cancel *cancel;
	uint32_t threads;
	uint32_t batch_items;
	uint64_t batch_bytes;
	uint32_t mailbox_concurrency; /* mailboxes worked on at a time */
	/* A folder is asked for its changes at least so often, even if its last change and its
	 * count are what they were; 0 = in every run. */
	int64_t full_sync_ns;
	struct crawl_deleting deleting;
	bool dry_run; /* list and judge; fetch nothing, change nothing */
};

struct crawl;

/* Made before the catalog is opened, since it hears of commits. */
struct crawl *crawl_new(void);
void crawl_free(struct crawl *c);
void crawl_freep(struct crawl **c);
struct catalog_listener crawl_listener(struct crawl *c);

/*
 * Runs to the end. True: every mailbox was worked on (single failures are in the report). False:
 * the run as a whole ended early; EXA_CANCELLED when asked to. Everything acknowledged to the
 * report is durable in either case.
 */
bool crawl_run(struct crawl *c, struct catalog *catalog, const struct crawl_options *options,
	struct exa_error *err) EXA_CHECK;

/* ---- the tree, for explanations too ---- */

struct crawl_folder {
	char *id;
	char *parent_id;
	char *name;
	char *path;
	char *class;
	enum ews_role role;
	bool hidden;
	bool search_folder;
	int64_t total_count; /* -1 not said */
	int64_t size_bytes;
	int64_t changed_ns;
	/* public folders: */
	char *replica; /* GUID of the mailbox with the content, "" when not said */
	char *content; /* its address, or NULL */
	int64_t child_count;
	uint32_t level;
	struct exa_error *below; /* why the folders below aren't listed, or NULL */
	struct rules_decision decision;
};

struct crawl_tree {
	struct crawl_folder *folders; /* in path order; the root first */
	size_t count;
};

/* Lists a mailbox's folders and judges each. Used by the crawl and by `exarch folders`. EXA_GONE:
 * the mailbox has no such part. */
bool crawl_tree_load(struct ews *ews, const struct crawl_mailbox *mailbox,
	const struct rules *rules, struct crawl_tree *out, struct exa_error *err) EXA_CHECK;
void crawl_tree_done(struct crawl_tree *t);

/* ---- comparing with the server ---- */

enum crawl_difference {
	CRAWL_SERVER_ONLY,  /* would be archived by the rules, and isn't */
	CRAWL_FAILED,       /* the same; earlier runs have tried */
	CRAWL_CHANGED,      /* has another change key than what is archived */
	CRAWL_ARCHIVE_ONLY, /* is no longer at the server, and the archive doesn't know yet */
};
const char *crawl_difference_name(enum crawl_difference d); /* "server_only", "failed", ... */

struct crawl_diff_item {
	enum crawl_difference what;
	const char *mailbox; /* label */
	const char *folder;  /* path */
	uint64_t number;     /* of the archived item; 0 = there is none */
	const char *item_id; /* at the server; "" with CRAWL_ARCHIVE_ONLY */
	int64_t received_ns; /* EXA_NO_TIME when not known */
};

struct crawl_diff_counts {
	uint64_t listed; /* at the server, in folders that are archived */
	uint64_t same;
	uint64_t server_only, failed, changed, archive_only; /* the differences */
	uint64_t excluded; /* at the server, by a rule; folders excluded as a whole too */
	uint64_t deferred; /* too young, unread */
	uint64_t removed;  /* in the archive alone, and known to be */
};
uint64_t crawl_diff_differences(const struct crawl_diff_counts *c);

/* Called one at a time, from any thread. */
struct crawl_diff_listener {
	void (*item)(void *ctx, const struct crawl_diff_item *item);
	/* A folder was compared; WHY says why it wasn't to its end, else NULL. */
	void (*folder)(void *ctx, const char *mailbox, const char *path,
		const struct crawl_diff_counts *counts, const struct exa_error *why);
	void (*mailbox)(void *ctx, const char *mailbox, const struct crawl_diff_counts *counts,
		const struct exa_error *why);
	void *ctx;
};

struct crawl_diff_options {
	const struct crawl_mailbox *mailboxes; /* each once; those of one address side by side */
	size_t mailbox_count;
	const struct rules *rules;
	struct pattern *folder; /* only folders whose path matches; NULL = all */
	struct ews_options ews;
	struct crawl_diff_listener listener;
	struct cancel *cancel;
	uint32_t threads;
	uint32_t mailbox_concurrency;
};

struct crawl_diff_result {
	struct crawl_diff_counts counts;
	uint64_t mailboxes, mailboxes_failed, folders_failed;
};

/*
 * Lists what the server has and compares ids and change keys with the archive: no body is fetched,
 * nothing is written, neither ledger nor sync states. The catalog may be open for reading. True:
 * everything was looked at, as far as single failures in *OUT allow.
 */
bool crawl_diff(struct catalog *catalog, const struct crawl_diff_options *options,
	struct crawl_diff_result *out, struct exa_error *err) EXA_CHECK;

#endif
