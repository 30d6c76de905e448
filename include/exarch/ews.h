/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EWS: Exchange Web Services as a source of folders, changes and items (MS-OXWSFOLD, MS-OXWSSYNC,
 * MS-OXWSCORE, MS-OXWSMSG). One operation per function, one request per call: no retry, no sleep,
 * no policy. The only thing repeated here is a request that was answered 401, once, after
 * auth_refused() allowed it.
 *
 * Every answer is parsed while it arrives (libxml2 push parser behind a filter for illegal
 * character references), and is good only when it was parsed to its end: what callbacks got before
 * a failure stays theirs to judge, item by item.
 *
 * Errors, from SOAP faults, inline response codes, HTTP status and transport alike, are mapped by
 * one table (src/ews/codes.c) to exa_code; err->name keeps the server's own response code
 * ("ErrorServerBusy"), err->detail the HTTP status.
 *
 * A client belongs to one thread at a time and holds that thread's connection. Texts and bytes in
 * callbacks are borrowed for the call. A callback that returns false (err set) ends the operation
 * with that error.
 */
#ifndef EXARCH_EWS_H
#define EXARCH_EWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/attr.h"
#include "exarch/auth.h"
#include "exarch/bytes.h"
#include "exarch/error.h"
#include "exarch/http.h"

#define EWS_SYNC_PAGE_MAX 512 /* MaxChangesReturned, schema limit */
#define EWS_BATCH_MAX 100     /* ids in one GetItem; keeps the request under 55 KB */
/* Longest id, change key, sync state taken from a server. Real ids: up to 512 bytes; real states:
 * some 100 KB. */
#define EWS_ID_MAX ((size_t)2048)
#define EWS_SYNC_STATE_MAX ((size_t)32 * 1024 * 1024)
#define EWS_TEXT_MAX \
	((size_t)64 * 1024) /* any other single value, e.g. a display name; longer ones are cut */

/* What came of one request that was sent: for measurements. */
struct ews_seen {
	uint64_t elapsed_us; /* from sending to the last byte */
	bool throttled; /* the server is busy, said in whatever place, of whatever part of it */
	bool failed;    /* it came to nothing for another reason */
	uint32_t retry_after_ms; /* throttled: what the server asked for; 0 = not said */
};
/* Called on the thread that asks, after each request; SEEN may be NULL. */
struct ews_watcher {
	void (*seen)(void *ctx, const struct ews_seen *seen);
	void *ctx;
};

struct ews_options {
	const char *endpoint; /* "https://outlook.office365.com/EWS/Exchange.asmx" */
	const char *scope;    /* for auth_header */
	struct auth *auth;    /* borrowed for the client's life */
	struct http_options http;
	struct ews_watcher watcher;
};

/* True when ENDPOINT is one of Exchange Online's, in any of its clouds. */
bool ews_is_online(const char *endpoint);

struct ews;

bool ews_new(const struct ews_options *options, struct ews **out, struct exa_error *err) EXA_CHECK;
void ews_free(struct ews *e);
void ews_freep(struct ews **e);
void ews_drop_connections(struct ews *e);

/* Requests sent, bytes received on the wire, and so on, since ews_new. */
struct ews_counters {
	uint64_t requests;
	uint64_t received_bytes;
	uint64_t elapsed_ms;
};
void ews_count(const struct ews *e, struct ews_counters *out);

/*
 * Whose mailbox. Sent as ExchangeImpersonation (PrimarySmtpAddress) and as X-AnchorMailbox.
 * Borrowed for each call.
 */
enum ews_part {
	EWS_PART_PRIMARY = 0,
	EWS_PART_ARCHIVE, /* the online archive */
	EWS_PART_RECOVERABLE,
	EWS_PART_ARCHIVE_RECOVERABLE,
	EWS_PART_PUBLIC, /* the public folders: no Deep, no Sync* */
};

