/* SPDX-License-Identifier: Apache-2.0 */
/* Requests as one line that shows elements, attributes and their order. */
#ifndef EXARCH_TESTS_EWS_OUTLINE_H
#define EXARCH_TESTS_EWS_OUTLINE_H

#include "exarch/bytes.h"

/* How every request for anna@example.org begins; three brackets close it. */
#define HEAD                                                                                  \
	"s:Envelope(s:Header(t:RequestServerVersion[Version=Exchange2013_SP1] "               \
	"t:ExchangeImpersonation(t:ConnectingSID(t:PrimarySmtpAddress='anna@example.org'))) " \
	"s:Body("

/* An element is written as prefix:Name[attribute=value], then ='text' or (children). */
void assert_outline(struct buf *request, const char *expected);

#endif
