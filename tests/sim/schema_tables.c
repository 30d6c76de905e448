/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables made by hand from messages.xsd and types.xsd (15.2.2562.17): what may stand where. Parts
 * of requests that this simulator takes no notice of (restrictions, recurring masters, ...) are
 * open.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "exarch/bytes.h"

#include "schema_types.h"
#include "soap_out.h"

#define MAX_SYNC_CHANGES 512 /* MaxSyncChangesReturnedType */
static const char *const versions[] = { "Exchange2007", "Exchange2007_SP1", "Exchange2009",
	"Exchange2010", "Exchange2010_SP1", "Exchange2010_SP2", "Exchange2012", "Exchange2013",
	"Exchange2013_SP1", "Exchange2015", "Exchange2016", "V2015_10_05", "V2016_01_06",
	"V2016_04_13", "V2016_07_13", "V2016_10_10", "V2017_01_07", "V2017_04_14", "V2017_07_11",
	NULL };

static const char *const shapes[] = { "IdOnly", "Default", "AllProperties", "PcxPeopleSearch",
	NULL };

static const char *const body_types[] = { "Best", "HTML", "Text", NULL };

static const char *const scopes[] = { "NormalItems", "NormalAndAssociatedItems", NULL };

static const char *const folder_traversals[] = { "Shallow", "Deep", "SoftDeleted", NULL };

static const char *const item_traversals[] = { "Shallow", "SoftDeleted", "Associated", NULL };

static const char *const base_points[] = { "Beginning", "End", NULL };

static const char *const property_sets[] = { "Meeting", "Appointment", "Common", "PublicStrings",
	"Address", "InternetHeaders", "CalendarAssistant", "UnifiedMessaging", "Task", "Sharing",
	NULL };

static const char *const property_types[] = { "ApplicationTime", "ApplicationTimeArray", "Binary",
	"BinaryArray", "Boolean", "CLSID", "CLSIDArray", "Currency", "CurrencyArray", "Double",
	"DoubleArray", "Error", "Float", "FloatArray", "Integer", "IntegerArray", "Long",
	"LongArray", "Null", "Object", "ObjectArray", "Short", "ShortArray", "SystemTime",
	"SystemTimeArray", "String", "StringArray", NULL };

static const char *const distinguished_folders[] = { "calendar", "contacts", "deleteditems",
	"drafts", "inbox", "journal", "notes", "outbox", "sentitems", "tasks", "msgfolderroot",
	"publicfoldersroot", "root", "junkemail", "searchfolders", "voicemail",
	"recoverableitemsroot", "recoverableitemsdeletions", "recoverableitemsversions",
	"recoverableitemspurges", "recoverableitemsdiscoveryholds", "archiveroot",
	"archivemsgfolderroot", "archivedeleteditems", "archiveinbox",
	"archiverecoverableitemsroot", "archiverecoverableitemsdeletions",
	"archiverecoverableitemsversions", "archiverecoverableitemspurges",
	"archiverecoverableitemsdiscoveryholds", "syncissues", "conflicts", "localfailures",
	"serverfailures", "recipientcache", "quickcontacts", "conversationhistory",
	"adminauditlogs", "todosearch", "mycontacts", "directory", "imcontactlist", "peopleconnect",
	"favorites", "mecontact", "personmetadata", "teamspaceactivity", "teamspacemessaging",
	"teamspaceworkitems", "scheduled", "orionnotes", "tagitems", "alltaggeditems",
	"externalcontacts", "teamchat", "teamchathistory", "yammerroot", "yammerinbound",
	"yammeroutbound", "yammerfeeds", "onedriveroot", "onedriverecylebin", "onedrivesystem",
	"onedrivevolume", "important", "starred", "archive", NULL };

