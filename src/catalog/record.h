/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of the catalog and the rows of its tables, as bytes. docs/format.md, "Records", has the
 * same tables for strangers.
 *
 * A record is a type byte, a version byte, and fields in order: numbers as varints (signed ones
 * zigzagged), texts and byte strings with a varint length before them. A reader ignores bytes
 * behind the fields it knows: later versions append.
 */
#ifndef CATALOG_RECORD_H
#define CATALOG_RECORD_H

#include "exarch/catalog.h"

#include "key.h"

enum record_type {
	/* logged: part of the format */
	RECORD_MAILBOX = 'M',
	RECORD_FOLDER = 'F',
	RECORD_ITEM = 'I',
	RECORD_REMOVED = 'R',
	RECORD_RUN = 'N',
	RECORD_EXPIRED = 'E',
	RECORD_HOLD = 'H',
	RECORD_AUDIT = 'A',
	RECORD_SHORT = 'X',   /* what is left of an item record in a cut segment */
	RECORD_CARRIED = 'C', /* an item record logged anew, from a segment that was cut */
	/* notes: in the index alone */
	NOTE_LEDGER = 'l',
	NOTE_CLOSE = 'c',
	NOTE_SYNC = 's',
	NOTE_ALIKE = 'a',
};

#define RECORD_VERSION 1

/* Tables of the index, in the order they are given to the store. */
enum table {
	TABLE_STATE,       /* name -> number: the next numbers to give */
	TABLE_MAILBOX,     /* number -> mailbox record */
	TABLE_MAILBOX_BY,  /* part, address in lower case -> number */
	TABLE_FOLDER,      /* mailbox, number -> folder record */
	TABLE_FOLDER_BY,   /* mailbox, hash of server id -> number */
	TABLE_ITEM,        /* number -> row, or the number of the row that took the record in */
	TABLE_PLACE,       /* mailbox, folder, received (encrypted: 0), number -> nothing */
	TABLE_KNOWN,       /* key -> known row */
	TABLE_LEDGER,      /* key -> open entry */
	TABLE_COUNT,       /* mailbox, folder -> ledger counts */
	TABLE_SYNC,        /* mailbox, folder -> sync */
	TABLE_RUN,         /* number -> run record */
	TABLE_EXPIRED,     /* number -> expired record */
	TABLE_HOLD,        /* number -> latest hold record */
	TABLE_AUDIT,       /* number -> audit record */
	TABLE_FOLDER_PATH, /* mailbox, number, hash of path -> path: all a folder has had */
	TABLE_ALIKE,       /* mailbox, hash of what a listing tells -> item; may lack any row */
	TABLE_TOTAL
};
extern const struct store_table catalog_tables[TABLE_TOTAL];

/* ---- field helpers ---- */
void add_signed(struct buf *b, int64_t v);
int64_t read_signed(struct reader *r);
/* A number of 32 bits, as a varint. */
uint32_t read_number(struct reader *r);
void add_text(struct buf *b, const char *text); /* NULL = ""; cut at CATALOG_TEXT_MAX; the NUL is
						   stored too, so texts can be borrowed */
const char *read_text(struct reader *r);        /* borrowed; "" and r->failed when it isn't one */
void record_begin(struct buf *b, enum record_type type);
/* Fails (EXA_CORRUPT) unless the record is of TYPE and a version this program knows. */
bool record_open(struct bytes record, enum record_type type, struct reader *out,
	struct exa_error *err) EXA_CHECK;
/* Fails when a field was missing or malformed. WHAT: "run". */
bool record_end(const struct reader *r, const char *what, struct exa_error *err) EXA_CHECK;
/* Exactly SIZE bytes, or r->failed. */
void read_fixed(struct reader *r, uint8_t *out, size_t size);

/* As mailbox and folder stand in records: 4 bytes each, high ones first, then the hash. */
#define RECORD_KEY_SIZE 24
void add_item_key(struct buf *b, const struct catalog_key *key);
void read_item_key(struct reader *r, struct catalog_key *out);

/* ---- known rows ---- */
struct known_row {
	uint64_t item;
	uint8_t change_hash[8];
	bool removed;
	bool expired; /* `item` is */
};
void known_encode(struct buf *b, const struct known_row *k);
bool known_decode(struct bytes value, struct known_row *out, struct exa_error *err) EXA_CHECK;
bool known_get(struct store_txn *txn, const struct catalog_key *key, bool *found_out,
	struct known_row *out, struct exa_error *err) EXA_CHECK;

