/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors are values. A function that can fail returns bool, is marked EXA_CHECK and takes `struct
 * exa_error *err` last. On false, err tells why; on true, err is untouched. The struct needs no
 * heap and crosses threads by copy.
 *
 * Codes are split by what the caller does next, not by where the failure arose; src/work/policy.c
 * turns a code into retry, wait, skip or stop. Failing and explaining are one expression:
 *
 *     return exa_fail(err, EXA_CORRUPT, "segment %06u: bad magic", number);
 *
 * and passing up adds one piece of context, so that the text reads outside-in like a sentence:
 *
 *     return exa_while(err, "reading folder %s", name);
 *     -> "reading folder Inbox: the server is busy"
 */
#ifndef EXARCH_ERROR_H
#define EXARCH_ERROR_H

#include <stdbool.h>
#include <stdint.h>

#include "exarch/attr.h"

enum exa_code {
	EXA_OK = 0,
	EXA_FAILED,  /* anything else; nothing better is known to do than to report it */
	EXA_USAGE,   /* the command line or the profile is wrong: tell the user what and how to mend
			it */
	EXA_IO,      /* a local file, disk or memory failed; detail = errno (ENOSPC when the disk is
			full) */
	EXA_CORRUPT, /* archive bytes fail their checks */
	EXA_ABSENT,  /* there is no archive here */
	EXA_LOCKED,  /* another process holds the archive */
	EXA_UNREACHABLE, /* no connection to the server at all: nobody gets through, wait and try
			    again */
	EXA_NET, /* connection or server trouble that passes: try again later; detail = HTTP status
		    or 0 */
	EXA_TIMEOUT,    /* took too long: try again with less */
	EXA_THROTTLED,  /* the server asks us to wait; retry_after_ms, 0 = not said */
	EXA_AUTH,       /* sign-in failed or the key is wrong; trying again won't help */
	EXA_ASIDE,      /* this mailbox as a whole can't be had now: leave it to a later run */
	EXA_DENIED,     /* signed in, but this mailbox, folder or item is refused */
	EXA_GONE,       /* the mailbox, folder or item isn't there (any more) */
	EXA_STALE,      /* the sync state is no longer good: start that folder afresh */
	EXA_UNREADABLE, /* the server can't give this item in the form asked for */
	EXA_LIMIT,      /* larger than a named limit */
	EXA_PROTOCOL,   /* an answer that can't be understood */
	EXA_CANCELLED,  /* the user or a deadline stopped us */
	EXA_CODE_COUNT
};

#define EXA_ERROR_TEXT_MAX 768
#define EXA_ERROR_NAME_MAX 64

struct exa_error {
	enum exa_code code;
	int detail;              /* errno, HTTP status or curl code; the text says which */
	uint32_t retry_after_ms; /* with EXA_THROTTLED or EXA_NET: do not ask earlier; 0 = not said
				  */
	char name[EXA_ERROR_NAME_MAX]; /* the server's own name for it ("ErrorServerBusy",
					  "AADSTS7000215"), or "" */
	char text[EXA_ERROR_TEXT_MAX]; /* one line for people; no secret, subject or body ever
					  stands here */
};

/* Set *err afresh and return false. */
bool exa_fail(struct exa_error *err, enum exa_code code, const char *fmt, ...) EXA_PRINTF(3, 4);

/* As exa_fail with EXA_IO; adds ": " and the text of ERRNO_VALUE, keeps it in detail. */
bool exa_fail_errno(struct exa_error *err, int errno_value, const char *fmt, ...) EXA_PRINTF(3, 4);

/* Put "<context>: " before the text that is there and return false. */
bool exa_while(struct exa_error *err, const char *fmt, ...) EXA_PRINTF(2, 3);

/* Note the server's own name of the failure (cut at EXA_ERROR_NAME_MAX). */
void exa_error_set_name(struct exa_error *err, const char *name);

void exa_error_clear(struct exa_error *err);

/* "throttled", "gone", ...: for logs, JSON and tests; never translated, never renamed. */
const char *exa_code_name(enum exa_code code);

#endif
