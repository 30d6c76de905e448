/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalog: what the archive knows, as typed records on the store's transaction. Mailboxes,
 * folders, items (archived instances), runs; and the ledger, in which every item that a server
 * listed stands in exactly one state (design promise 2). Server ids, change keys and sync states
 * are opaque texts here: the catalog never heard of EWS.
 *
 *   logged in the segments   mailbox, folder, item, item removed, item expired, run, hold, audit:
 *                            a rebuild brings them back
 *   in the index alone       open ledger entries, sync states, hints at items that are alike: after a
 *                            rebuild they are listed again
 *
 * An item of the server is named by struct catalog_key: mailbox, folder and a hash of its server
 * id. What the tables hold of it:
 *
 *   known   it has an archived instance (item number, change key)
 *   ledger  it is open: pending, excluded, deferred, failed, or gone before it was fetched; with
 *           the facts filters need
 *
 * Its state is the ledger's when it stands there, else `archived` (or `removed`: archived, then
 * deleted at the server; or `expired`: still at the server, but the archive gave its content up).
 *
 * Threads: catalog_* verbs on a struct catalog are for any thread; a batch, a transaction and a
 * reader belong to one thread.
 */
#ifndef EXARCH_CATALOG_H
#define EXARCH_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/attr.h"
#include "exarch/bytes.h"
#include "exarch/error.h"
#include "exarch/mime.h"
#include "exarch/store.h"

#define CATALOG_SHA256_SIZE 32
/* Longest text accepted into a record, so that a record stays far below STORE_OBJECT_MAX. */
#define CATALOG_TEXT_MAX ((size_t)256 * 1024)

struct catalog;

struct catalog_listener {
	/* Everything submitted up to EPOCH is durable. Called on the store's writer thread. */
	void (*committed)(void *ctx, uint64_t epoch);
	void *ctx;
};

bool catalog_create(const char *dir, const struct store_create_options *options,
	struct exa_error *err) EXA_CHECK;
/* As store_open. LISTENER may be NULL. */
bool catalog_open(const char *dir, const struct store_open_options *options,
	const struct catalog_listener *listener, struct catalog **out,
	struct exa_error *err) EXA_CHECK;
bool catalog_close(struct catalog *c,
	struct exa_error *err) EXA_CHECK;  /* commits; the handle is gone in any case */
void catalog_abandonp(struct catalog **c); /* for EXA_AUTO: closes without committing */
struct store *catalog_store(struct catalog *c);

/* ---- mailboxes and folders ---- */

enum catalog_part {
	CATALOG_PRIMARY = 0,
	CATALOG_ONLINE_ARCHIVE = 1,
	CATALOG_RECOVERABLE = 2,
	CATALOG_PUBLIC = 3,
	CATALOG_ARCHIVE_RECOVERABLE = 4, /* recoverable items of the online archive */
};
/* "primary", "archive", "recoverable", "public", "archive-recoverable": in JSON and profiles. */
const char *catalog_part_name(enum catalog_part part);
/* " (online archive)" and so on, "" for the primary one: behind an address, for people. */
const char *catalog_part_suffix(enum catalog_part part);

struct catalog_mailbox {
	uint32_t number; /* 1, 2, ...; never reused */
	enum catalog_part part;
	const char *smtp; /* as first seen; compared in lower case */
	const char *display_name;
};

struct catalog_folder {
	uint32_t mailbox;
	uint32_t number; /* 1, 2, ... in its mailbox; never reused */
	const char *server_id;
	const char *parent_id; /* server id; "" at the top */
	const char *name;
	const char *path; /* "/Inbox/Sub"; '/' inside a name is U+2215 */
	const char *class;
	uint8_t role; /* enum ews_role, as a number that keeps its meaning */
	bool deleted; /* no longer at the server; items stay */
};

/* Find or make; a change of name, path, class or role is recorded. The number is good at once. One
 * thread per mailbox. */
bool catalog_mailbox_put(struct catalog *c, const struct catalog_mailbox *m, uint32_t *number_out,
	struct exa_error *err) EXA_CHECK;
