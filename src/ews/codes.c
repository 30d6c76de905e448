/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources: MS-OXWSCDATA 2.2.5.24 (ResponseCodeType), "EWS throttling in Exchange", "Impersonation
 * and EWS in Exchange". Codes are grouped by what the caller does next, as in exarch/error.h.
 */
#include <stddef.h>
#include <string.h>

#include "codes.h"

#define NO_MAILBOX \
	"there is no mailbox here: unlicensed, deleted, or kept by the other half of a hybrid"
#define NO_ARCHIVE "this mailbox has no online archive here"
#define GRANT                                                                                     \
	"grant the application full_access_as_app (with admin consent), or on-premises the role " \
	"ApplicationImpersonation to the account"

#define WRONG_FOLDER "the folder takes other kinds of items"

static const struct code_meaning meanings[] = {
	/* wait as long as the server says */
	{ "ErrorServerBusy", EXA_THROTTLED, "" },
	{ "ErrorExceededConnectionCount", EXA_THROTTLED, "too many requests at once" },
	{ "ErrorExceededSubscriptionCount", EXA_THROTTLED, "" },
	{ "ErrorTooManyObjectsOpened", EXA_THROTTLED, "" },

	/* trouble that passes */
	{ "ErrorInternalServerError", EXA_NET, "" },
	{ "ErrorInternalServerTransientError", EXA_NET, "" },
	{ "ErrorInsufficientResources", EXA_NET, "" },
	{ "ErrorNotEnoughMemory", EXA_NET, "" },
	{ "ErrorMailboxStoreUnavailable", EXA_NET, "" },
	{ "ErrorMailboxFailover", EXA_NET, "" },
	{ "ErrorMailboxLogonFailed", EXA_NET, "" },
	{ "ErrorConnectionFailed", EXA_NET, "" },
	{ "ErrorConnectionFailedTransientError", EXA_NET, "" },
	{ "ErrorADUnavailable", EXA_NET, "" },
	{ "ErrorADOperation", EXA_NET, "" },
	{ "ErrorBatchProcessingStopped", EXA_NET, "not looked at; ask again" },
	{ "ErrorProxyCallFailed", EXA_NET, "" },
	{ "ErrorProxyRequestProcessingFailed", EXA_NET, "" },
	{ "ErrorProxyServiceDiscoveryFailed", EXA_NET, "" },
	{ "ErrorNoRespondingCASInDestinationSite", EXA_NET, "" },
	{ "ErrorRequestAborted", EXA_NET, "" },
	{ "ErrorClientDisconnected", EXA_NET, "" },

	/* ask for less at once */
	{ "ErrorTimeoutExpired", EXA_TIMEOUT, "" },
	{ "ErrorExceededFindCountLimit", EXA_TIMEOUT, "" },

	/* the sync state */
	{ "ErrorInvalidSyncStateData", EXA_STALE, "" },

	/* there is one already: the folders are no longer as they were listed */
	{ "ErrorFolderExists", EXA_STALE, "" },

	/* not there (any more) */
	{ "ErrorItemNotFound", EXA_GONE, "" },
	{ "ErrorFolderNotFound", EXA_GONE, "" },
	{ "ErrorSyncFolderNotFound", EXA_GONE, "" },
	{ "ErrorParentFolderNotFound", EXA_GONE, "" },
	{ "ErrorArchiveMailboxNotEnabled", EXA_GONE, NO_ARCHIVE },
	{ "ErrorArchiveMailboxServiceDiscoveryFailed", EXA_GONE, NO_ARCHIVE },
	{ "ErrorArchiveFolderPathCreation", EXA_GONE, NO_ARCHIVE },
	{ "ErrorArchiveMailboxGetFolderFailed", EXA_GONE, NO_ARCHIVE },
	{ "ErrorArchiveMailboxSearchFailed", EXA_GONE, NO_ARCHIVE },
	{ "ErrorFindRemoteArchiveFolderFailed", EXA_GONE, NO_ARCHIVE },
	{ "ErrorGetRemoteArchiveFolderFailed", EXA_GONE, NO_ARCHIVE },
	{ "ErrorGetRemoteArchiveItemFailed", EXA_GONE, NO_ARCHIVE },
	{ "ErrorUpdateRemoteArchiveFolderFailed", EXA_GONE, NO_ARCHIVE },

	/* the mailbox as a whole, wherever in an answer it is said */
	{ "ErrorMailboxMoveInProgress", EXA_ASIDE, "the mailbox is being moved; try again later" },
	{ "ErrorNonExistentMailbox", EXA_ASIDE, NO_MAILBOX },
	{ "ErrorMissingExchangePrincipal", EXA_ASIDE, NO_MAILBOX },
	{ "ErrorMissingEmailAddress", EXA_ASIDE, NO_MAILBOX },
	{ "ErrorImpersonateUserDenied", EXA_ASIDE, GRANT },
	{ "ErrorImpersonationDenied", EXA_ASIDE, GRANT },
	{ "ErrorImpersonationFailed", EXA_ASIDE, GRANT },
	{ "ErrorNonPrimarySmtpAddress", EXA_ASIDE, "name the mailbox by its primary address" },
	{ "ErrorAccountDisabled", EXA_ASIDE, "the account is disabled" },
	{ "ErrorOrganizationAccessBlocked", EXA_ASIDE, "the organisation is blocked" },
	{ "ErrorInvalidLicense", EXA_ASIDE, "the mailbox has no valid licence" },
	{ "ErrorQuotaExceeded", EXA_ASIDE, "the mailbox is full" },

	/* refused */
	{ "ErrorAccessDenied", EXA_DENIED, "" },
	{ "ErrorCannotDeleteObject", EXA_DENIED, "" },
	{ "ErrorDeleteDistinguishedFolder", EXA_DENIED, "" },
	{ "ErrorCreateItemAccessDenied", EXA_DENIED, "" },
	{ "ErrorFolderSave", EXA_DENIED, "" },
	{ "ErrorCannotCreateItemInSearchFolder", EXA_DENIED, "" },
	{ "ErrorCannotCreateCalendarItemInNonCalendarFolder", EXA_DENIED, WRONG_FOLDER },
	{ "ErrorCannotCreateContactInNonContactFolder", EXA_DENIED, WRONG_FOLDER },
	{ "ErrorCannotCreateTaskInNonTaskFolder", EXA_DENIED, WRONG_FOLDER },
	{ "ErrorCannotCreatePostItemInNonMailFolder", EXA_DENIED, WRONG_FOLDER },
	{ "ErrorNoPublicFolderReplicaAvailable", EXA_DENIED, "" },
	{ "ErrorPublicFolderMailboxDiscoveryFailed", EXA_DENIED, "" },
	{ "ErrorPublicFolderOperationFailed", EXA_DENIED, "" },
	{ "ErrorPublicFolderRequestProcessingFailed", EXA_DENIED, "" },
	{ "ErrorPublicFolderServerNotFound", EXA_DENIED, "" },
	{ "ErrorPublicFolderSyncException", EXA_DENIED, "" },
	{ "ErrorPasswordExpired", EXA_AUTH, "the account's password has expired" },
	{ "ErrorPasswordChangeRequired", EXA_AUTH, "the account's password must be changed" },

	/* another form of the item may work */
	{ "ErrorMimeContentConversionFailed", EXA_UNREADABLE, "" },
	{ "ErrorContentConversionFailed", EXA_UNREADABLE, "" },
	{ "ErrorUnsupportedMimeConversion", EXA_UNREADABLE, "" },
	{ "ErrorMimeContentInvalid", EXA_UNREADABLE, "" },
	{ "ErrorMimeContentInvalidBase64String", EXA_UNREADABLE, "" },
	{ "ErrorItemCorrupt", EXA_UNREADABLE, "" },
	{ "ErrorItemSave", EXA_UNREADABLE, "" },
	{ "ErrorItemSavePropertyError", EXA_UNREADABLE, "" },
	{ "ErrorInvalidPropertySet", EXA_UNREADABLE, "" },
	{ "ErrorCorruptData", EXA_UNREADABLE, "" },
	{ "ErrorItemPropertyRequestFailed", EXA_UNREADABLE, "" },
	{ "ErrorFolderPropertRequestFailed", EXA_UNREADABLE, "" }, /* the schema spells it so */
	{ "ErrorInvalidPropertyRequest", EXA_UNREADABLE, "" },
	{ "ErrorInvalidPropertyForOperation", EXA_UNREADABLE, "" },
	{ "ErrorPropertyRequestFailed", EXA_UNREADABLE, "" },

	/* too large */
	{ "ErrorMessageSizeExceeded", EXA_LIMIT, "" },
	{ "ErrorDataSizeLimitExceeded", EXA_LIMIT, "" },
	{ "ErrorAttachmentSizeLimitExceeded", EXA_LIMIT, "" },
	{ "ErrorRequestStreamTooBig", EXA_LIMIT, "" },

	/* nothing better than to report it */
	{ "ErrorChangeKeyRequired", EXA_FAILED, "" },
	{ "ErrorChangeKeyRequiredForWriteOperations", EXA_FAILED, "" },
	{ "ErrorStaleObject", EXA_FAILED, "" },
	{ "ErrorIrresolvableConflict", EXA_FAILED, "" },
	{ "ErrorInvalidChangeKey", EXA_FAILED, "" },
	{ "ErrorInvalidId", EXA_FAILED, "" },
	{ "ErrorInvalidIdMalformed", EXA_FAILED, "" },
	{ "ErrorInvalidExchangeImpersonationHeaderData", EXA_FAILED,
		"the mailbox's address is not accepted" },
	{ "ErrorNameResolutionNoResults", EXA_FAILED, "" },
	{ "ErrorNameResolutionMultipleResults", EXA_FAILED, "" },
	{ "ErrorSchemaValidation", EXA_FAILED, "please report this" },
	{ "ErrorInvalidRequest", EXA_FAILED, "please report this" },
	{ "ErrorInvalidServerVersion", EXA_FAILED, "Exchange 2013 SP1 or newer is needed" },
	{ "ErrorIncorrectSchemaVersion", EXA_FAILED, "Exchange 2013 SP1 or newer is needed" },
	{ "ErrorInvalidSchemaVersionForMailboxVersion", EXA_FAILED,
		"the mailbox is on an Exchange older than 2013 SP1" },
};

const struct code_meaning *
code_find(const char *name)
{
	/* Exchange Online sends codes that no table lists; they may mean anything. */
	static const struct code_meaning unknown = { "", EXA_PROTOCOL, "" };

	for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
		if (strcmp(name, meanings[i].name) == 0)
			return &meanings[i];
	}
	return &unknown;
}
