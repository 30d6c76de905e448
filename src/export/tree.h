/* SPDX-License-Identifier: Apache-2.0 */
/* Mailboxes and folders as a selection sees them, copied, so that no transaction stays open. */
#ifndef EXPORT_TREE_H
#define EXPORT_TREE_H

#include "exarch/export.h"
#include "exarch/mem.h"

struct tree_folder {
	struct catalog_folder folder;
	bool wanted;
};

struct tree_mailbox {
	struct catalog_mailbox mailbox;
	bool wanted;
	/* of its folders, while they are loaded: */
	struct arena *texts;
	struct tree_folder *folders; /* by number */
	size_t folder_count;
};

struct tree {
	struct catalog *catalog;
	const struct selection *selection;
	struct arena *texts;
	struct tree_mailbox *mailboxes; /* by number */
	size_t mailbox_count;
};

/* tree_done in any case. */
bool tree_load(struct tree *t, struct catalog *c, const struct selection *s,
	struct exa_error *err) EXA_CHECK;
void tree_done(struct tree *t);
/* Loaded already: nothing to do. */
bool tree_load_folders(struct tree *t, struct tree_mailbox *m, struct exa_error *err) EXA_CHECK;
void tree_drop_folders(struct tree_mailbox *m);
/* Where a row stands; loads its mailbox's folders. */
bool tree_find(struct tree *t, const struct catalog_row *row, struct tree_mailbox **mailbox_out,
	struct tree_folder **folder_out, struct exa_error *err) EXA_CHECK;

#endif
