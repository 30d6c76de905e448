/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scenario: how the service behaves today, as data. docs/simulator.md lists every key; a file is
 * read whole, checked whole, and then never changes. What follows from it is behave.c's.
 *
 * Everywhere a 0, NULL or _NONE means: isn't given.
 */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "exarch/error.h"
#include "exarch/mem.h"

#define SCENARIO_FILE_MAX (1024 * 1024) /* written by hand: more is a mistake */
#define SCENARIO_LIST_MAX 256

enum scenario_yes_no { SAID_NOTHING, SAID_YES, SAID_NO };

/* What a counter of requests counts: all, or those of each mailbox, folder or item for itself. */
enum scenario_per { PER_ALL, PER_MAILBOX, PER_FOLDER, PER_ITEM };

/* How "come back later" is said. */
enum scenario_busy { BUSY_FAULT, BUSY_AT_200, BUSY_INLINE, BUSY_WRAPPED, BUSY_503, BUSY_429 };

/* What is done to an answer on its way out; spoil.c and wire.c say how. */
enum scenario_wire {
	WIRE_NONE,
	WIRE_RESET_BEFORE_HEADERS,
	WIRE_RESET_AFTER_HEADERS,
	WIRE_RESET_MID_BODY,
	WIRE_CUT_RIGHT_LENGTH,
	WIRE_CUT_WRONG_LENGTH,
	WIRE_CUT_CHUNKED,
	WIRE_DRIP,
	WIRE_STALL,
	WIRE_GZIP,
	WIRE_BROKEN_GZIP,
	WIRE_CUT_GZIP,
	WIRE_ILLEGAL_REFERENCES,
	WIRE_SPLIT_SURROGATES,
	WIRE_LONE_SURROGATE,
	WIRE_BRACKETS,
	WIRE_HUGE_TEXT,
	WIRE_OTHER_PREFIXES,
	WIRE_DEFAULT_NAMESPACE,
	WIRE_BOM,
	WIRE_COMMENTS,
	WIRE_DOCTYPE,
	WIRE_PADDED_CODES,
	WIRE_CDATA,
	WIRE_SPLIT_CDATA,
	WIRE_BASE64_LINES,
	WIRE_BAD_BASE64,
	WIRE_SHORT_BASE64,
	WIRE_TRUNCATED_DATA,
	WIRE_FEWER_MESSAGES,
	WIRE_MORE_MESSAGES,
	WIRE_REVERSED_MESSAGES,
	WIRE_DUPLICATE_ITEMS,
	WIRE_UNKNOWN_DELETE,
	WIRE_COUNT
};

/* Patterns are shell patterns, letters in any case. */
struct scenario_where {
	const char *operation; /* an EWS operation, or "token", "directory", "autodiscover" */
	const char *mailbox;
	const char *folder; /* its name, or its path from the top: "Inbox/Projects" */
	const char *subject;
	const char *item_class;
	unsigned item;             /* the n-th thing asked for in the request, from 1 */
	enum scenario_yes_no mime; /* the request asks for MimeContent */
};

/* All that is given must hold; n counts what `where` matches, from 1. */
struct scenario_when {
	unsigned nth;     /* n == nth */
	unsigned every;   /* n divisible by every */
	unsigned first;   /* n <= first */
	unsigned after;   /* n > after */
	unsigned seconds; /* since the scenario began */
	double *chance;   /* of 1, from the seed */
	enum scenario_per per;
};

/* One of status, fault, code, wire, page is given; or wait_ms alone. */
struct scenario_what {
	unsigned status;
	const char *body;        /* "html", "cas-error", "empty", or the text itself */
	const char *diagnostics; /* with 401: the category of x-ms-diagnostics */
	unsigned retry_after_s;
	const char *location; /* with 301, 302 */
	const char *fault;
	unsigned at; /* HTTP status of the fault; 500 */
	const char *code;
	enum scenario_yes_no wrapped; /* inside ErrorInternalServerError */
	unsigned back_off_ms;         /* with fault and code; kept too */
	enum scenario_wire wire;
	uint64_t at_byte; /* of the body; 0: its middle */
	unsigned bytes_per_s;
	unsigned *page; /* at most so many entries, the last page isn't */
	unsigned wait_ms;
};

struct scenario_fault {
	const char *name;
	struct scenario_where where;
	struct scenario_when when;
	struct scenario_what what;
};

enum scenario_deed {
	DO_NONE,
	DO_ADD_ITEM,
	DO_REMOVE_ITEM,
	DO_MOVE_ITEM,
	DO_MODIFY_ITEM,
	DO_MARK_READ,
	DO_MARK_UNREAD,
	DO_CREATE_FOLDER,
	DO_DELETE_FOLDER,
	DO_RENAME_FOLDER,
	DO_MOVE_FOLDER,
	DO_INVALIDATE_SYNC,
	DO_TOKEN_LIFETIME,
	DO_REVOKE_TOKENS
};

/* Done once, just before the request it waits for is carried out. */
struct scenario_change {
	const char *name;
	struct scenario_where where;
	struct scenario_when when;
	enum scenario_deed deed;
	const char *mailbox; /* a pattern; NULL: that of the request */
	const char *folder;  /* a pattern: whose items, or the folder itself */
	const char *subject;
	unsigned count; /* of items; 0: one */
	const char *to; /* a folder */
	const char *new_name;
	unsigned seconds;
};

struct scenario_latency {
	unsigned fixed_ms, jitter_ms;
};

struct scenario_limits {
	unsigned total, per_mailbox; /* open requests */
	enum scenario_busy answer;   /* to one too many */
	unsigned back_off_ms;
	unsigned retry_after_s;
};

/* A token bucket for each mailbox. */
struct scenario_budget {
	unsigned burst;
	double *refill_per_s;
	enum scenario_busy answer;
	unsigned back_off_ms;
	unsigned retry_after_s;
	enum scenario_yes_no punish; /* a request during back-off begins it anew */
};

struct scenario {
	const char *title;
	unsigned seed;
	struct scenario_latency latency;
	unsigned bandwidth; /* bytes a second, of each connection */
	enum scenario_yes_no gzip;
	struct scenario_limits limits;
	struct scenario_budget budget;
	struct scenario_fault *faults;
	unsigned faults_count;
	struct scenario_change *changes;
	unsigned changes_count;
};

/* FILE names the text in errors. The caller frees with scenario_free. */
bool scenario_read(const void *text, size_t size, const char *file, struct scenario **out,
	struct exa_error *err) EXA_CHECK;
bool scenario_load(const char *path, struct scenario **out, struct exa_error *err) EXA_CHECK;
void scenario_free(struct scenario *s); /* NULL is fine */

const char *scenario_wire_name(enum scenario_wire w);

/* scenario_schema.c, for scenario.c and tests. */
struct cyaml_schema_value;
extern const struct cyaml_schema_value scenario_schema;

#endif
