/* SPDX-License-Identifier: Apache-2.0 */
/* The three forms of Autodiscover, as requests. */
#ifndef EXARCH_DISCOVER_QUESTION_H
#define EXARCH_DISCOVER_QUESTION_H

#include <stdbool.h>

#include "exarch/bytes.h"

enum question { QUESTION_POX, QUESTION_SOAP, QUESTION_JSON, QUESTION_COUNT };

struct question_form {
	const char *name;   /* for people */
	const char *method; /* "POST" with a body, or "GET" */
	const char *path;   /* of the service on each host */
	bool signs_in;
};

extern const struct question_form question_forms[QUESTION_COUNT];

/* Appends the address to ask at, on ORIGIN. */
void question_url(enum question q, const char *origin, const char *address, struct buf *out);

/* Appends the body that is sent to URL; nothing for a GET. */
void question_body(enum question q, const char *url, const char *address, struct buf *out);

/* The two of them that sign in, for a user and any SETTINGS (SOAP), or as they are (POX). */
void question_pox(const char *address, struct buf *out);
void question_soap(const char *url, const char *address, const char *const *settings,
	size_t setting_count, struct buf *out);

#endif
