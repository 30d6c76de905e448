/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mailboxes from a directory: DIR/MAILBOX/Folder/Sub/message.eml. The directory is the truth: a
 * fresh view looks at every file again (stat; only new and changed ones are read), so what is
 * added, changed or removed while the simulator runs shows at the next listing. Ids follow from the
 * path. DIR/@public holds public folders: a store that nobody's mailbox is in, opened by its own
 * address.
 */
#ifndef SIM_TREE_DIR_H
#define SIM_TREE_DIR_H

#include "mailbox.h"

#define PUBLIC_FOLDERS_ADDRESS "publicfolders@sim.example"

/* EXTRA_FOLDERS: also the hidden, search and non-mail folders a real mailbox has. */
enum extra_folders { FOLDERS_PLAIN, FOLDERS_AS_EXCHANGE, FOLDERS_PUBLIC };

bool tree_dir_open(const char *path, enum extra_folders extra, struct mailstore **out,
	struct exa_error *err) EXA_CHECK;

#endif
