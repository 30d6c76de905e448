/* SPDX-License-Identifier: Apache-2.0 */
#include "ews.h"

#define NO_FOLDERS "<m:Folders/>"
#define NO_ITEMS "<m:Items/>"
/* Exchange's trap: an empty state, and the word that this was all. */
#define EMPTY_SYNC "<m:SyncState/><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange>"

const struct ews_operation ews_operations[] = {
	{ .name = "FindFolder",
		.schema = &schema_find_folder,
		.run = op_find_folder,
		.at = { .list = "ParentFolderIds" },
		.freshness = VIEW_FRESH },
	{ .name = "FindItem",
		.schema = &schema_find_item,
		.run = op_find_item,
		.at = { .list = "ParentFolderIds" },
		.freshness = VIEW_FRESH },
	{ .name = "GetFolder",
		.schema = &schema_get_folder,
		.run = op_get_folder,
		.at = { .list = "FolderIds" },
		.freshness = VIEW_FRESH,
		.payload = NO_FOLDERS },
	{ .name = "GetItem",
		.schema = &schema_get_item,
		.run = op_get_item,
		.at = { .list = "ItemIds" },
		.freshness = VIEW_KNOWN,
		.payload = NO_ITEMS },
	{ .name = "SyncFolderItems",
		.schema = &schema_sync_folder_items,
		.run = op_sync_folder_items,
		.at = { .list = "SyncFolderId" },
		.freshness = VIEW_FRESH,
		.payload = EMPTY_SYNC },
	{ .name = NULL },
};
