/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "exarch/fs.h"

#include "value.h"

/* RFC 5321: 64 for the part before the @, 255 for the domain. */
#define LOCAL_PART_MAX 64
#define DOMAIN_MAX 255

struct unit {
	const char *name;
	uint64_t factor;
};

/* Largest first of each kind: value_size_text takes the first that divides. */
static const struct unit units[] = {
	{ "GiB", UINT64_C(1) << 30 },
	{ "MiB", UINT64_C(1) << 20 },
	{ "KiB", UINT64_C(1) << 10 },
	{ "GB", 1000000000 },
	{ "MB", 1000000 },
	{ "KB", 1000 },
	{ "B", 1 },
	{ "", 1 },
};

/* Reads digits up to *REST; false when there are none or the number is beyond any range here. */
static bool
read_digits(const char *text, uint64_t *out, const char **rest)
{
	const uint64_t limit = UINT64_C(1) << 40;
	uint64_t n = 0;

	if (!isdigit((unsigned char)*text))
		return false;
	for (; isdigit((unsigned char)*text); text++) {
		n = n * 10 + (uint64_t)(*text - '0');
		if (n > limit)
			return false;
	}
	*out = n;
	*rest = text;
	return true;
}

bool
value_count(const struct context *c, const char *key, const char *text, struct value_range range,
	uint32_t *out)
{
	const char *rest = "";
	uint64_t n;

	if (text == NULL)
		return true;
	if (!read_digits(text, &n, &rest) || *rest != '\0' || n < range.min || n > range.max)
		return context_bad(c, key,
			"expected a number from %" PRIu64 " to %" PRIu64 ", found `%s`", range.min,
			range.max, text);
	*out = (uint32_t)n;
	return true;
}

void
value_size_text(uint64_t size, char *out)
{
	const struct unit *u = units;

	while (size % u->factor != 0)
		u++;
	(void)snprintf(out, VALUE_SIZE_TEXT_MAX, "%" PRIu64 " %s", size / u->factor, u->name);
}

static bool
read_size(const char *text, uint64_t *out)
{
	const char *rest;
	uint64_t n;

	if (!read_digits(text, &n, &rest))
		return false;
	while (*rest == ' ')
		rest++;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strcasecmp(rest, units[i].name) == 0) {
			*out = n > UINT64_MAX / units[i].factor ? UINT64_MAX : n * units[i].factor;
			return true;
		}
	}
	return false;
}

bool
value_size(const struct context *c, const char *key, const char *text, struct value_range range,
	uint64_t *out)
{
	char min[VALUE_SIZE_TEXT_MAX], max[VALUE_SIZE_TEXT_MAX];
	uint64_t n;

	if (text == NULL)
		return true;
	if (!read_size(text, &n) || n < range.min || n > range.max) {
		value_size_text(range.min, min);
		value_size_text(range.max, max);
		return context_bad(
			c, key, "expected a size from %s to %s, found `%s`", min, max, text);
	}
	*out = n;
	return true;
}

static bool
is_host(const char *host, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (!isalnum((unsigned char)host[i]) && strchr("-._", host[i]) == NULL)
			return false;
	}
	return size > 0 && size <= DOMAIN_MAX;
}

static bool
is_loopback(const char *host, size_t size)
{
	char name[INET_ADDRSTRLEN];
	struct in_addr address;

	if (size >= sizeof name)
		return false;
	memcpy(name, host, size);
	name[size] = '\0';
	return strcasecmp(name, "localhost") == 0 || strcmp(name, "[::1]") == 0 ||
	       (inet_pton(AF_INET, name, &address) == 1 && ntohl(address.s_addr) >> 24 == 127);
}

/* ":PORT", then the path or the end. */
static bool
is_after_host(const char *rest)
{
	uint64_t port = 1;

	if (*rest == ':' && !read_digits(rest + 1, &port, &rest))
		return false;
	if (port < 1 || port > 65535 || (*rest != '\0' && *rest != '/'))
		return false;
	return rest[strcspn(rest, "?#\\\"<> \t\n")] == '\0';
}

