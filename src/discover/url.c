/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "url.h"

#define HTTPS "https://"
#define HTTP "http://"
#define HOST_MAX 255

static bool
is_plain(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text <= ' ' || *text >= 0x7f || strchr("\"<>\\^`{|}#", *text) != NULL)
			return false;
	}
	return true;
}

/* How long the host at the beginning of TEXT is; 0 when it isn't one. */
static size_t
host_size(const char *text)
{
	char address[INET6_ADDRSTRLEN];
	struct in6_addr binary;
	size_t size = 0;

	if (*text == '[') {
		size = strcspn(text, "]");
		if (text[size] != ']' || size - 1 >= sizeof address)
			return 0;
		memcpy(address, text + 1, size - 1);
		address[size - 1] = '\0';
		return inet_pton(AF_INET6, address, &binary) == 1 ? size + 1 : 0;
	}
	while (isalnum((unsigned char)text[size]) || text[size] == '-' || text[size] == '.')
		size++;
	return size <= HOST_MAX ? size : 0;
}

static bool
is_this_machine(const char *host, size_t size)
{
	char name[HOST_MAX + 1];
	struct in_addr address;

	if (size > HOST_MAX)
		return false;
	memcpy(name, host, size);
	name[size] = '\0';
	return strcasecmp(name, "localhost") == 0 || strcmp(name, "[::1]") == 0 ||
	       (inet_pton(AF_INET, name, &address) == 1 && ntohl(address.s_addr) >> 24 == 127);
}

/* Reads ":PORT" if there is one; *REST is what follows. */
static bool
read_port(const char *text, unsigned long *port, const char **rest)
{
	char *end;

	*rest = text;
	if (*text != ':')
		return true;
	if (!isdigit((unsigned char)text[1]))
		return false;
	*port = strtoul(text + 1, &end, 10);
	*rest = end;
	return *port >= 1 && *port <= 65535;
}

bool
url_read(const char *text, struct url *out)
{
	const bool https = strncasecmp(text, HTTPS, strlen(HTTPS)) == 0;
	const char *scheme = https ? HTTPS : HTTP, *host, *rest;
	const unsigned long usual = https ? 443 : 80;
	unsigned long port = usual;
	struct url u;
	size_t size;
	int n;

	if (strncasecmp(text, scheme, strlen(scheme)) != 0 || strlen(text) >= sizeof u.text ||
		!is_plain(text))
		return false;
	host = text + strlen(scheme);
	size = host_size(host);
	if (size == 0 || !read_port(host + size, &port, &rest) || strchr("/?", *rest) == NULL)
		return false;
	u.safe = https || is_this_machine(host, size);
	n = snprintf(u.origin, sizeof u.origin, "%s%.*s", scheme, (int)size, host);
	if (port != usual)
		(void)snprintf(u.origin + n, sizeof u.origin - (size_t)n, ":%lu", port);
	for (char *c = u.origin; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	memcpy(u.text, text, strlen(text) + 1);
	*out = u;
	return true;
}

bool
url_read_beside(const struct url *base, const char *text, struct url *out)
{
	char whole[2 * DISCOVER_URL_MAX];

	if (text[0] != '/' || text[1] == '/')
		return url_read(text, out);
	if (strlen(text) >= DISCOVER_URL_MAX)
		return false;
	(void)snprintf(whole, sizeof whole, "%s%s", base->origin, text);
	return url_read(whole, out);
}