bool catalog_folder_put(struct catalog *c, const struct catalog_folder *f, uint32_t *number_out,
	struct exa_error *err) EXA_CHECK;

/* The folder is no longer at the server: recorded once. Its items are the caller's business. */
bool catalog_folder_gone(
	struct catalog *c, uint32_t mailbox, uint32_t number, struct exa_error *err) EXA_CHECK;

/* ---- the ledger ---- */

enum ledger_state {
	LEDGER_PENDING, /* listed, to be fetched */
	LEDGER_ARCHIVED,
	LEDGER_EXCLUDED, /* by a rule, named in `why` */
	LEDGER_DEFERRED, /* too young, unread: looked at again at every run */
	LEDGER_FAILED,   /* `why` and how often */
	LEDGER_GONE,     /* deleted at the server before it was fetched */
	LEDGER_REMOVED,  /* archived, later deleted at the server */
	LEDGER_EXPIRED,  /* archived, then expired here; still at the server */
	LEDGER_STATE_COUNT
};
const char *ledger_state_name(enum ledger_state s);

struct catalog_key {
	uint32_t mailbox;
	uint32_t folder;
	uint8_t id_hash[16]; /* first half of SHA-256 of the server id */
};
struct catalog_key catalog_key_of(uint32_t mailbox, uint32_t folder, const char *server_id);

/* An open entry. Texts are borrowed as the function that fills or takes it says. */
struct ledger_entry {
	enum ledger_state state;
	const char *server_id;
	const char *change_key;
	const char *class;
	const char *why;       /* rule or failure; "" */
	int64_t size_bytes;    /* -1 not known */
	int64_t received_ns;   /* EXA_NO_TIME not known */
	int is_read;           /* 1, 0, -1 */
	uint32_t attempts;     /* failed fetches so far */
	int64_t not_before_ns; /* failed: don't try earlier; 0 = any time */
};

struct ledger_counts {
	uint64_t of[LEDGER_STATE_COUNT];
};

/* How far a folder was listed. */
struct catalog_sync {
	const char *state;    /* the server's sync state; "" = from the start */
	uint64_t fingerprint; /* of the rules that judged the ledger */
	int64_t changed_ns;  /* the folder's last change as told when it was last listed to its end;
				EXA_NO_TIME */
	int64_t total_count; /* the server's count at that time, -1 */
	int64_t listed_ns;   /* when it was last listed to its end; EXA_NO_TIME = not yet */
};

/* ---- items ---- */

/* One archived instance. */
struct catalog_item {
	uint64_t number; /* 1, 2, ... in the archive; shown to people; never reused */
	uint32_t mailbox;
	uint32_t folder;
	const char *server_id;
	const char *change_key;
	const char *class;
	const char *internet_message_id;
	const char *categories; /* joined with '\n' */
	int64_t size_bytes;     /* the server's, approximate */
	int64_t received_ns;
	int64_t sent_ns;
	int64_t created_ns;
	int64_t modified_ns;
	int64_t message_flags;
	int is_read;
	int has_attachments;
	int flag_status;
	struct bytes search_key;
	/* The message. An item without MIME has zeros here: catalog_item_has_mime. */
	uint64_t mime_bytes;
	uint8_t mime_sha256[CATALOG_SHA256_SIZE];
	struct store_id recipe;
	/* The server's native stream of the item, beside the message or instead of it. An item
	 * without one has zeros. */
	uint64_t native_bytes;
	uint8_t native_sha256[CATALOG_SHA256_SIZE];
	struct store_id native_recipe;
	bool keep_older; /* versions: all; otherwise an earlier instance of the same server item is
			    superseded */
};
bool catalog_item_has_mime(const struct catalog_item *item);
bool catalog_item_has_native(const struct catalog_item *item);
/* As its row has it: of the native stream if that is all there is, else of the MIME. */
uint64_t catalog_item_bytes(const struct catalog_item *item);

enum catalog_item_state {
	ITEM_LIVE,       /* as at the server */
	ITEM_REMOVED,    /* deleted at the server since */
	ITEM_SUPERSEDED, /* a newer instance of the same server item is archived */
	ITEM_EXPIRED,    /* its content is given up; nothing but number and folder is left of the
			    row, see catalog_expired_get */
};

