/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "b64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static char pairs[4096][2]; /* twelve bits at a time */

void
b64_init(void)
{
	for (unsigned i = 0; i < 4096; i++) {
		pairs[i][0] = alphabet[i >> 6];
		pairs[i][1] = alphabet[i & 63];
	}
}

size_t
b64_encode(const uint8_t *in, size_t size, uint8_t *out)
{
	uint8_t *begin = out;

	for (; size >= 3; size -= 3, in += 3, out += 4) {
		unsigned v = (unsigned)in[0] << 16 | (unsigned)in[1] << 8 | in[2];

		memcpy(out, pairs[v >> 12], 2);
		memcpy(out + 2, pairs[v & 4095], 2);
	}
	if (size > 0) {
		unsigned v = (unsigned)in[0] << 16 | (size == 2 ? (unsigned)in[1] << 8 : 0);

		memcpy(out, pairs[v >> 12], 2);
		memcpy(out + 2, pairs[v & 4095], 2);
		out[3] = '=';
		if (size == 1)
			out[2] = '=';
		out += 4;
	}
	return (size_t)(out - begin);
}
