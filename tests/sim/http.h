/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP front: one request in whole, one answer out, in whole or streamed. libmicrohttpd does
 * the protocol and TLS, a thread for each connection; nothing behind this header knows of it.
 */
#ifndef SIM_HTTP_H
#define SIM_HTTP_H

#include <stdatomic.h>

#include "exarch/bytes.h"
#include "exarch/error.h"

#include "mailbox.h"
#include "ntlm.h"
#include "reqlog.h"

#define HTTP_REQUEST_MAX (64U * 1024 * 1024) /* Exchange's maxAllowedContentLength */
#define HTTP_HEADERS_MAX 12

struct http_request {
	const char *method, *path; /* the path without the query, decoded */
	struct bytes body;
	void *connection;
	const _Atomic bool *stopping; /* NULL: never */
	struct ntlm_peer *peer;       /* of the connection; NULL: there is none */
};

/* Waits, but not beyond the server's end. */
void http_wait(const struct http_request *r, unsigned ms);

/* NULL: isn't there. Names of headers in any case, of query parameters exactly. */
const char *http_header(const struct http_request *r, const char *name);
const char *http_query(const struct http_request *r, const char *name);

/* An answer made while it is sent. */
struct answer_stream {
	/*
	 * Appends more text; may give a message whose base64 follows that text (the caller closes
	 * it). False: that was all.
	 */
	bool (*next)(struct answer_stream *s, struct buf *text, struct body **body_out);
	void (*free)(struct answer_stream *s);
};

/* How the bytes go out when they don't go out well; all zero: they do. */
struct http_wire {
	bool is_unsent; /* the connection ends before any byte of the answer */
	bool is_broken; /* it ends after cut_at bytes of the body */
	uint64_t cut_at;
	bool is_reset;   /* it ends by RST */
	bool is_chunked; /* no Content-Length though it is known */
	unsigned bytes_per_s;
	uint64_t stall_at; /* after so many bytes nothing comes for stall_ms */
	unsigned stall_ms;
};

struct http_answer {
	unsigned status;
	const char *content_type; /* NULL: none */
	struct {
		const char *name;
		char *value;
	} headers[HTTP_HEADERS_MAX];
	size_t header_count;
	struct buf body;
	struct answer_stream *stream; /* when set: instead of body, sent chunked */
	struct http_wire wire;
	struct request_note note; /* stays as long as the stream does */
	/* Called once, just before the answer's end is sent or when it broke off; may be NULL. */
	void (*done)(void *ctx);
	void *done_ctx;
};

void http_add_header(struct http_answer *a, const char *name, const char *fmt, ...)
	EXA_PRINTF(3, 4);

struct http_server;

struct http_options {
	const char *host;                      /* a loopback address in numbers */
	unsigned port;                         /* 0: a free one */
	size_t request_max;                    /* bytes; 0: HTTP_REQUEST_MAX */
	const char *certificate_pem, *key_pem; /* NULL: no TLS */
	struct reqlog *log;                    /* NULL: none */
	int clock_skew_s;                      /* of the Date in answers */
	void (*handle)(void *ctx, const struct http_request *, struct http_answer *);
	void *ctx;
};

/* HANDLE is called by many threads at once. */
bool http_start(
	const struct http_options *o, struct http_server **out, struct exa_error *err) EXA_CHECK;
unsigned http_port(const struct http_server *s);
void http_stop(struct http_server *s); /* ends connections, waits for handlers; NULL is fine */

#endif
