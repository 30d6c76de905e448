/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "autodiscover.h"
#include "soap_out.h"
#include "tree_dir.h"
#include "xmlin.h"

#define NS_POX_REQUEST \
	"http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
#define NS_POX "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
#define NS_POX_OUTLOOK \
	"http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
#define NS_SOAP_AUTODISCOVER "http://schemas.microsoft.com/exchange/2010/Autodiscover"
#define JSON_PATH AUTODISCOVER_PATH "autodiscover.json"

static bool
is_known(const struct autodiscover_options *o, const char *address)
{
	struct view *v;

	if (public_mailbox_named(address) >= 0)
		address = PUBLIC_FOLDERS_ADDRESS;
	if (!o->store->ops->open(o->store, address, VIEW_KNOWN, &v))
		return false;
	view_drop(v);
	return true;
}

/* ---- POX ---- */

static void
pox_error(struct buf *out, const char *code, const char *message)
{
	buf_printf(out,
		"<?xml version=\"1.0\" encoding=\"utf-8\"?><Autodiscover xmlns=\"" NS_POX
		"\"><Response><Error Time=\"10:00:00.0000000\" Id=\"2477272013\"><ErrorCode>%s</"
		"ErrorCode><Message>%s</Message><DebugData/></Error></Response></Autodiscover>",
		code, message);
}

static void
pox_settings(struct buf *out, const char *address, const char *url)
{
	buf_add_string(out,
		"<?xml version=\"1.0\" encoding=\"utf-8\"?><Autodiscover xmlns=\"" NS_POX
		"\"><Response xmlns=\"" NS_POX_OUTLOOK "\"><User><DisplayName>");
	xml_add(out, address);
	buf_add_string(out, "</DisplayName><AutoDiscoverSMTPAddress>");
	xml_add(out, address);
	buf_printf(out,
		"</AutoDiscoverSMTPAddress></User><Account><AccountType>email</AccountType>"
		"<Action>settings</Action><MicrosoftOnline>False</MicrosoftOnline>"
		"<Protocol><Type>EXCH</Type><ASUrl>%s/EWS/Exchange.asmx</ASUrl>"
		"<EwsUrl>%s/EWS/Exchange.asmx</EwsUrl></Protocol>"
		"<Protocol><Type>EXPR</Type><AuthPackage>Ntlm</AuthPackage>"
		"<ASUrl>%s/EWS/Exchange.asmx</ASUrl><EwsUrl>%s/EWS/Exchange.asmx</EwsUrl></"
		"Protocol>"
		"</Account></Response></Autodiscover>",
		url, url, url, url);
}

static void
pox(const struct autodiscover_options *o, xmlDocPtr doc, struct http_answer *answer)
{
	xmlNodePtr root = doc == NULL ? NULL : xmlDocGetRootElement(doc);
	xmlNodePtr request = xmlin_child(root, NS_POX_REQUEST, "Request");
	EXA_AUTO(exa_freep)
	char *address = xmlin_text(xmlin_child(request, NS_POX_REQUEST, "EMailAddress"));

	if (*address == '\0')
		pox_error(&answer->body, "600", "Invalid Request");
	else if (!is_known(o, address))
		pox_error(&answer->body, "500", "The email address can't be found.");
	else if (public_mailbox_named(address) >= 0) { /* GUID@domain is how its server is named */
		struct mailbox_id id;

		public_mailbox(public_mailbox_named(address), &id);
		pox_settings(&answer->body, id.address, o->url);
	} else {
		pox_settings(&answer->body, address, o->url);
	}
}

/* ---- SOAP ---- */

/* GUID@domain, as Exchange names the server of a mailbox. exa_alloc'ed. */
static char *
server_of(const struct autodiscover_options *o, const char *address)
{
	struct mailbox_id id;
	struct view *v;
	char *server;

	if (public_mailbox_named(address) >= 0) {
		public_mailbox(public_mailbox_named(address), &id);
		return exa_asprintf("%s@sim.example", id.guid_text);
	}
	if (!o->store->ops->open(o->store, address, VIEW_KNOWN, &v))
		return NULL;
	server = exa_asprintf("%s@sim.example", v->id.guid_text);
	view_drop(v);
	return server;
}

