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
/* What is in public folders is in two mailboxes, one of them that of the hierarchy. */
#define PUBLIC_FOLDERS_SECOND "publicfolders2@sim.example"
enum { PUBLIC_MAILBOXES = 2 };
void public_mailbox(int which, struct mailbox_id *out);
/* Which of them TEXT names, by its address or as GUID@domain; -1: none. */
int public_mailbox_named(const char *text);
/* Which has the content of a folder. */
int public_mailbox_of(const struct sim_folder *folder);

/* EXTRA_FOLDERS: also the hidden, search and non-mail folders a real mailbox has. */
enum extra_folders { FOLDERS_PLAIN, FOLDERS_AS_EXCHANGE, FOLDERS_PUBLIC };

bool tree_dir_open(const char *path, enum extra_folders extra, struct mailstore **out,
	struct exa_error *err) EXA_CHECK;

#endif
