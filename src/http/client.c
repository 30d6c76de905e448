/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One libcurl easy handle per client: its connection cache is the client's, so connections are kept
 * between requests and never shared. Cookies are off: the front end's routing cookies of one
 * mailbox would steer requests for another to the wrong server.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <curl/curl.h>

#include "exarch/clock.h"
#include "exarch/http.h"
#include "exarch/mem.h"

#include "answer.h"
#include "failure.h"

#define DEFAULT_CONNECT_TIMEOUT_S 30
#define DEFAULT_TIMEOUT_S 300
#define HOST_MAX 256
/* libcurl counts a transfer below this as stalled. */
#define STALL_BYTES_PER_S 1L

struct http_client {
	CURL *curl;
	char *tls_ca_file;
	char *user_agent;
	struct cancel *cancel;
	long connect_timeout_s;
	long timeout_s;
	bool gzip;
	bool plain;
	enum http_login_kind login;
	char *user;
	char *password;
	char error_text[CURL_ERROR_SIZE];
};

/* What the callbacks of one request share. */
struct transfer {
	struct http_client *client;
	const struct http_sink *sink;
	const struct http_source *source;
	uint64_t sent; /* of the source */
	struct head head;
	struct http_answer *answer;
	struct exa_error error; /* the sink's, or our own about the head */
	bool stopped;           /* error is why we ended it */
};

bool
http_global_init(struct exa_error *err)
{
	CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);

	if (result != CURLE_OK)
		return exa_fail(
			err, EXA_FAILED, "can't start libcurl: %s", curl_easy_strerror(result));
	return true;
}

static size_t
on_header(char *data, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;

	if (!head_line(&t->head, bytes_of(data, size * count))) {
		t->stopped = true;
		(void)exa_fail(&t->error, EXA_LIMIT, "the answer's header is longer than %zu bytes",
			HEAD_MAX_BYTES);
		return 0;
	}
	return size * count;
}

static size_t
on_body(char *data, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;
	struct bytes piece = bytes_of(data, size * count);

	if (piece.size == 0)
		return 0;
	if (!t->sink->write(t->sink->ctx, t->answer, piece, &t->error)) {
		t->stopped = true;
		return 0;
	}
	return piece.size;
}

/* What the source can't give, or gives beside the length that was announced, ends the transfer. */
static size_t
on_read(char *out, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;
	const uint64_t left = t->source->size - t->sent;
	const size_t room = size * count < left ? size * count : (size_t)left;
	size_t got = 0;

	if (left == 0)
		return 0;
	if (!t->source->read(t->source->ctx, (uint8_t *)out, room, &got, &t->error)) {
		t->stopped = true;
		return CURL_READFUNC_ABORT;
	}
	assert(got >= 1 && got <= room);
	t->sent += got;
	return got;
}

/* Only ever to the beginning. */
static int
on_rewind(void *ctx, curl_off_t offset, int origin)
{
	struct transfer *t = ctx;

	if (offset != 0 || origin != SEEK_SET)
		return CURL_SEEKFUNC_CANTSEEK;
	if (!t->source->rewind(t->source->ctx, &t->error)) {
		t->stopped = true;
		return CURL_SEEKFUNC_FAIL;
	}
	t->sent = 0;
	return CURL_SEEKFUNC_OK;
}

/* Called at least about once a second, also while nothing moves. */
static int
on_progress(void *ctx, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
	struct transfer *t = ctx;

	(void)down_total;
	(void)down;
	(void)up_total;
	(void)up;
	return cancel_raised(t->client->cancel) ? 1 : 0;
}

/* libcurl answers the server's challenges on the connection, which then stays signed in. */
static void
configure_login(struct http_client *c)
{
	switch (c->login) {
	case HTTP_LOGIN_NONE:
		break;
	case HTTP_LOGIN_NTLM:
		curl_easy_setopt(c->curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_NTLM);
		curl_easy_setopt(c->curl, CURLOPT_USERNAME, c->user);
		curl_easy_setopt(c->curl, CURLOPT_PASSWORD, c->password);
		break;
	case HTTP_LOGIN_NEGOTIATE:
		curl_easy_setopt(c->curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_NEGOTIATE);
		curl_easy_setopt(c->curl, CURLOPT_USERPWD, ":");
		break;
	}
}

