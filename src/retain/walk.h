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

/* Texts stay good until the next folder. */
struct walk_folder {
	const struct catalog_mailbox *mailbox;
	const struct catalog_folder *folder;
	const char *const *paths; /* which it has had, the present one first */
	size_t path_count;
};

struct walk {
	/* Whether to look at this folder's items. */
	bool (*enter)(void *ctx, const struct walk_folder *f);
	enum walk_next (*row)(void *ctx, const struct catalog_row *row, struct exa_error *err);
	void *ctx;
};

/* Whether the hold may cover items of the folder: under any of its paths. Dates aside. */
bool walk_is_held(const struct catalog_holds *h, size_t index, const struct walk_folder *f);

bool walk_archive(struct catalog *c, const struct walk *w, struct exa_error *err) EXA_CHECK;

#endif
