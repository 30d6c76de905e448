/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small reading of the EWS schema: element order, required elements and attributes, and values,
 * for the operations served. Content models are sequences of slots; a slot is a choice of elements
 * that may stand there min to max times. The tables (schema_tables.c) are made by hand from
 * messages.xsd and types.xsd.
 */
#ifndef SIM_SCHEMA_H
#define SIM_SCHEMA_H

#include <stdbool.h>

#include "xmlin.h"

#define SCHEMA_UNBOUNDED 0xffffffffU

struct schema_value {
	const char *datatype;           /* for messages */
	bool (*fits)(const char *text); /* or */
	const char *const *allowed;     /* ends with NULL */
};

struct schema_attribute {
	const char *name;
	const struct schema_value *value;
	bool required;
};

struct schema_element {
	const char *ns, *name;
	const struct schema_type *type;
};

struct schema_slot {
	const struct schema_element *choices; /* ends with a name of NULL */
	unsigned min, max;
};

struct schema_type {
	const struct schema_slot *slots; /* ends with choices of NULL; NULL: no children */
	const struct schema_attribute *attributes; /* ends with a name of NULL; NULL: none */
	const struct schema_value *value;          /* of the text, when there are no slots */
	bool is_open;                              /* not looked into */
	bool is_thing; /* an item or folder: its children stand in the order of schema_items.c */
};

/* False: *out tells the first violation. */
bool schema_check(const xmlNode *node, const struct schema_type *type, struct xml_violation *out);

/* schema_tables.c */
extern const struct schema_type schema_find_folder, schema_get_folder, schema_find_item,
	schema_get_item, schema_sync_folder_items, schema_impersonation, schema_any,
	schema_create_item, schema_delete_item, schema_move_item, schema_update_item,
	schema_export_items, schema_upload_items, schema_create_folder, schema_delete_folder,
	schema_move_folder, schema_update_folder, schema_sync_folder_hierarchy,
	schema_resolve_names, schema_convert_id;
bool schema_knows_version(const char *version);

#endif
