/* SPDX-License-Identifier: Apache-2.0 */
/* SyncFolderItems as request text and as a reader of answers, apart from the connection. */
#ifndef EXARCH_EWS_SYNC_ITEMS_H
#define EXARCH_EWS_SYNC_ITEMS_H

#include "exarch/ews.h"

#include "answer.h"

struct sync_reader {
	const struct ews_change_sink *sink;

	struct ews_change change; /* the one being read; its texts stand here: */
	struct buf id, change_key, class;

	struct buf state;
	int last; /* 1, 0 or -1: not said */
	bool failed;
	struct exa_error failure;
};

extern const struct answer_spec sync_items_spec;

void sync_reader_done(struct sync_reader *r);
void sync_items_request(
	struct buf *out, const struct ews_mailbox *mailbox, const struct ews_sync_request *request);
bool sync_items_result(const struct sync_reader *r, struct buf *state_out, bool *last_out,
	struct exa_error *err) EXA_CHECK;

#endif
