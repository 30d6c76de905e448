/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The EWS endpoint: who asks, for which mailbox, for which operation, is the request as the schema
 * wants it; then the operation runs. One file for each operation (op_*.c), one line each in the
 * table (operations.c).
 */
#ifndef SIM_EWS_H
#define SIM_EWS_H

#include "auth.h"
#include "behave.h"
#include "http.h"
#include "mailbox.h"
#include "schema.h"
#include "soap_out.h"
#include "targets.h"
#include "xmlin.h"

struct ews_options {
	struct mailstore *store;
	struct auth *auth;
	struct behaviour *behaviour;
	const char *const *denied; /* addresses that may not be impersonated */
	size_t denied_count;
	unsigned latency_ms;
};

/* One request, past all checks that are the same for every operation. */
struct ews_call {
	struct mailstore *store;
	const struct ews_operation *op;
	xmlNodePtr request;     /* the operation's element */
	struct view *view;      /* the mailbox */
	struct targets targets; /* what it is about; a target with a code is answered with that */
	size_t page_max;        /* no page has more entries */
	struct arena *arena;    /* until the answer is out */
	struct http_answer *answer;
};

struct ews_operation {
	const char *name;
	const struct schema_type *schema;
	void (*run)(struct ews_call *call);
	struct targets_at at;
	enum freshness freshness; /* of the view it needs */
	const char *payload;      /* of its error messages; NULL: none */
};

extern const struct ews_operation ews_operations[]; /* ends with a name of NULL */

void ews_handle(const struct ews_options *o, const struct http_request *request,
	struct http_answer *answer);

/* For operations. */

/* A response message of class Error, noted in the log too. */
void ews_error(struct ews_call *call, const char *code, const char *xml_detail);
/* What was asked for T is done: the mailbox isn't as it was. */
void ews_done(struct ews_call *call, const struct target *t);
/* Answers a target that has a code; false: it has none. */
bool ews_refused(struct ews_call *call, const struct target *t);

void op_convert_id(struct ews_call *call);
void op_create_folder(struct ews_call *call);
void op_create_item(struct ews_call *call);
void op_delete_folder(struct ews_call *call);
void op_delete_item(struct ews_call *call);
void op_export_items(struct ews_call *call);
void op_move_folder(struct ews_call *call);
void op_move_item(struct ews_call *call);
void op_resolve_names(struct ews_call *call);
void op_sync_folder_hierarchy(struct ews_call *call);
void op_update_folder(struct ews_call *call);
void op_update_item(struct ews_call *call);
void op_upload_items(struct ews_call *call);
void op_find_folder(struct ews_call *call);
void op_get_folder(struct ews_call *call);
void op_find_item(struct ews_call *call);
void op_get_item(struct ews_call *call);
void op_sync_folder_items(struct ews_call *call);

#endif
