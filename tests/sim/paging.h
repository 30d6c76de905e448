/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Indexed paging of FindFolder and FindItem: from the request's view to a range, and the attributes
 * of m:RootFolder that tell the client how to go on.
 */
#ifndef SIM_PAGING_H
#define SIM_PAGING_H

#include <stddef.h>

#include "xmlin.h"

#define PAGE_ENTRIES_MAX 1000 /* larger pages have no effect (EWSFindCountLimit) */

struct page {
	size_t begin, end; /* of what was found */
	size_t next_offset;
	bool is_last;
};

/* NODE is the indexed view, or NULL: everything up to the limit. MOST: a page has no more, whatever
 * was asked for. False: bad numbers. */
bool page_of(const xmlNode *node, size_t found, size_t most, struct page *out);
void page_add_root_folder(
	struct buf *out, const struct page *p, size_t found); /* <m:RootFolder ...> */

#endif
