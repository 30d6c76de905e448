/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended properties: what an ExtendedFieldURI names, in one form whichever way it was written
 * ("0x0E07" and "3591" are the same, so are a set's GUID in either case).
 */
#ifndef SIM_PROPERTY_H
#define SIM_PROPERTY_H

#include "exarch/bytes.h"

#include "xmlin.h"

#define PROPERTY_KEY_MAX 192
#define PROPERTY_URI_MAX 448

/* False: it names nothing, or with more than fits. *tag_out: 0 for a named property. */
bool property_read(const xmlNode *uri, unsigned *tag_out, char key_out[PROPERTY_KEY_MAX],
	char uri_out[PROPERTY_URI_MAX]);

/* <t:NAME>line</t:NAME> for each line that "\n" ends. */
void lines_add_xml(struct buf *out, const char *name, const char *lines);

#endif
