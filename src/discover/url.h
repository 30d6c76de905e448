/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses that servers name. Read strictly: credentials go where they point, so no two readers
 * may differ on which host that is. */
#ifndef EXARCH_DISCOVER_URL_H
#define EXARCH_DISCOVER_URL_H

#include <stdbool.h>

#include "exarch/discover.h"

struct url {
	char text[DISCOVER_URL_MAX];
	char origin[DISCOVER_URL_MAX]; /* scheme, host, port; lower case, no default port */
	bool safe;                     /* https, or http to this machine */
};

/* http or https, a host of plain letters, digits, '-' and '.' (or an IPv6 address in brackets); no
 * user, no fragment, printable ASCII alone. False: not such a URL, or too long. */
bool url_read(const char *text, struct url *out);

/* As url_read; TEXT may be a path from the root of BASE. */
bool url_read_beside(const struct url *base, const char *text, struct url *out);

#endif
