/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generated mailboxes: the same mail for the same numbers, made when it is asked for.
 */
#ifndef SIM_TREE_GEN_H
#define SIM_TREE_GEN_H

#include "mailbox.h"
#include "tree_dir.h"

struct tree_gen_options {
	unsigned mailboxes, items; /* items in each */
	uint64_t seed;
	unsigned add, remove; /* over all mailboxes */
	bool small;           /* no attachments */
	enum extra_folders folders;
	bool online_archive; /* the folder Archive is there */
	unsigned more_folders;
};

bool tree_gen_open(
	const struct tree_gen_options *o, struct mailstore **out, struct exa_error *err) EXA_CHECK;

#endif
