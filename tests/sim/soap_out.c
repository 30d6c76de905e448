/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "soap_out.h"

#define REPLACEMENT "\xef\xbf\xbd"

static enum xml_illegal illegal_as = XML_ILLEGAL_REPLACE;

static const struct {
	const char *code, *text;
} code_texts[] = {
	{ "ErrorAccessDenied", "Access is denied. Check credentials and try again." },
	{ "ErrorBatchProcessingStopped",
		"Batch processing stopped because a previous operation failed." },
	{ "ErrorCannotUseFolderIdForItemId",
		"The Id is a folder Id, but an item Id was expected." },
	{ "ErrorCannotUseItemIdForFolderId",
		"The Id is an item Id, but a folder Id was expected." },
	{ "ErrorFolderNotFound", "The specified folder could not be found in the store." },
	{ "ErrorImpersonateUserDenied",
		"The account does not have permission to impersonate the requested user." },
	{ "ErrorInvalidChangeKey", "The change key is invalid." },
	{ "ErrorInvalidExchangeImpersonationHeaderData",
		"ExchangeImpersonation SOAP header must be present for this type of OAuth token." },
	{ "ErrorInvalidExtendedProperty",
		"The extended property attribute combination is invalid." },
	{ "ErrorInvalidIdMalformed", "Id is malformed." },
	{ "ErrorInvalidIndexedPagingParameters",
		"Indexed paging offset and count must not be negative, and the count not zero." },
	{ "ErrorInvalidOperation", "The operation isn't valid for this kind of folder." },
	{ "ErrorInvalidPropertyForOperation", "Property is not valid for this operation." },
	{ "ErrorInvalidRequest", "The request is invalid." },
	{ "ErrorInvalidServerVersion", "The specified server version is invalid." },
	{ "ErrorInvalidSyncStateData",
		"Synchronization state data is corrupt or otherwise invalid." },
	{ "ErrorItemNotFound", "The specified object was not found in the store." },
	{ "ErrorMimeContentConversionFailed",
		"The MIME content of this item could not be generated." },
	{ "ErrorMailboxMoveInProgress", "Mailbox move in progress. Try again later." },
	{ "ErrorMailboxStoreUnavailable", "The mailbox database is temporarily unavailable." },
	{ "ErrorNonExistentMailbox", "The SMTP address has no mailbox associated with it." },
	{ "ErrorNoPropertyTagForCustomProperties",
		"Properties with tags of 0x8000 and above have to be named by property set." },
	{ "ErrorServerBusy", "The server cannot service this request right now. Try again later." },
	{ "ErrorSyncFolderNotFound", "The folder to be synchronized could not be found." },
};

void
xml_set_illegal(enum xml_illegal how)
{
	illegal_as = how;
}

/* The length of the UTF-8 character at P (SIZE bytes are left) and its value; 0: it isn't one. */
static size_t
utf8_at(const uint8_t *p, size_t size, uint32_t *value_out)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t v;
	size_t n;

	if (p[0] < 0x80) {
		*value_out = p[0];
		return 1;
	}
	n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || n > size)
		return 0;
	v = p[0] & (0xffU >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (p[i] & 0x3f);
	}
	if (v < least[n] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
		return 0;
	*value_out = v;
	return n;
}

static bool
is_legal(uint32_t c)
{
	return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c != 0xfffe && c != 0xffff);
}

static void
add_special(struct buf *out, uint32_t c)
{
	if (!is_legal(c) && illegal_as == XML_ILLEGAL_REPLACE)
		buf_add_string(out, REPLACEMENT);
	else
		buf_printf(out, "&#x%X;", c);
}

void
xml_add(struct buf *out, const char *text)
{
	const uint8_t *p = (const uint8_t *)text;
	size_t left = strlen(text), n;
	uint32_t c;

	for (; left > 0; p += n, left -= n) {
		n = utf8_at(p, left, &c);
		if (n == 0) {
			buf_add_string(out, REPLACEMENT);
			n = 1;
		} else if (c == '&') {
			buf_add_string(out, "&amp;");
		} else if (c == '<') {
			buf_add_string(out, "&lt;");
		} else if (c == '>') {
			buf_add_string(out, "&gt;");
		} else if (c == '"') {
			buf_add_string(out, "&quot;");
		} else if (c == '\r' || !is_legal(c)) {
			add_special(out, c);
		} else {
			buf_add(out, p, n);
		}
	}
}