/* ---- typed records and rows ---- */
void mailbox_encode(struct buf *b, const struct catalog_mailbox *m);
bool mailbox_decode(
	struct bytes record, struct catalog_mailbox *out, struct exa_error *err) EXA_CHECK;
void folder_encode(struct buf *b, const struct catalog_folder *f);
bool folder_decode(
	struct bytes record, struct catalog_folder *out, struct exa_error *err) EXA_CHECK;
void item_encode(struct buf *b, const struct catalog_item *i);
bool item_decode(struct bytes record, struct catalog_item *out, struct exa_error *err) EXA_CHECK;
/* What tells two instances of a server's item apart: of its native stream if that is all there is,
 * else of its MIME. */
const uint8_t *item_content_sha256(const struct catalog_item *item);
void ledger_encode(
	struct buf *b, const struct ledger_entry *e); /* the entry alone, as in its table */
bool ledger_decode(struct bytes value, struct ledger_entry *out, struct exa_error *err) EXA_CHECK;
void sync_encode(struct buf *b, const struct catalog_sync *s);
bool sync_decode(struct bytes value, struct catalog_sync *out, struct exa_error *err) EXA_CHECK;
void run_encode(struct buf *b, const struct catalog_run *run);
bool run_decode(struct bytes record, struct catalog_run *out, struct exa_error *err) EXA_CHECK;

/* Texts stay in RECORD. */
void expired_encode(struct buf *b, const struct catalog_expired *e);
bool expired_decode(
	struct bytes record, struct catalog_expired *out, struct exa_error *err) EXA_CHECK;
void hold_encode(struct buf *b, const struct catalog_hold *h);
bool hold_decode(struct bytes record, struct catalog_hold *out, struct exa_error *err) EXA_CHECK;
void audit_encode(struct buf *b, const struct catalog_audit *a);
bool audit_decode(struct bytes record, struct catalog_audit *out, struct exa_error *err) EXA_CHECK;

/* What the tables' logic needs of an item record, and all that stays of it in a cut segment. */
struct short_item {
	uint64_t number;
	struct catalog_key key;
	bool keep_older;
	uint8_t change_hash[8];
	uint8_t mime_hash[8];
};
struct short_item short_of(const struct catalog_item *item);
void short_encode(struct buf *b, const struct short_item *s);
bool short_decode(struct bytes record, struct short_item *out, struct exa_error *err) EXA_CHECK;

/* ROW: the number of the row whose record ITEM_RECORD is. */
void carried_encode(struct buf *b, uint64_t row, struct bytes item_record);
bool carried_decode(struct bytes record, uint64_t *row_out, struct bytes *item_record_out,
	struct exa_error *err) EXA_CHECK;

void row_encode(struct buf *b, const struct catalog_row *row);
/* The value under a number that no row has: its record updated the row of another one. */
void alias_encode(struct buf *b, uint64_t row_number);
/* *ALIAS_OUT isn't 0 when it is that. */
bool row_decode(uint64_t number, struct bytes value, struct catalog_row *out, uint64_t *alias_out,
	struct exa_error *err) EXA_CHECK;

/* alike.c */
bool apply_alike(struct store_txn *txn, struct bytes note, struct exa_error *err) EXA_CHECK;

void counts_encode(struct buf *b, const struct ledger_counts *c);
bool counts_decode(struct bytes value, struct ledger_counts *out, struct exa_error *err) EXA_CHECK;

/* The row of NUMBER, or the one that took the record of this number in. */
bool row_resolve(struct store_txn *txn, uint64_t number, bool *found_out, struct catalog_row *out,
	struct exa_error *err) EXA_CHECK;

/* What a walk does with each entry; walk.c. */
typedef bool entry_fn(void *ctx, struct bytes key, struct bytes value, struct exa_error *err);
bool walk_table(struct store_txn *txn, enum table table, struct bytes prefix, struct bytes from,
	entry_fn *fn, void *ctx, struct exa_error *err) EXA_CHECK;

/* ---- carry.c ---- */
/* As store_compact_options.carry. */
bool catalog_carry(void *ctx, struct store_txn *txn, const struct store_loc *loc,
	struct bytes record, struct buf *keep, struct buf *again, struct exa_error *err) EXA_CHECK;

/* ---- apply.c ---- */
bool catalog_apply(void *ctx, struct store_txn *txn, const struct store_loc *loc,
	struct bytes record, struct exa_error *err) EXA_CHECK;

#endif