struct ews_mailbox {
	const char *smtp;
	enum ews_part
		part; /* which tree `ews_find_folders` and the root of `ews_get_folder` mean */
	/* Public folders: whose mailbox the request is routed to, the hierarchy's or that of the
	 * folder's content. NULL: X-AnchorMailbox is `smtp`, and no X-PublicFolderMailbox is sent.
	 */
	const char *anchor, *public_mailbox;
};

/* ---- folders ---- */

/* Roles that matter to rules; anything else is EWS_ROLE_OTHER. From folder:DistinguishedFolderId,
 * never from names. */
enum ews_role {
	EWS_ROLE_NONE = 0, /* a folder made by the user */
	EWS_ROLE_ROOT,     /* of the part: msgfolderroot, archivemsgfolderroot, ... */
	EWS_ROLE_INBOX,
	EWS_ROLE_SENT,
	EWS_ROLE_DRAFTS,
	EWS_ROLE_DELETED,
	EWS_ROLE_JUNK,
	EWS_ROLE_OUTBOX,
	EWS_ROLE_SYNC_ISSUES, /* syncissues, conflicts, localfailures, serverfailures */
	EWS_ROLE_CALENDAR,
	EWS_ROLE_CONTACTS,
	EWS_ROLE_TASKS,
	EWS_ROLE_NOTES,
	EWS_ROLE_JOURNAL,
	EWS_ROLE_OTHER,
};

struct ews_folder {
	const char *id;
	const char *parent_id; /* "" when not said */
	const char *name;
	const char *class; /* "IPF.Note"; "" when not said */
	enum ews_role role;
	bool hidden;         /* 0x10F4 */
	bool search_folder;  /* 0x3601 = 2, or t:SearchFolder */
	int64_t total_count; /* -1 when not said */
	int64_t size_bytes;  /* 0x0E08; -1 when not said */
	int64_t changed_ns;  /* 0x670A; EXA_NO_TIME when not said */
	/* Public folders, "" and -1 when not said: the GUID of the mailbox that holds the content
	 * (0x6698), and how many folders are right below. */
	const char *replica;
	int64_t child_count;
};

struct ews_folder_sink {
	bool (*folder)(void *ctx, const struct ews_folder *folder, struct exa_error *err);
	void *ctx;
};

/*
 * Lists all folders below the root of the mailbox's part (FindFolder Deep), one page per call:
 * OFFSET 0 first, then *NEXT_OFFSET_OUT as given until it is -1. The root itself is not among them;
 * the order is the server's.
 */
bool ews_find_folders(struct ews *e, const struct ews_mailbox *mailbox, int64_t offset,
	const struct ews_folder_sink *sink, int64_t *next_offset_out,
	struct exa_error *err) EXA_CHECK;

/* The same of those right below a folder of any part (FindFolder Shallow); PARENT NULL = its root. */
bool ews_find_children(struct ews *e, const struct ews_mailbox *mailbox, const char *parent,
	int64_t offset, const struct ews_folder_sink *sink, int64_t *next_offset_out,
	struct exa_error *err) EXA_CHECK;

/* One folder by id, or the root of the part when ID is NULL (then its role is EWS_ROLE_ROOT).
 * EXA_GONE when it isn't there: a root that isn't there is a part the mailbox hasn't. */
bool ews_get_folder(struct ews *e, const struct ews_mailbox *mailbox, const char *id,
	const struct ews_folder_sink *sink, struct exa_error *err) EXA_CHECK;

/* ---- changes ---- */

enum ews_change_kind {
	EWS_CHANGE_CREATE,
	EWS_CHANGE_UPDATE,
	EWS_CHANGE_DELETE,
	EWS_CHANGE_READ_FLAG
};

/* An item as the listing names it. For DELETE only id is set; for READ_FLAG id, change_key and
 * is_read. */
