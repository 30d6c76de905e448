/* SPDX-License-Identifier: Apache-2.0 */
#include "base64.h"

#define QUANTUM 4

enum { PAD = 64, SPACE = 65, BAD = 66 };

static uint8_t
class_of(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint8_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint8_t)(c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (uint8_t)(c - '0' + 52);
	if (c == '+')
		return 62;
	if (c == '/')
		return 63;
	if (c == '=')
		return PAD;
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' ? SPACE : BAD;
}

static bool
take_pad(struct base64_decoder *d, struct buf *out)
{
	if (d->count < 2)
		return false;
	if (!d->padded) {
		buf_add_byte(out, (uint8_t)(d->count == 2 ? d->bits >> 4 : d->bits >> 10));
		if (d->count == 3)
			buf_add_byte(out, (uint8_t)(d->bits >> 2));
	}
	d->padded = true;
	d->count++;
	if (d->count == QUANTUM)
		d->count = 0;
	return true;
}

static void
take_digit(struct base64_decoder *d, uint8_t value, struct buf *out)
{
	d->bits = d->bits << 6 | value;
	if (++d->count < QUANTUM)
		return;
	d->count = 0;
	buf_add_byte(out, (uint8_t)(d->bits >> 16));
	buf_add_byte(out, (uint8_t)(d->bits >> 8));
	buf_add_byte(out, (uint8_t)d->bits);
}

bool
base64_decode(struct base64_decoder *d, struct bytes text, struct buf *out, struct exa_error *err)
{
	buf_reserve(out, text.size / QUANTUM * 3 + 3);
	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = class_of(text.data[i]);

		if (c == SPACE)
			continue;
		if (c < PAD && !d->padded)
			take_digit(d, c, out);
		else if (c != PAD || (d->padded && d->count == 0) || !take_pad(d, out))
			return exa_fail(err, EXA_PROTOCOL, "the content is not base64");
	}
	return true;
}

bool
base64_finish(struct base64_decoder *d, struct exa_error *err)
{
	bool whole = d->count == 0;

	*d = (struct base64_decoder){ 0 };
	return whole || exa_fail(err, EXA_PROTOCOL, "the base64 content ends early");
}
