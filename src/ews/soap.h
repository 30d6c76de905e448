/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests as text. The server validates them strictly against the schema, so an operation writes
 * its elements in the schema's order, between soap_begin and soap_end:
 *
 *     Envelope / Header / t:RequestServerVersion, t:ExchangeImpersonation
 *              / Body   / m:<Operation>
 */
#ifndef EXARCH_EWS_SOAP_H
#define EXARCH_EWS_SOAP_H

#include "exarch/bytes.h"
#include "exarch/ews.h"

#define NS_SOAP_URI "http://schemas.xmlsoap.org/soap/envelope/"
#define NS_MESSAGES_URI "http://schemas.microsoft.com/exchange/services/2006/messages"
#define NS_TYPES_URI "http://schemas.microsoft.com/exchange/services/2006/types"
#define NS_ERRORS_URI "http://schemas.microsoft.com/exchange/services/2006/errors"

void soap_begin(struct buf *out, const struct ews_mailbox *mailbox);
void soap_end(struct buf *out);

/* Escaped for text and attribute values; what XML forbids becomes U+FFFD, since the server refuses
 * a request that holds it. */
void soap_text(struct buf *out, const char *text);

#endif