static const char *const field_uris[] = { "folder:FolderId", "folder:ParentFolderId",
	"folder:DisplayName", "folder:UnreadCount", "folder:TotalCount", "folder:ChildFolderCount",
	"folder:FolderClass", "folder:SearchParameters", "folder:ManagedFolderInformation",
	"folder:PermissionSet", "folder:EffectiveRights", "folder:SharingEffectiveRights",
	"folder:DistinguishedFolderId", "folder:PolicyTag", "folder:ArchiveTag",
	"folder:ReplicaList", "item:ItemId", "item:ParentFolderId", "item:ItemClass",
	"item:MimeContent", "item:Attachments", "item:Subject", "item:DateTimeReceived",
	"item:Size", "item:Categories", "item:HasAttachments", "item:Importance", "item:InReplyTo",
	"item:InternetMessageHeaders", "item:IsAssociated", "item:IsDraft", "item:IsFromMe",
	"item:IsResend", "item:IsSubmitted", "item:IsUnmodified", "item:DateTimeSent",
	"item:DateTimeCreated", "item:Body", "item:ResponseObjects", "item:Sensitivity",
	"item:ReminderDueBy", "item:ReminderIsSet", "item:ReminderNextTime",
	"item:ReminderMinutesBeforeStart", "item:DisplayTo", "item:DisplayCc", "item:DisplayBcc",
	"item:Culture", "item:EffectiveRights", "item:LastModifiedName", "item:LastModifiedTime",
	"item:ConversationId", "item:UniqueBody", "item:Flag", "item:StoreEntryId",
	"item:InstanceKey", "item:NormalizedBody", "item:EntityExtractionResult", "item:PolicyTag",
	"item:ArchiveTag", "item:RetentionDate", "item:Preview", "item:PredictedActionReasons",
	"item:IsClutter", "item:RightsManagementLicenseData", "item:BlockStatus",
	"item:HasBlockedImages", "item:WebClientReadFormQueryString",
	"item:WebClientEditFormQueryString", "item:TextBody", "item:IconIndex",
	"item:MimeContentUTF8", "item:Mentions", "item:MentionedMe", "item:MentionsPreview",
	"item:MentionsEx", "item:Hashtags", "item:AppliedHashtags", "item:AppliedHashtagsPreview",
	"item:Likes", "item:LikesPreview", "item:PendingSocialActivityTagIds", "item:AtAllMention",
	"item:CanDelete", "item:InferenceClassification", "item:FirstBody",
	"message:ConversationIndex", "message:ConversationTopic", "message:InternetMessageId",
	"message:IsRead", "message:IsResponseRequested", "message:IsReadReceiptRequested",
	"message:IsDeliveryReceiptRequested", "message:ReceivedBy", "message:ReceivedRepresenting",
	"message:References", "message:ReplyTo", "message:From", "message:Sender",
	"message:ToRecipients", "message:CcRecipients", "message:BccRecipients",
	"message:ApprovalRequestData", "message:VotingInformation", "message:ReminderMessageData",
	"message:PublishedCalendarItemIcs", "message:PublishedCalendarItemName",
	"message:MessageSafety", "sharingMessage:SharingMessageAction",
	"meeting:AssociatedCalendarItemId", "meeting:IsDelegated", "meeting:IsOutOfDate",
	"meeting:HasBeenProcessed", "meeting:ResponseType", "meeting:ProposedStart",
	"meeting:ProposedEnd", "meeting:DoNotForwardMeeting", "meetingRequest:MeetingRequestType",
	"meetingRequest:IntendedFreeBusyStatus", "meetingRequest:ChangeHighlights",
	"calendar:Start", "calendar:End", "calendar:OriginalStart", "calendar:StartWallClock",
	"calendar:EndWallClock", "calendar:StartTimeZoneId", "calendar:EndTimeZoneId",
	"calendar:IsAllDayEvent", "calendar:LegacyFreeBusyStatus", "calendar:Location",
	"calendar:EnhancedLocation", "calendar:When", "calendar:IsMeeting", "calendar:IsCancelled",
	"calendar:IsRecurring", "calendar:MeetingRequestWasSent", "calendar:IsResponseRequested",
	"calendar:CalendarItemType", "calendar:MyResponseType", "calendar:Organizer",
	"calendar:RequiredAttendees", "calendar:OptionalAttendees", "calendar:Resources",
	"calendar:ConflictingMeetingCount", "calendar:AdjacentMeetingCount",
	"calendar:ConflictingMeetings", "calendar:AdjacentMeetings", "calendar:InboxReminders",
	"calendar:Duration", "calendar:TimeZone", "calendar:AppointmentReplyTime",
	"calendar:AppointmentSequenceNumber", "calendar:AppointmentState", "calendar:Recurrence",
	"calendar:FirstOccurrence", "calendar:LastOccurrence", "calendar:ModifiedOccurrences",
	"calendar:DeletedOccurrences", "calendar:MeetingTimeZone", "calendar:ConferenceType",
	"calendar:AllowNewTimeProposal", "calendar:IsOnlineMeeting", "calendar:MeetingWorkspaceUrl",
	"calendar:NetShowUrl", "calendar:UID", "calendar:RecurrenceId", "calendar:DateTimeStamp",
	"calendar:StartTimeZone", "calendar:EndTimeZone", "calendar:JoinOnlineMeetingUrl",
	"calendar:OnlineMeetingSettings", "calendar:IsOrganizer", "calendar:CalendarActivityData",
	"calendar:DoNotForwardMeeting", "task:ActualWork", "task:AssignedTime",
	"task:BillingInformation", "task:ChangeCount", "task:Companies", "task:CompleteDate",
	"task:Contacts", "task:DelegationState", "task:Delegator", "task:DueDate",
	"task:IsAssignmentEditable", "task:IsComplete", "task:IsRecurring", "task:IsTeamTask",
	"task:Mileage", "task:Owner", "task:PercentComplete", "task:Recurrence", "task:StartDate",
	"task:Status", "task:StatusDescription", "task:TotalWork", "contacts:Alias",
	"contacts:AssistantName", "contacts:Birthday", "contacts:BusinessHomePage",
	"contacts:Children", "contacts:Companies", "contacts:CompanyName", "contacts:CompleteName",
	"contacts:ContactSource", "contacts:Culture", "contacts:Department", "contacts:DisplayName",
	"contacts:DirectoryId", "contacts:DirectReports", "contacts:EmailAddresses",
	"contacts:AbchEmailAddresses", "contacts:FileAs", "contacts:FileAsMapping",
	"contacts:Generation", "contacts:GivenName", "contacts:ImAddresses", "contacts:Initials",
	"contacts:JobTitle", "contacts:Manager", "contacts:ManagerMailbox", "contacts:MiddleName",
	"contacts:Mileage", "contacts:MSExchangeCertificate", "contacts:Nickname", "contacts:Notes",
	"contacts:OfficeLocation", "contacts:PhoneNumbers", "contacts:PhoneticFullName",
	"contacts:PhoneticFirstName", "contacts:PhoneticLastName", "contacts:Photo",
	"contacts:PhysicalAddresses", "contacts:PostalAddressIndex", "contacts:Profession",
	"contacts:SpouseName", "contacts:Surname", "contacts:WeddingAnniversary",
	"contacts:UserSMIMECertificate", "contacts:HasPicture", "contacts:AccountName",
	"contacts:IsAutoUpdateDisabled", "contacts:IsMessengerEnabled", "contacts:Comment",
	"contacts:ContactShortId", "contacts:ContactType", "contacts:CreatedBy", "contacts:Gender",
	"contacts:IsHidden", "contacts:ObjectId", "contacts:PassportId", "contacts:IsPrivate",
	"contacts:SourceId", "contacts:TrustLevel", "contacts:Urls", "contacts:Cid",
	"contacts:SkypeAuthCertificate", "contacts:SkypeContext", "contacts:SkypeId",
	"contacts:XboxLiveTag", "contacts:SkypeRelationship", "contacts:YomiNickname",
	"contacts:InviteFree", "contacts:HidePresenceAndProfile", "contacts:IsPendingOutbound",
	"contacts:SupportGroupFeeds", "contacts:UserTileHash", "contacts:UnifiedInbox",
	"contacts:Mris", "contacts:Wlid", "contacts:AbchContactId",
	"contacts:NotInBirthdayCalendar", "contacts:ShellContactType", "contacts:ImMri",
	"contacts:PresenceTrustLevel", "contacts:OtherMri", "contacts:ProfileLastChanged",
	"contacts:MobileIMEnabled", "distributionlist:Members",
	"contacts:PartnerNetworkProfilePhotoUrl", "contacts:PartnerNetworkThumbnailPhotoUrl",
	"contacts:PersonId", "contacts:ConversationGuid", "postitem:PostedTime", "person:FullName",
	"person:GivenName", "person:Surname", "person:PhoneNumber", "person:SMSNumber",
	"person:EmailAddress", "person:Alias", "person:Department", "person:LinkedInProfileLink",
	"person:Skills", "person:ProfessionalBiography", "person:ManagementChain",
	"person:DirectReports", "person:Peers", "person:TeamSize", "person:CurrentJob",
	"person:Birthday", "person:Hometown", "person:CurrentLocation", "person:CompanyProfile",
	"person:Office", "person:Headline", "person:MutualConnections", "person:Title",
	"person:MutualManager", "person:Insights", "person:UserProfilePicture",
	"rolemember:MemberType", "rolemember:MemberId", "rolemember:DisplayName",
	"network:TokenRefreshLastCompleted", "network:TokenRefreshLastAttempted",
	"network:SyncEnabled", "network:RejectedOffers", "network:SessionHandle",
	"network:RefreshTokenExpiry2", "network:RefreshToken2", "network:PsaLastChanged",
	"network:Offers", "network:LastWelcomeContact", "network:LastVersionSaved",
	"network:DomainTag", "network:FirstAuthErrorDates", "network:ErrorOffers",
	"network:ContactSyncSuccess", "network:ContactSyncError", "network:ClientToken2",
	"network:ClientToken", "network:ClientPublishSecret", "network:UserEmail",
	"network:AutoLinkSuccess", "network:AutoLinkError", "network:IsDefault", "network:Settings",
	"network:ProfileUrl", "network:UserTileUrl", "network:DomainId", "network:DisplayName",
	"network:AccountName", "network:SourceEntryID", "abchperson:FavoriteOrder",
	"abchperson:PersonId", "abchperson:ExchangePersonIdGuid", "abchperson:AntiLinkInfo",
	"abchperson:RelevanceOrder1", "abchperson:RelevanceOrder2", "abchperson:ContactHandles",
	"abchperson:Categories", "booking:ServiceIds", "booking:StaffIds", "booking:StaffInitials",
	"booking:CustomerName", "booking:CustomerEmail", "booking:CustomerPhone",
	"booking:CustomerId", "insight:InsightId", "insight:Type", "insight:StartTimeUtc",
	"insight:EndTimeUtc", "insight:Status", "insight:Version", "insight:ApplicationsIds",
	"insight:Text", "insight:SuggestedActions", "insight:AppContexts", NULL };

