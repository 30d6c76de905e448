/* SPDX-License-Identifier: Apache-2.0 */
/* Values in answers: numbers, booleans, moments, property tags. What can't be read counts as not
 * said. */
#ifndef EXARCH_EWS_VALUE_H
#define EXARCH_EWS_VALUE_H

#include <stdint.h>

#include "exarch/bytes.h"
#include "exarch/error.h"

#include "answer.h"

/* MAPI properties that we ask for by tag; answers give them back in lower case and without leading
 * zeros, so they are compared as numbers. */
enum property_tag {
	TAG_RECEIVED = 0x0e06,
	TAG_MESSAGE_FLAGS = 0x0e07,
	TAG_SIZE = 0x0e08,
	TAG_MESSAGE_ID = 0x1035,
	TAG_HIDDEN = 0x10f4,
	TAG_SEARCH_KEY = 0x300b,
	TAG_FOLDER_TYPE = 0x3601,
	TAG_REPLICAS = 0x6698,    /* PidTagReplicaList, of public folders */
	TAG_LAST_CHANGE = 0x670a, /* PidTagLocalCommitTimeMax */
};

int64_t value_number(struct bytes text);                 /* -1 */
int value_boolean(struct bytes text);                    /* 1, 0 or -1 */
int64_t value_moment(const char *text);                  /* EXA_NO_TIME */
unsigned value_tag(const struct attributes *attributes); /* of an ExtendedFieldURI; 0 */

/* Puts attribute NAME (an id or change key) in place of what OUT held; nothing when it isn't there.
 * EXA_LIMIT beyond EWS_ID_MAX: an id can't be cut. */
bool value_id(const struct attributes *attributes, const char *name, struct buf *out,
	struct exa_error *err) EXA_CHECK;

/* Puts TEXT in place of what OUT held. */
void value_text(struct buf *out, const char *text);

#endif
