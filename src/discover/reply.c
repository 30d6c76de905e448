/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources: MS-OXDSCLI (POX), MS-OXWSADISC (SOAP), answers seen of the JSON form. Elements are told
 * by namespace at the root and by local name below it: prefixes vary, and POX puts its errors into
 * another namespace than its settings. A document type is refused, so no entity can be defined.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>
#include <libxml/parser.h>
#include <libxml/tree.h>

#include "exarch/attr.h"

#include "reply.h"

#define POX_NAMESPACE "http://schemas.microsoft.com/exchange/autodiscover/"
#define SOAP_NAMESPACE "http://schemas.xmlsoap.org/soap/envelope/"
#define CODE_MAX 64

static void
doc_freep(xmlDoc **doc)
{
	xmlFreeDoc(*doc);
}

static bool
is_named(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

/* The next NAME among the siblings from NODE on. */
static xmlNode *
find(xmlNode *node, const char *name)
{
	while (node != NULL && !is_named(node, name))
		node = node->next;
	return node;
}

/* NULL stays NULL, so that a path can be walked in one expression. */
static xmlNode *
child(const xmlNode *parent, const char *name)
{
	return parent != NULL ? find(parent->children, name) : NULL;
}

/* White space around is cut off. False, and OUT empty, when nothing is left or too much. */
static bool
copy_text(char out[REPLY_TEXT_MAX], const char *text)
{
	size_t size;

	out[0] = '\0';
	while (isspace((unsigned char)*text))
		text++;
	size = strlen(text);
	while (size > 0 && isspace((unsigned char)text[size - 1]))
		size--;
	if (size == 0 || size >= REPLY_TEXT_MAX)
		return false;
	memcpy(out, text, size);
	out[size] = '\0';
	return true;
}

static bool
text_of(const xmlNode *node, char out[REPLY_TEXT_MAX])
{
	xmlChar *content = node != NULL ? xmlNodeGetContent(node) : NULL;
	bool good = content != NULL && copy_text(out, (const char *)content);

	xmlFree(content);
	return good;
}

static bool
text_is(const xmlNode *node, const char *wanted)
{
	char text[REPLY_TEXT_MAX];

	return text_of(node, text) && strcasecmp(text, wanted) == 0;
}

/* Into an error's text for people: nothing but letters and digits. */
static void
set_error(struct reply *out, const char *code)
{
	size_t n = 0;

	for (; *code != '\0' && n < CODE_MAX; code++) {
		if (isalnum((unsigned char)*code))
			out->text[n++] = *code;
	}
	out->text[n] = '\0';
	out->kind = REPLY_ERROR;
}

static void
set_error_of(struct reply *out, const xmlNode *code)
{
	char text[REPLY_TEXT_MAX];

	set_error(out, text_of(code, text) ? text : "unnamed");
}

/* As KIND with the text of NODE, if it has one. */
static bool
set_text(struct reply *out, enum reply_kind kind, const xmlNode *node)
{
	if (!text_of(node, out->text))
		return false;
	out->kind = kind;
	return true;
}

/* ---- POX ---- */

static bool
set_protocol(struct reply *out, const xmlNode *account, const char *type)
{
	for (xmlNode *p = child(account, "Protocol"); p != NULL; p = find(p->next, "Protocol")) {
		if (text_is(child(p, "Type"), type) &&
			(set_text(out, REPLY_EWS, child(p, "EwsUrl")) ||
				set_text(out, REPLY_EWS, child(p, "ASUrl"))))
			return true;
	}
	return false;
}

static void
read_pox(const xmlNode *root, struct reply *out)
{
	const xmlNode *response = child(root, "Response"), *account = child(response, "Account");
	const xmlNode *error = child(response, "Error"), *action = child(account, "Action");

	if (!is_named(root, "Autodiscover") || root->ns == NULL ||
		strncmp((const char *)root->ns->href, POX_NAMESPACE, strlen(POX_NAMESPACE)) != 0 ||
		response == NULL)
		return;
	out->kind = REPLY_NOTHING;
	if (error != NULL)
		set_error_of(out, child(error, "ErrorCode"));
	else if (text_is(action, "redirectAddr"))
		(void)set_text(out, REPLY_TO_ADDRESS, child(account, "RedirectAddr"));
	else if (text_is(action, "redirectUrl"))
		(void)set_text(out, REPLY_TO_URL, child(account, "RedirectUrl"));
	else if (!set_protocol(out, account, "EXPR")) /* as seen from outside; else from inside */
		(void)set_protocol(out, account, "EXCH");
}

/* ---- SOAP ---- */

static bool
set_setting(struct reply *out, const xmlNode *settings, const char *name)
{
	for (xmlNode *s = child(settings, "UserSetting"); s != NULL;
		s = find(s->next, "UserSetting")) {
		if (text_is(child(s, "Name"), name) && set_text(out, REPLY_EWS, child(s, "Value")))
			return true;
	}
	return false;
}

static void
read_user(const xmlNode *user, struct reply *out)
{
	const xmlNode *code = child(user, "ErrorCode"), *settings = child(user, "UserSettings");

	if (text_is(code, "RedirectAddress"))
		(void)set_text(out, REPLY_TO_ADDRESS, child(user, "RedirectTarget"));
	else if (text_is(code, "RedirectUrl"))
		(void)set_text(out, REPLY_TO_URL, child(user, "RedirectTarget"));
	else if (code != NULL && !text_is(code, "NoError"))
		set_error_of(out, code);
	else if (!set_setting(out, settings, "ExternalEwsUrl"))
		(void)set_setting(out, settings, "InternalEwsUrl");
}

static void
read_soap(const xmlNode *root, struct reply *out)
{
	const xmlNode *body = child(root, "Body");
	const xmlNode *response = child(child(body, "GetUserSettingsResponseMessage"), "Response");
	const xmlNode *code = child(response, "ErrorCode");
	const xmlNode *user = child(child(response, "UserResponses"), "UserResponse");

	if (!is_named(root, "Envelope") || root->ns == NULL ||
		strcmp((const char *)root->ns->href, SOAP_NAMESPACE) != 0 || body == NULL)
		return;
	out->kind = REPLY_NOTHING;
	if (child(body, "Fault") != NULL)
		set_error(out, "fault");
	else if (code != NULL && !text_is(code, "NoError"))
		set_error_of(out, code);
	else if (user != NULL)
		read_user(user, out);
}

/* ---- */

static xmlDoc *
parse(struct bytes body)
{
	const int how =
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA;

	return body.size == 0
		       ? NULL
		       : xmlReadMemory((const char *)body.data, (int)body.size, NULL, NULL, how);
}

/* NULL when there is none, or the document is more than a plain one. */
static const xmlNode *
root_of(xmlDoc *doc)
{
	return doc != NULL && xmlGetIntSubset(doc) == NULL ? xmlDocGetRootElement(doc) : NULL;
}

bool
reply_setting(struct bytes body, const char *name, char out[REPLY_TEXT_MAX])
{
	EXA_AUTO(doc_freep) xmlDoc *doc = parse(body);
	const xmlNode *root = root_of(doc), *response, *user;
	struct reply setting = { 0 };

	if (root == NULL || !is_named(root, "Envelope"))
		return false;
	response = child(child(child(root, "Body"), "GetUserSettingsResponseMessage"), "Response");
	user = child(child(response, "UserResponses"), "UserResponse");
	return set_setting(&setting, child(user, "UserSettings"), name) &&
	       copy_text(out, setting.text);
}

bool
reply_pox_address(struct bytes body, char out[REPLY_TEXT_MAX])
{
	EXA_AUTO(doc_freep) xmlDoc *doc = parse(body);
	const xmlNode *root = root_of(doc);

	return root != NULL && is_named(root, "Autodiscover") &&
	       text_of(child(child(child(root, "Response"), "User"), "AutoDiscoverSMTPAddress"),
		       out);
}

static void
read_xml(enum question q, struct bytes body, struct reply *out)
{
	EXA_AUTO(doc_freep) xmlDoc *doc = parse(body);
	const xmlNode *root = root_of(doc);

	if (root == NULL)
		return;
	if (q == QUESTION_POX)
		read_pox(root, out);
	else
		read_soap(root, out);
}

static void
read_json(struct bytes body, struct reply *out)
{
	json_t *root = json_loadb((const char *)body.data, body.size, 0, NULL);
	const char *protocol = json_string_value(json_object_get(root, "Protocol"));
	const char *url = json_string_value(json_object_get(root, "Url"));
	const char *code = json_string_value(json_object_get(root, "ErrorCode"));

	if (code != NULL)
		set_error(out, code);
	else if (protocol != NULL)
		out->kind =
			strcasecmp(protocol, "EWS") == 0 && url != NULL && copy_text(out->text, url)
				? REPLY_EWS
				: REPLY_NOTHING;
	json_decref(root);
}

void
reply_read(enum question q, struct bytes body, struct reply *out)
{
	*out = (struct reply){ .kind = REPLY_GARBLED };
	if (body.size == 0)
		return;
	if (q == QUESTION_JSON)
		read_json(body, out);
	else
		read_xml(q, body, out);
}
