/* SPDX-License-Identifier: Apache-2.0 */
/* All that can be looked for in a message. */
#include <string.h>

#include "exarch/mem.h"
#include "parts.h"

struct collecting {
	struct buf plain, html, names, files;
	size_t attachment_count;
};

static void
add_text(const struct part *part, struct buf *text)
{
	if (text->size > 0 && text->size < MESSAGE_WORDS_MAX)
		buf_add_byte(text, '\n');
	if (text->size < MESSAGE_WORDS_MAX)
		(void)part_add_text(part, text, MESSAGE_WORDS_MAX - text->size);
}

static void
add_name(struct collecting *c, const struct part *part)
{
	EXA_AUTO(exa_freep) char *name = part_name(part);

	c->attachment_count++;
	if (name[0] == '\0' || c->names.size + strlen(name) >= MESSAGE_WORDS_MAX)
		return;
	if (c->names.size > 0)
		buf_add_byte(&c->names, '\n');
	for (char *p = name; *p != '\0'; p++) {
		if (*p == '\n')
			*p = ' '; /* a line is a name */
	}
	buf_add_string(&c->names, name);
}

static bool
collect(void *ctx, const struct part *part)
{
	struct collecting *c = ctx;

	switch (part->kind) {
	case PART_PLAIN:
		add_text(part, part->depth > 0 ? &c->files : &c->plain);
		break;
	case PART_HTML:
		add_text(part, part->depth > 0 ? &c->files : &c->html);
		break;
	case PART_FILE:
		add_name(c, part);
		add_text(part, &c->files);
		break;
	case PART_MESSAGE:
		add_name(c, part);
		break;
	}
	return true;
}

/* Plain text and HTML mostly say the same. Where the HTML says much more, the plain text is a note
 * that the reader's program is too old. */
static char *
choose_body(struct buf *plain, struct buf *html)
{
	if (html->size / 2 > plain->size)
		return buf_steal(html);
	return buf_steal(plain);
}

void
message_words_parse(struct bytes source, struct message_words *out)
{
	struct collecting c = { 0 };

	*out = (struct message_words){ 0 };
	message_head_parse(source, &out->head);
	parts_walk_bytes(source, collect, &c);
	out->attachment_count = c.attachment_count;
	out->body = choose_body(&c.plain, &c.html);
	out->names = buf_steal(&c.names);
	out->files = buf_steal(&c.files);
	buf_done(&c.plain);
	buf_done(&c.html);
}

bool
message_words_read(struct store_reader *r, const struct store_id *recipe, struct message_words *out,
	struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf source = { 0 };
	bool cut;

	if (!source_read(r, recipe, &source, &cut, err))
		return false;
	message_words_parse(buf_bytes(&source), out);
	return true;
}

void
message_words_done(struct message_words *w)
{
	message_head_done(&w->head);
	exa_free(w->body);
	exa_free(w->names);
	exa_free(w->files);
	*w = (struct message_words){ 0 };
}