struct ews_change {
	enum ews_change_kind kind;
	const char *id;
	const char *change_key; /* "" when not said */
	const char *class;      /* "IPM.Note"; "" when not said */
	int64_t size_bytes;     /* -1 when not said; approximate, store form */
	int64_t received_ns;    /* EXA_NO_TIME when not said */
	int is_read;            /* 1, 0, or -1 when not said */
};

struct ews_change_sink {
	bool (*change)(void *ctx, const struct ews_change *change, struct exa_error *err);
	void *ctx;
};

/*
 * One page of SyncFolderItems, at most MAX_CHANGES (1 to EWS_SYNC_PAGE_MAX). SYNC_STATE NULL or ""
 * starts afresh. On true *STATE_OUT holds the new state (appended) and *LAST_OUT says whether
 * nothing more waits. EXA_STALE: the state is refused, start afresh (the empty state that comes
 * with it is never handed out). EXA_GONE: the folder is gone.
 */
struct ews_sync_request {
	const char *folder_id;
	const char *sync_state;
	uint32_t max_changes;
};
bool ews_sync_items(struct ews *e, const struct ews_mailbox *mailbox,
	const struct ews_sync_request *request, const struct ews_change_sink *sink,
	struct buf *state_out, bool *last_out, struct exa_error *err) EXA_CHECK;

/*
 * FindItem: a page of what is in a folder, each item as EWS_CHANGE_CREATE, those made first before
 * the others: what comes meanwhile comes behind. What goes meanwhile moves others to the page
 * before: a listing is whole only if it named as many items as the folder holds, from its first page
 * to its last (*TOTAL_OUT). For public folders, which have no Sync*.
 */
bool ews_find_items(struct ews *e, const struct ews_mailbox *mailbox, const char *folder_id,
	int64_t offset, const struct ews_change_sink *sink, int64_t *next_offset_out,
	int64_t *total_out, struct exa_error *err) EXA_CHECK;

/* ---- items ---- */

struct ews_item_ref {
	const char *id;
	const char *change_key; /* NULL or "" = whatever is current */
};

/* Properties of a fetched item; texts "" and numbers -1 / EXA_NO_TIME when not said. */
struct ews_item {
	const char *id;
	const char *change_key;
	const char *class;
	const char *internet_message_id;
	const char *categories; /* joined with '\n' */
	int64_t size_bytes;
	int64_t received_ns;
	int64_t sent_ns;
	int64_t created_ns;
	int64_t modified_ns;
	int64_t message_flags; /* 0x0E07 */
	int is_read;
	int has_attachments;
	int flag_status;         /* 0 not flagged, 1 complete, 2 flagged, -1 not said */
	struct bytes search_key; /* 0x300B */
	bool has_mime;           /* the answer had a MimeContent, be it empty */
	uint64_t mime_bytes;     /* how many bytes went to `mime` for this item */
};

/*
 * What happens while a GetItem answer streams in. Results are matched to requests by position:
 * INDEX is the place in the request. For each index, in order: either `failed`, or `begin`, any
 * number of `mime` (decoded bytes of MimeContent, in order, at most 64 KiB each), `end`. When the
 * content turns out to be damaged, `failed` comes in place of `end`, and what `mime` brought is
 * void. An index for which neither `end` nor `failed` came was not answered (connection broke: as
 * ews_get_items returned); an item the server left untouched because it stopped the batch has
 * `failed` with EXA_NET and the name ErrorBatchProcessingStopped: ask for it again.
 */
struct ews_item_handler {
	bool (*begin)(void *ctx, size_t index, struct exa_error *err);
	bool (*mime)(void *ctx, size_t index, struct bytes mime, struct exa_error *err);
	bool (*end)(void *ctx, size_t index, const struct ews_item *item, struct exa_error *err);
	bool (*failed)(void *ctx, size_t index, const struct exa_error *why, struct exa_error *err);
	void *ctx;
};

