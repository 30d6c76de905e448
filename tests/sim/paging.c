/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "exarch/mem.h"

#include "paging.h"

static long
number_of(const xmlNode *node, const char *name, long absent)
{
	EXA_AUTO(exa_freep) char *text = xmlin_attribute(node, name);

	return text == NULL ? absent : strtol(text, NULL, 10);
}

bool
page_of(const xmlNode *node, size_t found, size_t most, struct page *out)
{
	EXA_AUTO(exa_freep) char *from = node == NULL ? NULL : xmlin_attribute(node, "BasePoint");
	long max = node == NULL ? PAGE_ENTRIES_MAX
				: number_of(node, "MaxEntriesReturned", PAGE_ENTRIES_MAX);
	long offset = node == NULL ? 0 : number_of(node, "Offset", 0);
	size_t skip, size;

	if (max <= 0 || offset < 0)
		return false;
	skip = (size_t)offset < found ? (size_t)offset : found;
	size = max < PAGE_ENTRIES_MAX ? (size_t)max : PAGE_ENTRIES_MAX;
	if (size > most)
		size = most;
	if (size > found - skip)
		size = found - skip;
	if (from != NULL && strcmp(from, "End") == 0) {
		out->end = found - skip;
		out->begin = out->end - size;
	} else {
		out->begin = skip;
		out->end = skip + size;
	}
	out->next_offset = skip + size;
	out->is_last = out->next_offset == found;
	return true;
}

void
page_add_root_folder(struct buf *out, const struct page *p, size_t found)
{
	buf_printf(out,
		"<m:RootFolder IndexedPagingOffset=\"%zu\" TotalItemsInView=\"%zu\" "
		"IncludesLastItemInRange=\"%s\">",
		p->next_offset, found, p->is_last ? "true" : "false");
}