/* The short form kept in the index, enough to list and select. Of an item without MIME, length and
 * hash are those of its native stream. */
struct catalog_row {
	uint64_t number;
	uint32_t mailbox;
	uint32_t folder;
	enum catalog_item_state state;
	int64_t received_ns;
	uint64_t mime_bytes;
	uint8_t mime_hash[8]; /* first bytes of the SHA-256 */
	struct store_loc loc; /* of the full record; segment 0 = there is none */
};

/* ---- changing ---- */

/* Changes that belong together: applied all or none. Zero-initialise, then catalog_batch_done.
 * Texts are copied. */
struct catalog_batch {
	struct store_batch store;
	struct buf scratch;
};
void catalog_batch_done(struct catalog_batch *b);

/* The entry's state must be an open one (pending, excluded, deferred, failed, gone). */
void catalog_batch_ledger(
	struct catalog_batch *b, const struct catalog_key *key, const struct ledger_entry *entry);
/* The key is known with this very change key after all (or again): an open entry is closed. */
void catalog_batch_close(struct catalog_batch *b, const struct catalog_key *key);
/* Deleted at the server: a known item becomes `removed`, an open one `gone`, an unknown one is
 * nothing. */
void catalog_batch_removed(struct catalog_batch *b, const struct catalog_key *key);
void catalog_batch_sync(struct catalog_batch *b, uint32_t mailbox, uint32_t folder,
	const struct catalog_sync *sync);
/* An archived instance; item->number from catalog_next_item. Closes an open entry of its key. Same
 * MIME as the known instance (or, if there is none, same native stream): that one is updated in
 * place, and keeps its number. */
void catalog_batch_item(struct catalog_batch *b, const struct catalog_item *item);

/*
 * Items that are likely the same: an archived one by what a listing tells of it, should it be listed
 * under another id one day (src/catalog/alike.c). Nothing more than a hint: rows may be missing, and
 * one that is there names an item that has to be compared. A row that two items contend for names
 * none, unless the one takes the place of the other.
 */
struct catalog_alike {
	int64_t received_ns, size_bytes;
	const char *class;
};
struct catalog_alike_item {
	uint64_t number;
	int64_t modified_ns; /* as of when the row was made */
	uint64_t
		instead_of; /* another item it moved from; 0 = none. Not told by catalog_alike_find */
};
void catalog_batch_alike(struct catalog_batch *b, uint32_t mailbox,
	const struct catalog_alike *facts, const struct catalog_alike_item *item);
bool catalog_alike_find(struct store_txn *txn, uint32_t mailbox, const struct catalog_alike *facts,
	bool *found_out, struct catalog_alike_item *out, struct exa_error *err) EXA_CHECK;

/* The archive gives up an instance: its row becomes ITEM_EXPIRED. Its objects stay until
 * catalog_compact. Nothing happens to an item that is expired already. */
struct catalog_expired {
	uint64_t number;
	struct catalog_key key;
	int64_t when_ns;
	const char *rule; /* of the policy, by name */
	int64_t received_ns;
	uint64_t mime_bytes;
};
void catalog_batch_expired(struct catalog_batch *b, const struct catalog_expired *e);

uint64_t catalog_next_item(struct catalog *c);
bool catalog_submit(struct catalog *c, struct catalog_batch *b, uint64_t *epoch_out,
	struct exa_error *err) EXA_CHECK;

/* ---- looking ---- */

/* In a transaction from store_read_begin(catalog_store(c)). Texts are borrowed from it. An item
 * that expired here is known as long as the server has it. */
bool catalog_known(struct store_txn *txn, const struct catalog_key *key, bool *found_out,
	uint64_t *item_out, bool *same_change_key_out, const char *change_key,
	struct exa_error *err) EXA_CHECK;
bool catalog_ledger(struct store_txn *txn, const struct catalog_key *key, bool *found_out,
	struct ledger_entry *out, struct exa_error *err) EXA_CHECK;
