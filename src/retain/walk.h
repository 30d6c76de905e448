/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything the archive has, folder by folder, in the order received (of an encrypted archive: in
 * the order archived); expired items are not in it. Rows are copied in short read transactions, so
 * their callbacks may take long, and may expire what they are shown.
 */
#ifndef RETAIN_WALK_H
#define RETAIN_WALK_H

#include "exarch/catalog.h"

enum walk_next { WALK_ON, WALK_NEXT_FOLDER, WALK_STOP, WALK_FAILED };

struct walk {
	/* Whether to look at this folder's items. Mailbox and folder stay good until the next. */
	bool (*enter)(void *ctx, const struct catalog_mailbox *mailbox,
		const struct catalog_folder *folder);
	enum walk_next (*row)(void *ctx, const struct catalog_row *row, struct exa_error *err);
	void *ctx;
};

bool walk_archive(struct catalog *c, const struct walk *w, struct exa_error *err) EXA_CHECK;

#endif
