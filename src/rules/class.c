/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchange names the kind of an item or folder by a dotted class ("IPM.Schedule.Meeting.Request").
 * What decides is how it begins; case never counts.
 */
#include <string.h>
#include <strings.h>

#include "exarch/rules.h"

#include "class.h"

struct class_prefix {
	const char *prefix;
	enum rules_class class;
};

/* None of them is the beginning of another, so the order doesn't matter. */
static const struct class_prefix item_classes[] = {
	{ "IPM.Schedule.Meeting", RULES_CLASS_MEETING },
	{ "REPORT.", RULES_CLASS_REPORT },
	{ "IPM.Appointment", RULES_CLASS_CALENDAR },
	{ "IPM.Contact", RULES_CLASS_CONTACT },
	{ "IPM.DistList", RULES_CLASS_CONTACT },
	{ "IPM.AbchPerson", RULES_CLASS_CONTACT },
	{ "IPM.Task", RULES_CLASS_TASK },
	{ "IPM.StickyNote", RULES_CLASS_NOTE },
	{ "IPM.Activity", RULES_CLASS_JOURNAL },
};

static const char *const class_names[RULES_CLASS_COUNT] = {
	[RULES_CLASS_MAIL] = "mail",
	[RULES_CLASS_MEETING] = "meeting",
	[RULES_CLASS_REPORT] = "report",
	[RULES_CLASS_CALENDAR] = "calendar",
	[RULES_CLASS_CONTACT] = "contact",
	[RULES_CLASS_TASK] = "task",
	[RULES_CLASS_NOTE] = "note",
	[RULES_CLASS_JOURNAL] = "journal",
};

/* Folders in which Exchange, Teams and the clients keep things of their own: settings, caches,
 * copies of what lives elsewhere. */
static const char *const internal_folder_classes[] = {
	"IPF.Configuration",
	"IPF.Files",
	"IPF.SkypeTeams.Message",
	"IPF.StoreItem",
	"IPF.Contact.RecipientCache",
	"IPF.Contact.GalContacts",
	"IPF.Contact.MOC",
	"IPF.Contact.PeopleCentricConversationBuddies",
	"IPF.SmsAndChatsSync",
	"IPF.Appointment.Birthday",
	"IPM.ApplicationData",
	"IPM.DefaultFolderHistoryItem",
	"Outlook.Reminder",
};

enum rules_class
rules_class_of(const char *item_class)
{
	for (size_t i = 0; i < sizeof item_classes / sizeof item_classes[0]; i++) {
		const struct class_prefix *c = &item_classes[i];

		if (strncasecmp(item_class, c->prefix, strlen(c->prefix)) == 0)
			return c->class;
	}
	return RULES_CLASS_MAIL;
}

const char *
rules_class_name(enum rules_class c)
{
	return (unsigned)c < RULES_CLASS_COUNT ? class_names[c] : "unknown";
}

bool
rules_class_parse(const char *name, enum rules_class *out)
{
	for (size_t i = 0; i < RULES_CLASS_COUNT; i++) {
		if (strcmp(name, class_names[i]) == 0) {
			*out = (enum rules_class)i;
			return true;
		}
	}
	return false;
}

const char *
class_never_archived(const char *folder_class)
{
	for (size_t i = 0; i < sizeof internal_folder_classes / sizeof internal_folder_classes[0];
		i++) {
		const char *internal = internal_folder_classes[i];
		size_t size = strlen(internal);

		if (strncasecmp(folder_class, internal, size) == 0 &&
			(folder_class[size] == '\0' || folder_class[size] == '.'))
			return internal;
	}
	return NULL;
}