static void
add_setting(const struct autodiscover_options *o, const char *name, const char *address,
	struct buf *good, struct buf *bad)
{
	EXA_AUTO(exa_freep) char *ews = exa_asprintf("%s/EWS/Exchange.asmx", o->url);
	EXA_AUTO(exa_freep) char *server = server_of(o, address);
	const struct {
		const char *name, *value;
	} known[] = { { "ExternalEwsUrl", ews }, { "InternalEwsUrl", ews },
		{ "PublicFolderInformation",
			is_known(o, PUBLIC_FOLDERS_ADDRESS) ? PUBLIC_FOLDERS_ADDRESS : NULL },
		{ "InternalRpcClientServer", server }, { "UserDisplayName", address },
		{ "AutoDiscoverSMTPAddress", address }, { "CasVersion", "15.02.2562.017" },
		{ "GroupingInformation", "Default-First-Site" }, { "UserMSOnline", "False" },
		{ "EwsSupportedSchemas",
			"Exchange2007, Exchange2007_SP1, Exchange2010, Exchange2010_SP1, "
			"Exchange2010_SP2, Exchange2013, Exchange2013_SP1, Exchange2016" } };

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (strcmp(known[i].name, name) != 0 || known[i].value == NULL)
			continue;
		buf_printf(
			good, "<UserSetting i:type=\"StringSetting\"><Name>%s</Name><Value>", name);
		xml_add(good, known[i].value);
		buf_add_string(good, "</Value></UserSetting>");
		return;
	}
	buf_add_string(bad,
		"<UserSettingError><ErrorCode>SettingIsNotAvailable</ErrorCode>"
		"<ErrorMessage>The setting isn't available.</ErrorMessage><SettingName>");
	xml_add(bad, name);
	buf_add_string(bad, "</SettingName></UserSettingError>");
}

static void
soap_user(const struct autodiscover_options *o, const xmlNode *user, const xmlNode *settings,
	struct buf *out)
{
	EXA_AUTO(exa_freep)
	char *address = xmlin_text(xmlin_child(user, NS_SOAP_AUTODISCOVER, "Mailbox"));
	EXA_AUTO(buf_done) struct buf good = { 0 };
	EXA_AUTO(buf_done) struct buf bad = { 0 };
	bool known = is_known(o, address);

	for (xmlNodePtr s = xmlin_first(settings); known && s != NULL; s = xmlin_next(s)) {
		EXA_AUTO(exa_freep) char *name = xmlin_text(s);

		add_setting(o, name, address, &good, &bad);
	}
	buf_printf(out,
		"<UserResponse><ErrorCode>%s</ErrorCode><ErrorMessage>%s</ErrorMessage>"
		"<RedirectTarget i:nil=\"true\"/><UserSettingErrors>%s</UserSettingErrors>"
		"<UserSettings>%s</UserSettings></UserResponse>",
		known ? "NoError" : "InvalidUser",
		known ? "No error." : "The email address can't be found.", buf_string(&bad),
		buf_string(&good));
}

