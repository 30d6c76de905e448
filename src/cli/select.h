/* SPDX-License-Identifier: Apache-2.0 */
/* The selection options, the same for every verb that takes them; docs/selection.md is their
 * manual. */
#ifndef CLI_SELECT_H
#define CLI_SELECT_H

#include "exarch/export.h"
#include "options.h"

/* All of the selection's options, --sort and --limit too where a verb has them. Notes of the walk
 * go to stderr. */
bool select_read(const struct args *args, struct selection *out, struct exa_error *err) EXA_CHECK;
/* An option that is a moment; EXA_NO_TIME when it isn't given. */
bool select_date(
	const struct args *args, enum option_id id, int64_t *out, struct exa_error *err) EXA_CHECK;
/* --limit; 0 when it isn't given. */
bool select_limit(const struct args *args, uint64_t *out, struct exa_error *err) EXA_CHECK;
bool number_read(const char *text, uint64_t *out, struct exa_error *err) EXA_CHECK;
bool item_number_read(const char *text, uint64_t *out, struct exa_error *err) EXA_CHECK;

#endif
