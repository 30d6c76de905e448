/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Export: from the archive to files, and the selection that list, show, export and verify share.
 * Each message is streamed from its recipe and compared with its SHA-256 before its file gets its
 * name: a file that is there is the message, byte for byte.
 *
 * Calls are for one thread; export_files starts its own.
 */
#ifndef EXARCH_EXPORT_H
#define EXARCH_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/attr.h"
#include "exarch/cancel.h"
#include "exarch/catalog.h"
#include "exarch/error.h"
#include "exarch/message.h"
#include "exarch/pattern.h"
#include "exarch/search.h"

/* ---- selection ---- */

/* How far a walk has come: behind this item. Zeros = nowhere yet. */
struct selected_place {
	uint32_t mailbox, folder;
	int64_t received_ns;
	uint64_t number;
};

enum selection_sort {
	SELECT_BY_PLACE, /* mailboxes and folders by number, items in the order received */
	SELECT_BY_DATE,
	SELECT_BY_SIZE,
	SELECT_BY_SUBJECT, /* its first 24 bytes, as search compares texts */
	SELECT_BY_SENDER,
	SELECT_BY_NUMBER,
	SELECT_BY_RANK, /* of the words looked for, best first; without an index by place */
};
/* So many items can be sorted by anything but place and rank: 40 bytes of memory each. */
#define SELECTION_SORT_MAX ((size_t)4 * 1000 * 1000)

/* Which items. Zeroed (with the two times EXA_NO_TIME: selection_init) selects everything that
 * isn't superseded. */
struct selection {
	struct pattern *mailbox; /* on the address; NULL = all */
	struct pattern *folder;  /* on the path; NULL = all */
	int64_t from_ns;         /* received at or after; EXA_NO_TIME = any */
	int64_t to_ns;           /* received before; EXA_NO_TIME = any */
	uint64_t *ids;           /* item numbers; none = all */
	size_t id_count;
	bool all_versions;           /* superseded instances too */
	struct selected_place after; /* only what comes behind it; by place, without ids */

	uint64_t size_least; /* bytes of the message at least */
	uint64_t size_below; /* bytes fewer than this; 0 = any */
	char *item_id;       /* the server's id, of what is archived as current; NULL = any */
	struct search_conditions content;
	enum selection_sort sort;
	bool descending;
	uint64_t limit; /* at most so many; 0 = all */
	bool snippets;  /* give selected.snippet */
	/* What a person should know, as that there is no search index: one line. NULL is fine. */
	void (*note)(void *ctx, const char *text);
	void *note_ctx;
};
void selection_init(struct selection *s);
void selection_done(struct selection *s);

struct selected {
	const struct catalog_mailbox *mailbox;
	const struct catalog_folder *folder;
	const struct catalog_row *row;
	const char *snippet; /* around the words that were looked for (search_snippet), or NULL */
};
typedef bool selected_fn(void *ctx, const struct selected *item, struct exa_error *err);

/*
 * Walks the selected items. Many short read transactions, so that it can run beside an archiving
 * process. Texts are borrowed for the call. EXA_GONE when an id in the selection isn't there or has
 * expired; expired items are never selected.
 *
 * Conditions on content are answered by the search index; what it doesn't know, and everything
 * where there is none or a damaged one, is read from the archive: slower, with the same result. An
 * item that can't be read is selected, in doubt: whoever walks meets the damage and tells. By rank
 * there is no place for it: then a note says how many there are.
 */
bool selection_walk(struct catalog *c, const struct selection *s, selected_fn *fn, void *ctx,
	struct exa_error *err) EXA_CHECK;

/* ---- files ---- */

enum export_format { EXPORT_EML, EXPORT_MBOX, EXPORT_MAILDIR };
/* How a Maildir export lays out the folders of a mailbox. */
enum export_layout {
	EXPORT_PLUSPLUS, /* Maildir++: "Mailbox/.Folder.Sub", the inbox is the mailbox's own Maildir */
	EXPORT_NESTED, /* "Mailbox/Folder/Sub", each a Maildir */
};
/* The iCalendar or vCard part of calendar items and contacts, as an .ics or .vcf file. */
enum export_inner { EXPORT_INNER_NONE, EXPORT_INNER_BESIDE, EXPORT_INNER_INSTEAD };

#define EXPORT_THREADS_MAX 64u

struct export_options {
	const char *to; /* folder; made when absent */
	enum export_format format;
	enum export_layout layout;
	enum export_inner inner;
	unsigned threads; /* 1 to EXPORT_THREADS_MAX; 0 = 1 */
	bool flat;        /* everything into one folder, mbox or Maildir */
	bool update;      /* leave alone what is there already; go on with one that was killed */
	bool native;      /* the native streams of items that have MIME, too */
	struct cancel *cancel;
	/* Called after each item: for progress. May be NULL. By one thread at a time, as `failed`. */
	void (*progress)(void *ctx, uint64_t items, uint64_t bytes);
	/* An item that could not be given back; the export goes on. */
	void (*failed)(void *ctx, const struct selected *item, const struct exa_error *why);
	void *ctx;
};

struct export_result {
	uint64_t items, bytes; /* written */
	uint64_t native_only;  /* of these, without MIME */
	uint64_t skipped;      /* with update: there already */
	uint64_t failed;
};

