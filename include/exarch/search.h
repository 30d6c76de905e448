/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Search: conditions on what items say (subject, people, words, attachments), and an index that
 * answers them at once. The index is an SQLite database in the archive's folder search/, made of
 * what the archive has and nothing else: it may be deleted at any time. What it doesn't know
 * (items archived or changed since) is read from the archive, by the same rules; so answers are the
 * same with an index, with an old one, and without.
 *
 *   item      a row for each item: the texts that conditions are about, and where its record stood
 *             when it was read
 *   body      its words, compressed: for snippets, and to take them out of `words` again
 *   words     FTS5: subject, sender, recipients, names of attachments, body, text of attachments
 *   meta      of which archive; the place in the archive's log up to which all is indexed
 *
 * Each page carries a checksum (src/search/vfs.c): damage is EXA_CORRUPT when it is read, and never
 * a wrong answer. EXA_CORRUPT always means the index here, not the archive, unless said otherwise.
 *
 * Threads: a handle belongs to one thread at a time; conditions and queries are immutable. Any
 * number of processes may read an index while one writes it.
 */
#ifndef EXARCH_SEARCH_H
#define EXARCH_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/attr.h"
#include "exarch/bytes.h"
#include "exarch/cancel.h"
#include "exarch/catalog.h"
#include "exarch/error.h"
#include "exarch/rules.h"

/* ---- conditions ---- */

/*
 * A condition on a text: "TEXT" is in it (`*` stands for anything), "=TEXT" is all of it,
 * "re:EXPRESSION" matches. The first two ignore case and accents.
 */
#define SEARCH_TEXT_MAX ((size_t)1024)
struct search_match;
/* EXA_USAGE: it is empty, too long, or the expression can't be compiled. */
bool search_match_compile(
	const char *text, struct search_match **out, struct exa_error *err) EXA_CHECK;
void search_match_free(struct search_match *m);
bool search_matches(const struct search_match *m, const char *text);

/*
 * Words to look for, as people write them:
 *
 *     report budget          both words, anywhere
 *     "annual report"        one after the other
 *     rep*                   words that begin so
 *     report OR budget       one of them
 *     -draft                 not this; something else must be asked for
 *     subject:report         there; from: to: (cc, bcc) attachment: body: file: (text of attachments)
 *
 * Case and accents don't count. Scripts without spaces between words are found by any two
 * characters that stand together. Whatever else stands in TEXT is text, never syntax.
 */
#define SEARCH_QUERY_MAX ((size_t)4096)
#define SEARCH_TERMS_MAX 64
struct search_query;
bool search_query_compile(
	const char *text, struct search_query **out, struct exa_error *err) EXA_CHECK;
void search_query_free(struct search_query *q);

/* All that are given must hold. Zeroed: none. Owned by whoever made them. */
struct search_conditions {
	struct search_match *subject;    /* the decoded header */
	struct search_match *sender;     /* From */
	struct search_match *recipient;  /* To, Cc, Bcc; one of them */
	struct search_match *message_id; /* the header, else the server's property */
	struct search_match *class;      /* the item class ("IPM.Note") */
	struct search_match *attachment; /* the name of one of its attachments */
	unsigned kinds;                  /* 1 << enum rules_class, of the item class; 0 = all */
	bool has_attachment;             /* as the server said; where it didn't, by the message */
	struct search_query *words;
};
void search_conditions_done(struct search_conditions *c);
bool search_conditions_any(const struct search_conditions *c);

/* ---- an index that is there ---- */

struct search;

/* Whether there is one for this archive, good or bad. */
bool search_exists(const char *archive);

/*
 * Opens it for reading; *OUT is NULL when there is none. EXA_CORRUPT: it is damaged, or not of this
 * archive or program: what the archive says is had without it. C stays the caller's and must
 * outlive it.
 */
bool search_open(struct catalog *c, struct search **out, struct exa_error *err) EXA_CHECK;
void search_close(struct search *s);
void search_closep(struct search **s); /* for EXA_AUTO */

/* Whether the archive has nothing that the index doesn't know. False in doubt. */
bool search_is_current(struct search *s);