static bool
is_boolean(const char *text)
{
	return strcmp(text, "true") == 0 || strcmp(text, "false") == 0 || strcmp(text, "1") == 0 ||
	       strcmp(text, "0") == 0;
}

static bool
is_int_within(const char *text, long least, long most)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(text, &end, 10);
	return end != text && *end == '\0' && !isspace((unsigned char)*text) && errno == 0 &&
	       v >= least && v <= most;
}

static bool
is_int(const char *text)
{
	return is_int_within(text, INT_MIN, INT_MAX);
}

static bool
is_sync_maximum(const char *text)
{
	return is_int_within(text, 1, MAX_SYNC_CHANGES);
}

/* 0x and one to four hex digits, or an unsigned short. */
static bool
is_property_tag(const char *text)
{
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		size_t n = strspn(text + 2, "0123456789abcdefABCDEF");

		return n >= 1 && n <= 4 && text[2 + n] == '\0';
	}
	return is_int_within(text, 0, USHRT_MAX);
}

static bool
is_guid(const char *text)
{
	return strlen(text) == 36 && strspn(text, "0123456789abcdefABCDEF-") == 36;
}

static bool
is_filled(const char *text)
{
	return *text != '\0';
}

const struct schema_value schema_boolean_value = { "http://www.w3.org/2001/XMLSchema:boolean",
	is_boolean, NULL };
