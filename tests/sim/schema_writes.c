/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables for the operations that change something, and for the hierarchy's sync; made by hand from
 * messages.xsd and types.xsd.
 */
#include <stddef.h>

#include "schema_types.h"
#include "soap_out.h"

static const char *const dispositions[] = { "SaveOnly", "SendOnly", "SendAndSaveCopy", NULL };
static const char *const invitations[] = { "SendToNone", "SendOnlyToAll", "SendToAllAndSaveCopy",
	NULL };
static const char *const update_invitations[] = { "SendToNone", "SendOnlyToAll",
	"SendOnlyToChanged", "SendToAllAndSaveCopy", "SendToChangedAndSaveCopy", NULL };
static const char *const disposals[] = { "HardDelete", "SoftDelete", "MoveToDeletedItems", NULL };
static const char *const occurrences[] = { "AllOccurrences", "SpecifiedOccurrenceOnly", NULL };
static const char *const conflicts[] = { "NeverOverwrite", "AutoResolve", "AlwaysOverwrite", NULL };
static const char *const actions[] = { "CreateNew", "Update", "UpdateOrCreate", NULL };

static const struct schema_value disposition_value = { TYPE_NAME("MessageDispositionType"), NULL,
	dispositions };
static const struct schema_value invitation_value = {
	TYPE_NAME("CalendarItemCreateOrDeleteOperationType"), NULL, invitations
};
static const struct schema_value update_invitation_value = {
	TYPE_NAME("CalendarItemUpdateOperationType"), NULL, update_invitations
};
static const struct schema_value disposal_value = { TYPE_NAME("DisposalType"), NULL, disposals };
static const struct schema_value occurrence_value = { TYPE_NAME("AffectedTaskOccurrencesType"),
	NULL, occurrences };
static const struct schema_value conflict_value = { TYPE_NAME("ConflictResolutionType"), NULL,
	conflicts };
static const struct schema_value action_value = { TYPE_NAME("CreateActionType"), NULL, actions };

static const struct schema_type thing_type = { .is_thing = true };

static const struct schema_element things[] = {
	{ NS_TYPES, "Item", &thing_type },
	{ NS_TYPES, "Message", &thing_type },
	{ NS_TYPES, "SharingMessage", &thing_type },
	{ NS_TYPES, "CalendarItem", &thing_type },
	{ NS_TYPES, "Contact", &thing_type },
	{ NS_TYPES, "DistributionList", &thing_type },
	{ NS_TYPES, "MeetingMessage", &thing_type },
	{ NS_TYPES, "MeetingRequest", &thing_type },
	{ NS_TYPES, "MeetingResponse", &thing_type },
	{ NS_TYPES, "MeetingCancellation", &thing_type },
	{ NS_TYPES, "Task", &thing_type },
	{ NS_TYPES, "PostItem", &thing_type },
	{ NS_TYPES, "ReplyToItem", &schema_any },
	{ NS_TYPES, "ForwardItem", &schema_any },
	END_OF_ELEMENTS,
};
static const struct schema_slot things_slots[] = { { things, 1, SCHEMA_UNBOUNDED }, END_OF_SLOTS };
static const struct schema_type things_type = { .slots = things_slots };

static const struct schema_slot create_item_slots[] = {
	{ M_ELEMENT("SavedItemFolderId", schema_target_folder), 0, 1 },
	{ M_ELEMENT("Items", things_type), 1, 1 },
	END_OF_SLOTS,
};
static const struct schema_attribute create_item_attributes[] = {
	{ "MessageDisposition", &disposition_value, false },
	{ "SendMeetingInvitations", &invitation_value, false },
	END_OF_ATTRIBUTES,
};
const struct schema_type schema_create_item = { .slots = create_item_slots,
	.attributes = create_item_attributes };

static const struct schema_slot only_items_slots[] = {
	{ M_ELEMENT("ItemIds", schema_item_ids), 1, 1 },
	END_OF_SLOTS,
};
static const struct schema_attribute delete_item_attributes[] = {
	{ "DeleteType", &disposal_value, true },
	{ "SendMeetingCancellations", &invitation_value, false },
	{ "AffectedTaskOccurrences", &occurrence_value, false },
	{ "SuppressReadReceipts", &schema_boolean_value, false },
	END_OF_ATTRIBUTES,
};
const struct schema_type schema_delete_item = { .slots = only_items_slots,
	.attributes = delete_item_attributes };
const struct schema_type schema_export_items = { .slots = only_items_slots };

