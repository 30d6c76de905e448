/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <microhttpd.h>

#include "exarch/clock.h"

#include "http.h"
#include "pull.h"

#define CONNECTIONS_MAX 512            /* a thread each */
#define BLOCK (128 * 1024)             /* asked from the stream at a time */
#define CONNECTION_MEMORY (256 * 1024) /* request headers and the answer's buffer */
#define IDLE_TIMEOUT_S 600
#define SLICES_PER_S 20              /* a slow wire sends so often */
#define SLICE_NS (EXA_NS_PER_S / 20) /* and a wait looks so often whether the server ends */

struct http_server {
	struct http_options options;
	struct MHD_Daemon *daemon;
	unsigned port;
	_Atomic bool stopping;
};

/* One request and its answer; the response holds it as long as it streams, the connection until the
 * request is done. */
struct exchange {
	_Atomic unsigned references;
	char *method, *path;
	struct buf body;
	bool too_large;
	struct http_answer answer;
	struct pull *pull; /* NULL: the answer's body */
	const _Atomic bool *stopping;
	_Atomic uint64_t bytes;
	int64_t begun_wall_ns, begun_ns;
	struct reqlog *log;
	int clock_skew_s;
	bool is_streamed, logged;
};

static void
exchange_drop(struct exchange *x)
{
	if (atomic_fetch_sub(&x->references, 1) != 1)
		return;
	if (x->pull == NULL && x->answer.stream != NULL)
		x->answer.stream->free(x->answer.stream);
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

/* Once, and before the answer's end is sent, or before the connection is ended instead: what a client knows of is in the log,
 * and is no longer open. */
static void
log_once(struct exchange *x, bool left)
{
	if (x->logged)
		return;
	x->logged = true;
	if (x->answer.done != NULL)
		x->answer.done(x->answer.done_ctx);
	reqlog_add(x->log, &(struct request_line){ .method = x->method,
				   .path = x->path,
				   .note = &x->answer.note,
				   .status = x->answer.status,
				   .bytes = atomic_load(&x->bytes),
				   .begun_ns = x->begun_wall_ns,
				   .from_ns = x->begun_ns,
				   .to_ns = clock_mono_ns(),
				   .left = left });
}

static void
wait_unless(const _Atomic bool *stopping, unsigned ms)
{
	int64_t end_ns = clock_mono_ns() + (int64_t)ms * EXA_NS_PER_MS, left_ns;

	while ((left_ns = end_ns - clock_mono_ns()) > 0 &&
		(stopping == NULL || !atomic_load(stopping))) {
		struct timespec t = { 0, (long)(left_ns < SLICE_NS ? left_ns : SLICE_NS) };

		(void)nanosleep(&t, NULL);
	}
}

void
http_wait(const struct http_request *r, unsigned ms)
{
	wait_unless(r->stopping, ms);
}

/* What is left of the answer, up to SIZE bytes; -1: a message broke off. */
static ssize_t
read_answer(struct exchange *x, uint64_t position, char *out, size_t size)
{
	struct bytes rest;

	if (x->pull != NULL)
		return pull_read(x->pull, (uint8_t *)out, size);
	rest = bytes_take(bytes_skip(buf_bytes(&x->answer.body), (size_t)position), size);
	if (rest.size > 0)
		memcpy(out, rest.data, rest.size);
	return (ssize_t)rest.size;
}

/* How much of it may go out now; waits as the wire is slow. 0: the connection ends here. */
static size_t
pace(struct exchange *x, uint64_t position, size_t size)
{
	const struct http_wire *w = &x->answer.wire;
	size_t slice = w->bytes_per_s / SLICES_PER_S + 1;

	if (w->is_broken && size > w->cut_at - position)
		size = (size_t)(w->cut_at - position);
	if (w->stall_ms > 0 && position == w->stall_at)
		wait_unless(x->stopping, w->stall_ms);
	else if (w->stall_ms > 0 && position < w->stall_at && size > w->stall_at - position)
		size = (size_t)(w->stall_at - position);
	if (w->bytes_per_s > 0 && size > 0) {
		size = size < slice ? size : slice;
		wait_unless(x->stopping, (unsigned)(size * 1000 / w->bytes_per_s));
	}
	return size;
}

static ssize_t
read_stream(void *cls, uint64_t position, char *out, size_t size)
{
	struct exchange *x = cls;
	ssize_t n;

	size = pace(x, position, size);
	if (size == 0) {
		log_once(x, false);
		return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	n = read_answer(x, position, out, size);
	if (n < 0) {
		log_once(x, false);
		return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	if (n == 0) {
		log_once(x, false);
		return MHD_CONTENT_READER_END_OF_STREAM;
	}
	/* With a known length nobody asks again at the end. */
	if (atomic_fetch_add(&x->bytes, (uint64_t)n) + (uint64_t)n == x->answer.body.size &&
		x->pull == NULL)
		log_once(x, false);
	return n;
}

static void
end_stream(void *cls)
{
	exchange_drop(cls);
}

static bool
goes_out_at_once(const struct http_wire *w)
{
	return !w->is_broken && !w->is_chunked && w->bytes_per_s == 0 && w->stall_ms == 0;
}

/* The library adds the true time to what has no Date. */
static void
add_date(struct MHD_Response *r, int skew_s)
{
	time_t now = (time_t)(clock_wall_ns() / EXA_NS_PER_S) + skew_s;
	char text[40];
	struct tm tm;

	(void)gmtime_r(&now, &tm);
	(void)strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	(void)MHD_add_response_header(r, MHD_HTTP_HEADER_DATE, text);
}

static struct MHD_Response *
make_response(struct exchange *x)
{
	struct http_answer *a = &x->answer;
	struct MHD_Response *r;

	if (a->stream != NULL)
		x->pull = pull_new(a->stream);
	x->is_streamed = x->pull != NULL || !goes_out_at_once(&a->wire);
	if (x->is_streamed) {
		atomic_fetch_add(&x->references, 1);
		r = MHD_create_response_from_callback(
			x->pull != NULL || a->wire.is_chunked ? MHD_SIZE_UNKNOWN : a->body.size,
			BLOCK, read_stream, x, end_stream);
	} else {
		atomic_store(&x->bytes, a->body.size);
		r = MHD_create_response_from_buffer(
			a->body.size, a->body.data, MHD_RESPMEM_MUST_COPY);
	}
	if (x->clock_skew_s != 0)
		add_date(r, x->clock_skew_s);
	if (a->content_type != NULL)
		(void)MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, a->content_type);
	for (size_t i = 0; i < a->header_count; i++)
		(void)MHD_add_response_header(r, a->headers[i].name, a->headers[i].value);
	return r;
}

/* Whoever closes the connection then sends RST instead of FIN. */
static void
reset_at_close(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct linger none = { 1, 0 };

	if (info != NULL)
		(void)setsockopt(info->connect_fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

/* What the connection remembers from request to request. */
static void
on_connection(void *cls, struct MHD_Connection *connection, void **context,
	enum MHD_ConnectionNotificationCode what)
{
	(void)cls;
	(void)connection;
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		*context = exa_alloc(sizeof(struct ntlm_peer));
	} else {
		exa_free(*context);
		*context = NULL;
	}
}

static struct ntlm_peer *
peer_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info != NULL ? info->socket_context : NULL;
}

static enum MHD_Result
answer(struct http_server *s, struct MHD_Connection *connection, struct exchange *x)
{
	struct http_request request = { .method = x->method,
		.path = x->path,
		.body = buf_bytes(&x->body),
		.connection = connection,
		.stopping = &s->stopping,
		.peer = peer_of(connection) };
	struct MHD_Response *response;
	enum MHD_Result result;

	if (http_header(&request, "User-Agent") != NULL)
		(void)snprintf(x->answer.note.agent, sizeof x->answer.note.agent, "%s",
			http_header(&request, "User-Agent"));
	x->answer.status = MHD_HTTP_CONTENT_TOO_LARGE;
	if (!x->too_large)
		s->options.handle(s->options.ctx, &request, &x->answer);
	buf_done(&x->body);
	if (x->answer.wire.is_reset)
		reset_at_close(connection);
	if (x->answer.wire.is_unsent) {
		log_once(x, false);
		return MHD_NO;
	}
	response = make_response(x);
	if (!x->is_streamed)
		log_once(x, false);
	result = MHD_queue_response(connection, x->answer.status, response);
	MHD_destroy_response(response);
	return result;
}

static size_t
request_max(const struct http_server *s)
{
	return s->options.request_max > 0 ? s->options.request_max : HTTP_REQUEST_MAX;
}

/* DATA is in a pool of libmicrohttpd. Where one was before, of a thread that has ended, ThreadSanitizer sees a race: it doesn't
 * look into the library, and so not at its munmap (.ci/tsan.supp has this function's name). */
static void
take_upload(const struct http_server *s, struct exchange *x, const char *data, size_t size)
{
	if (x->body.size + size > request_max(s))
		x->too_large = true;
	else
		buf_add(&x->body, data, size);
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
		x->clock_skew_s = ((struct http_server *)cls)->options.clock_skew_s;
		x->stopping = &((struct http_server *)cls)->stopping;
		*context = x;
		return MHD_YES;
	}
	if (*size > 0) {
		take_upload(cls, x, data, *size);
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
	log_once(x, true); /* unless it is logged, the client broke it off */
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
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_CONNECTION_LIMIT,
		CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_CONNECTION_TIMEOUT, IDLE_TIMEOUT_S,
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
	atomic_store(&s->stopping, true);
	MHD_stop_daemon(s->daemon);
	exa_free(s);
}
