/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory: everybody with a mailbox, on wish some users without one, and two groups.
 */
#ifndef SIM_PEOPLE_H
#define SIM_PEOPLE_H

#include "mailbox.h"

struct person {
	struct mailbox_id id; /* its guid is the user's object id */
	bool is_enabled, is_licensed, is_guest;
};

enum directory_extras { PEOPLE_WITH_MAILBOX, PEOPLE_AND_OTHERS };

/* exa_alloc'ed, in a stable order. */
struct person *people_list(
	struct mailstore *store, enum directory_extras extras, size_t *count_out);

struct group {
	const char *id, *name;
	unsigned every; /* takes every n-th person */
};

extern const struct group people_groups[]; /* ends with a name of NULL */

#endif
