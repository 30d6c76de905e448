/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "act.h"
#include "change.h"
#include "ews.h"
#include "tree_dir.h"

#define CHANGES_AT_ONCE 16 /* of a scenario, before one request */

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

/* None is Exchange2007: how DavMail asks first, to learn the server's version from the answer. */
static bool
version_is_good(const xmlNode *header)
{
	xmlNodePtr node = xmlin_child(header, NS_TYPES, "RequestServerVersion");
	EXA_AUTO(exa_freep) char *version = node == NULL ? NULL : xmlin_attribute(node, "Version");

	return node == NULL || (version != NULL && schema_knows_version(version));
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

/*
 * Public folders: a header says so, and X-AnchorMailbox must be routed to the same mailbox, by the
 * address that Autodiscover gives or by GUID@domain.
 */
static bool
open_public(const struct ews_options *o, enum freshness how, const struct http_request *r,
	struct http_answer *a, struct view **out)
{
	const char *anchor = http_header(r, "X-AnchorMailbox");
	const int which = public_mailbox_named(http_header(r, "X-PublicFolderMailbox"));

	(void)snprintf(a->note.mailbox, sizeof a->note.mailbox, "%s", PUBLIC_FOLDERS_ADDRESS);
	if (which >= 0 && anchor != NULL && public_mailbox_named(anchor) == which &&
		o->store->ops->open(o->store, PUBLIC_FOLDERS_ADDRESS, how, out))
		return true;
	fault(a, "ErrorNoPublicFolderReplicaAvailable", NULL, NULL, NULL);
	return false;
}

/* Opens the mailbox that the request is for; false: the fault is in the answer. */
static bool
open_mailbox(const struct ews_options *o, const xmlNode *header, const struct identity *who,
	enum freshness how, const struct http_request *r, struct http_answer *a, struct view **out)
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
	/* The impersonated user's rights would count there; here everybody may read. */
	if (http_header(r, "X-PublicFolderMailbox") != NULL)
		return open_public(o, how, r, a, out);
	address = node == NULL ? exa_strdup(who->user) : xmlin_text(xmlin_first(xmlin_first(node)));
	(void)snprintf(a->note.mailbox, sizeof a->note.mailbox, "%s", address);
	if (is_denied(o, address)) {
		fault(a, "ErrorImpersonateUserDenied", NULL, NULL, NULL);
		return false;
	}
	if (o->store->ops->open(o->store, address, how, out))
		return true;
	buf_add_string(&detail, "<t:Value Name=\"SmtpAddress\">");
	xml_add(&detail, address);
	buf_add_string(&detail, "</t:Value>");
	fault(a, "ErrorNonExistentMailbox", NULL, NULL, buf_string(&detail));
	return false;
}

/* Counted as open from here to the answer's last byte. */
struct ending {
	struct behaviour *behaviour;
	char *mailbox;
	struct arena *arena;
	struct verdict verdict;
};

static void
end_call(void *ctx)
{
	struct ending *e = ctx;

	behave_end(e->behaviour, e->mailbox, &e->verdict);
	arena_free(e->arena);
	exa_free(e->mailbox);
	exa_free(e);
}

static bool
wants_mime(const xmlNode *request)
{
	xmlNodePtr shape = xmlin_child(request, NS_MESSAGES, "ItemShape");
	EXA_AUTO(exa_freep)
	char *text = xmlin_text(xmlin_child(shape, NS_TYPES, "IncludeMimeContent"));

	return strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
}

/* The tree is known to the first mailbox alone, what is in a folder to the one that has it. */
static void
check_routing(struct ews_call *call, const struct http_request *r)
{
	const bool of_tree = strcmp(call->op->name, "FindFolder") == 0;
	int which;

	if (!call->view->is_public || http_header(r, "X-PublicFolderMailbox") == NULL)
		return;
	which = public_mailbox_named(http_header(r, "X-PublicFolderMailbox"));
	for (size_t i = 0; i < call->targets.count; i++) {
		struct target *t = &call->targets.rows[i];
		const struct sim_folder *f = &call->view->folders[t->folder];
		const bool top = f->distinguished != NULL;

		if (t->code == NULL && which != (of_tree || top ? 0 : public_mailbox_of(f)))
			t->code = "ErrorNoPublicFolderReplicaAvailable";
	}
}

static void
look_at_targets(struct ews_call *call)
{
	struct view *fresh;

	targets_read(call->request, &call->op->at, call->view, call->arena, &call->targets);
	if (call->op->freshness == VIEW_FRESH || !targets_miss_some(&call->targets) ||
		!call->store->ops->open(call->store, call->view->id.address, VIEW_FRESH, &fresh))
		return;
	view_drop(call->view);
	call->view = fresh;
	targets_read(call->request, &call->op->at, call->view, call->arena, &call->targets);
}

/* Others are at work in the mailbox too: what they did is there before the request is looked at. */
static void
make_changes(const struct ews_options *o, const struct request_facts *facts, struct verdict *v,
	struct ews_call *call)
{
	const struct scenario_change *due[CHANGES_AT_ONCE];
	size_t count = behave_changes(o->behaviour, facts, v, due, CHANGES_AT_ONCE);
	struct view *fresh;

