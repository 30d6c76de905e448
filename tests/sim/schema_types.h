/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two tables (schema_tables.c: reading, schema_writes.c: writing) share.
 */
#ifndef SIM_SCHEMA_TYPES_H
#define SIM_SCHEMA_TYPES_H

#include "schema.h"

#define END_OF_ELEMENTS          \
	{                        \
		NULL, NULL, NULL \
	}
#define END_OF_SLOTS       \
	{                  \
		NULL, 0, 0 \
	}
#define END_OF_ATTRIBUTES         \
	{                         \
		NULL, NULL, false \
	}

/* One element of the types (T) or messages (M) namespace as a slot of its own. */
#define T_ELEMENT(n, t)                                \
	(const struct schema_element[])                \
	{                                              \
		{ NS_TYPES, n, &(t) }, END_OF_ELEMENTS \
	}
#define M_ELEMENT(n, t)                                   \
	(const struct schema_element[])                   \
	{                                                 \
		{ NS_MESSAGES, n, &(t) }, END_OF_ELEMENTS \
	}

#define TYPE_NAME(name) NS_TYPES ":" name

extern const struct schema_value schema_boolean_value;
extern const struct schema_type schema_text, schema_boolean, schema_filled, schema_folder_shape,
	schema_folder_ids, schema_target_folder, schema_item_ids, schema_paths;

#endif
