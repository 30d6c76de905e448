/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns that users write: a glob ("*", "?", "[a-z]"; "*" stops at '/', "**" doesn't), or a
 * regular expression when the text begins with "re:" (PCRE2, searched anywhere unless anchored).
 * Both ignore case and read UTF-8.
 *
 * A compiled pattern is immutable: any thread may match with it.
 */
#ifndef EXARCH_PATTERN_H
#define EXARCH_PATTERN_H

#include <stdbool.h>

#include "exarch/error.h"

struct pattern;

/* EXA_USAGE names the text, the column and what is wrong. */
bool pattern_compile(const char *text, struct pattern **out, struct exa_error *err) EXA_CHECK;
void pattern_free(struct pattern *p);
void pattern_freep(struct pattern **p);

/* A subject that isn't UTF-8 matches nothing; a match that runs into PCRE2's limits counts as none.
 */
bool pattern_matches(const struct pattern *p, const char *subject);

/* For rules on what may be removed: as pattern_matches, but a glob that ends in a slash and two
 * stars covers the folder before them too, not only those below it. */
bool pattern_covers(const struct pattern *p, const char *path);

/* As the user wrote it, for explanations. Borrowed. */
const char *pattern_text(const struct pattern *p);

#endif
