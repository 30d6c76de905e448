/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Autodiscover: from a mailbox's address to the EWS URL of an Exchange Server of one's own
 * (MS-OXDSCLI, MS-OXWSADISC, and the unauthenticated JSON form). Exchange Online needs none.
 *
 * Asked are https://DOMAIN and https://autodiscover.DOMAIN, in this order, each by POX, SOAP and
 * JSON; what none of them answers is told by name. Trust: credentials go to hosts of the mailbox's
 * own domain, or to those they lead to, over https with a trusted certificate; Basic's only after
 * the host asked for them. http://autodiscover.DOMAIN is asked without credentials where it leads,
 * for the error's text alone: whoever owns the network could have written that answer. A host that
 * refused the credentials doesn't get them a second time, so that a wrong password locks no
 * account.
 *
 * No policy: one search for each call, nothing repeated. Any thread.
 */
#ifndef EXARCH_DISCOVER_H
#define EXARCH_DISCOVER_H

#include <stdbool.h>
#include <stddef.h>

#include "exarch/attr.h"
#include "exarch/auth.h"
#include "exarch/bytes.h"
#include "exarch/error.h"
#include "exarch/http.h"

#define DISCOVER_REDIRECTS_MAX 10
/* Real answers have some 5 KB; one with hundreds of delegated mailboxes has 200. */
#define DISCOVER_ANSWER_MAX ((size_t)1024 * 1024)
#define DISCOVER_URL_MAX 512 /* real ones have 60 */

struct discover_options {
	struct auth *auth;        /* Basic, NTLM or Negotiate; borrowed for the call */
	struct http_options http; /* as for EWS */
	const char *server;       /* "https://HOST": ask this one alone; NULL = by the address */
};

/*
 * Appends the EWS URL for ADDRESS. EXA_AUTH: a server refused the credentials, or its certificate
 * isn't trusted; EXA_UNREACHABLE: none was reached; EXA_NET: one had trouble that passes;
 * EXA_FAILED: none knows. The text names who was asked and what each answered.
 */
bool discover_ews(const struct discover_options *options, const char *address, struct buf *url_out,
	struct exa_error *err) EXA_CHECK;

/*
 * Where public folders are, by Autodiscover at OPTIONS' server alone (it must be given), with a
 * token for SCOPE if an application signs in. Nothing is followed: one request each. EXA_AUTH: the
 * server refused the credentials; EXA_NET: it had trouble that passes; EXA_FAILED: it doesn't know.
 */
/* For USER's requests about the tree: the address that they are anchored at, and GUID@domain of its
 * mailbox. */
bool discover_public_tree(const struct discover_options *options, const char *scope,
	const char *user, struct buf *address_out, struct buf *server_out,
	struct exa_error *err) EXA_CHECK;
/* The address of a mailbox with content, from GUID@domain. */
bool discover_public_content(const struct discover_options *options, const char *scope,
	const char *server_id, struct buf *address_out, struct exa_error *err) EXA_CHECK;

#endif