/* What the index says of all items at once. */
struct search_set;
enum search_verdict {
	SEARCH_UNKNOWN, /* it doesn't know this item as it is now: ask search_judge_item */
	SEARCH_NO,
	SEARCH_YES,
	SEARCH_UNREADABLE, /* damaged when it was read */
};
bool search_find(struct search *s, const struct search_conditions *conditions,
	struct search_set **out, struct exa_error *err) EXA_CHECK;
void search_set_free(struct search_set *set);
/* How many items were damaged when they were read. */
uint64_t search_set_unreadable(const struct search_set *set);
enum search_verdict search_set_verdict(const struct search_set *set, const struct catalog_row *row);

/*
 * Calls FN with the numbers of items that have QUERY's words, best first. Of very many hits the
 * SEARCH_RANKED_MAX archived last are ranked, and the others follow, newest first: a word that is
 * everywhere says little, and ranking costs. False of FN ends it with its err.
 */
#define SEARCH_RANKED_MAX ((size_t)20000)
typedef bool search_hit_fn(void *ctx, uint64_t number, struct exa_error *err);
bool search_ranked(struct search *s, const struct search_query *query, search_hit_fn *fn, void *ctx,
	struct exa_error *err) EXA_CHECK;

/* Texts of an item for a key to sort by. */
enum search_text { SEARCH_SUBJECT, SEARCH_SENDER };
typedef bool search_text_fn(void *ctx, uint64_t number, const char *text, struct exa_error *err);
bool search_texts(struct search *s, enum search_text which, search_text_fn *fn, void *ctx,
	struct exa_error *err) EXA_CHECK;

/*
 * Some words around what was found, in one line, UTF-8, not terminal-safe. What matches stands
 * between SEARCH_MARK_ON and SEARCH_MARK_OFF. Empty when the index doesn't have the item. Appends.
 */
#define SEARCH_MARK_ON '\x02'
#define SEARCH_MARK_OFF '\x03'
bool search_snippet(struct search *s, const struct search_query *query, uint64_t number,
	struct buf *out, struct exa_error *err) EXA_CHECK;

/* ---- one item, from the archive itself ---- */

struct search_judge;
struct search_judge *search_judge_new(const struct search_conditions *conditions); /* borrowed */
void search_judge_free(struct search_judge *j);
/* EXA_CORRUPT and EXA_GONE are the archive's here: the item can't be read. */
bool search_judge_item(struct search_judge *j, struct store_reader *r,
	const struct catalog_row *row, bool *yes_out, struct exa_error *err) EXA_CHECK;
/* Of the item judged last, when it matched and there are words: as search_snippet. */
void search_judge_snippet(struct search_judge *j, struct buf *out);

/* ---- making it ---- */

struct search_build_options {
	/* An encrypted archive gets an index only with this, once: the words of its mail stand open
	 * in it. */
	bool in_clear;
	bool anew;        /* from the first item on */
	bool only_remove; /* take out what has expired, add nothing */
	bool purge; /* rewrite it where words of items that are gone may be left in freed pages */
	struct cancel *cancel; /* what was done stays; NULL is fine */
	/* Items looked at. NULL is fine. */
	void (*progress)(void *ctx, uint64_t done, uint64_t total);
	/* An item that can't be read. NULL is fine. */
	void (*unreadable)(void *ctx, uint64_t number, const struct exa_error *why);
	void *ctx;
};

struct search_build_result {
	uint64_t added, renewed, removed, unreadable;
	uint64_t items;       /* in the index now */
	bool was_damaged;     /* an index that couldn't be used was thrown away */
	struct exa_error why; /* then */
	bool finished;        /* false: stopped by cancel; the next call goes on */
	uint64_t database_bytes;
};

/*
 * Brings the index up to date with the archive: adds, renews, takes out what has expired. Safe at
 * any moment: killed, it goes on where its last commit was. EXA_USAGE: the archive is encrypted and
 * in_clear isn't given, nor was when it was made. EXA_LOCKED: another process is at it. EXA_IO: the
 * disk is full, the folder not writable. Beside an archiving process it indexes what was committed
 * when it began.
 */
bool search_build(struct catalog *c, const struct search_build_options *options,
	struct search_build_result *out, struct exa_error *err) EXA_CHECK;

/* Takes it away. Nothing there is fine. */
bool search_remove(const char *archive, struct exa_error *err) EXA_CHECK;

#endif
