/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of elements in the items and folders that requests bring, from types.xsd
 * (15.2.2562.17). What is in the elements is not looked into, apart from what new_item.c reads.
 */
#include <stddef.h>

#include "schema_items.h"

static const char *const item_order[] = { "MimeContent", "ItemId", "ParentFolderId", "ItemClass",
	"Subject", "Sensitivity", "Body", "Attachments", "DateTimeReceived", "Size", "Categories",
	"Importance", "InReplyTo", "IsSubmitted", "IsDraft", "IsFromMe", "IsResend", "IsUnmodified",
	"InternetMessageHeaders", "DateTimeSent", "DateTimeCreated", "ResponseObjects",
	"ReminderDueBy", "ReminderIsSet", "ReminderNextTime", "ReminderMinutesBeforeStart",
	"DisplayCc", "DisplayTo", "DisplayBcc", "HasAttachments", "ExtendedProperty", "Culture",
	"EffectiveRights", "LastModifiedName", "LastModifiedTime", "IsAssociated",
	"WebClientReadFormQueryString", "WebClientEditFormQueryString", "ConversationId",
	"UniqueBody", "Flag", "StoreEntryId", "InstanceKey", "NormalizedBody",
	"EntityExtractionResult", "PolicyTag", "ArchiveTag", "RetentionDate", "Preview",
	"RightsManagementLicenseData", "PredictedActionReasons", "IsClutter", "BlockStatus",
	"HasBlockedImages", "TextBody", "IconIndex", "SearchKey", "SortKey", "Hashtags", "Mentions",
	"MentionedMe", "MentionsPreview", "MentionsEx", "AppliedHashtags", "AppliedHashtagsPreview",
	"Likes", "LikesPreview", "PendingSocialActivityTagIds", "AtAllMention", "CanDelete",
	"InferenceClassification", NULL };

static const char *const message_order[] = { "Sender", "ToRecipients", "CcRecipients",
	"BccRecipients", "IsReadReceiptRequested", "IsDeliveryReceiptRequested",
	"ConversationIndex", "ConversationTopic", "From", "InternetMessageId", "IsRead",
	"IsResponseRequested", "References", "ReplyTo", "ReceivedBy", "ReceivedRepresenting",
	"ApprovalRequestData", "VotingInformation", "ReminderMessageData", "MessageSafety",
	"SenderSMTPAddress", "MailboxGuids", "PublishedCalendarItemIcs",
	"PublishedCalendarItemName", NULL };

static const char *const sharingmessage_order[] = { "Sender", "ToRecipients", "CcRecipients",
	"BccRecipients", "IsReadReceiptRequested", "IsDeliveryReceiptRequested",
	"ConversationIndex", "ConversationTopic", "From", "InternetMessageId", "IsRead",
	"IsResponseRequested", "References", "ReplyTo", "ReceivedBy", "ReceivedRepresenting",
	"ApprovalRequestData", "VotingInformation", "ReminderMessageData", "MessageSafety",
	"SenderSMTPAddress", "MailboxGuids", "PublishedCalendarItemIcs",
	"PublishedCalendarItemName", "SharingMessageAction", "SharingMessageActions", NULL };

static const char *const calendaritem_order[] = { "UID", "RecurrenceId", "DateTimeStamp", "Start",
	"End", "OriginalStart", "IsAllDayEvent", "LegacyFreeBusyStatus", "Location", "When",
	"IsMeeting", "IsCancelled", "IsRecurring", "MeetingRequestWasSent", "IsResponseRequested",
	"CalendarItemType", "MyResponseType", "Organizer", "RequiredAttendees", "OptionalAttendees",
	"Resources", "InboxReminders", "ConflictingMeetingCount", "AdjacentMeetingCount",
	"ConflictingMeetings", "AdjacentMeetings", "Duration", "TimeZone", "AppointmentReplyTime",
	"AppointmentSequenceNumber", "AppointmentState", "Recurrence", "FirstOccurrence",
	"LastOccurrence", "ModifiedOccurrences", "DeletedOccurrences", "MeetingTimeZone",
	"StartTimeZone", "EndTimeZone", "ConferenceType", "AllowNewTimeProposal", "IsOnlineMeeting",
	"MeetingWorkspaceUrl", "NetShowUrl", "EnhancedLocation", "StartWallClock", "EndWallClock",
	"StartTimeZoneId", "EndTimeZoneId", "IntendedFreeBusyStatus", "JoinOnlineMeetingUrl",
	"OnlineMeetingSettings", "IsOrganizer", "CalendarActivityData", "DoNotForwardMeeting",
	NULL };