static const struct schema_value int_value = { "http://www.w3.org/2001/XMLSchema:int", is_int,
	NULL };
static const struct schema_value sync_max_value = { TYPE_NAME("MaxSyncChangesReturnedType"),
	is_sync_maximum, NULL };
static const struct schema_value tag_value = { TYPE_NAME("PropertyTagType"), is_property_tag,
	NULL };
static const struct schema_value guid_value = { TYPE_NAME("GuidType"), is_guid, NULL };
static const struct schema_value filled_value = { TYPE_NAME("NonEmptyStringType"), is_filled,
	NULL };
static const struct schema_value shape_value = { TYPE_NAME("DefaultShapeNamesType"), NULL, shapes };
static const struct schema_value body_type_value = { TYPE_NAME("BodyTypeResponseType"), NULL,
	body_types };
static const struct schema_value scope_value = { TYPE_NAME("SyncFolderItemsScopeType"), NULL,
	scopes };
static const struct schema_value folder_traversal_value = { TYPE_NAME("FolderQueryTraversalType"),
	NULL, folder_traversals };
static const struct schema_value item_traversal_value = { TYPE_NAME("ItemQueryTraversalType"), NULL,
	item_traversals };
static const struct schema_value base_point_value = { TYPE_NAME("IndexBasePointType"), NULL,
	base_points };
