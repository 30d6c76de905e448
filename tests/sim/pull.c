/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "b64.h"
#include "pull.h"

#define RAW_BLOCK (48 * 1024) /* divisible by 3: only the last block of a message is padded */

struct pull {
	struct answer_stream *stream;
	struct buf text; /* to be sent, from sent on */
	size_t sent;
	struct body *body; /* to follow the text */
	bool ended;
	uint8_t raw[RAW_BLOCK];
	uint8_t coded[B64_SIZE(RAW_BLOCK)];
	size_t coded_size, coded_sent;
};

struct pull *
pull_new(struct answer_stream *s)
{
	struct pull *p = exa_alloc(sizeof *p);

	p->stream = s;
	return p;
}

void
pull_free(struct pull *p)
{
	if (p == NULL)
		return;
	body_close(p->body);
	p->stream->free(p->stream);
	buf_done(&p->text);
	exa_free(p);
}

/* Reads and encodes the next block of the message; closes it at its end. */
static bool
refill_coded(struct pull *p)
{
	size_t filled = 0;
	ssize_t n = 1;

	while (filled < RAW_BLOCK && n > 0) {
		n = p->body->read(p->body, p->raw + filled, RAW_BLOCK - filled);
		if (n < 0)
			return false;
		filled += (size_t)n;
	}
	p->coded_size = b64_encode(p->raw, filled, p->coded);
	p->coded_sent = 0;
	if (n == 0)
		body_closep(&p->body);
	return true;
}

static size_t
move(uint8_t *out, size_t room, const uint8_t *from, size_t size, size_t *sent)
{
	size_t n = size - *sent < room ? size - *sent : room;

	memcpy(out, from + *sent, n);
	*sent += n;
	return n;
}

ssize_t
pull_read(struct pull *p, uint8_t *out, size_t size)
{
	size_t done = 0;

	while (done < size) {
		if (p->sent < p->text.size) {
			done += move(out + done, size - done, p->text.data, p->text.size, &p->sent);
		} else if (p->coded_sent < p->coded_size) {
			done += move(
				out + done, size - done, p->coded, p->coded_size, &p->coded_sent);
		} else if (p->body != NULL) {
			if (!refill_coded(p))
				return -1;
		} else if (p->ended) {
			break;
		} else {
			buf_reset(&p->text);
			p->sent = 0;
			p->ended = !p->stream->next(p->stream, &p->text, &p->body);
		}
	}
	return (ssize_t)done;
}
