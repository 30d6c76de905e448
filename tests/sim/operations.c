/* SPDX-License-Identifier: Apache-2.0 */
#include "ews.h"

const struct ews_operation ews_operations[] = {
	{ "FindFolder", &schema_find_folder, op_find_folder },
	{ "FindItem", &schema_find_item, op_find_item },
	{ "GetFolder", &schema_get_folder, op_get_folder },
	{ "GetItem", &schema_get_item, op_get_item },
	{ "SyncFolderItems", &schema_sync_folder_items, op_sync_folder_items },
	{ NULL, NULL, NULL },
};
