/* SPDX-License-Identifier: Apache-2.0 */
/* Folders in answers: FindFolder and GetFolder give the same, and are asked for the same. */
#ifndef EXARCH_EWS_FOLDER_H
#define EXARCH_EWS_FOLDER_H

#include "exarch/ews.h"

#include "answer.h"

struct folder_reader {
	const struct ews_folder_sink *sink;
	bool is_root; /* the one folder is the part's root */

	struct ews_folder folder; /* numbers of the one being read; its texts stand here: */
	struct buf id, parent_id, name, class, replica;
	unsigned tag; /* of the extended property being read */

	size_t count;
	int64_t next_offset; /* of a RootFolder; -1 = no more or not said */
	bool last;
	bool failed; /* `failure`: what the response message says */
	struct exa_error failure;
};

extern const struct answer_spec find_folder_spec, get_folder_spec;

void folder_reader_done(struct folder_reader *r);

/* m:FolderShape with all that struct ews_folder wants. */
void folder_add_shape(struct buf *out, enum ews_part part);

/* The requests, and the verbs' judgement of a complete answer. */
void find_folder_request(struct buf *out, const struct ews_mailbox *mailbox, int64_t offset);
void find_children_request(
	struct buf *out, const struct ews_mailbox *mailbox, const char *parent, int64_t offset);
bool find_folder_result(const struct folder_reader *r, int64_t offset, int64_t *next_offset_out,
	struct exa_error *err) EXA_CHECK;
void get_folder_request(struct buf *out, const struct ews_mailbox *mailbox, const char *id);
bool get_folder_result(const struct folder_reader *r, struct exa_error *err) EXA_CHECK;

/* The distinguished id of the root of a part (EWS.md 6.1, 14). */
const char *folder_root_of(enum ews_part part);

#endif
