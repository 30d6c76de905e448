/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request log: one JSON object a line for each request answered, written whole and at once, so
 * that a test can count while the simulator runs. Any thread.
 */
#ifndef SIM_REQLOG_H
#define SIM_REQLOG_H

#include "exarch/error.h"

#define NOTE_THINGS_MAX 100 /* a line stays below PIPE_BUF, so that a pipe takes it in one piece */

/* What an operation says of itself; empty strings are left out. */
struct request_note {
	char agent[48]; /* the client's name for itself */
	char operation[48];
	char mailbox[330];
	char code[72];  /* NoError, or the first other response code */
	char fault[64]; /* of the scenario, that hit it */
	unsigned items;
	unsigned messages;           /* of these, asked for with their MIME */
	unsigned open, mailbox_open; /* requests when it came, this one included; 0: not counted */
	uint32_t early_ms;           /* it came so long before its mailbox's back-off was over */
	uint32_t told_ms;            /* its answer says to stay away so long */
	/* The items that it names, and things to be made: a hash of each. */
	uint64_t about[NOTE_THINGS_MAX];
	bool is_done[NOTE_THINGS_MAX]; /* the mailbox isn't as it was */
	size_t about_count;
};

struct request_line {
	const char *method, *path;
	const struct request_note *note;
	unsigned status;
	uint64_t bytes;
	int64_t begun_ns; /* of the wall's clock */
	int64_t from_ns, to_ns;
	bool left; /* the client closed the connection before its answer's end */
};

void note_code(struct request_note *note, const char *code); /* NoError gives way to others */

struct reqlog;

bool reqlog_open(const char *path, struct reqlog **out, struct exa_error *err) EXA_CHECK;
void reqlog_close(struct reqlog *l);                                /* NULL is fine */
void reqlog_add(struct reqlog *l, const struct request_line *line); /* L may be NULL */

#endif
