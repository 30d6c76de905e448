/* SPDX-License-Identifier: Apache-2.0 */
/* A Graph user object as struct directory_user. */
#ifndef EXARCH_DIRECTORY_USER_H
#define EXARCH_DIRECTORY_USER_H

#include <jansson.h>

#include "exarch/directory.h"

/* What $select must name for user_read; commas may stand as they are. */
#define USER_FIELDS                                                                          \
	"id,userPrincipalName,mail,displayName,proxyAddresses,accountEnabled,assignedPlans," \
	"userType"

/* Texts are borrowed from ENTRY. False when it is no user (no id). */
bool user_read(const json_t *entry, struct directory_user *out);

#endif
