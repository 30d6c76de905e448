/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "exarch/bytes.h"
#include "exarch/mem.h"

#include "loopback.h"

struct loopback {
	const struct loopback_reply *replies;
	size_t reply_count;
	SSL_CTX *tls;
	int listener;
	int stop_pipe[2]; /* closing the write end ends the thread */
	char *url;
	pthread_t thread;
	pthread_mutex_t mu;
	/* under mu: */
	struct buf requests[LOOPBACK_MAX_REQUESTS];
	size_t request_count;
	size_t connection_count;
};

struct connection {
	struct loopback *server;
	int fd;
	SSL *ssl;
};

/* False when the server is to stop, or the client has gone. */
static bool
wait_readable(struct connection *c)
{
	struct pollfd fds[] = { { .fd = c->fd, .events = POLLIN },
		{ .fd = c->server->stop_pipe[0], .events = POLLIN } };

	if (c->ssl != NULL && SSL_pending(c->ssl) > 0)
		return true;
	return poll(fds, 2, -1) > 0 && fds[1].revents == 0;
}

static ssize_t
receive(struct connection *c, char *data, size_t size)
{
	if (!wait_readable(c))
		return 0;
	if (c->ssl != NULL)
		return SSL_read(c->ssl, data, (int)size);
	return recv(c->fd, data, size, 0);
}

static void
transmit(struct connection *c, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = c->ssl != NULL ? SSL_write(c->ssl, data, (int)size)
					   : send(c->fd, data, size, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		data += n;
		size -= (size_t)n;
	}
}

/* How long the request is, once its head is there; 0 before. */
static size_t
request_size(struct buf *request)
{
	const char *text = buf_string(request);
	const char *end = strstr(text, "\r\n\r\n");
	const char *length = strcasestr(text, "\r\nContent-Length:");

	if (end == NULL)
		return 0;
	return (size_t)(end - text) + 4 +
	       (length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0);
}

static bool
read_request(struct connection *c, struct buf *request)
{
	char piece[4096];

	while (request_size(request) == 0 || request->size < request_size(request)) {
		ssize_t n = receive(c, piece, sizeof piece);

		if (n <= 0)
			return false;
		buf_add(request, piece, (size_t)n);
	}
	return true;
}

/* Takes REQUEST; which reply it gets. */
static const struct loopback_reply *
note_request(struct loopback *l, struct buf *request)
{
	size_t index;

	(void)pthread_mutex_lock(&l->mu);
	index = l->request_count++;
	if (index < LOOPBACK_MAX_REQUESTS)
		l->requests[index] = *request;
	else
		buf_done(request);
	(void)pthread_mutex_unlock(&l->mu);
	return &l->replies[index < l->reply_count ? index : l->reply_count - 1];
}

static void
serve(struct connection *c)
{
	for (;;) {
		struct buf request = { 0 };
		const struct loopback_reply *reply;
		char byte;

		if (!read_request(c, &request)) {
			buf_done(&request);
			return;
		}
		reply = note_request(c->server, &request);
		transmit(c, reply->text, strlen(reply->text));
		if (reply->after == LOOPBACK_HANG)
			(void)receive(c, &byte, 1);
		if (reply->after != LOOPBACK_KEEP)
			return;
	}
}

static void
serve_client(struct loopback *l, int fd)
{
	struct connection c = { .server = l, .fd = fd };

	(void)pthread_mutex_lock(&l->mu);
	l->connection_count++;
	(void)pthread_mutex_unlock(&l->mu);
	if (l->tls == NULL) {
		serve(&c);
	} else {
		c.ssl = SSL_new(l->tls);
		(void)SSL_set_fd(c.ssl, fd);
		if (SSL_accept(c.ssl) == 1) {
			serve(&c);
			(void)SSL_shutdown(c.ssl);
		}
		SSL_free(c.ssl);
	}
	(void)close(fd);
}

static void *
run(void *ctx)
{
	struct loopback *l = ctx;

	for (;;) {
		struct pollfd fds[] = { { .fd = l->listener, .events = POLLIN },
			{ .fd = l->stop_pipe[0], .events = POLLIN } };
		int fd;

		if (poll(fds, 2, -1) <= 0 || fds[1].revents != 0)
			return NULL;
		fd = accept(l->listener, NULL, NULL);
		if (fd >= 0)
			serve_client(l, fd);
	}
}

struct loopback *
loopback_listen(SSL_CTX *tls)
{
	struct loopback *l = exa_alloc(sizeof *l);
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)unsetenv("http_proxy");
	(void)unsetenv("https_proxy");
	(void)unsetenv("all_proxy");
	l->tls = tls;
	l->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(l->listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(l->listener, 8), 0);
	assert_int_equal(getsockname(l->listener, (struct sockaddr *)&address, &size), 0);
	assert_int_equal(pipe(l->stop_pipe), 0);
	l->url = exa_asprintf(tls != NULL ? "https://localhost:%u" : "http://127.0.0.1:%u",
		(unsigned)ntohs(address.sin_port));
	(void)pthread_mutex_init(&l->mu, NULL);
	return l;
}

void
loopback_serve(struct loopback *l, const struct loopback_reply *replies, size_t count)
{
	l->replies = replies;
	l->reply_count = count;
	assert_int_equal(pthread_create(&l->thread, NULL, run, l), 0);
}

struct loopback *
loopback_start(const struct loopback_reply *replies, size_t count, SSL_CTX *tls)
{
	struct loopback *l = loopback_listen(tls);

	loopback_serve(l, replies, count);
	return l;
}

void
loopback_stop(struct loopback *l)
{
	if (l == NULL)
		return;
	(void)close(l->stop_pipe[1]);
	(void)pthread_join(l->thread, NULL);
	(void)close(l->stop_pipe[0]);
	(void)close(l->listener);
	for (size_t i = 0; i < LOOPBACK_MAX_REQUESTS; i++)
		buf_done(&l->requests[i]);
	(void)pthread_mutex_destroy(&l->mu);
	exa_free(l->url);
	exa_free(l);
}

void
loopback_stopp(struct loopback **l)
{
	loopback_stop(*l);
	*l = NULL;
}

const char *
loopback_url(const struct loopback *l)
{
	return l->url;
}

size_t
loopback_request_count(struct loopback *l)
{
	size_t count;

	(void)pthread_mutex_lock(&l->mu);
	count = l->request_count;
	(void)pthread_mutex_unlock(&l->mu);
	return count;
}

size_t
loopback_connection_count(struct loopback *l)
{
	size_t count;

	(void)pthread_mutex_lock(&l->mu);
	count = l->connection_count;
	(void)pthread_mutex_unlock(&l->mu);
	return count;
}

const char *
loopback_request(struct loopback *l, size_t index)
{
	const char *text;

	(void)pthread_mutex_lock(&l->mu);
	assert_true(index < l->request_count && index < LOOPBACK_MAX_REQUESTS);
	text = buf_string(&l->requests[index]);
	(void)pthread_mutex_unlock(&l->mu);
	return text;
}

char *
loopback_text(const char *status, const char *headers, const char *body)
{
	return exa_asprintf("HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n%s", status, headers,
		strlen(body), body);
}
