/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The letters of an mbox file (mboxrd): the From_ line before a message, and the quoting of lines in
 * it that a reader would take for one. Pure functions.
 */
#ifndef EXPORT_QUOTE_H
#define EXPORT_QUOTE_H

#include "exarch/bytes.h"

/* Each line of '>'s (or none) and "From " gets one '>' more, so taking one away gives the message
 * back. Only LF ends a line; all other bytes stay. Zeroed, it stands before a message. */
struct quote {
	bool in_line;   /* behind the place where a line may be quoted */
	unsigned match; /* so many letters of "From " are held back */
	bool ended;     /* the last byte was a line break */
};
void quote_add(struct quote *q, struct bytes message, struct buf *out);
/* The message ends: a line break if it hasn't one itself, and the empty line between messages. */
void quote_end(struct quote *q, struct buf *out);

/* Appends "From anna@contoso.com Wed Jul 22 10:00:00 2026" and a line break: the time in UTC (1970
 * when it isn't known), the sender from Return-Path, else From, else MAILER-DAEMON. HEAD: the
 * message's first bytes. */
void quote_from_line(struct buf *out, struct bytes head, int64_t received_ns);

#endif
