/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP: one request out, one streamed answer in, on connections that are kept. No retry, no
 * redirect, no sleep: a failure or a status is reported and whoever has the policy decides. HTTP
 * status codes are not failures here. One resend remains, inside libcurl: a kept connection that
 * turns out to be closed before the first byte of an answer is replaced and the request sent again.
 * Before a request that must not be done twice, call http_client_drop_connections.
 *
 * Plain http is refused (EXA_USAGE) unless the host is this machine, since requests carry
 * credentials; a client for requests that carry none may say so.
 *
 * A client belongs to one thread at a time (its own connection cache); http_global_init is called
 * once by the program.
 */
#ifndef EXARCH_HTTP_H
#define EXARCH_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/attr.h"
#include "exarch/bytes.h"
#include "exarch/cancel.h"
#include "exarch/error.h"

/* Answers that are wanted whole (tokens, directory pages) are cut off with EXA_LIMIT beyond this.
 */
#define HTTP_SMALL_ANSWER_MAX ((size_t)16 * 1024 * 1024)

/* Signing in by the connection instead of a header, as servers of one's own ask for (RFC 4559,
 * MS-NLMP). Texts are copied; the password is wiped with the client. */
enum http_login_kind {
	HTTP_LOGIN_NONE = 0,
	HTTP_LOGIN_NTLM,      /* with user (DOMAIN\user or user@domain) and password */
	HTTP_LOGIN_NEGOTIATE, /* Kerberos: with the ticket of whoever runs this, or a keytab in
				 KRB5_CLIENT_KTNAME */
};

struct http_login {
	enum http_login_kind kind;
	const char *user;
	const char *password;
};

struct http_options {
	const char *tls_ca_file;    /* PEM; trusted instead of the system's authorities. NULL = the
				       system's */
	const char *user_agent;     /* "exarch/0.1.0" */
	uint32_t connect_timeout_s; /* 0 = 30 */
	uint32_t timeout_s; /* no byte for so long ends the request with EXA_TIMEOUT; 0 = 300 */
	bool gzip;          /* ask for and undo gzip */
	struct http_login login;
	bool plain; /* no request of this client over http carries a secret: any host will do */
	struct cancel *cancel; /* looked at while waiting: EXA_CANCELLED. May be NULL. Borrowed for
				  the client's life */
};

/*
 * A body that is made while it is sent, so that none of it has to be held. SIZE is known
 * beforehand: the body goes out with Content-Length as any other.
 */
struct http_source {
	uint64_t size;
	/* Puts up to ROOM bytes into OUT, at least one. False ends the transfer before the body is
	 * whole, so that the server has no request to carry out; http_perform returns that error.
	 */
	bool (*read)(void *ctx, uint8_t *out, size_t room, size_t *size_out, struct exa_error *err);
	/* From the first byte again: signing in on a connection may take the body twice. */
	bool (*rewind)(void *ctx, struct exa_error *err);
	void *ctx;
};

struct http_request {
	const char *method; /* "GET", "POST" */
	const char *url;
	const char *const *headers; /* "Name: value" */
	size_t header_count;
	struct bytes body; /* sent with Content-Length, never chunked, never with Expect */
	const struct http_source *source; /* instead of `body`; NULL = there is none */
};

#define HTTP_TEXT_MAX 256

/* What the answer's head says. Texts are cut at HTTP_TEXT_MAX and free of control characters. */
struct http_answer {
	int status;
	int64_t date_s;                   /* Date, since 1970; 0 = not said */
	uint32_t retry_after_ms;          /* Retry-After in seconds or as a date; 0 = not said */
	char content_type[HTTP_TEXT_MAX]; /* lower case, with parameters */
	char location[HTTP_TEXT_MAX];
	char request_id[HTTP_TEXT_MAX];   /* request-id */
	char diagnostics[HTTP_TEXT_MAX];  /* x-ms-diagnostics */
	char authenticate[HTTP_TEXT_MAX]; /* the first WWW-Authenticate */
	uint64_t body_bytes;              /* as received on the wire, before gunzip */
	uint32_t elapsed_ms;              /* from sending to the last byte */
};

/*
 * Takes the body as it comes, never empty pieces. ANSWER's head is complete. False (with err set)
 * ends the transfer, and http_perform returns that error.
 */
struct http_sink {
	bool (*write)(void *ctx, const struct http_answer *answer, struct bytes data,
		struct exa_error *err);
	void *ctx;
};

struct http_client;

bool http_global_init(struct exa_error *err) EXA_CHECK; /* before any thread starts */

bool http_client_new(const struct http_options *options, struct http_client **out,
	struct exa_error *err) EXA_CHECK;
void http_client_free(struct http_client *c);
void http_client_freep(struct http_client **c);

/* The next request opens a fresh connection. */
void http_client_drop_connections(struct http_client *c);

/*
 * True when the answer came complete, whatever its status. Otherwise: EXA_NET (connecting, name
 * lookup, reset, cut short: the host is named), EXA_TIMEOUT, EXA_AUTH (the server's certificate
 * isn't trusted: the text names `tls_ca`), EXA_CANCELLED, or the sink's error. *ANSWER_OUT is
 * filled as far as known in every case.
 */
bool http_perform(struct http_client *c, const struct http_request *request,
	const struct http_sink *sink, struct http_answer *answer_out,
	struct exa_error *err) EXA_CHECK;

/* As http_perform, with the whole body appended to *BODY (EXA_LIMIT beyond HTTP_SMALL_ANSWER_MAX).
 */
bool http_fetch(struct http_client *c, const struct http_request *request, struct buf *body,
	struct http_answer *answer_out, struct exa_error *err) EXA_CHECK;

/* Appends TEXT percent-encoded, as the value of a query or form field (RFC 3986: all but unreserved
 * characters). */
void http_add_escaped(struct buf *out, const char *text);

/* A random GUID (RFC 4122, version 4) for request and token ids. */
#define HTTP_GUID_SIZE 37
void http_guid(char out[HTTP_GUID_SIZE]);

#endif
