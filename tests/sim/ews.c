/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "ews.h"
#include "ids.h"

static void
fault(struct http_answer *a, const char *code, const char *text, const char *message,
	const char *xml_detail)
{
	a->status = 500;
	a->content_type = "text/xml; charset=utf-8";
	soap_fault(&a->body, code, text, message, xml_detail);
	note_code(&a->note, code);
}

static void
schema_fault(struct http_answer *a, const struct xml_violation *v)
{
	EXA_AUTO(buf_done) struct buf detail = { 0 };
	EXA_AUTO(exa_freep)
	char *text = exa_asprintf("The request failed schema validation: %s", v->text);

	buf_printf(&detail, "<t:LineNumber>%d</t:LineNumber><t:LinePosition>%d</t:LinePosition>",
		v->place.line, v->place.column);
	xml_add_element(&detail, "Violation", v->text);
	fault(a, "ErrorSchemaValidation", text, "The request failed schema validation.",
		buf_string(&detail));
}

/* The Header and Body of an envelope, or a violation. */
static bool
read_envelope(
	xmlDocPtr doc, xmlNodePtr *header_out, xmlNodePtr *body_out, struct xml_violation *why)
{
	xmlNodePtr root = xmlDocGetRootElement(doc), node = xmlin_first(root);

	why->place = xmlin_place(root);
	(void)snprintf(why->text, sizeof why->text,
		"The request is not a SOAP 1.1 envelope (found element '%s').", root->name);
	if (!xmlin_is(root, NS_SOAP, "Envelope"))
		return false;
	*header_out = NULL;
	if (xmlin_is(node, NS_SOAP, "Header")) {
		*header_out = node;
		node = xmlin_next(node);
	}
	*body_out = node;
	return xmlin_is(node, NS_SOAP, "Body") && xmlin_first(node) != NULL;
}

static const struct ews_operation *
find_operation(const xmlNode *request)
{
	for (const struct ews_operation *op = ews_operations; op->name != NULL; op++) {
		if (xmlin_is(request, NS_MESSAGES, op->name))
			return op;
	}
	return NULL;
}

static bool
version_is_good(const xmlNode *header)
{
	xmlNodePtr node = xmlin_child(header, NS_TYPES, "RequestServerVersion");
	EXA_AUTO(exa_freep) char *version = node == NULL ? NULL : xmlin_attribute(node, "Version");

	return version != NULL && schema_knows_version(version);
}

static bool
is_denied(const struct ews_options *o, const char *address)
{
	for (size_t i = 0; i < o->denied_count; i++) {
		if (strcasecmp(o->denied[i], address) == 0)
			return true;
	}
	return false;
}

/* Opens the mailbox that the request is for; false: the fault is in the answer. */
static bool
open_mailbox(const struct ews_options *o, const xmlNode *header, const struct identity *who,
	struct http_answer *a, struct view **out)
{
	xmlNodePtr node = xmlin_child(header, NS_TYPES, "ExchangeImpersonation");
	EXA_AUTO(exa_freep) char *address = NULL;
	EXA_AUTO(buf_done) struct buf detail = { 0 };
	struct xml_violation why = { 0 };

	if (node != NULL && !schema_check(node, &schema_impersonation, &why)) {
		schema_fault(a, &why);
		return false;
	}
	if (node == NULL && who->user[0] == '\0') {
		fault(a, "ErrorInvalidExchangeImpersonationHeaderData", NULL, NULL, NULL);
		return false;
	}
	address = node == NULL ? exa_strdup(who->user) : xmlin_text(xmlin_first(xmlin_first(node)));
	(void)snprintf(a->note.mailbox, sizeof a->note.mailbox, "%s", address);
	if (is_denied(o, address)) {
		fault(a, "ErrorImpersonateUserDenied", NULL, NULL, NULL);
		return false;
	}
	if (o->store->ops->open(o->store, address, VIEW_KNOWN, out))
		return true;
	buf_add_string(&detail, "<t:Value Name=\"SmtpAddress\">");
	xml_add(&detail, address);
	buf_add_string(&detail, "</t:Value>");
	fault(a, "ErrorNonExistentMailbox", NULL, NULL, buf_string(&detail));
	return false;
}

