/* SPDX-License-Identifier: Apache-2.0 */
#include "exarch/http.h"

#include "question.h"

const struct question_form question_forms[QUESTION_COUNT] = {
	[QUESTION_POX] = { "POX", "POST", "/autodiscover/autodiscover.xml", true },
	[QUESTION_SOAP] = { "SOAP", "POST", "/autodiscover/autodiscover.svc", true },
	[QUESTION_JSON] = { "JSON", "GET", "/autodiscover/autodiscover.json/v1.0/", false },
};

/* The text was checked: no control characters. */
static void
add_xml(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '&':
			buf_add_string(out, "&amp;");
			break;
		case '<':
			buf_add_string(out, "&lt;");
			break;
		case '>':
			buf_add_string(out, "&gt;");
			break;
		default:
			buf_add_byte(out, (uint8_t)*text);
		}
	}
}

void
question_pox(const char *address, struct buf *out)
{
	buf_add_string(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
			    "<Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/"
			    "autodiscover/outlook/requestschema/2006\"><Request><EMailAddress>");
	add_xml(out, address);
	buf_add_string(out, "</EMailAddress><AcceptableResponseSchema>http://schemas.microsoft.com/"
			    "exchange/autodiscover/outlook/responseschema/2006a"
			    "</AcceptableResponseSchema></Request></Autodiscover>\n");
}

void
question_soap(const char *url, const char *address, const char *const *settings,
	size_t setting_count, struct buf *out)
{
	buf_add_string(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
			    "<soap:Envelope xmlns:a=\"http://schemas.microsoft.com/exchange/2010/"
			    "Autodiscover\" xmlns:wsa=\"http://www.w3.org/2005/08/addressing\" "
			    "xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Header>"
			    "<a:RequestedServerVersion>Exchange2013_SP1</a:RequestedServerVersion>"
			    "<wsa:Action>http://schemas.microsoft.com/exchange/2010/Autodiscover/"
			    "Autodiscover/GetUserSettings</wsa:Action><wsa:To>");
	add_xml(out, url);
	buf_add_string(out, "</wsa:To></soap:Header><soap:Body><a:GetUserSettingsRequestMessage>"
			    "<a:Request><a:Users><a:User><a:Mailbox>");
	add_xml(out, address);
	buf_add_string(out, "</a:Mailbox></a:User></a:Users><a:RequestedSettings>");
	for (size_t i = 0; i < setting_count; i++)
		buf_printf(out, "<a:Setting>%s</a:Setting>", settings[i]);
	buf_add_string(out, "</a:RequestedSettings>"
			    "</a:Request></a:GetUserSettingsRequestMessage></soap:Body>"
			    "</soap:Envelope>\n");
}

void
question_url(enum question q, const char *origin, const char *address, struct buf *out)
{
	buf_printf(out, "%s%s", origin, question_forms[q].path);
	if (q == QUESTION_JSON) {
		http_add_escaped(out, address);
		buf_add_string(out, "?Protocol=EWS");
	}
}

void
question_body(enum question q, const char *url, const char *address, struct buf *out)
{
	static const char *const ews[] = { "ExternalEwsUrl", "InternalEwsUrl" };

	switch (q) {
	case QUESTION_POX:
		question_pox(address, out);
		break;
	case QUESTION_SOAP:
		question_soap(url, address, ews, sizeof ews / sizeof ews[0], out);
		break;
	case QUESTION_JSON:
	case QUESTION_COUNT:
		break;
	}
}