/* The options that hold for every request of this client. */
static void
configure(struct http_client *c)
{
	CURL *curl = c->curl;

	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, c->error_text);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	/* What a proxy says to CONNECT isn't the server's head. */
	curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, c->connect_timeout_s);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, STALL_BYTES_PER_S);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, c->timeout_s);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, on_rewind);
	if (c->user_agent != NULL)
		curl_easy_setopt(curl, CURLOPT_USERAGENT, c->user_agent);
	if (c->tls_ca_file != NULL) {
		curl_easy_setopt(curl, CURLOPT_CAINFO, c->tls_ca_file);
		curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	}
	if (c->gzip)
		curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip");
	configure_login(c);
}

static bool
open_handle(struct http_client *c, struct exa_error *err)
{
	c->curl = curl_easy_init();
	if (c->curl == NULL)
		return exa_fail(err, EXA_FAILED, "can't start an HTTP client");
	configure(c);
	return true;
}

bool
http_client_new(const struct http_options *options, struct http_client **out, struct exa_error *err)
{
	struct http_client *c = exa_alloc(sizeof *c);

	c->tls_ca_file = exa_strdup(options->tls_ca_file);
	c->user_agent = exa_strdup(options->user_agent);
	c->cancel = options->cancel;
	c->gzip = options->gzip;
	c->plain = options->plain;
	c->login = options->login.kind;
	assert(!c->plain || c->login == HTTP_LOGIN_NONE);
	c->user = exa_strdup(options->login.user);
	c->password = exa_strdup(options->login.password);
	c->connect_timeout_s = options->connect_timeout_s != 0 ? (long)options->connect_timeout_s
							       : DEFAULT_CONNECT_TIMEOUT_S;
	c->timeout_s = options->timeout_s != 0 ? (long)options->timeout_s : DEFAULT_TIMEOUT_S;
	if (!open_handle(c, err)) {
		http_client_free(c);
		return false;
	}
	*out = c;
	return true;
}

void
http_client_free(struct http_client *c)
{
	if (c == NULL)
		return;
	curl_easy_cleanup(c->curl);
	if (c->password != NULL)
		exa_wipe(c->password, strlen(c->password));
	exa_free(c->password);
	exa_free(c->user);
	exa_free(c->tls_ca_file);
	exa_free(c->user_agent);
	exa_free(c);
}

void
http_client_freep(struct http_client **c)
{
	http_client_free(*c);
	*c = NULL;
}

void
http_client_drop_connections(struct http_client *c)
{
	curl_easy_cleanup(c->curl);
	c->curl = NULL; /* http_perform opens a new one, and can say when that fails */
}

/* "127.example.org" is a name like any other. */
static bool
is_this_machine(const char *host)
{
	struct in_addr ipv4;

	return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
	       (strncmp(host, "127.", 4) == 0 && inet_pton(AF_INET, host, &ipv4) == 1);
}

/* Finds the host for messages, and refuses what would show credentials to the network. */
static bool
check_url(const struct http_client *c, const char *url, char host_out[HOST_MAX], bool *local_out,
	struct exa_error *err)
{
	CURLU *parsed = curl_url();
	char *scheme = NULL, *host = NULL;
	bool good, plain;

	good = parsed != NULL && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
	       curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	       curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	       strlen(host) < HOST_MAX;
	plain = good && strcmp(scheme, "http") == 0;
	if (good)
		memcpy(host_out, host, strlen(host) + 1);
	if (good && !plain && strcmp(scheme, "https") != 0)
		good = false;
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(parsed);
	if (!good)
		return exa_fail(err, EXA_USAGE, "'%s' is not an https address", url);
	*local_out = plain && is_this_machine(host_out);
	if (plain && !*local_out && !c->plain)
		return exa_fail(err, EXA_USAGE,
			"%s: plain http would show credentials and mail to the network; use https",
			host_out);
	return true;
}

static struct curl_slist *
make_headers(const struct http_request *request)
{
	/* An Expect header would cost a round trip for each larger request. */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");

	for (size_t i = 0; list != NULL && i < request->header_count; i++) {
		struct curl_slist *longer = curl_slist_append(list, request->headers[i]);

		if (longer == NULL)
			curl_slist_free_all(list);
		list = longer;
	}
	return list;
}

static void
set_request(
	struct http_client *c, const struct http_request *request, const struct curl_slist *headers)
{
	bool post = strcmp(request->method, "POST") == 0;

	assert(post || strcmp(request->method, "GET") == 0);
	curl_easy_setopt(c->curl, CURLOPT_URL, request->url);
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
	if (!post) {
		curl_easy_setopt(c->curl, CURLOPT_HTTPGET, 1L);
		return;
	}
	curl_easy_setopt(c->curl, CURLOPT_POST, 1L);
	if (request->source != NULL) {
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, NULL);
		curl_easy_setopt(
			c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->source->size);
		return;
	}
	curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
	curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS,
		request->body.size > 0 ? (const char *)request->body.data : "");
}

