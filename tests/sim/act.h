/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Misbehaviour, the acting half: carries out a verdict. Before the operation runs it may answer in
 * its place, or give single targets the code they fail with; after it, it spoils what was answered.
 */
#ifndef SIM_ACT_H
#define SIM_ACT_H

#include "behave.h"
#include "http.h"

struct act {
	struct behaviour *behaviour;
	const struct http_request *request;
	struct http_answer *answer;
	const char *operation; /* of EWS; NULL: sign-in, directory and such */
	const char *payload;   /* what stands in the operation's error messages, or NULL */
	const char *mailbox;
	struct targets *targets; /* NULL: none */
	struct arena *arena;
	struct verdict *verdict;
};

/* True: the answer is made, nothing else shall be done. Waits when it shall take long. */
bool act_before(const struct act *a);
void act_after(const struct act *a);

/* The page of HTML that IIS shows when the application behind it is ill. */
void act_html_error(struct buf *out, unsigned status);

#endif