bool catalog_sync_get(struct store_txn *txn, uint32_t mailbox, uint32_t folder, bool *found_out,
	struct catalog_sync *out, struct exa_error *err) EXA_CHECK;
bool catalog_counts(struct store_txn *txn, uint32_t mailbox, uint32_t folder,
	struct ledger_counts *out, struct exa_error *err) EXA_CHECK;
bool catalog_find_mailbox(struct store_txn *txn, enum catalog_part part, const char *smtp,
	bool *found_out, uint32_t *number_out, struct exa_error *err) EXA_CHECK;

bool catalog_find_folder(struct store_txn *txn, uint32_t mailbox, const char *server_id,
	bool *found_out, uint32_t *number_out, struct exa_error *err) EXA_CHECK;

/* Walks. The callback's texts are borrowed for the call; returning false ends the walk with its
 * err. */
typedef bool catalog_mailbox_fn(void *ctx, const struct catalog_mailbox *m, struct exa_error *err);
bool catalog_each_mailbox(
	struct store_txn *txn, catalog_mailbox_fn *fn, void *ctx, struct exa_error *err) EXA_CHECK;
typedef bool catalog_folder_fn(void *ctx, const struct catalog_folder *f, struct exa_error *err);
bool catalog_each_folder(struct store_txn *txn, uint32_t mailbox, catalog_folder_fn *fn, void *ctx,
	struct exa_error *err) EXA_CHECK;
/* Every path the folder has or had, in no order that means anything. */
typedef bool catalog_path_fn(void *ctx, const char *path, struct exa_error *err);
bool catalog_each_folder_path(struct store_txn *txn, uint32_t mailbox, uint32_t number,
	catalog_path_fn *fn, void *ctx, struct exa_error *err) EXA_CHECK;
/* The same, and behind them those whose record is lost by damage, but not all of their items:
 * "(mailbox 2)", "/(folder 3)". For whoever shows items. */
bool catalog_each_mailbox_shown(
	struct store_txn *txn, catalog_mailbox_fn *fn, void *ctx, struct exa_error *err) EXA_CHECK;
bool catalog_each_folder_shown(struct store_txn *txn, uint32_t mailbox, catalog_folder_fn *fn,
	void *ctx, struct exa_error *err) EXA_CHECK;
/* Open entries of a folder in the table's order, from the key after AFTER (NULL = first). */
typedef bool catalog_ledger_fn(void *ctx, const struct catalog_key *key,
	const struct ledger_entry *e, struct exa_error *err);
bool catalog_each_open(struct store_txn *txn, uint32_t mailbox, uint32_t folder,
	const struct catalog_key *after, catalog_ledger_fn *fn, void *ctx,
	struct exa_error *err) EXA_CHECK;
/* Known (archived, expired too) keys of a folder that are not removed, in the table's order. */
typedef bool catalog_known_fn(
	void *ctx, const struct catalog_key *key, uint64_t item, struct exa_error *err);
bool catalog_each_known(struct store_txn *txn, uint32_t mailbox, uint32_t folder,
	catalog_known_fn *fn, void *ctx, struct exa_error *err) EXA_CHECK;

/* Rows by number, or of one folder in the order received (of an encrypted archive: in the order
 * archived, so that the open part of no key tells a date). Renews nothing: for long walks call
 * again with the next position. */
bool catalog_row(struct store_txn *txn, uint64_t number, bool *found_out, struct catalog_row *out,
	struct exa_error *err) EXA_CHECK;

struct catalog_place {
	int64_t received_ns;
	uint64_t number;
};
typedef bool catalog_row_fn(void *ctx, const struct catalog_row *row, struct exa_error *err);
/* Calls FN for up to MOST rows of the folder that stand behind *PLACE ({ EXA_NO_TIME, 0 } = from
 * the first) and moves *PLACE on; *MORE_OUT says whether rows may follow. So a long walk is many
 * short transactions. */
bool catalog_each_row(struct store_txn *txn, uint32_t mailbox, uint32_t folder,
	struct catalog_place *place, size_t most, catalog_row_fn *fn, void *ctx, bool *more_out,
	struct exa_error *err) EXA_CHECK;