static const struct schema_value property_set_value = { TYPE_NAME("DistinguishedPropertySetType"),
	NULL, property_sets };
static const struct schema_value property_type_value = { TYPE_NAME("MapiPropertyTypeType"), NULL,
	property_types };
static const struct schema_value distinguished_value = { TYPE_NAME("DistinguishedFolderIdNameType"),
	NULL, distinguished_folders };
static const struct schema_value field_uri_value = { TYPE_NAME("UnindexedFieldURIType"), NULL,
	field_uris };

const struct schema_type schema_any = { .is_open = true };
const struct schema_type schema_text = { NULL };
const struct schema_type schema_filled = { .value = &filled_value };
const struct schema_type schema_boolean = { .value = &schema_boolean_value };
static const struct schema_type int_type = { .value = &int_value };
static const struct schema_type shape_type = { .value = &shape_value };
static const struct schema_type body_kind_type = { .value = &body_type_value };
static const struct schema_type scope_type = { .value = &scope_value };
static const struct schema_type sync_max_type = { .value = &sync_max_value };

static const struct schema_attribute field_uri_attributes[] = {
	{ "FieldURI", &field_uri_value, true },
	END_OF_ATTRIBUTES,
};
static const struct schema_type field_uri_type = { .attributes = field_uri_attributes };

static const struct schema_attribute indexed_uri_attributes[] = {
	{ "FieldURI", &filled_value, true },
	{ "FieldIndex", NULL, true },
	END_OF_ATTRIBUTES,
};
static const struct schema_type indexed_uri_type = { .attributes = indexed_uri_attributes };

static const struct schema_attribute extended_uri_attributes[] = {
	{ "DistinguishedPropertySetId", &property_set_value, false },
	{ "PropertySetId", &guid_value, false },
	{ "PropertyTag", &tag_value, false },
	{ "PropertyName", NULL, false },
	{ "PropertyId", &int_value, false },
	{ "PropertyType", &property_type_value, true },
	END_OF_ATTRIBUTES,
};
static const struct schema_type extended_uri_type = { .attributes = extended_uri_attributes };

static const struct schema_element paths[] = {
	{ NS_TYPES, "FieldURI", &field_uri_type },
	{ NS_TYPES, "IndexedFieldURI", &indexed_uri_type },
	{ NS_TYPES, "ExtendedFieldURI", &extended_uri_type },
	END_OF_ELEMENTS,
};
static const struct schema_slot paths_slots[] = { { paths, 1, SCHEMA_UNBOUNDED }, END_OF_SLOTS };
const struct schema_type schema_paths = { .slots = paths_slots };

static const struct schema_slot folder_shape_slots[] = {
	{ T_ELEMENT("BaseShape", shape_type), 1, 1 },
	{ T_ELEMENT("AdditionalProperties", schema_paths), 0, 1 },
	END_OF_SLOTS,
};
const struct schema_type schema_folder_shape = { .slots = folder_shape_slots };

