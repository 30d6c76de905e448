/* SPDX-License-Identifier: Apache-2.0 */
/* What `exarch restore` prints: as it goes on, and in the end. The listener hears one thing at a
 * time, so this needs no lock. */
#ifndef CLI_RESTORE_TELL_H
#define CLI_RESTORE_TELL_H

#include "exarch/restore.h"
#include "options.h"
#include "talk.h"

struct restore_tell {
	const struct args *args;
	bool dry_run;
	struct talk talk;
	uint64_t items, bytes; /* settled so far */
	uint64_t problems;     /* told so far */
};
void restore_tell_begin(struct restore_tell *t, const struct args *args);
struct restore_listener restore_tell_listener(struct restore_tell *t);
/* WHY_STOPPED may be NULL. */
void restore_tell_end(struct restore_tell *t, const struct restore_result *result, int exit_code,
	const char *why_stopped);

#endif
