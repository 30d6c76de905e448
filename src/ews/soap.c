/* SPDX-License-Identifier: Apache-2.0 */
#include "soap.h"
#include "utf8.h"

/* The newest version that Exchange Online and every supported Exchange Server accept. */
#define SERVER_VERSION "Exchange2013_SP1"

static const char *
escape_of(uint32_t character)
{
	switch (character) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\r': /* raw ones would be read as line feeds, */
		return "&#xD;";
	case '\n': /* and these two as spaces in attributes */
		return "&#xA;";
	case '\t':
		return "&#x9;";
	default:
		return NULL;
	}
}

void
soap_text(struct buf *out, const char *text)
{
	struct bytes rest = bytes_of_string(text);

	while (rest.size > 0) {
		uint32_t character = UTF8_REPLACEMENT;
		size_t size = utf8_read(rest, &character);
		const char *escape;
		uint8_t utf8[UTF8_MAX];

		if (size == 0 || !xml_allows(character))
			character = UTF8_REPLACEMENT;
		escape = escape_of(character);
		if (escape != NULL)
			buf_add_string(out, escape);
		else
			buf_add(out, utf8, utf8_write(character, utf8));
		rest = bytes_skip(rest, size > 0 ? size : 1);
	}
}

void
soap_begin(struct buf *out, const struct ews_mailbox *mailbox)
{
	buf_add_string(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>"
			    "<soap:Envelope xmlns:soap=\"" NS_SOAP_URI
			    "\" xmlns:m=\"" NS_MESSAGES_URI "\" xmlns:t=\"" NS_TYPES_URI "\">"
			    "<soap:Header>"
			    "<t:RequestServerVersion Version=\"" SERVER_VERSION "\"/>"
			    "<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>");
	soap_text(out, mailbox->smtp);
	buf_add_string(out, "</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>"
			    "</soap:Header><soap:Body>");
}

void
soap_end(struct buf *out)
{
	buf_add_string(out, "</soap:Body></soap:Envelope>");
}
