/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request is about: each folder, item or thing to be made that it names, in its order,
 * looked up once and before anything else is decided. An operation answers target by target; a
 * target with a code is answered with that, whether it couldn't be found or the scenario wants it
 * to fail.
 */
#ifndef SIM_TARGETS_H
#define SIM_TARGETS_H

#include "mailbox.h"
#include "xmlin.h"

enum target_kind { TARGET_FOLDER, TARGET_ITEM, TARGET_NEW };

struct target {
	enum target_kind kind;
	xmlNodePtr node;    /* the id, or what is to be made; as long as the request lives */
	const char *code;   /* NULL: it is there */
	const char *detail; /* XML for MessageXml, or NULL; of the arena */
	const char *id;     /* of an item, as it was sent; of the arena */
	size_t folder;      /* of an item too; of a new thing: where it shall be */
	size_t position;    /* of an item */
	struct sim_item item;
	uint64_t old_key; /* of an upload that updates an item which is there; 0: makes a new one */
};

struct targets {
	struct target *rows; /* of the arena */
	size_t count;
	bool has_to; /* the request names a folder for what it makes or moves */
	struct target to;
};

/* Where in its request an operation names things. NULL: nowhere. */
struct targets_at {
	const char *list;       /* the element whose children are targets */
	const char *to;         /* the element that holds the one folder to put things into */
	const char *default_to; /* a distinguished folder, when `to` isn't there */
};

/* Whatever can't be found has a code. The arena must live as long as the targets are used. */
void targets_read(xmlNodePtr request, const struct targets_at *at, struct view *v, struct arena *a,
	struct targets *out);
/* One could not be found, which a fresh view might. */
bool targets_miss_some(const struct targets *t);

/* The folder that a FolderId or DistinguishedFolderId element names. False: *code_out says why. */
bool target_folder(struct view *v, const xmlNode *id, size_t *folder_out, const char **code_out);

#endif
