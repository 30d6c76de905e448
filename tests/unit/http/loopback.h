/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP server for tests, on 127.0.0.1 in a thread of its own: gives out prepared replies one
 * after the other, one connection at a time, and writes down what it was asked. A request beyond
 * the last reply gets the last again.
 */
#ifndef EXARCH_TESTS_LOOPBACK_H
#define EXARCH_TESTS_LOOPBACK_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

enum loopback_after {
	LOOPBACK_KEEP,  /* waits for the next request on this connection */
	LOOPBACK_CLOSE, /* closes it */
	LOOPBACK_HANG,  /* leaves it open and silent until the client goes */
};

struct loopback_reply {
	const char *text; /* head and body as they go out */
	enum loopback_after after;
};

#define LOOPBACK_MAX_REQUESTS 64

struct loopback;

/* TLS: NULL for plain http. Replies are borrowed until loopback_stop. */
struct loopback *loopback_start(const struct loopback_reply *replies, size_t count, SSL_CTX *tls);
/* The same in two steps, for replies that must name the address. */
struct loopback *loopback_listen(SSL_CTX *tls);
void loopback_serve(struct loopback *l, const struct loopback_reply *replies, size_t count);

void loopback_stop(struct loopback *l);
void loopback_stopp(struct loopback **l);

/* "http://127.0.0.1:PORT"; with TLS "https://localhost:PORT". */
const char *loopback_url(const struct loopback *l);

/* Once the client has its answers: */
size_t loopback_request_count(struct loopback *l);
size_t loopback_connection_count(struct loopback *l);
const char *loopback_request(struct loopback *l, size_t index); /* head and body */

/* A whole reply in memory of its own (exa_free): status line, HEADERS ("" or "Name: value\r\n"...),
 * Content-Length, BODY. */
char *loopback_text(const char *status, const char *headers, const char *body);

#endif