static const char *const contact_order[] = { "FileAs", "FileAsMapping", "DisplayName", "GivenName",
	"Initials", "MiddleName", "Nickname", "CompleteName", "CompanyName", "EmailAddresses",
	"AbchEmailAddresses", "PhysicalAddresses", "PhoneNumbers", "AssistantName", "Birthday",
	"BusinessHomePage", "Children", "Companies", "ContactSource", "Department", "Generation",
	"ImAddresses", "JobTitle", "Manager", "Mileage", "OfficeLocation", "PostalAddressIndex",
	"Profession", "SpouseName", "Surname", "WeddingAnniversary", "HasPicture",
	"PhoneticFullName", "PhoneticFirstName", "PhoneticLastName", "Alias", "Notes", "Photo",
	"UserSMIMECertificate", "MSExchangeCertificate", "DirectoryId", "ManagerMailbox",
	"DirectReports", "AccountName", "IsAutoUpdateDisabled", "IsMessengerEnabled", "Comment",
	"ContactShortId", "ContactType", "Gender", "IsHidden", "ObjectId", "PassportId",
	"IsPrivate", "SourceId", "TrustLevel", "CreatedBy", "Urls", "Cid", "SkypeAuthCertificate",
	"SkypeContext", "SkypeId", "SkypeRelationship", "YomiNickname", "XboxLiveTag", "InviteFree",
	"HidePresenceAndProfile", "IsPendingOutbound", "SupportGroupFeeds", "UserTileHash",
	"UnifiedInbox", "Mris", "Wlid", "AbchContactId", "NotInBirthdayCalendar",
	"ShellContactType", "ImMri", "PresenceTrustLevel", "OtherMri", "ProfileLastChanged",
	"MobileIMEnabled", "PartnerNetworkProfilePhotoUrl", "PartnerNetworkThumbnailPhotoUrl",
	"PersonId", "ConversationGuid", NULL };

static const char *const distributionlist_order[] = { "DisplayName", "FileAs", "ContactSource",
	"Members", NULL };

static const char *const task_order[] = { "ActualWork", "AssignedTime", "BillingInformation",
	"ChangeCount", "Companies", "CompleteDate", "Contacts", "DelegationState", "Delegator",
	"DueDate", "IsAssignmentEditable", "IsComplete", "IsRecurring", "IsTeamTask", "Mileage",
	"Owner", "PercentComplete", "Recurrence", "StartDate", "Status", "StatusDescription",
	"TotalWork", NULL };

static const char *const postitem_order[] = { "ConversationIndex", "ConversationTopic", "From",
	"InternetMessageId", "IsRead", "PostedTime", "References", "Sender", NULL };

static const char *const meetingmessage_order[] = { "Sender", "ToRecipients", "CcRecipients",
	"BccRecipients", "IsReadReceiptRequested", "IsDeliveryReceiptRequested",
	"ConversationIndex", "ConversationTopic", "From", "InternetMessageId", "IsRead",
	"IsResponseRequested", "References", "ReplyTo", "ReceivedBy", "ReceivedRepresenting",
	"ApprovalRequestData", "VotingInformation", "ReminderMessageData", "MessageSafety",
	"SenderSMTPAddress", "MailboxGuids", "PublishedCalendarItemIcs",
	"PublishedCalendarItemName", "AssociatedCalendarItemId", "IsDelegated", "IsOutOfDate",
	"HasBeenProcessed", "ResponseType", "UID", "RecurrenceId", "DateTimeStamp", "IsOrganizer",
	NULL };

static const char *const meetingrequest_order[] = { "Sender", "ToRecipients", "CcRecipients",
	"BccRecipients", "IsReadReceiptRequested", "IsDeliveryReceiptRequested",
	"ConversationIndex", "ConversationTopic", "From", "InternetMessageId", "IsRead",
	"IsResponseRequested", "References", "ReplyTo", "ReceivedBy", "ReceivedRepresenting",
	"ApprovalRequestData", "VotingInformation", "ReminderMessageData", "MessageSafety",
	"SenderSMTPAddress", "MailboxGuids", "PublishedCalendarItemIcs",
	"PublishedCalendarItemName", "AssociatedCalendarItemId", "IsDelegated", "IsOutOfDate",
	"HasBeenProcessed", "ResponseType", "UID", "RecurrenceId", "DateTimeStamp", "IsOrganizer",
	"MeetingRequestType", "IntendedFreeBusyStatus", "Start", "End", "OriginalStart",
	"IsAllDayEvent", "LegacyFreeBusyStatus", "Location", "When", "IsMeeting", "IsCancelled",
	"IsRecurring", "MeetingRequestWasSent", "CalendarItemType", "MyResponseType", "Organizer",
	"RequiredAttendees", "OptionalAttendees", "Resources", "ConflictingMeetingCount",
	"AdjacentMeetingCount", "ConflictingMeetings", "AdjacentMeetings", "Duration", "TimeZone",
	"AppointmentReplyTime", "AppointmentSequenceNumber", "AppointmentState", "Recurrence",
	"FirstOccurrence", "LastOccurrence", "ModifiedOccurrences", "DeletedOccurrences",
	"MeetingTimeZone", "StartTimeZone", "EndTimeZone", "ConferenceType", "AllowNewTimeProposal",
	"IsOnlineMeeting", "MeetingWorkspaceUrl", "NetShowUrl", "EnhancedLocation",
	"ChangeHighlights", "StartWallClock", "EndWallClock", "StartTimeZoneId", "EndTimeZoneId",
	"DoNotForwardMeeting", NULL };