static const struct schema_slot item_shape_slots[] = {
	{ T_ELEMENT("BaseShape", shape_type), 1, 1 },
	{ T_ELEMENT("IncludeMimeContent", schema_boolean), 0, 1 },
	{ T_ELEMENT("BodyType", body_kind_type), 0, 1 },
	{ T_ELEMENT("UniqueBodyType", body_kind_type), 0, 1 },
	{ T_ELEMENT("NormalizedBodyType", body_kind_type), 0, 1 },
	{ T_ELEMENT("FilterHtmlContent", schema_boolean), 0, 1 },
	{ T_ELEMENT("ConvertHtmlCodePageToUTF8", schema_boolean), 0, 1 },
	{ T_ELEMENT("InlineImageUrlTemplate", schema_text), 0, 1 },
	{ T_ELEMENT("BlockExternalImages", schema_boolean), 0, 1 },
	{ T_ELEMENT("AddBlankTargetToLinks", schema_boolean), 0, 1 },
	{ T_ELEMENT("MaximumBodySize", int_type), 0, 1 },
	{ T_ELEMENT("AdditionalProperties", schema_paths), 0, 1 },
	END_OF_SLOTS,
};
static const struct schema_type item_shape_type = { .slots = item_shape_slots };

static const struct schema_attribute id_attributes[] = {
	{ "Id", NULL, true },
	{ "ChangeKey", NULL, false },
	END_OF_ATTRIBUTES,
};
static const struct schema_type id_type = { .attributes = id_attributes };

static const struct schema_attribute distinguished_attributes[] = {
	{ "Id", &distinguished_value, true },
	{ "ChangeKey", NULL, false },
	END_OF_ATTRIBUTES,
};
static const struct schema_slot distinguished_slots[] = {
	{ T_ELEMENT("Mailbox", schema_any), 0, 1 },
	END_OF_SLOTS,
};
static const struct schema_type distinguished_type = { .slots = distinguished_slots,
	.attributes = distinguished_attributes };

static const struct schema_element folder_ids[] = {
	{ NS_TYPES, "FolderId", &id_type },
	{ NS_TYPES, "DistinguishedFolderId", &distinguished_type },
	END_OF_ELEMENTS,
};
static const struct schema_slot folder_ids_slots[] = { { folder_ids, 1, SCHEMA_UNBOUNDED },
	END_OF_SLOTS };
const struct schema_type schema_folder_ids = { .slots = folder_ids_slots };

static const struct schema_element target_folder[] = {
	{ NS_TYPES, "FolderId", &id_type },
	{ NS_TYPES, "DistinguishedFolderId", &distinguished_type },
	{ NS_TYPES, "AddressListId", &schema_any },
	END_OF_ELEMENTS,
};
static const struct schema_slot target_folder_slots[] = { { target_folder, 1, 1 }, END_OF_SLOTS };
const struct schema_type schema_target_folder = { .slots = target_folder_slots };

static const struct schema_element item_ids[] = {
	{ NS_TYPES, "ItemId", &id_type },
	{ NS_TYPES, "OccurrenceItemId", &schema_any },
	{ NS_TYPES, "RecurringMasterItemId", &schema_any },
	{ NS_TYPES, "RecurringMasterItemIdRanges", &schema_any },
	END_OF_ELEMENTS,
};
static const struct schema_slot item_ids_slots[] = { { item_ids, 1, SCHEMA_UNBOUNDED },
	END_OF_SLOTS };
const struct schema_type schema_item_ids = { .slots = item_ids_slots };

static const struct schema_attribute indexed_view_attributes[] = {
	{ "MaxEntriesReturned", &int_value, false },
	{ "Offset", &int_value, true },
	{ "BasePoint", &base_point_value, true },
	END_OF_ATTRIBUTES,
};
static const struct schema_type indexed_view_type = { .attributes = indexed_view_attributes };

static const struct schema_attribute fractional_view_attributes[] = {
	{ "MaxEntriesReturned", &int_value, false },
	{ "Numerator", &int_value, true },
	{ "Denominator", &int_value, true },
	END_OF_ATTRIBUTES,
};
static const struct schema_type fractional_view_type = { .attributes = fractional_view_attributes };

static const struct schema_element folder_views[] = {
	{ NS_MESSAGES, "IndexedPageFolderView", &indexed_view_type },
	{ NS_MESSAGES, "FractionalPageFolderView", &fractional_view_type },
	END_OF_ELEMENTS,
};
static const struct schema_slot find_folder_slots[] = {
	{ M_ELEMENT("FolderShape", schema_folder_shape), 1, 1 },
	{ folder_views, 0, 1 },
	{ M_ELEMENT("Restriction", schema_any), 0, 1 },
	{ M_ELEMENT("ParentFolderIds", schema_folder_ids), 1, 1 },
	END_OF_SLOTS,
};
static const struct schema_attribute find_folder_attributes[] = {
	{ "Traversal", &folder_traversal_value, true },
	END_OF_ATTRIBUTES,
};
const struct schema_type schema_find_folder = { .slots = find_folder_slots,
	.attributes = find_folder_attributes };