	for (size_t i = 0; i < count; i++)
		change_make(o->store, o->auth, due[i], call->view->id.address);
	if (count == 0 ||
		!call->store->ops->open(call->store, call->view->id.address, VIEW_FRESH, &fresh))
		return;
	view_drop(call->view);
	call->view = fresh;
	targets_read(call->request, &call->op->at, call->view, call->arena, &call->targets);
}

/* Of an item its id, of a thing to be made all that is said of it and where. */
static uint64_t
hash_of_target(const struct ews_call *call, const struct target *t)
{
	const struct bytes place = bytes_of(&t->folder, sizeof t->folder);
	xmlBufferPtr text;
	uint64_t hash;

	if (t->kind == TARGET_ITEM)
		return stable_hash(
			"about", bytes_of_string(t->id != NULL ? t->id : ""), bytes_of(NULL, 0));
	text = xmlBufferCreate();
	(void)xmlNodeDump(text, call->request->doc, t->node, 0, 0);
	hash = stable_hash(
		"about", bytes_of(xmlBufferContent(text), (size_t)xmlBufferLength(text)), place);
	xmlBufferFree(text);
	return hash;
}

static void
note_targets(const struct ews_call *call)
{
	struct request_note *note = &call->answer->note;

	note->items = (unsigned)call->targets.count;
	for (size_t i = 0; i < call->targets.count && i < NOTE_THINGS_MAX; i++) {
		if (call->targets.rows[i].kind != TARGET_FOLDER)
			note->about[note->about_count++] =
				hash_of_target(call, &call->targets.rows[i]);
	}
}

/* Resolve, decide, act: the operation sees only what is left to do. */
static void
run_operation(const struct ews_options *o, const struct http_request *r, struct ews_call *call)
{
	struct ending *ending = exa_alloc(sizeof *ending);
	char *mailbox = exa_strdup(call->view->id.address); /* outlives the view */
	struct act act = { .behaviour = o->behaviour,
		.request = r,
		.answer = call->answer,
		.operation = call->op->name,
		.payload = call->op->payload,
		.mailbox = mailbox,
		.targets = &call->targets,
		.arena = call->arena,
		.verdict = &ending->verdict };
	struct request_facts facts = { .operation = call->op->name,
		.mailbox = mailbox,
		.wants_mime = wants_mime(call->request),
		.targets = &call->targets };

	*ending = (struct ending){
		.behaviour = o->behaviour, .mailbox = mailbox, .arena = call->arena
	};
	look_at_targets(call);
	check_routing(call, r);
	facts.view = call->view;
	note_targets(call);
	behave_begin(o->behaviour, &facts, &ending->verdict);
	call->answer->done = end_call;
	call->answer->done_ctx = ending;
	make_changes(o, &facts, &ending->verdict, call);
	facts.view = call->view;
	behave_judge(o->behaviour, &facts, call->arena, &ending->verdict);
	call->page_max = ending->verdict.page_max;
	if (!act_before(&act)) {
		call->answer->status = 200;
		call->answer->content_type = "text/xml; charset=utf-8";
		note_code(&call->answer->note, "NoError");
		call->op->run(call);
	}
	act_after(&act);
}

static void
run_request(const struct ews_options *o, const struct identity *who, xmlDocPtr doc,
	const struct http_request *r, struct http_answer *a)
{
	struct ews_call call = { .store = o->store, .answer = a };
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
	call.op = find_operation(call.request);
	if (call.op == NULL) {
		fault(a, "ErrorInvalidRequest", NULL, NULL, NULL);
		return;
	}
	if (!schema_check(call.request, call.op->schema, &why)) {
		schema_fault(a, &why);
		return;
	}
	if (!open_mailbox(o, header, who, call.op->freshness, r, a, &call.view))
		return;
	call.arena = arena_new();
	run_operation(o, r, &call);
	view_drop(call.view);
}

void
ews_handle(
	const struct ews_options *o, const struct http_request *request, struct http_answer *answer)
{
	EXA_AUTO(xmlin_docp) xmlDocPtr doc = NULL;
	struct xml_violation why;
	struct identity who;
	const char *id = http_header(request, "client-request-id");

	if (o->latency_ms > 0)
		http_wait(request, o->latency_ms);
	if (id != NULL && http_header(request, "return-client-request-id") != NULL)
		http_add_header(answer, "client-request-id", "%s", id);
	if (!auth_check_ews(o->auth, request, &who, answer))
		return;
	if (strcmp(request->method, "POST") != 0) {
		answer->status = 405;
		http_add_header(answer, "Allow", "POST");
		return;
	}
	doc = xmlin_parse(request->body, &why);
	if (doc == NULL)
		schema_fault(answer, &why);
	else
		run_request(o, &who, doc, request, answer);
}

void
ews_error(struct ews_call *call, const char *code, const char *xml_detail)
{
	note_code(&call->answer->note, code);
	soap_error(&call->answer->body, call->op->name, code, xml_detail, call->op->payload);
}

void
ews_done(struct ews_call *call, const struct target *t)
{
	const size_t index = (size_t)(t - call->targets.rows);

	if (index < NOTE_THINGS_MAX)
		call->answer->note.is_done[index] = true;
}

bool
ews_refused(struct ews_call *call, const struct target *t)
{
	if (t->code == NULL)
		return false;
	ews_error(call, t->code, t->detail);
	return true;
}