static void
run_request(const struct ews_options *o, const struct identity *who, xmlDocPtr doc,
	struct http_answer *a)
{
	struct ews_call call = { .store = o->store, .answer = a };
	const struct ews_operation *op;
	struct xml_violation why = { 0 };
	xmlNodePtr header, body;

	if (!read_envelope(doc, &header, &body, &why)) {
		schema_fault(a, &why);
		return;
	}
	call.request = xmlin_first(body);
	(void)snprintf(a->note.operation, sizeof a->note.operation, "%s",
		(const char *)call.request->name);
	if (!version_is_good(header)) {
		fault(a, "ErrorInvalidServerVersion", NULL, NULL, NULL);
		return;
	}
	op = find_operation(call.request);
	if (op == NULL) {
		fault(a, "ErrorInvalidRequest", NULL, NULL, NULL);
		return;
	}
	call.operation = op->name;
	if (!schema_check(call.request, op->schema, &why)) {
		schema_fault(a, &why);
		return;
	}
	if (!open_mailbox(o, header, who, a, &call.view))
		return;
	a->status = 200;
	a->content_type = "text/xml; charset=utf-8";
	note_code(&a->note, "NoError");
	op->run(&call);
	view_drop(call.view);
}

static void
wait_ms(unsigned ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	(void)nanosleep(&t, NULL);
}

void
ews_handle(
	const struct ews_options *o, const struct http_request *request, struct http_answer *answer)
{
	EXA_AUTO(xmlin_docp) xmlDocPtr doc = NULL;
	struct xml_violation why;
	struct identity who;
	const char *id = http_header(request, "client-request-id");

	if (strcmp(request->method, "POST") != 0) {
		answer->status = 405;
		http_add_header(answer, "Allow", "POST");
		return;
	}
	if (o->latency_ms > 0)
		wait_ms(o->latency_ms);
	if (id != NULL && http_header(request, "return-client-request-id") != NULL)
		http_add_header(answer, "client-request-id", "%s", id);
	if (!auth_check_ews(o->auth, request, &who, answer))
		return;
	doc = xmlin_parse(request->body, &why);
	if (doc == NULL)
		schema_fault(answer, &why);
	else
		run_request(o, &who, doc, answer);
}

void
ews_look_again(struct ews_call *call)
{
	struct view *fresh;

	if (!call->store->ops->open(call->store, call->view->id.address, VIEW_FRESH, &fresh))
		return; /* the mailbox went away just now: the answer is of a moment ago */
	view_drop(call->view);
	call->view = fresh;
}

bool
ews_find_folder(struct view *v, const xmlNode *id, size_t *folder_out, const char **code_out)
{
	EXA_AUTO(exa_freep) char *text = xmlin_attribute(id, "Id");
	struct id_parts parts;

	*code_out = "ErrorFolderNotFound";
	if (text == NULL)
		return false;
	if (xmlin_is(id, NS_TYPES, "DistinguishedFolderId"))
		return view_find_distinguished(v, text, folder_out);
	if (!id_read(text, &parts)) {
		*code_out = "ErrorInvalidIdMalformed";
		return false;
	}
	if (parts.kind != ID_FOLDER) {
		*code_out = "ErrorCannotUseItemIdForFolderId";
		return false;
	}
	return strcmp(parts.mailbox_guid, v->id.guid_text) == 0 &&
	       view_find_folder(v, parts.folder, folder_out);
}

void
ews_error(struct ews_call *call, struct buf *out, const char *code, const char *xml_detail,
	const char *payload)
{
	note_code(&call->answer->note, code);
	soap_error(out, call->operation, code, xml_detail, payload);
}
