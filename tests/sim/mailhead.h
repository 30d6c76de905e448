/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mail's header, as far as a listing needs it: subject (decoded), Message-ID, date, importance, and
 * the kind of content. A reading of its own, forgiving, of whatever the first bytes of a file hold.
 */
#ifndef SIM_MAILHEAD_H
#define SIM_MAILHEAD_H

#include "exarch/bytes.h"
#include "exarch/mem.h"

#include "mailbox.h"

/* For what no MIME tells: "X-Sim-Class: IPM.Task". */
#define MAILHEAD_CLASS_FIELD "X-Sim-Class"

struct mailhead {
	const char *subject, *message_id; /* NULL: not there */
	int64_t date_ns;                  /* EXA_NO_TIME: not there, or not a date */
	const char *item_class;
	enum importance importance;
	bool has_attachments; /* multipart/mixed */
};

/* HEAD is the begin of a message, as much as was read. Strings go into the arena. */
void mailhead_read(struct bytes head, struct arena *a, struct mailhead *out);

/* "Mon, 1 Jan 2024 10:00:00 +0100 (CET)" and its poorer relatives; EXA_NO_TIME if it is no date. */
int64_t mailhead_date(const char *text);

#endif
