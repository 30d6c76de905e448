/* SPDX-License-Identifier: Apache-2.0 */
/* One request over the connection: headers, sign-in, and what HTTP itself says of the answer. */
#ifndef EXARCH_EWS_REQUEST_H
#define EXARCH_EWS_REQUEST_H

#include "exarch/ews.h"

#include "answer.h"
#include "outgoing.h"

/* The client's next request, emptied; and its text, for one without sources. */
struct outgoing *request_outgoing(struct ews *e);
struct buf *request_text(struct ews *e);

/* Sends request_text to MAILBOX's server and feeds ANSWER; true when that is complete and good. */
bool request_send(struct ews *e, const struct ews_mailbox *mailbox, struct answer *answer,
	struct exa_error *err) EXA_CHECK;

/* The same for a request that must not be carried out twice: libcurl repeats one by itself when a
 * kept connection proves to be closed, so each goes out on a fresh one. */
bool request_send_once(struct ews *e, const struct ews_mailbox *mailbox, struct answer *answer,
	struct exa_error *err) EXA_CHECK;

#endif
