/* SPDX-License-Identifier: Apache-2.0 */
/* FindItem as request text and as a reader of answers, apart from the connection. */
#ifndef EXARCH_EWS_FIND_ITEMS_H
#define EXARCH_EWS_FIND_ITEMS_H

#include "exarch/ews.h"

#include "answer.h"

struct find_items_reader {
	const struct ews_change_sink *sink;

	struct ews_change change; /* the one being read; its texts stand here: */
	struct buf id, change_key, class;

	int64_t next_offset, total; /* of the RootFolder; -1 = not said */
	bool last;
	bool failed;
	struct exa_error failure;
};

extern const struct answer_spec find_items_spec;

void find_items_reader_done(struct find_items_reader *r);
void find_items_request(
	struct buf *out, const struct ews_mailbox *mailbox, const char *folder_id, int64_t offset);
bool find_items_result(const struct find_items_reader *r, int64_t offset, int64_t *next_offset_out,
	int64_t *total_out, struct exa_error *err) EXA_CHECK;

#endif
