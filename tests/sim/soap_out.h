/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers: XML text with the prefixes, headers and shapes Exchange uses (s:, m:, t:), one response
 * message for each thing asked for, and the two forms of failure: inside a 200 answer, and as a
 * SOAP fault with status 500.
 */
#ifndef SIM_SOAP_OUT_H
#define SIM_SOAP_OUT_H

#include "exarch/bytes.h"

#define NS_SOAP "http://schemas.xmlsoap.org/soap/envelope/"
#define NS_MESSAGES "http://schemas.microsoft.com/exchange/services/2006/messages"
#define NS_TYPES "http://schemas.microsoft.com/exchange/services/2006/types"
#define NS_ERRORS "http://schemas.microsoft.com/exchange/services/2006/errors"

/* What to do with characters XML 1.0 has no form for. */
enum xml_illegal {
	XML_ILLEGAL_REPLACE,     /* U+FFFD: the answer is well-formed */
	XML_ILLEGAL_AS_EXCHANGE, /* a numeric reference such as &#x1; : it isn't */
};

void xml_set_illegal(enum xml_illegal how); /* once, before threads start */

/* Escapes for text and for attributes; bytes that aren't UTF-8 become U+FFFD. */
void xml_add(struct buf *out, const char *text);
/* <t:NAME>TEXT</t:NAME> */
void xml_add_element(struct buf *out, const char *name, const char *text);

void soap_begin(struct buf *out, const char *operation);
void soap_end(struct buf *out, const char *operation);
/* Up to and with <m:ResponseCode>NoError</m:ResponseCode>; the payload follows. */
void soap_success_begin(struct buf *out, const char *operation);
void soap_message_end(struct buf *out, const char *operation);

/* One whole Error message. XML_DETAIL (NULL: none) goes into m:MessageXml; PAYLOAD (NULL: none)
 * is what stands after, as "<m:Items/>". The text follows from the code. */
void soap_error(struct buf *out, const char *operation, const char *code, const char *xml_detail,
	const char *payload);

/* The envelope of a fault. TEXT NULL: the usual text of CODE. XML_DETAIL as above, into
 * t:MessageXml. */
void soap_fault(struct buf *out, const char *code, const char *text, const char *message,
	const char *xml_detail);

#endif
