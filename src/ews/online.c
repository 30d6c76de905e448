/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "exarch/ews.h"

/* "Office 365 URLs and IP address ranges" and those of the national clouds. */
static const char *const domains[] = {
	"outlook.com",
	"office.com",
	"office365.com",
	"office365.us",
	"outlook.cn",
	"office365.cn",
};

/* HOST is DOMAIN, or below it. */
static bool
is_within(const char *host, size_t size, const char *domain)
{
	const size_t tail = strlen(domain);

	return size >= tail && strncasecmp(host + size - tail, domain, tail) == 0 &&
	       (size == tail || host[size - tail - 1] == '.');
}

bool
ews_is_online(const char *endpoint)
{
	const char *host = strstr(endpoint, "://");
	size_t size;

	if (host == NULL)
		return false;
	host += strlen("://");
	size = strcspn(host, ":/?");
	for (size_t i = 0; i < sizeof domains / sizeof domains[0]; i++) {
		if (is_within(host, size, domains[i]))
			return true;
	}
	return false;
}
