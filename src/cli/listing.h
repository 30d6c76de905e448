/* SPDX-License-Identifier: Apache-2.0 */
/* Selected items as lines for people or programs. */
#ifndef CLI_LISTING_H
#define CLI_LISTING_H

#include "exarch/export.h"

struct json_t;

struct listing {
	struct catalog *catalog;
	struct store_reader *reader;
	struct buf scratch;
	bool json, only_count;
	bool bright;   /* what was found stands out, by the terminal's means */
	uint64_t most; /* print no more than these; 0 = all */
	uint64_t count, bytes, damaged;
	bool more; /* than `most` */
};

/* Prints what is selected. Items that can't be read are told of on stderr, and counted. */
bool listing_run(
	struct listing *l, const struct selection *selection, struct exa_error *err) EXA_CHECK;
/* The last line: how many. */
void listing_end(const struct listing *l);
void listing_done(struct listing *l); /* closes the catalog too */

/* A JSON string, or null when TEXT is NULL or isn't UTF-8. */
struct json_t *listing_json_text(const char *text);

#endif
