/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "user.h"

#define PRIMARY_PREFIX "SMTP:" /* upper case: the primary; "smtp:" are the others */

static const char *
text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

static const char *
primary_address(const json_t *entry)
{
	const json_t *address;
	size_t i;

	json_array_foreach(json_object_get(entry, "proxyAddresses"), i, address)
	{
		const char *text = json_string_value(address);

		if (text != NULL && strncmp(text, PRIMARY_PREFIX, strlen(PRIMARY_PREFIX)) == 0)
			return text + strlen(PRIMARY_PREFIX);
	}
	return text_of(entry, "mail");
}

static bool
has_exchange_plan(const json_t *entry)
{
	const json_t *plan;
	size_t i;

	json_array_foreach(json_object_get(entry, "assignedPlans"), i, plan)
	{
		const char *status = text_of(plan, "capabilityStatus");

		if (strcasecmp(text_of(plan, "service"), "exchange") == 0 &&
			(strcasecmp(status, "Enabled") == 0 || strcasecmp(status, "Warning") == 0))
			return true;
	}
	return false;
}

bool
user_read(const json_t *entry, struct directory_user *out)
{
	*out = (struct directory_user){
		.id = text_of(entry, "id"),
		.principal_name = text_of(entry, "userPrincipalName"),
		.smtp = primary_address(entry),
		.display_name = text_of(entry, "displayName"),
		.enabled = json_is_true(json_object_get(entry, "accountEnabled")),
		.licensed = has_exchange_plan(entry),
		.guest = strcasecmp(text_of(entry, "userType"), "Guest") == 0,
	};
	return out->id[0] != '\0';
}
