/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Restrictions and sort orders of FindItem and FindFolder, over the few fields that are known here.
 */
#ifndef SIM_RESTRICTION_H
#define SIM_RESTRICTION_H

#include "mailbox.h"
#include "xmlin.h"

struct field_value {
	bool is_there, is_number;
	int64_t number; /* times in ns, booleans 0 and 1 */
	const char *text;
};

/* Reads the field that a path names. False: it isn't known. */
typedef bool field_reader(const void *thing, const xmlNode *path, struct field_value *out);

field_reader field_of_item;   /* thing: struct sim_item */
field_reader field_of_folder; /* thing: struct sim_folder */

enum restriction_result { RESTRICTION_NO, RESTRICTION_YES, RESTRICTION_UNKNOWN };

/* NODE: m:Restriction, or NULL. UNKNOWN: has a field or an expression that isn't known. */
enum restriction_result restriction_fits(
	const xmlNode *node, field_reader *read, const void *thing);

/*
 * The items of a folder that fit, in the order wanted: positions, exa_alloc'ed. NULL: something in
 * it isn't known. RESTRICTION and SORT may be NULL.
 */
size_t *restriction_select(struct view *v, size_t folder, const xmlNode *restriction,
	const xmlNode *sort, size_t *count_out);

#endif