/*
 * GetItem with MIME content for COUNT items of one mailbox (1 to EWS_BATCH_MAX). True when the
 * answer was complete; single items may have `failed` all the same. An item whose answer holds no
 * MimeContent ends with has_mime false and no `mime` call.
 */
bool ews_get_items(struct ews *e, const struct ews_mailbox *mailbox,
	const struct ews_item_ref *refs, size_t count, const struct ews_item_handler *handler,
	struct exa_error *err) EXA_CHECK;

/* The same without MIME: properties alone. `mime` is never called, and has_mime is false. */
bool ews_get_properties(struct ews *e, const struct ews_mailbox *mailbox,
	const struct ews_item_ref *refs, size_t count, const struct ews_item_handler *handler,
	struct exa_error *err) EXA_CHECK;

/*
 * ExportItems: the same as ews_get_items for an item's native stream, which `mime` gets as bytes;
 * of *item in `end` only id, has_mime and mime_bytes are said. A stream that was cut short has
 * `failed` with EXA_NET. From Exchange 2010 SP1; Microsoft promises nothing of the stream's form,
 * newer servers take it (UploadItems).
 */
bool ews_export_items(struct ews *e, const struct ews_mailbox *mailbox,
	const struct ews_item_ref *refs, size_t count, const struct ews_item_handler *handler,
	struct exa_error *err) EXA_CHECK;

/* GetItem without content, to see how things stand: of *item in `end` id, change key, class,
 * received_ns and flag_status are said; `mime` is never called. */
bool ews_look_items(struct ews *e, const struct ews_mailbox *mailbox,
	const struct ews_item_ref *refs, size_t count, const struct ews_item_handler *handler,
	struct exa_error *err) EXA_CHECK;

/* ---- deleting ---- */

enum ews_delete_type {
	EWS_DELETE_SOFT,     /* to Recoverable Items: its user can bring it back for a while */
	EWS_DELETE_HARD,     /* gone for its user */
	EWS_DELETE_TO_TRASH, /* to Deleted Items */
};

struct ews_delete_request {
	enum ews_delete_type type;
	const struct ews_item_ref *refs;
	size_t count; /* 1 to EWS_BATCH_MAX */
};

struct ews_delete_handler {
	/* For each INDEX of the request, in order: WHY is NULL when it was deleted. EXA_GONE: it
	 * wasn't there. */
	bool (*answered)(
		void *ctx, size_t index, const struct exa_error *why, struct exa_error *err);
	void *ctx;
};

/*
 * DeleteItem. Nobody is told: no meeting is cancelled, no read receipt sent. As everything that
 * changes something it goes out on a fresh connection, so that nothing below sends it a second
 * time. On false any of the items may have been deleted that `answered` wasn't called for:
 * look before asking again.
 */
bool ews_delete_items(struct ews *e, const struct ews_mailbox *mailbox,
	const struct ews_delete_request *request, const struct ews_delete_handler *handler,
	struct exa_error *err) EXA_CHECK;

/* ---- writing ---- */

/*
 * What goes into a request while it is sent, as base64, so that none of it has to be held. Borrowed
 * for the call.
 */
struct ews_source {
	uint64_t size;                                  /* exactly so many bytes come */
	bool (*open)(void *ctx, struct exa_error *err); /* from the first byte; again, too */
	/* The next piece, borrowed until the next call; an empty one at the end. False ends the
	 * request before it is whole: the server then has nothing to carry out. */
	bool (*next)(void *ctx, struct bytes *out, struct exa_error *err);
	void *ctx;
};

struct ews_made_handler {
	/* For each INDEX of the request, in order: WHY is NULL when it was done, and *MADE is what
	 * it is called now ("" when the server doesn't say). */
	bool (*answered)(void *ctx, size_t index, const struct ews_item_ref *made,
		const struct exa_error *why, struct exa_error *err);
	void *ctx;
};