/* The size of the host at the beginning of TEXT; 0 when it isn't one. */
static size_t
host_size(const char *text)
{
	size_t size = strcspn(text, ":/");
	char address[INET6_ADDRSTRLEN];
	struct in6_addr binary;

	if (*text != '[')
		return is_host(text, size) ? size : 0;
	size = strcspn(text, "]");
	if (text[size] != ']' || size - 1 >= sizeof address)
		return 0;
	memcpy(address, text + 1, size - 1);
	address[size - 1] = '\0';
	return inet_pton(AF_INET6, address, &binary) == 1 ? size + 1 : 0;
}

/* The text isn't quoted in errors: it may hold a user's name and password. */
bool
value_url(const struct context *c, const char *key, const char *text, char **out)
{
	bool secure, open;
	const char *host;
	size_t size;

	if (text == NULL)
		return true;
	secure = strncasecmp(text, "https://", 8) == 0;
	open = strncasecmp(text, "http://", 7) == 0;
	if (!secure && !open)
		return context_bad(c, key, "expected a URL that begins with https://");
	host = text + (secure ? 8 : 7);
	if (memchr(host, '@', strcspn(host, "/")) != NULL)
		return context_bad(
			c, key, "a user or password can't stand in a URL; see `source.auth`");
	size = host_size(host);
	if (size == 0 || !is_after_host(host + size))
		return context_bad(c, key,
			"expected a URL such as https://host/path, without "
			"spaces, `?` or `#`");
	if (open && !is_loopback(host, size))
		return context_bad(c, key,
			"must begin with https://: over http:// credentials and mail would travel "
			"in clear (allowed to this machine only)");
	*out = context_text(c, text);
	for (size = strlen(*out); (*out)[size - 1] == '/'; size--)
		(*out)[size - 1] = '\0';
	return true;
}

bool
value_path(const struct context *c, const char *key, const char *text, char **out)
{
	EXA_AUTO(exa_freep) char *path = NULL;

	if (text == NULL)
		return true;
	if (text[0] == '~')
		return context_bad(c, key, "`~` isn't expanded; write the whole path");
	path = fs_join(c->dir, text);
	*out = context_text(c, path);
	return true;
}

bool
value_is_guid(const char *text)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (strlen(text) != sizeof form - 1)
		return false;
	for (size_t i = 0; i < sizeof form - 1; i++) {
		if (form[i] == '-' ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
	}
	return true;
}

/* Labels of letters, digits, hyphens (and letters beyond ASCII), parted by single dots. */
static bool
has_domain_form(const char *text)
{
	char last = '.';

	for (const char *p = text; *p != '\0'; last = *p++) {
		unsigned char ch = (unsigned char)*p;

		if (ch == '.' ? last == '.' : ch < 0x80 && !isalnum(ch) && ch != '-')
			return false;
	}
	return last != '.' && strlen(text) <= DOMAIN_MAX;
}

bool
value_is_domain(const char *text)
{
	return strchr(text, '.') != NULL && has_domain_form(text);
}

const char *
value_address_problem(const char *address)
{
	const char *at = strchr(address, '@');

	if (at == NULL)
		return "not an address: there is no `@` in it";
	if (at == address || at - address > LOCAL_PART_MAX)
		return "not an address: before the `@` must stand 1 to 64 characters";
	for (const char *p = address; p < at; p++) {
		unsigned char ch = (unsigned char)*p;

		if (ch <= ' ' || ch == 0x7f || strchr("()<>[]:;,\\\"", ch) != NULL)
			return "not an address: write it plainly, as in anna@contoso.com";
	}
	return has_domain_form(at + 1) ? NULL
				       : "not an address: what follows the `@` isn't a domain";
}