void
xml_add_element(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, "<t:%s>", name);
	xml_add(out, text);
	buf_printf(out, "</t:%s>", name);
}

void
soap_begin(struct buf *out, const char *operation)
{
	buf_add_string(out,
		"<?xml version=\"1.0\" encoding=\"utf-8\"?>"
		"<s:Envelope xmlns:s=\"" NS_SOAP "\"><s:Header>"
		"<h:ServerVersionInfo MajorVersion=\"15\" MinorVersion=\"20\" "
		"MajorBuildNumber=\"8000\" "
		"MinorBuildNumber=\"17\" Version=\"V2018_01_08\" xmlns:h=\"" NS_TYPES
		"\" xmlns=\"" NS_TYPES "\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" "
		"xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"/></s:Header>"
		"<s:Body xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
		"xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\">");
	buf_printf(out,
		"<m:%sResponse xmlns:m=\"" NS_MESSAGES "\" xmlns:t=\"" NS_TYPES
		"\"><m:ResponseMessages>",
		operation);
}

void
soap_end(struct buf *out, const char *operation)
{
	buf_printf(out, "</m:ResponseMessages></m:%sResponse></s:Body></s:Envelope>", operation);
}

void
soap_success_begin(struct buf *out, const char *operation)
{
	buf_printf(out,
		"<m:%sResponseMessage "
		"ResponseClass=\"Success\"><m:ResponseCode>NoError</m:ResponseCode>",
		operation);
}

void
soap_message_end(struct buf *out, const char *operation)
{
	buf_printf(out, "</m:%sResponseMessage>", operation);
}

static const char *
text_of_code(const char *code)
{
	for (size_t i = 0; i < sizeof code_texts / sizeof code_texts[0]; i++) {
		if (strcmp(code_texts[i].code, code) == 0)
			return code_texts[i].text;
	}
	return "An internal server error occurred. The operation failed.";
}

void
soap_error(struct buf *out, const char *operation, const char *code, const char *xml_detail,
	const char *payload)
{
	bool is_warning = strcmp(code, "ErrorBatchProcessingStopped") == 0 ||
			  strcmp(code, "ErrorNameResolutionMultipleResults") == 0;

	buf_printf(out, "<m:%sResponseMessage ResponseClass=\"%s\"><m:MessageText>", operation,
		is_warning ? "Warning" : "Error");
	xml_add(out, text_of_code(code));
	buf_printf(out,
		"</m:MessageText><m:ResponseCode>%s</m:ResponseCode>"
		"<m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>",
		code);
	if (xml_detail != NULL)
		buf_printf(out, "<m:MessageXml>%s</m:MessageXml>", xml_detail);
	buf_add_string(out, payload != NULL ? payload : "");
	soap_message_end(out, operation);
}

void
soap_fault(struct buf *out, const char *code, const char *text, const char *message,
	const char *xml_detail)
{
	if (text == NULL)
		text = text_of_code(code);
	if (message == NULL)
		message = text;
	buf_printf(out,
		"<?xml version=\"1.0\" encoding=\"utf-8\"?><s:Envelope xmlns:s=\"" NS_SOAP
		"\"><s:Body><s:Fault><faultcode xmlns:a=\"" NS_TYPES
		"\">a:%s</faultcode><faultstring xml:lang=\"en-US\">",
		code);
	xml_add(out, text);
	buf_printf(out,
		"</faultstring><detail><e:ResponseCode xmlns:e=\"" NS_ERRORS
		"\">%s</e:ResponseCode><e:Message xmlns:e=\"" NS_ERRORS "\">",
		code);
	xml_add(out, message);
	buf_add_string(out, "</e:Message>");
	if (xml_detail != NULL)
		buf_printf(out, "<t:MessageXml xmlns:t=\"" NS_TYPES "\">%s</t:MessageXml>",
			xml_detail);
	buf_add_string(out, "</detail></s:Fault></s:Body></s:Envelope>");
}