static const char *const meetingresponse_order[] = { "Sender", "ToRecipients", "CcRecipients",
	"BccRecipients", "IsReadReceiptRequested", "IsDeliveryReceiptRequested",
	"ConversationIndex", "ConversationTopic", "From", "InternetMessageId", "IsRead",
	"IsResponseRequested", "References", "ReplyTo", "ReceivedBy", "ReceivedRepresenting",
	"ApprovalRequestData", "VotingInformation", "ReminderMessageData", "MessageSafety",
	"SenderSMTPAddress", "MailboxGuids", "PublishedCalendarItemIcs",
	"PublishedCalendarItemName", "AssociatedCalendarItemId", "IsDelegated", "IsOutOfDate",
	"HasBeenProcessed", "ResponseType", "UID", "RecurrenceId", "DateTimeStamp", "IsOrganizer",
	"Start", "End", "Location", "Recurrence", "CalendarItemType", "ProposedStart",
	"ProposedEnd", "EnhancedLocation", NULL };

static const char *const meetingcancellation_order[] = { "Sender", "ToRecipients", "CcRecipients",
	"BccRecipients", "IsReadReceiptRequested", "IsDeliveryReceiptRequested",
	"ConversationIndex", "ConversationTopic", "From", "InternetMessageId", "IsRead",
	"IsResponseRequested", "References", "ReplyTo", "ReceivedBy", "ReceivedRepresenting",
	"ApprovalRequestData", "VotingInformation", "ReminderMessageData", "MessageSafety",
	"SenderSMTPAddress", "MailboxGuids", "PublishedCalendarItemIcs",
	"PublishedCalendarItemName", "AssociatedCalendarItemId", "IsDelegated", "IsOutOfDate",
	"HasBeenProcessed", "ResponseType", "UID", "RecurrenceId", "DateTimeStamp", "IsOrganizer",
	"Start", "End", "Location", "Recurrence", "CalendarItemType", "EnhancedLocation",
	"DoNotForwardMeeting", NULL };

static const char *const folder_order[] = { "FolderId", "ParentFolderId", "FolderClass",
	"DisplayName", "TotalCount", "ChildFolderCount", "ExtendedProperty",
	"ManagedFolderInformation", "EffectiveRights", "DistinguishedFolderId", "PolicyTag",
	"ArchiveTag", "ReplicaList", NULL };

static const char *const own_folder_order[] = { "PermissionSet", "UnreadCount", NULL };

static const char *const own_calendarfolder_order[] = { "SharingEffectiveRights", "PermissionSet",
	NULL };

static const char *const own_contactsfolder_order[] = { "SharingEffectiveRights", "PermissionSet",
	"SourceId", "AccountName", NULL };

static const char *const own_searchfolder_order[] = { "PermissionSet", "UnreadCount",
	"SearchParameters", NULL };

static const char *const own_tasksfolder_order[] = { "PermissionSet", "UnreadCount", NULL };

const struct schema_order schema_orders[] = {
	{ "Item", item_order, NULL },
	{ "Message", item_order, message_order },
	{ "SharingMessage", item_order, sharingmessage_order },
	{ "CalendarItem", item_order, calendaritem_order },
	{ "Contact", item_order, contact_order },
	{ "DistributionList", item_order, distributionlist_order },
	{ "Task", item_order, task_order },
	{ "PostItem", item_order, postitem_order },
	{ "MeetingMessage", item_order, meetingmessage_order },
	{ "MeetingRequest", item_order, meetingrequest_order },
	{ "MeetingResponse", item_order, meetingresponse_order },
	{ "MeetingCancellation", item_order, meetingcancellation_order },
	{ "Folder", folder_order, own_folder_order },
	{ "CalendarFolder", folder_order, own_calendarfolder_order },
	{ "ContactsFolder", folder_order, own_contactsfolder_order },
	{ "SearchFolder", folder_order, own_searchfolder_order },
	{ "TasksFolder", folder_order, own_tasksfolder_order },
	{ NULL, NULL, NULL },
};
