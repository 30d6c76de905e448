/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How this program was built and what it runs with: for `version --build`, and so for reports of
 * trouble. Nothing in it depends on when or where it was built, so builds can be compared.
 */
#ifndef CLI_BUILD_INFO_H
#define CLI_BUILD_INFO_H

#include <jansson.h>

/* What the compiler can't tell: meson writes these into built.c. The commit is git's, or that of
 * the file .commit in a tree without git, or "unknown". */
extern const char built_commit[];
extern const char built_type[];
extern const char built_optimization[];
extern const char built_sanitizers[];
extern const char built_hardening[]; /* the compiler's options */

/* An object in the order in which it is told: strings, lists of strings, and `libraries`, a list of
 * objects with name, compiled and running. The caller gives it back with json_decref. */
json_t *build_info(void);

#endif
