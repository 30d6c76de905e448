/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a text have the shape of a profile? It is read once with libyaml and compared with the
 * schema that libcyaml will use, so that errors can name line, key, what was expected and the
 * nearest known key; and it keeps the line of each key for the checks that come after.
 */
#ifndef PROFILE_SHAPE_H
#define PROFILE_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "exarch/bytes.h"
#include "exarch/error.h"

struct shape;

/* EXA_USAGE: "FILE:LINE: KEY: what is wrong". */
bool shape_check(
	struct bytes text, const char *file, struct shape **out, struct exa_error *err) EXA_CHECK;
void shape_freep(struct shape **s);

/* The line of a key or entry ("folders.rules[2]", counted from 1), or of the nearest one above that
 * is written; 1 when there is none. */
size_t shape_line(const struct shape *s, const char *key);

#endif
