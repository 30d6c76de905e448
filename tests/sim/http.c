/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

#include "exarch/clock.h"

#include "http.h"
#include "pull.h"

#define CONNECTIONS_MAX 512            /* a thread each */
#define BLOCK (128 * 1024)             /* asked from the stream at a time */
#define CONNECTION_MEMORY (256 * 1024) /* request headers and the answer's buffer */
#define IDLE_TIMEOUT_S 600

struct http_server {
	struct http_options options;
	struct MHD_Daemon *daemon;
	unsigned port;
};

/* One request and its answer; the response holds it as long as it streams, the connection until the
 * request is done. */
struct exchange {
	_Atomic unsigned references;
	char *method, *path;
	struct buf body;
	bool too_large;
	struct http_answer answer;
	struct pull *pull;
	_Atomic uint64_t bytes;
	int64_t begun_wall_ns, begun_ns;
	struct reqlog *log;
	bool logged;
};

static void
exchange_drop(struct exchange *x)
{
	if (atomic_fetch_sub(&x->references, 1) != 1)
		return;
	pull_free(x->pull);
	for (size_t i = 0; i < x->answer.header_count; i++)
		exa_free(x->answer.headers[i].value);
	buf_done(&x->answer.body);
	buf_done(&x->body);
	exa_free(x->method);
	exa_free(x->path);
	exa_free(x);
}

const char *
http_header(const struct http_request *r, const char *name)
{
	return r->connection == NULL
		       ? NULL
		       : MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

const char *
http_query(const struct http_request *r, const char *name)
{
	return r->connection == NULL
		       ? NULL
		       : MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
}

void
http_add_header(struct http_answer *a, const char *name, const char *fmt, ...)
{
	EXA_AUTO(buf_done) struct buf value = { 0 };
	va_list args;

	if (a->header_count == HTTP_HEADERS_MAX)
		return;
	va_start(args, fmt);
	buf_vprintf(&value, fmt, args);
	va_end(args);
	a->headers[a->header_count].name = name;
	a->headers[a->header_count++].value = buf_steal(&value);
}

/* Once, and before the answer's end is sent: what a client has had the whole of is in the log. */
static void
log_once(struct exchange *x)
{
	if (x->logged)
		return;
	x->logged = true;
	reqlog_add(x->log, &(struct request_line){ .method = x->method,
				   .path = x->path,
				   .note = &x->answer.note,
				   .status = x->answer.status,
				   .bytes = atomic_load(&x->bytes),
				   .begun_ns = x->begun_wall_ns,
				   .took_ns = clock_mono_ns() - x->begun_ns });
}

static ssize_t
read_stream(void *cls, uint64_t position, char *out, size_t size)
{
	struct exchange *x = cls;
	ssize_t n = pull_read(x->pull, (uint8_t *)out, size);

	(void)position;
	if (n < 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (n == 0) {
		log_once(x);
		return MHD_CONTENT_READER_END_OF_STREAM;
	}
	atomic_fetch_add(&x->bytes, (uint64_t)n);
	return n;
}

static void
end_stream(void *cls)
{
	exchange_drop(cls);
}

static struct MHD_Response *
make_response(struct exchange *x)
{
	struct http_answer *a = &x->answer;
	struct MHD_Response *r;

	if (a->stream != NULL) {
		x->pull = pull_new(a->stream);
		atomic_fetch_add(&x->references, 1);
		r = MHD_create_response_from_callback(
			MHD_SIZE_UNKNOWN, BLOCK, read_stream, x, end_stream);
	} else {
		atomic_store(&x->bytes, a->body.size);
		r = MHD_create_response_from_buffer(
			a->body.size, a->body.data, MHD_RESPMEM_MUST_COPY);
	}
	if (a->content_type != NULL)
		(void)MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, a->content_type);
	for (size_t i = 0; i < a->header_count; i++)
		(void)MHD_add_response_header(r, a->headers[i].name, a->headers[i].value);
	return r;
}

static enum MHD_Result
answer(struct http_server *s, struct MHD_Connection *connection, struct exchange *x)
{
	struct http_request request = { .method = x->method,
		.path = x->path,
		.body = buf_bytes(&x->body),
		.connection = connection };
	struct MHD_Response *response;
	enum MHD_Result result;

	x->answer.status = MHD_HTTP_CONTENT_TOO_LARGE;
	if (!x->too_large)
		s->options.handle(s->options.ctx, &request, &x->answer);
	buf_done(&x->body);
	response = make_response(x);
	if (x->pull == NULL)
		log_once(x);
	result = MHD_queue_response(connection, x->answer.status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result
on_access(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
	const char *version, const char *data, size_t *size, void **context)
{
	struct exchange *x = *context;

	(void)version;
	if (x == NULL) {
		x = exa_alloc(sizeof *x);
		x->references = 1;
		x->method = exa_strdup(method);
		x->path = exa_strdup(url);
		x->begun_wall_ns = clock_wall_ns();
		x->begun_ns = clock_mono_ns();
		x->log = ((struct http_server *)cls)->options.log;
		*context = x;
		return MHD_YES;
	}
	if (*size > 0) {
		if (x->body.size + *size > HTTP_REQUEST_MAX)
			x->too_large = true;
		else
			buf_add(&x->body, data, *size);
		*size = 0;
		return MHD_YES;
	}
	return answer(cls, connection, x);
}

static void
on_done(void *cls, struct MHD_Connection *connection, void **context,
	enum MHD_RequestTerminationCode why)
{
	struct exchange *x = *context;

	(void)cls;
	(void)connection;
	(void)why;
	if (x == NULL)
		return;
	log_once(x); /* one that broke off */
	*context = NULL;
	exchange_drop(x);
}

static bool
make_address(const struct http_options *o, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)out;

	memset(out, 0, sizeof *out);
	if (inet_pton(AF_INET, o->host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)o->port);
		return true;
	}
	if (inet_pton(AF_INET6, o->host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)o->port);
		return true;
	}
	return false;
}

bool
http_start(const struct http_options *o, struct http_server **out, struct exa_error *err)
{
	struct http_server *s = exa_alloc(sizeof *s);
	struct sockaddr_storage address;
	unsigned flags =
		MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC;
	const union MHD_DaemonInfo *info;

	s->options = *o;
	if (!make_address(o, &address)) {
		exa_free(s);
		return exa_fail(err, EXA_USAGE, "'%s' is not an address", o->host);
	}
	if (address.ss_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	if (o->key_pem != NULL)
		flags |= MHD_USE_TLS;
	s->daemon = MHD_start_daemon(flags, (uint16_t)o->port, NULL, NULL, on_access, s,
		MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_NOTIFY_COMPLETED, on_done, s,
		MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_TIMEOUT_S,
		o->key_pem != NULL ? MHD_OPTION_HTTPS_MEM_KEY : MHD_OPTION_END, o->key_pem,
		MHD_OPTION_HTTPS_MEM_CERT, o->certificate_pem, MHD_OPTION_END);
	if (s->daemon == NULL) {
		exa_free(s);
		return exa_fail(err, EXA_IO, "can't listen on %s port %u (is it in use?)", o->host,
			o->port);
	}
	info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT);
	s->port = info != NULL ? info->port : o->port;
	*out = s;
	return true;
}

unsigned
http_port(const struct http_server *s)
{
	return s->port;
}

void
http_stop(struct http_server *s)
{
	if (s == NULL)
		return;
	MHD_stop_daemon(s->daemon);
	exa_free(s);
}
