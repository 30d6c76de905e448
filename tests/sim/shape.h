/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which properties a request wants, and their XML in the order of the schema: for folders
 * (folder_xml.c) and for items (item_xml.c).
 */
#ifndef SIM_SHAPE_H
#define SIM_SHAPE_H

#include "mailbox.h"
#include "property.h"
#include "xmlin.h"

#define SHAPE_EXTENDED_MAX 64

struct extended_field {
	unsigned tag; /* 0: a named property */
	char key[PROPERTY_KEY_MAX];
	char uri[PROPERTY_URI_MAX]; /* its ExtendedFieldURI, for the answer */
};

struct shape {
	uint64_t fields; /* bits by place in the field table */
	bool mime;       /* items only */
	struct extended_field extended[SHAPE_EXTENDED_MAX];
	size_t extended_count;
};

enum shape_use { SHAPE_FOR_GET, SHAPE_FOR_LIST }; /* lists (sync, find) can't give everything */

/* What a request can't have: the response code and the path for MessageXml. */
struct shape_refusal {
	const char *code;
	struct buf xml;
};

/* NODE is FolderShape or ItemShape, checked by the schema. False: *why is filled in. */
bool shape_of_folders(const xmlNode *node, struct shape *out, struct shape_refusal *why);
bool shape_of_items(
	const xmlNode *node, enum shape_use use, struct shape *out, struct shape_refusal *why);

void folder_add_xml(
	struct buf *out, const struct view *v, size_t folder, const struct shape *shape);

/* The item's element up to where MimeContent's text would begin, and the rest of it. */
const char *item_element(const struct sim_item *item);
/* Exchange makes no MIME of tasks, notes, journal entries and distribution lists. */
bool item_has_mime(const struct sim_item *item);
void item_add_properties(struct buf *out, const struct view *v, size_t folder,
	const struct sim_item *item, const struct shape *shape);
void item_add_message_id(struct buf *out, const struct view *v, size_t folder,
	const struct sim_item *item); /* m:ItemId, of ExportItems and UploadItems */
void item_add_id(struct buf *out, const struct view *v, size_t folder, const struct sim_item *item);

/* The parts both share. */
struct shape_field {
	const char *uri;
	bool is_default; /* of BaseShape Default */
};
bool shape_read(const xmlNode *node, const struct shape_field *table, size_t count,
	const char *kind, struct shape *out, struct shape_refusal *why);
void extended_add_xml(struct buf *out, const struct extended_field *f, const char *value);
/* One that a client set; does nothing when the item doesn't have it. */
void extended_add_kept(
	struct buf *out, const struct extended_field *f, const struct sim_item *item);

#endif