/* The same over all rows of the archive in order of their numbers, expired ones too, behind
 * *NUMBER (0 = from the first), which moves on. */
bool catalog_each_row_by_number(struct store_txn *txn, uint64_t *number, size_t most,
	catalog_row_fn *fn, void *ctx, bool *more_out, struct exa_error *err) EXA_CHECK;

/*
 * The full record of a row. Texts are borrowed until the reader's next call or `scratch` changes.
 * A record that a compaction moved after ROW was read is found at its new place. EXA_GONE: the item
 * has expired.
 */
bool catalog_item_read(struct store_reader *r, const struct catalog_row *row, struct buf *scratch,
	struct catalog_item *out, struct exa_error *err) EXA_CHECK;

/* Expired items: by number, or all in order of their numbers. */
bool catalog_expired_get(struct store_txn *txn, uint64_t number, bool *found_out,
	struct catalog_expired *out, struct exa_error *err) EXA_CHECK;
typedef bool catalog_expired_fn(void *ctx, const struct catalog_expired *e, struct exa_error *err);
bool catalog_each_expired(
	struct store_txn *txn, catalog_expired_fn *fn, void *ctx, struct exa_error *err) EXA_CHECK;

/* ---- runs ---- */

struct catalog_run {
	uint64_t number; /* given by catalog_run_add */
	int64_t started_ns;
	int64_t ended_ns;
	int exit_code;
	const char *host;
	const char *profile;
	const char *program;
	uint64_t archived, bytes, excluded, deferred, failed, gone, unexplained;
	uint8_t previous_hash[CATALOG_SHA256_SIZE]; /* SHA-256 of the previous run's record; filled
						       in by catalog_run_add */
};
bool catalog_run_add(struct catalog *c, struct catalog_run *run, struct exa_error *err) EXA_CHECK;
typedef bool catalog_run_fn(void *ctx, const struct catalog_run *run, struct exa_error *err);
bool catalog_each_run(
	struct store_txn *txn, catalog_run_fn *fn, void *ctx, struct exa_error *err) EXA_CHECK;

/* ---- audit: who changed what else ---- */

struct catalog_audit {
	uint64_t number; /* given when it is written, as the hash */
	int64_t when_ns;
	const char *user;
	const char *host;
	const char *program;
	const char
		*action; /* "hold add", "expire", "compact", "key change": a fixed set of words */
	const char *detail; /* one line for people */
	uint64_t items, bytes;
	uint8_t previous_hash[CATALOG_SHA256_SIZE]; /* SHA-256 of the previous audit record */
	uint64_t about;       /* the earlier audit record that this one completes; 0 = none */
	struct bytes numbers; /* of the items it names, by catalog_numbers_add; empty = none */
};
/* Item numbers as an audit record keeps them; they must rise. *LAST is 0 before the first. */
void catalog_numbers_add(struct buf *out, uint64_t *last, uint64_t number);
/* Takes the next one off *REST: as above. False: there is none, or what is left is malformed
 * (REST isn't empty then). */
bool catalog_numbers_next(struct bytes *rest, uint64_t *last, uint64_t *number_out) EXA_CHECK;
/* Writes AUDIT down and waits until it is durable. One thread; nothing else adds meanwhile. */
bool catalog_audit_add(
	struct catalog *c, struct catalog_audit *audit, struct exa_error *err) EXA_CHECK;
/* Puts AUDIT into the batch, so that there is neither the deed without its record nor the record
 * without the deed. The batch before must be durable by now: numbers and hashes follow it. */
bool catalog_batch_audit(struct catalog *c, struct catalog_batch *b, struct catalog_audit *audit,
	struct exa_error *err) EXA_CHECK;
typedef bool catalog_audit_fn(void *ctx, const struct catalog_audit *audit, struct exa_error *err);
bool catalog_each_audit(
	struct store_txn *txn, catalog_audit_fn *fn, void *ctx, struct exa_error *err) EXA_CHECK;

/* Follows the hashes from run to run and from audit record to audit record. BROKEN (may be NULL) is
 * called for each link that doesn't fit, *BROKEN_OUT says how many there are. */
