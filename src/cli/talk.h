/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a verb that takes long says meanwhile: on a terminal a line that is drawn over
 * (exarch/display.h), elsewhere a status line with the time each minute, both on stderr; with --json
 * a `status` object each minute on stdout; with --quiet nothing. One thread.
 */
#ifndef CLI_TALK_H
#define CLI_TALK_H

#include <stdbool.h>
#include <stdint.h>

#include "exarch/display.h"
#include "options.h"

struct talk {
	enum { TALK_NOTHING, TALK_REDRAW, TALK_LINES, TALK_JSON } style;
	const char *verb;
	int64_t last_ns;         /* when it last said something */
	int64_t began_ns;        /* of what goes on now */
	struct display *display; /* with TALK_REDRAW */
};

void talk_begin(struct talk *t, const char *verb, const struct args *args);

/* What goes on now: DONE of ALL bytes; or so many items, of OF_ITEMS if that is known. */
struct talk_status {
	const char *what; /* "segments", "messages" */
	uint64_t done, all;
	uint64_t items, of_items, bytes;
};
void talk_status(struct talk *t, const struct talk_status *s);
/* Before anything else is printed. */
void talk_clear(struct talk *t);
void talk_end(struct talk *t); /* may be called twice */

#endif
