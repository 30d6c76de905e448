/* SPDX-License-Identifier: Apache-2.0 */
/* FindFolder (MS-OXWSFSRCH): all folders below the root of a part of the mailbox, or those right below
 * one of them, page by page. */
#include <inttypes.h>

#include "folder.h"
#include "request.h"
#include "soap.h"

/* Well below EWSFindCountLimit (1000), which counts over parallel requests. */
#define FOLDER_PAGE 500

static void
add_request(struct buf *out, const struct ews_mailbox *mailbox, const char *traversal,
	const char *parent, int64_t offset)
{
	soap_begin(out, mailbox);
	buf_printf(out, "<m:FindFolder Traversal=\"%s\">", traversal);
	folder_add_shape(out, mailbox->part);
	buf_printf(out,
		"<m:IndexedPageFolderView MaxEntriesReturned=\"%d\" Offset=\"%" PRId64
		"\" BasePoint=\"Beginning\"/>",
		FOLDER_PAGE, offset);
	buf_add_string(out, "<m:ParentFolderIds>");
	if (parent == NULL) {
		buf_printf(
			out, "<t:DistinguishedFolderId Id=\"%s\"/>", folder_root_of(mailbox->part));
	} else {
		buf_add_string(out, "<t:FolderId Id=\"");
		soap_text(out, parent);
		buf_add_string(out, "\"/>");
	}
	buf_add_string(out, "</m:ParentFolderIds></m:FindFolder>");
	soap_end(out);
}

void
find_folder_request(struct buf *out, const struct ews_mailbox *mailbox, int64_t offset)
{
	add_request(out, mailbox, "Deep", NULL, offset);
}

void
find_children_request(
	struct buf *out, const struct ews_mailbox *mailbox, const char *parent, int64_t offset)
{
	add_request(out, mailbox, "Shallow", parent, offset);
}

bool
find_folder_result(const struct folder_reader *r, int64_t offset, int64_t *next_offset_out,
	struct exa_error *err)
{
	if (r->failed) {
		*err = r->failure;
		return false;
	}
	/* Short pages are normal, pages that lead nowhere would be asked for forever. */
	if (!r->last && r->next_offset <= offset)
		return exa_fail(err, EXA_NET,
			"the list of folders stands still at %" PRId64 " (next: %" PRId64 ")",
			offset, r->next_offset);
	*next_offset_out = r->last ? -1 : r->next_offset;
	return true;
}

static bool
find(struct ews *e, const struct ews_mailbox *mailbox, int64_t offset,
	const struct ews_folder_sink *sink, int64_t *next_offset_out, struct exa_error *err)
{
	EXA_AUTO(folder_reader_done)
	struct folder_reader reader = { .sink = sink, .next_offset = -1 };
	EXA_AUTO(answer_freep) struct answer *answer = NULL;

	return answer_new(&find_folder_spec, &reader, 1, &answer, err) &&
	       request_send(e, mailbox, answer, err) &&
	       find_folder_result(&reader, offset, next_offset_out, err);
}

bool
ews_find_folders(struct ews *e, const struct ews_mailbox *mailbox, int64_t offset,
	const struct ews_folder_sink *sink, int64_t *next_offset_out, struct exa_error *err)
{
	find_folder_request(request_text(e), mailbox, offset);
	return find(e, mailbox, offset, sink, next_offset_out, err);
}

bool
ews_find_children(struct ews *e, const struct ews_mailbox *mailbox, const char *parent,
	int64_t offset, const struct ews_folder_sink *sink, int64_t *next_offset_out,
	struct exa_error *err)
{
	find_children_request(request_text(e), mailbox, parent, offset);
	return find(e, mailbox, offset, sink, next_offset_out, err);
}
