/* SPDX-License-Identifier: Apache-2.0 */
/* What a server of Autodiscover says, in each of the three forms. */
#ifndef EXARCH_DISCOVER_REPLY_H
#define EXARCH_DISCOVER_REPLY_H

#include "question.h"

enum reply_kind {
	REPLY_EWS,        /* text: the EWS URL */
	REPLY_TO_ADDRESS, /* text: ask for this address instead */
	REPLY_TO_URL,     /* text: ask there instead */
	REPLY_ERROR,      /* text: the server's code, letters and digits only */
	REPLY_NOTHING,    /* a good answer that names no EWS */
	REPLY_GARBLED,    /* no answer of Autodiscover: a web page, for instance */
};

/* As long as a URL may be; longer texts count as absent. */
#define REPLY_TEXT_MAX 512

struct reply {
	enum reply_kind kind;
	char text[REPLY_TEXT_MAX]; /* as the server wrote it, but for white space around */
};

/* BODY: at most DISCOVER_ANSWER_MAX. */
void reply_read(enum question q, struct bytes body, struct reply *out);

/* A setting of the one user in a SOAP answer; the user's own address in a POX answer. False: it isn't
 * there, or BODY is none. */
bool reply_setting(struct bytes body, const char *name, char out[REPLY_TEXT_MAX]);
bool reply_pox_address(struct bytes body, char out[REPLY_TEXT_MAX]);

#endif
