/* SPDX-License-Identifier: Apache-2.0 */
/* What every check of a profile needs: where errors are, where texts live, what paths start from.
 */
#ifndef PROFILE_CONTEXT_H
#define PROFILE_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "exarch/attr.h"
#include "exarch/error.h"
#include "exarch/mem.h"

#include "shape.h"

struct context {
	const char *file;          /* as the user gave it */
	const char *dir;           /* its folder, absolute */
	const struct shape *shape; /* the lines of its keys */
	struct arena *texts;       /* lives as long as the profile */
	int64_t now_ns;
	struct exa_error *err;
};

/* EXA_USAGE: "FILE:LINE: KEY: ...". Returns false. */
bool context_bad(const struct context *c, const char *key, const char *fmt, ...) EXA_PRINTF(3, 4);

/* Puts "FILE:LINE: KEY: " before the error that is there. Returns false. */
bool context_while(const struct context *c, const char *key);

/* A copy that lives as long as the profile; NULL stays NULL. */
char *context_text(const struct context *c, const char *text);

/* "KEY[INDEX]", counted from 1, into OUT. */
#define CONTEXT_KEY_MAX 64
void context_entry(char out[CONTEXT_KEY_MAX], const char *key, size_t index);

/* The checks of each part of the profile, in the order in which they are done. */
struct profile;
struct raw_profile;
bool source_check(
	const struct context *c, const struct raw_profile *raw, struct profile *p) EXA_CHECK;
bool mailboxes_check(
	const struct context *c, const struct raw_profile *raw, struct profile *p) EXA_CHECK;
bool public_check(
	const struct context *c, const struct raw_profile *raw, struct profile *p) EXA_CHECK;
bool select_check(
	const struct context *c, const struct raw_profile *raw, struct profile *p) EXA_CHECK;
bool delete_check(
	const struct context *c, const struct raw_profile *raw, struct profile *p) EXA_CHECK;

#endif