static void
count_transfer(CURL *curl, struct http_answer *answer)
{
	curl_off_t bytes = 0, elapsed_us = 0;

	(void)curl_easy_getinfo(curl, CURLINFO_SIZE_DOWNLOAD_T, &bytes);
	(void)curl_easy_getinfo(curl, CURLINFO_TOTAL_TIME_T, &elapsed_us);
	answer->body_bytes = bytes > 0 ? (uint64_t)bytes : 0;
	answer->elapsed_ms = (uint32_t)(elapsed_us / 1000);
}

static bool
explain(const struct transfer *t, CURLcode result, const char *host, struct exa_error *err)
{
	struct http_client *c = t->client;
	struct failure f = { .result = result,
		.host = host,
		.detail = c->error_text,
		.tls_ca_file = c->tls_ca_file };
	curl_off_t pretransfer_us = 0;
	long proxy_status = 0;

	if (t->stopped) {
		*err = t->error;
		return false;
	}
	if (result == CURLE_ABORTED_BY_CALLBACK)
		return exa_fail(err, EXA_CANCELLED, "stopped while waiting for %s", host);
	(void)curl_easy_getinfo(c->curl, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
	if (proxy_status >= 300)
		return exa_fail(err, EXA_UNREACHABLE, "%s: the proxy doesn't connect (HTTP %ld)%s",
			host, proxy_status,
			proxy_status == 407 ? "; it wants a sign-in of its own" : "");
	(void)curl_easy_getinfo(c->curl, CURLINFO_SSL_VERIFYRESULT, &f.verify_result);
	(void)curl_easy_getinfo(c->curl, CURLINFO_PRETRANSFER_TIME_T, &pretransfer_us);
	f.connected = pretransfer_us > 0;
	return failure_explain(&f, err);
}

bool
http_perform(struct http_client *c, const struct http_request *request,
	const struct http_sink *sink, struct http_answer *answer_out, struct exa_error *err)
{
	struct transfer t = { .client = c,
		.sink = sink,
		.source = request->source,
		.answer = answer_out,
		.head = { .answer = answer_out } };
	char host[HOST_MAX];
	struct curl_slist *headers;
	CURLcode result;
	bool local;

	*answer_out = (struct http_answer){ 0 };
	if (!check_url(c, request->url, host, &local, err))
		return false;
	if (cancel_raised(c->cancel))
		return exa_fail(err, EXA_CANCELLED, "stopped before asking %s", host);
	if (c->curl == NULL && !open_handle(c, err))
		return false;
	headers = make_headers(request);
	if (headers == NULL)
		return exa_fail(err, EXA_FAILED, "no memory for the request's headers");
	set_request(c, request, headers);
	/* What may go out in clear goes to this machine, not to the proxy of http_proxy. */
	curl_easy_setopt(c->curl, CURLOPT_PROXY, local ? "" : NULL);
	curl_easy_setopt(c->curl, CURLOPT_XFERINFODATA, &t);
	curl_easy_setopt(c->curl, CURLOPT_HEADERDATA, &t);
	curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, &t);
	curl_easy_setopt(c->curl, CURLOPT_READDATA, &t);
	curl_easy_setopt(c->curl, CURLOPT_SEEKDATA, &t);
	c->error_text[0] = '\0';
	result = curl_easy_perform(c->curl);
	count_transfer(c->curl, answer_out);
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(headers);
	if (result != CURLE_OK)
		return explain(&t, result, host, err);
	/* For libcurl a head that breaks off is an answer without body. */
	if (!t.head.complete)
		return exa_fail(err, EXA_NET, "%s: the answer was cut short", host);
	return true;
}

/* ---- whole answers ---- */

struct fetch {
	struct buf *body;
	size_t start;
};

static bool
fetch_write(void *ctx, const struct http_answer *answer, struct bytes data, struct exa_error *err)
{
	struct fetch *f = ctx;

	(void)answer;
	if (f->body->size - f->start + data.size > HTTP_SMALL_ANSWER_MAX)
		return exa_fail(err, EXA_LIMIT, "the answer is larger than %zu bytes",
			HTTP_SMALL_ANSWER_MAX);
	buf_add_bytes(f->body, data);
	return true;
}

bool
http_fetch(struct http_client *c, const struct http_request *request, struct buf *body,
	struct http_answer *answer_out, struct exa_error *err)
{
	struct fetch f = { .body = body, .start = body->size };
	struct http_sink sink = { .write = fetch_write, .ctx = &f };

	if (!http_perform(c, request, &sink, answer_out, err)) {
		body->size = f.start;
		return false;
	}
	return true;
}
