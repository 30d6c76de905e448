/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "exarch/http.h"

void
http_add_escaped(struct buf *out, const char *text)
{
	static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					 "0123456789-._~";

	for (; *text != '\0'; text++) {
		if (strchr(unreserved, *text) != NULL)
			buf_add_byte(out, (uint8_t)*text);
		else
			buf_printf(out, "%%%02X", (unsigned)(unsigned char)*text);
	}
}

void
http_guid(char out[HTTP_GUID_SIZE])
{
	uint8_t raw[16];
	char hex[2 * sizeof raw + 1];

	/* Small reads from a seeded pool can't be cut short; without one nothing here is safe. */
	while (getrandom(raw, sizeof raw, 0) != (ssize_t)sizeof raw) {
		if (errno != EINTR)
			abort();
	}
	raw[6] = (uint8_t)((raw[6] & 0x0f) | 0x40);
	raw[8] = (uint8_t)((raw[8] & 0x3f) | 0x80);
	hex_encode(bytes_of(raw, sizeof raw), hex);
	(void)snprintf(out, HTTP_GUID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
		hex + 16, hex + 20);
}