static const struct schema_slot move_item_slots[] = {
	{ M_ELEMENT("ToFolderId", schema_target_folder), 1, 1 },
	{ M_ELEMENT("ItemIds", schema_item_ids), 1, 1 },
	{ M_ELEMENT("ReturnNewItemIds", schema_boolean), 0, 1 },
	END_OF_SLOTS,
};
const struct schema_type schema_move_item = { .slots = move_item_slots };

static const struct schema_element fields[] = {
	{ NS_TYPES, "FieldURI", &schema_any },
	{ NS_TYPES, "IndexedFieldURI", &schema_any },
	{ NS_TYPES, "ExtendedFieldURI", &schema_any },
	END_OF_ELEMENTS,
};
static const struct schema_slot set_field_slots[] = {
	{ fields, 1, 1 },
	{ things, 1, 1 },
	END_OF_SLOTS,
};
static const struct schema_type set_field_type = { .slots = set_field_slots };
static const struct schema_slot delete_field_slots[] = { { fields, 1, 1 }, END_OF_SLOTS };
static const struct schema_type delete_field_type = { .slots = delete_field_slots };
static const struct schema_element updates[] = {
	{ NS_TYPES, "SetItemField", &set_field_type },
	{ NS_TYPES, "AppendToItemField", &set_field_type },
	{ NS_TYPES, "DeleteItemField", &delete_field_type },
	END_OF_ELEMENTS,
};
static const struct schema_slot updates_slots[] = { { updates, 1, SCHEMA_UNBOUNDED },
	END_OF_SLOTS };
static const struct schema_type updates_type = { .slots = updates_slots };
static const struct schema_element one_item_id[] = {
	{ NS_TYPES, "ItemId", &schema_any },
	{ NS_TYPES, "OccurrenceItemId", &schema_any },
	{ NS_TYPES, "RecurringMasterItemId", &schema_any },
	END_OF_ELEMENTS,
};
static const struct schema_slot item_change_slots[] = {
	{ one_item_id, 1, 1 },
	{ T_ELEMENT("Updates", updates_type), 1, 1 },
	END_OF_SLOTS,
};
static const struct schema_type item_change_type = { .slots = item_change_slots };
static const struct schema_slot item_changes_slots[] = {
	{ T_ELEMENT("ItemChange", item_change_type), 1, SCHEMA_UNBOUNDED },
	END_OF_SLOTS,
};
static const struct schema_type item_changes_type = { .slots = item_changes_slots };
static const struct schema_slot update_item_slots[] = {
	{ M_ELEMENT("SavedItemFolderId", schema_target_folder), 0, 1 },
	{ M_ELEMENT("ItemChanges", item_changes_type), 1, 1 },
	END_OF_SLOTS,
};
static const struct schema_attribute update_item_attributes[] = {
	{ "ConflictResolution", &conflict_value, true },
	{ "MessageDisposition", &disposition_value, false },
	{ "SendMeetingInvitationsOrCancellations", &update_invitation_value, false },
	{ "SuppressReadReceipts", &schema_boolean_value, false },
	END_OF_ATTRIBUTES,
};
const struct schema_type schema_update_item = { .slots = update_item_slots,
	.attributes = update_item_attributes };

static const struct schema_slot upload_slots[] = {
	{ T_ELEMENT("ParentFolderId", schema_any), 1, 1 },
	{ T_ELEMENT("ItemId", schema_any), 0, 1 },
	{ T_ELEMENT("Data", schema_text), 1, 1 },
	END_OF_SLOTS,
};
static const struct schema_attribute upload_attributes[] = {
	{ "CreateAction", &action_value, true },
	{ "IsAssociated", &schema_boolean_value, false },
	END_OF_ATTRIBUTES,
};
static const struct schema_type upload_type = { .slots = upload_slots,
	.attributes = upload_attributes };
static const struct schema_slot uploads_slots[] = {
	{ T_ELEMENT("Item", upload_type), 1, SCHEMA_UNBOUNDED },
	END_OF_SLOTS,
};
static const struct schema_type uploads_type = { .slots = uploads_slots };
static const struct schema_slot upload_items_slots[] = {
	{ M_ELEMENT("Items", uploads_type), 1, 1 },
	END_OF_SLOTS,
};
const struct schema_type schema_upload_items = { .slots = upload_items_slots };

