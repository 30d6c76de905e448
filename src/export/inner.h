/* SPDX-License-Identifier: Apache-2.0 */
/* Calendar items and contacts as other programs take them: the text/calendar or text/vcard part of
 * their MIME. */
#ifndef EXPORT_INNER_H
#define EXPORT_INNER_H

#include "exarch/export.h"

/* What is looked at of an item's MIME; what begins behind it isn't found. */
#define INNER_SOURCE_MAX ((size_t)4 * 1024 * 1024)

/* Appointments, meeting requests and answers, tasks; contacts and lists of them: by their class. */
bool inner_is_wanted(const char *item_class);

/* Appends the first such part, decoded and, if it names another charset, as UTF-8. *EXTENSION_OUT is
 * NAME_ICS or NAME_VCF, NULL when there is none (or it doesn't end within INNER_SOURCE_MAX). */
bool inner_find(struct store_reader *r, const struct catalog_item *item, struct buf *out,
	const char **extension_out, struct exa_error *err) EXA_CHECK;

/* The same, of a message. CUT: its end is missing. */
const char *inner_parse(struct bytes message, bool cut, struct buf *out);

#endif