typedef void catalog_broken_fn(void *ctx, const char *what);
bool catalog_check_chains(struct store_txn *txn, catalog_broken_fn *broken, void *ctx,
	uint64_t *broken_out, struct exa_error *err) EXA_CHECK;

/* ---- holds: what nothing may take out of the archive ---- */

struct catalog_hold {
	uint64_t number; /* 1, 2, ...; never reused */
	const char *name;
	const char *mailbox; /* pattern on the address; "" = all */
	const char *folder;  /* pattern on the path; "" = all */
	int64_t from_ns;     /* received at or after; EXA_NO_TIME = any */
	int64_t before_ns;   /* received before; EXA_NO_TIME = any */
	const char *reason;
	const char *set_by; /* "user@host" */
	int64_t set_ns;
	const char *lifted_by; /* "" while it holds */
	int64_t lifted_ns;     /* EXA_NO_TIME while it holds */
};
/* AUDIT stands in the same batch. EXA_USAGE: a pattern that can't be compiled, a span of time that
 * holds nothing, a name that is empty, a number, or that of another hold in force. */
bool catalog_hold_add(struct catalog *c, struct catalog_hold *hold, struct catalog_audit *audit,
	struct exa_error *err) EXA_CHECK;
/* The hold in force of this number; AUDIT's user, host and moment are who lifted it and when.
 * EXA_USAGE: there is none. */
bool catalog_hold_lift(struct catalog *c, uint64_t number, struct catalog_audit *audit,
	struct exa_error *err) EXA_CHECK;
typedef bool catalog_hold_fn(void *ctx, const struct catalog_hold *hold, struct exa_error *err);
/* In order of their numbers, lifted ones too. */
bool catalog_each_hold(
	struct store_txn *txn, catalog_hold_fn *fn, void *ctx, struct exa_error *err) EXA_CHECK;

/* The holds in force, ready to judge with. Immutable: any thread. */
struct catalog_holds;
bool catalog_holds_load(
	struct store_txn *txn, struct catalog_holds **out, struct exa_error *err) EXA_CHECK;
void catalog_holds_free(struct catalog_holds *h);
void catalog_holds_freep(struct catalog_holds **h);
size_t catalog_holds_count(const struct catalog_holds *h);
const struct catalog_hold *catalog_holds_at(const struct catalog_holds *h, size_t index);
/*
 * Which hold covers an item: the first by number, as its index; SIZE_MAX = none does. In doubt it
 * is covered: an item whose date isn't known (EXA_NO_TIME) is in every span of time.
 */
size_t catalog_holds_cover(const struct catalog_holds *h, const char *smtp, const char *folder_path,
	int64_t received_ns);
bool catalog_hold_spans(const struct catalog_hold *hold, int64_t received_ns); /* its dates alone */
/* A folder pattern that ends in a slash and two stars covers the folder before them too. Who takes
 * things out asks for each path the folder has had: what is held isn't freed by a new name. */
bool catalog_hold_covers(const struct catalog_holds *h, size_t index, const char *smtp,
	const char *folder_path, int64_t received_ns);

/* ---- giving room back ---- */

/* store_compact with what only the catalog knows: which objects items need, and what must stay of
 * the records in a segment that is cut. OPTIONS' mark and carry are filled in here. EXA_CORRUPT
 * when an item or a recipe can't be read: then nothing can be said about what is garbage. */
bool catalog_compact(struct catalog *c, const struct store_compact_options *options,
	struct store_compact_result *out, struct exa_error *err) EXA_CHECK;

/* ---- recipes: how an instance is put together ---- */

struct recipe_writer;

/* Takes the pieces of one message after the other, puts their objects into the store, and gives the
 * recipe's id. */
struct recipe_writer *recipe_writer_new(struct store *s);
void recipe_writer_free(struct recipe_writer *w);
void recipe_writer_freep(struct recipe_writer **w);
void recipe_writer_reset(struct recipe_writer *w); /* forget a message that was cut off */
bool recipe_writer_piece(
	struct recipe_writer *w, const struct mime_piece *piece, struct exa_error *err) EXA_CHECK;
