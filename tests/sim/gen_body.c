/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "gen_body.h"
#include "gen_encode.h"

#define FILE_BLOCK \
	(57 * 64 * 9) /* whole lines of 76, 72 and 64 characters: 57, 54 and 48 bytes \
		       */

struct gen_body {
	struct body body;
	struct gen_mime mime;
	size_t segment, text_sent;
	size_t file_read; /* of the segment's file */
	uint8_t raw[FILE_BLOCK];
	uint8_t lines[FILE_BLOCK * 3 / 2];
	size_t lines_size, lines_sent;
};

static size_t
move(uint8_t *out, size_t room, const uint8_t *from, size_t end, size_t *sent)
{
	size_t n = end - *sent < room ? end - *sent : room;

	memcpy(out, from + *sent, n);
	*sent += n;
	return n;
}

static void
refill_lines(struct gen_body *b, const struct gen_file *file)
{
	size_t left = file->size - b->file_read, n = left < FILE_BLOCK ? left : FILE_BLOCK;

	gen_file_read(file, b->file_read, b->raw, n);
	b->file_read += n;
	b->lines_size = gen_base64_lines(b->raw, n, b->mime.line_width, b->lines);
	b->lines_sent = 0;
}

static ssize_t
read_body(struct body *body, uint8_t *out, size_t size)
{
	struct gen_body *b = (struct gen_body *)body;
	size_t done = 0;

	while (done < size && b->segment < b->mime.count) {
		const struct gen_segment *s = &b->mime.segments[b->segment];

		if (b->text_sent < s->text_end) {
			done += move(out + done, size - done, b->mime.text.data, s->text_end,
				&b->text_sent);
		} else if (b->lines_sent < b->lines_size) {
			done += move(
				out + done, size - done, b->lines, b->lines_size, &b->lines_sent);
		} else if (s->has_file && b->file_read < s->file.size) {
			refill_lines(b, &s->file);
		} else {
			b->segment++;
			b->file_read = 0;
		}
	}
	return (ssize_t)done;
}

static void
close_body(struct body *body)
{
	struct gen_body *b = (struct gen_body *)body;

	gen_mime_done(&b->mime);
	exa_free(b);
}

struct body *
gen_body_new(const struct gen_world *w, const struct gen_message *m, const struct gen_copy *copy)
{
	struct gen_body *b = exa_alloc(sizeof *b);

	b->body = (struct body){ read_body, close_body };
	gen_mime_render(w, m, copy, &b->mime);
	return &b->body;
}