/*
 * Writes the selected items below TO. docs/export.md has the formats; all of them:
 *
 *     eml      <mailbox>/<folder>/<sub>/<YYYYMMDD-HHMMSS>-<item number>-<subject>.eml
 *     mbox     <mailbox>/<folder>/<sub>.mbox, quoted as mboxrd
 *     maildir  <mailbox>/.<folder>.<sub>/cur/..., or nested
 *
 * Messages are the bytes as archived (in an mbox quoted, which is taken back by one rule), file time
 * = received. An item without MIME becomes a file of its native stream: .fts, with the item's class
 * in place of the subject; in an mbox or Maildir export that and .ics and .vcf stand below "files".
 *
 * Names are safe on Linux and Windows: no control, bidi or reserved characters, no reserved device
 * names, no trailing dot or space, cut on a UTF-8 boundary (Maildir's ":2,S" is the one exception);
 * unique because the item number is in them; two folders whose safe names fall together (case, NFC)
 * get a number. Nothing is ever written outside TO, no symlink below TO is followed, no existing file
 * is overwritten with other content: EXA_USAGE then. Folders are made with mode 0700, files with
 * 0600.
 *
 * Nothing stands under its name before it is whole. What was written is in TO/MANIFEST.jsonl and
 * TO/MANIFEST.sha256 when the export ends, also when it ends early, and durable then. Killed at any
 * moment, it is taken up by a call with `update`.
 *
 * False only when the export as a whole can't go on (target not writable, disk full: named,
 * cancelled); single failures are counted. Without `update` a file that is there already ends the
 * export the same way. EXA_LOCKED: another export is writing there.
 */
bool export_files(struct catalog *c, const struct selection *s,
	const struct export_options *options, struct export_result *out,
	struct exa_error *err) EXA_CHECK;

/* ---- figures ---- */

/* Of items: as they are at the server or were when they were deleted there; and of the versions
 * before them. */
struct stats_sum {
	uint64_t items,
		bytes;    /* bytes: of the MIME, of an item without MIME of its native stream */
	uint64_t removed; /* of the items: deleted at the server since */
	uint64_t versions, version_bytes; /* earlier ones */
	uint64_t native_bytes;            /* beside MIME; 0 unless records were read */
};

struct stats_year {
	int year; /* received, in UTC; 0 = not known */
	struct stats_sum sum;
};

/* Other classes than the first so many are one, "(other)": the server names them. */
#define STATS_CLASSES_MAX ((size_t)500)
struct stats_class {
	char *name;
	struct stats_sum sum;
};

/* A part that many messages have, or a large one. */
#define STATS_PARTS_MAX ((size_t)20)
#define STATS_PART_NAME_MAX ((size_t)120)
struct stats_part {
	char name[STATS_PART_NAME_MAX + 1]; /* as one message calls it, "" = it doesn't */
	uint64_t size;                      /* decoded */
	uint64_t copies; /* at least: with very many parts a rare one may be counted too low */
};

struct stats_options {
	bool records;     /* by class, and native streams: reads every item's record */
	bool attachments; /* reads every recipe as well */
	struct cancel *cancel;
	/* A folder or mailbox is done. May be NULL. */
	void (*folder)(void *ctx, const struct catalog_mailbox *m, const struct catalog_folder *f,
		const struct stats_sum *sum);
	void (*mailbox)(void *ctx, const struct catalog_mailbox *m, const struct stats_sum *sum);
	/* An item whose record or recipe can't be read. */
	void (*failed)(void *ctx, const struct selected *item, const struct exa_error *why);
	void *ctx;
};

struct stats_result {
	struct stats_sum total;
	struct stats_year *years; /* ascending */
	size_t year_count;
	struct stats_class *classes; /* by bytes, descending */
	size_t class_count;
	struct stats_part largest[STATS_PARTS_MAX], repeated[STATS_PARTS_MAX];
	size_t largest_count, repeated_count; /* descending by size; by bytes saved */
	uint64_t failed;
};
/* Counts what is selected (earlier versions always). Memory grows with years and classes alone; many
 * short read transactions. */
bool export_stats(struct catalog *c, const struct selection *s, const struct stats_options *options,
	struct stats_result *out, struct exa_error *err) EXA_CHECK;
void stats_result_done(struct stats_result *r);

/* ---- proof ---- */

/* What store_verify found, as places to ask items about. Bounded: of very many places neighbours
 * are taken for one. */
struct damage_map;
struct damage_map *damage_map_new(void);
void damage_map_free(struct damage_map *m);
void damage_map_add(struct damage_map *m, const struct store_damage *damage);
/* Whether something is lost, or may be: then items are worth asking. */
bool damage_map_any(const struct damage_map *m);

struct export_verify_options {
	/* This share of the items is put together, by chance made from SEED; 0 = all, negative =
	 * none. */
	double sample;
	uint64_t seed;
	/* May be NULL. Each item is asked where its record, its recipe and its objects stand; one
	 * that has something in a damaged place is put together in any case. */
	const struct damage_map *damage;
	uint64_t bytes_per_s;  /* put together no faster; 0 = as fast as can be */
	struct cancel *cancel; /* NULL is fine */
	/* An item that can't be given back. Each once. */
	void (*failed)(void *ctx, const struct selected *item, const struct exa_error *why);
	/* After each item: how far it came. May be NULL. */
	void (*progress)(
		void *ctx, const struct selected_place *reached, uint64_t items, uint64_t bytes);
	void *ctx;
};

struct export_verify_result {
	uint64_t items;           /* passed */
	uint64_t proven, damaged; /* put together; of these, in vain */
	uint64_t bytes;           /* of the others */
	bool finished; /* false: stopped by cancel; the selection's `after` goes on from `reached`
			*/
	struct selected_place reached;
};

/*
 * verify --level messages: rebuilds each selected message, its native stream too, and compares
 * length and SHA-256 with its record (and record with recipe). With `damage` and a negative sample
 * it names the items that suffer from damage, at the cost of reading their records and recipes.
 */
bool export_verify(struct catalog *c, const struct selection *s,
	const struct export_verify_options *options, struct export_verify_result *out,
	struct exa_error *err) EXA_CHECK;

#endif
