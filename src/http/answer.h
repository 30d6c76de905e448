/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of an answer, read line by line as libcurl gives it. Interim heads (100 Continue) are
 * followed by another head and forgotten; trailer lines after the body are not part of any head.
 */
#ifndef EXARCH_HTTP_ANSWER_H
#define EXARCH_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "exarch/bytes.h"
#include "exarch/http.h"

/* A server may send as many header lines as it likes; real heads stay below 20 KB. */
#define HEAD_MAX_BYTES ((size_t)256 * 1024)

struct head {
	struct http_answer *answer;
	size_t bytes;
	bool complete; /* the empty line was seen */
};

/* False when the head grows beyond HEAD_MAX_BYTES. */
bool head_line(struct head *h, struct bytes line);

#endif
