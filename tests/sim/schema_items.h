/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Element order of whole items and folders: too many elements for slots, and the order is all that
 * is asked of most.
 */
#ifndef SIM_SCHEMA_ITEMS_H
#define SIM_SCHEMA_ITEMS_H

struct schema_order {
	const char *element;
	const char *const *first, *const *then; /* of the base type, of its own; end with NULL */
};

extern const struct schema_order schema_orders[]; /* ends with an element of NULL */

#endif