/*
 * All that follows changes something, and none of it may be sent again on suspicion: each request
 * goes out on a fresh connection. On false anything may have been done that `answered` wasn't
 * called for: look before asking again. Everything made carries a marker, a named property of
 * exarch's own, by which it is found (ews_search_items).
 */
#define EWS_MARKER_MAX 96

/* A message, or an appointment (class IPM.Appointment), from MIME. Nobody is told of it. */
struct ews_new_item {
	struct ews_source mime;
	const char *marker;
	const char *class;      /* "" = as the server sees the MIME */
	const char *categories; /* joined with '\n' */
	int64_t received_ns;    /* EXA_NO_TIME = now */
	int64_t sent_ns;        /* EXA_NO_TIME = as the MIME says */
	bool is_read;
	bool is_draft;   /* else it is a message that was sent or received */
	int flag_status; /* as in struct ews_item; -1 = none */
};
struct ews_create_request {
	const char *folder_id;
	const struct ews_new_item *items;
	size_t count; /* 1 to EWS_BATCH_MAX */
};
bool ews_create_items(struct ews *e, const struct ews_mailbox *mailbox,
	const struct ews_create_request *request, const struct ews_made_handler *handler,
	struct exa_error *err) EXA_CHECK;

/* UploadItems: new items from native streams. They carry no marker yet: ews_mark_items. */
struct ews_upload_request {
	const char *folder_id;
	const struct ews_source *streams;
	size_t count; /* 1 to EWS_BATCH_MAX */
};
bool ews_upload_items(struct ews *e, const struct ews_mailbox *mailbox,
	const struct ews_upload_request *request, const struct ews_made_handler *handler,
	struct exa_error *err) EXA_CHECK;

struct ews_mark {
	const char *id;
	const char *marker;
};
/* UpdateItem: sets the marker and nothing else. May be done again. */
bool ews_mark_items(struct ews *e, const struct ews_mailbox *mailbox, const struct ews_mark *marks,
	size_t count, const struct ews_made_handler *handler, struct exa_error *err) EXA_CHECK;

struct ews_new_folder {
	const char *parent_id;
	const char *name;
	const char *class; /* "IPF.Appointment"; "" = IPF.Note */
};
/* Appends the new folder's id. EXA_STALE: there is one of this name already. */
bool ews_create_folder(struct ews *e, const struct ews_mailbox *mailbox,
	const struct ews_new_folder *folder, struct buf *id_out, struct exa_error *err) EXA_CHECK;

/* What a folder holds, as far as it is needed to recognise things. Texts "" when not said. */
struct ews_found {
	const char *id;
	const char *change_key;
	const char *class;
	const char *internet_message_id; /* 0x1035 */
	const char *marker;
	int64_t received_ns;     /* 0x0E06; EXA_NO_TIME when not said */
	struct bytes search_key; /* 0x300B */
};
struct ews_found_sink {
	bool (*found)(void *ctx, const struct ews_found *found, struct exa_error *err);
	void *ctx;
};
/* Received at or after FROM, before BEFORE. */
struct ews_span {
	int64_t from_ns, before_ns;
};
#define EWS_SPANS_MAX 60 /* three nodes each; a restriction has at most 255 */
struct ews_find_request {
	const char *folder_id;
	/* Either items that carry one of these markers ... */
	const char *const *markers;
	size_t marker_count; /* 0 to EWS_BATCH_MAX */
	/* ... or those received in one of these spans; none = all. */
	const struct ews_span *spans;
	size_t span_count; /* 0 to EWS_SPANS_MAX */
	int64_t offset;    /* 0, then as given */
};
/* FindItem, one page a call, until *NEXT_OFFSET_OUT is -1. EXA_GONE: the folder isn't there. */
bool ews_search_items(struct ews *e, const struct ews_mailbox *mailbox,
	const struct ews_find_request *request, const struct ews_found_sink *sink,
	int64_t *next_offset_out, struct exa_error *err) EXA_CHECK;

#endif
