/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The EWS endpoint: who asks, for which mailbox, for which operation, is the request as the schema
 * wants it; then the operation runs. One file for each operation (op_*.c), one line each in the
 * table (operations.c).
 */
#ifndef SIM_EWS_H
#define SIM_EWS_H

#include "auth.h"
#include "http.h"
#include "mailbox.h"
#include "schema.h"
#include "soap_out.h"
#include "xmlin.h"

struct ews_options {
	struct mailstore *store;
	struct auth *auth;
	const char *const *denied; /* addresses that may not be impersonated */
	size_t denied_count;
	unsigned latency_ms;
};

/* One request, past all checks that are the same for every operation. */
struct ews_call {
	struct mailstore *store;
	const char *operation;
	xmlNodePtr request; /* the operation's element */
	struct view *view;  /* the mailbox as last seen; ews_look_again makes it fresh */
	struct http_answer *answer;
};

struct ews_operation {
	const char *name;
	const struct schema_type *schema;
	void (*run)(struct ews_call *call);
};

extern const struct ews_operation ews_operations[]; /* ends with a name of NULL */

void ews_handle(const struct ews_options *o, const struct http_request *request,
	struct http_answer *answer);

/* For operations. */

void ews_look_again(struct ews_call *call);

/* The folder that a FolderId or DistinguishedFolderId element names. False: *code_out says why. */
bool ews_find_folder(struct view *v, const xmlNode *id, size_t *folder_out, const char **code_out);

/* A response message of class Error, noted in the log too. */
void ews_error(struct ews_call *call, struct buf *out, const char *code, const char *xml_detail,
	const char *payload);

void op_find_folder(struct ews_call *call);
void op_get_folder(struct ews_call *call);
void op_find_item(struct ews_call *call);
void op_get_item(struct ews_call *call);
void op_sync_folder_items(struct ews_call *call);

#endif