static const struct schema_element folders[] = {
	{ NS_TYPES, "Folder", &thing_type },
	{ NS_TYPES, "CalendarFolder", &thing_type },
	{ NS_TYPES, "ContactsFolder", &thing_type },
	{ NS_TYPES, "SearchFolder", &thing_type },
	{ NS_TYPES, "TasksFolder", &thing_type },
	END_OF_ELEMENTS,
};
static const struct schema_slot folders_slots[] = { { folders, 1, SCHEMA_UNBOUNDED },
	END_OF_SLOTS };
static const struct schema_type folders_type = { .slots = folders_slots };
static const struct schema_slot create_folder_slots[] = {
	{ M_ELEMENT("ParentFolderId", schema_target_folder), 1, 1 },
	{ M_ELEMENT("Folders", folders_type), 1, 1 },
	END_OF_SLOTS,
};
const struct schema_type schema_create_folder = { .slots = create_folder_slots };

static const struct schema_slot delete_folder_slots[] = {
	{ M_ELEMENT("FolderIds", schema_folder_ids), 1, 1 },
	END_OF_SLOTS,
};
static const struct schema_attribute delete_folder_attributes[] = {
	{ "DeleteType", &disposal_value, true },
	END_OF_ATTRIBUTES,
};
const struct schema_type schema_delete_folder = { .slots = delete_folder_slots,
	.attributes = delete_folder_attributes };

static const struct schema_slot move_folder_slots[] = {
	{ M_ELEMENT("ToFolderId", schema_target_folder), 1, 1 },
	{ M_ELEMENT("FolderIds", schema_folder_ids), 1, 1 },
	END_OF_SLOTS,
};
const struct schema_type schema_move_folder = { .slots = move_folder_slots };

static const struct schema_slot update_folder_slots[] = {
	{ M_ELEMENT("FolderChanges", schema_any), 1, 1 },
	END_OF_SLOTS,
};
const struct schema_type schema_update_folder = { .slots = update_folder_slots };

static const struct schema_slot sync_hierarchy_slots[] = {
	{ M_ELEMENT("FolderShape", schema_folder_shape), 1, 1 },
	{ M_ELEMENT("SyncFolderId", schema_target_folder), 0, 1 },
	{ M_ELEMENT("SyncState", schema_text), 0, 1 },
	END_OF_SLOTS,
};
const struct schema_type schema_sync_folder_hierarchy = { .slots = sync_hierarchy_slots };

static const char *const id_formats[] = { "EwsLegacyId", "EwsId", "EntryId", "HexEntryId",
	"StoreId", "OwaId", NULL };
static const struct schema_value id_format_value = { TYPE_NAME("IdFormatType"), NULL, id_formats };
static const struct schema_attribute alternate_id_attributes[] = {
	{ "Format", &id_format_value, true },
	{ "Id", NULL, true },
	{ "Mailbox", NULL, true },
	{ "IsArchive", &schema_boolean_value, false },
	END_OF_ATTRIBUTES,
};
static const struct schema_type alternate_id_type = { .attributes = alternate_id_attributes };
static const struct schema_element alternate_ids[] = {
	{ NS_TYPES, "AlternateId", &alternate_id_type },
	{ NS_TYPES, "AlternatePublicFolderId", &schema_any },
	{ NS_TYPES, "AlternatePublicFolderItemId", &schema_any },
	END_OF_ELEMENTS,
};
static const struct schema_slot alternate_ids_slots[] = { { alternate_ids, 1, SCHEMA_UNBOUNDED },
	END_OF_SLOTS };
static const struct schema_type alternate_ids_type = { .slots = alternate_ids_slots };
static const struct schema_slot convert_id_slots[] = {
	{ M_ELEMENT("SourceIds", alternate_ids_type), 1, 1 },
	END_OF_SLOTS,
};
static const struct schema_attribute convert_id_attributes[] = {
	{ "DestinationFormat", &id_format_value, true },
	END_OF_ATTRIBUTES,
};
const struct schema_type schema_convert_id = { .slots = convert_id_slots,
	.attributes = convert_id_attributes };

static const struct schema_slot resolve_slots[] = {
	{ M_ELEMENT("ParentFolderIds", schema_folder_ids), 0, 1 },
	{ M_ELEMENT("UnresolvedEntry", schema_filled), 1, 1 },
	END_OF_SLOTS,
};
static const struct schema_attribute resolve_attributes[] = {
	{ "ReturnFullContactData", &schema_boolean_value, true },
	{ "SearchScope", NULL, false },
	{ "ContactDataShape", NULL, false },
	END_OF_ATTRIBUTES,
};
const struct schema_type schema_resolve_names = { .slots = resolve_slots,
	.attributes = resolve_attributes };