/* The message's bytes as they came, for its SHA-256 and length. */
void recipe_writer_source(struct recipe_writer *w, struct bytes source);
/* Instead of both: bytes that are no message, as they come. They become objects of 1 MiB. */
bool recipe_writer_stream(
	struct recipe_writer *w, struct bytes stream, struct exa_error *err) EXA_CHECK;

struct recipe_result {
	struct store_id id;
	uint64_t mime_bytes;
	uint8_t mime_sha256[CATALOG_SHA256_SIZE];
	uint64_t new_bytes; /* raw bytes of objects that were new to the store */
};
/* EXA_FAILED if the pieces don't add up to the source's length: then nothing refers to the message.
 */
bool recipe_writer_finish(
	struct recipe_writer *w, struct recipe_result *out, struct exa_error *err) EXA_CHECK;

struct recipe_sink {
	bool (*write)(void *ctx, struct bytes data, struct exa_error *err);
	void *ctx;
};
/* Streams the message to the sink and checks its length and SHA-256 at the end: on false, what was
 * written isn't the message. */
bool recipe_play(struct store_reader *r, const struct store_id *recipe,
	const struct recipe_sink *sink, uint64_t *bytes_out,
	uint8_t sha256_out[CATALOG_SHA256_SIZE], struct exa_error *err) EXA_CHECK;
/*
 * The same, pulled by whoever wants the bytes: _next gives a piece, borrowed until the next call or
 * the reader's, and an empty one at the end; then _finish says whether it was the message. READER
 * is borrowed for the player's life, and may be used for nothing else between two pieces' uses.
 */
struct recipe_player;
bool recipe_player_new(struct store_reader *r, const struct store_id *recipe,
	struct recipe_player **out, struct exa_error *err) EXA_CHECK;
void recipe_player_free(struct recipe_player *p);
void recipe_player_freep(struct recipe_player **p);
bool recipe_player_next(
	struct recipe_player *p, struct bytes *out, struct exa_error *err) EXA_CHECK;
bool recipe_player_finish(struct recipe_player *p, uint64_t *bytes_out,
	uint8_t sha256_out[CATALOG_SHA256_SIZE], struct exa_error *err) EXA_CHECK;
/* The message's first bytes, at least up to LIMIT or its end if possible from the recipe alone: for
 * headers. Appends. */
bool recipe_head(struct store_reader *r, const struct store_id *recipe, size_t limit,
	struct buf *out, struct exa_error *err) EXA_CHECK;
/* Calls FN for each data object the recipe names, in order, without reading it. FN must leave the
 * reader alone; its false ends the walk with its err. */
typedef bool recipe_uses_fn(void *ctx, const struct store_id *id, struct exa_error *err);
bool recipe_uses(struct store_reader *r, const struct store_id *recipe, recipe_uses_fn *fn,
	void *ctx, struct exa_error *err) EXA_CHECK;
/* A part of a message that was base64 text and is kept decoded: mostly an attachment. The same part of
 * other messages has the same id and size. */
struct recipe_part {
	struct store_id id;  /* of its first object */
	uint64_t size;       /* decoded */
	struct bytes before; /* what stands before it in the recipe: the end of its headers */
};
typedef bool recipe_part_fn(void *ctx, const struct recipe_part *part, struct exa_error *err);
/* Calls FN for each such part, in order, from the recipe alone. As recipe_uses. */
bool recipe_parts(struct store_reader *r, const struct store_id *recipe, recipe_part_fn *fn,
	void *ctx, struct exa_error *err) EXA_CHECK;
/*
 * Streams an item's message, or its native stream, to SINK and compares what came (length and
 * SHA-256) with its full record, and that with its row: on false, what was written isn't what the
 * server gave (promise 3). A false of the sink is passed up.
 */
bool catalog_play_message(struct store_reader *r, const struct catalog_row *row,
	const struct catalog_item *item, const struct recipe_sink *sink,
	struct exa_error *err) EXA_CHECK;
bool catalog_play_native(struct store_reader *r, const struct catalog_row *row,
	const struct catalog_item *item, const struct recipe_sink *sink,
	struct exa_error *err) EXA_CHECK;

#endif