static void
soap(const struct autodiscover_options *o, xmlDocPtr doc, struct http_answer *answer)
{
	struct buf *out = &answer->body;
	xmlNodePtr root = doc == NULL ? NULL : xmlDocGetRootElement(doc);
	xmlNodePtr message = xmlin_child(xmlin_child(root, NS_SOAP, "Body"), NS_SOAP_AUTODISCOVER,
		"GetUserSettingsRequestMessage");
	xmlNodePtr request = xmlin_child(message, NS_SOAP_AUTODISCOVER, "Request");
	xmlNodePtr users = xmlin_child(request, NS_SOAP_AUTODISCOVER, "Users");
	xmlNodePtr settings = xmlin_child(request, NS_SOAP_AUTODISCOVER, "RequestedSettings");
	bool good = xmlin_first(users) != NULL && xmlin_first(settings) != NULL;

	buf_printf(out,
		"<?xml version=\"1.0\" encoding=\"utf-8\"?><s:Envelope xmlns:s=\"" NS_SOAP
		"\" xmlns:a=\"http://www.w3.org/2005/08/addressing\"><s:Header>"
		"<a:Action s:mustUnderstand=\"1\">" NS_SOAP_AUTODISCOVER
		"/Autodiscover/GetUserSettingsResponse</a:Action></s:Header><s:Body>"
		"<GetUserSettingsResponseMessage xmlns=\"" NS_SOAP_AUTODISCOVER
		"\"><Response xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\">"
		"<ErrorCode>%s</ErrorCode><ErrorMessage/><UserResponses>",
		good ? "NoError" : "InvalidRequest");
	for (xmlNodePtr user = xmlin_first(users); good && user != NULL; user = xmlin_next(user))
		soap_user(o, user, settings, out);
	buf_add_string(out,
		"</UserResponses></Response></GetUserSettingsResponseMessage></s:Body></"
		"s:Envelope>");
}

/* ---- JSON ---- */

static void
json(const struct autodiscover_options *o, const struct http_request *r, struct http_answer *answer)
{
	const char *rest = r->path + strlen(JSON_PATH), *protocol = http_query(r, "Protocol");
	const char *address =
		strncasecmp(rest, "/v1.0/", 6) == 0 ? rest + 6 : http_query(r, "Email");

	answer->status = 200;
	answer->content_type = "application/json; charset=utf-8";
	if (address == NULL || strchr(address, '@') == NULL) {
		answer->status = 400;
		buf_add_string(&answer->body, "{\"ErrorCode\":\"InvalidRequest\",\"ErrorMessage\":"
					      "\"The email address isn't given.\"}");
	} else if (protocol == NULL || strcasecmp(protocol, "EWS") != 0) {
		answer->status = 400;
		buf_add_string(&answer->body,
			"{\"ErrorCode\":\"InvalidProtocol\",\"ErrorMessage\":\"The given protocol "
			"value is invalid. Supported values are 'EWS'.\"}");
	} else if (!is_known(o, address)) {
		answer->status = 404;
		buf_add_string(&answer->body, "{\"ErrorCode\":\"UserNotFound\",\"ErrorMessage\":"
					      "\"The given user wasn't found.\"}");
	} else {
		buf_printf(&answer->body, "{\"Protocol\":\"EWS\",\"Url\":\"%s/EWS/Exchange.asmx\"}",
			o->url);
	}
}

void
autodiscover_handle(const struct autodiscover_options *o, const struct http_request *r,
	struct http_answer *answer)
{
	EXA_AUTO(xmlin_docp) xmlDocPtr doc = NULL;
	struct xml_violation why;
	struct identity who;
	bool is_soap = strcasecmp(r->path, AUTODISCOVER_PATH "autodiscover.svc") == 0;

	(void)snprintf(answer->note.operation, sizeof answer->note.operation, "autodiscover");
	if (strncasecmp(r->path, JSON_PATH, strlen(JSON_PATH)) == 0) {
		json(o, r, answer);
		return;
	}
	if (!is_soap && strcasecmp(r->path, AUTODISCOVER_PATH "autodiscover.xml") != 0) {
		answer->status = 404;
		return;
	}
	if (strcmp(r->method, "GET") == 0) { /* the unauthenticated step: where to ask */
		answer->status = 302;
		http_add_header(
			answer, "Location", "%s" AUTODISCOVER_PATH "autodiscover.xml", o->url);
		return;
	}
	if (!auth_check_ews(o->auth, r, &who, answer))
		return;
	answer->status = 200;
	answer->content_type = "text/xml; charset=utf-8";
	doc = xmlin_parse(r->body, &why);
	if (is_soap)
		soap(o, doc, answer);
	else
		pox(o, doc, answer);
}