static const struct schema_slot get_folder_slots[] = {
	{ M_ELEMENT("FolderShape", schema_folder_shape), 1, 1 },
	{ M_ELEMENT("FolderIds", schema_folder_ids), 1, 1 },
	END_OF_SLOTS,
};
const struct schema_type schema_get_folder = { .slots = get_folder_slots };

static const struct schema_element item_views[] = {
	{ NS_MESSAGES, "IndexedPageItemView", &indexed_view_type },
	{ NS_MESSAGES, "FractionalPageItemView", &fractional_view_type },
	{ NS_MESSAGES, "SeekToConditionPageItemView", &schema_any },
	{ NS_MESSAGES, "CalendarView", &schema_any },
	{ NS_MESSAGES, "ContactsView", &schema_any },
	END_OF_ELEMENTS,
};
static const struct schema_element groupings[] = {
	{ NS_MESSAGES, "GroupBy", &schema_any },
	{ NS_MESSAGES, "DistinguishedGroupBy", &schema_any },
	END_OF_ELEMENTS,
};
static const struct schema_slot find_item_slots[] = {
	{ M_ELEMENT("ItemShape", item_shape_type), 1, 1 },
	{ item_views, 0, 1 },
	{ groupings, 0, 1 },
	{ M_ELEMENT("Restriction", schema_any), 0, 1 },
	{ M_ELEMENT("SortOrder", schema_any), 0, 1 },
	{ M_ELEMENT("ParentFolderIds", schema_folder_ids), 1, 1 },
	{ M_ELEMENT("QueryString", schema_any), 0, 1 },
	END_OF_SLOTS,
};
static const struct schema_attribute find_item_attributes[] = {
	{ "Traversal", &item_traversal_value, true },
	END_OF_ATTRIBUTES,
};
const struct schema_type schema_find_item = { .slots = find_item_slots,
	.attributes = find_item_attributes };

static const struct schema_slot get_item_slots[] = {
	{ M_ELEMENT("ItemShape", item_shape_type), 1, 1 },
	{ M_ELEMENT("ItemIds", schema_item_ids), 1, 1 },
	END_OF_SLOTS,
};
const struct schema_type schema_get_item = { .slots = get_item_slots };

static const struct schema_slot sync_folder_items_slots[] = {
	{ M_ELEMENT("ItemShape", item_shape_type), 1, 1 },
	{ M_ELEMENT("SyncFolderId", schema_target_folder), 1, 1 },
	{ M_ELEMENT("SyncState", schema_text), 0, 1 },
	{ M_ELEMENT("Ignore", schema_item_ids), 0, 1 },
	{ M_ELEMENT("MaxChangesReturned", sync_max_type), 1, 1 },
	{ M_ELEMENT("SyncScope", scope_type), 0, 1 },
	END_OF_SLOTS,
};
const struct schema_type schema_sync_folder_items = { .slots = sync_folder_items_slots };

static const struct schema_element sids[] = {
	{ NS_TYPES, "PrincipalName", &schema_filled },
	{ NS_TYPES, "SID", &schema_filled },
	{ NS_TYPES, "PrimarySmtpAddress", &schema_filled },
	{ NS_TYPES, "SmtpAddress", &schema_filled },
	END_OF_ELEMENTS,
};
static const struct schema_slot sid_slots[] = { { sids, 1, 1 }, END_OF_SLOTS };
static const struct schema_type sid_type = { .slots = sid_slots };
static const struct schema_slot impersonation_slots[] = {
	{ T_ELEMENT("ConnectingSID", sid_type), 1, 1 },
	END_OF_SLOTS,
};
const struct schema_type schema_impersonation = { .slots = impersonation_slots };

bool
schema_knows_version(const char *version)
{
	for (size_t i = 0; versions[i] != NULL; i++) {
		if (strcmp(versions[i], version) == 0)
			return true;
	}
	return false;
}
