/* SPDX-License-Identifier: Apache-2.0 */
/* What a person reads of a message. */
#include <limits.h>
#include <string.h>

#include "exarch/mem.h"
#include "parts.h"

struct reading {
	struct buf plain, html;
	int plain_depth, html_depth; /* where they were found; INT_MAX = not yet */
	struct message_text *out;
};

static void
add_size(struct buf *out, uint64_t bytes)
{
	if (bytes < 1024)
		buf_printf(out, "%u bytes", (unsigned)bytes);
	else if (bytes < UINT64_C(1024) * 1024)
		buf_printf(out, "%.1f KiB", (double)bytes / 1024);
	else
		buf_printf(out, "%.1f MiB", (double)bytes / (1024 * 1024));
}

static void
note_attachment(struct message_text *t, const struct part *part)
{
	EXA_AUTO(exa_freep) char *name = part_name(part);
	EXA_AUTO(exa_freep) char *type = part_type(part);
	struct buf line = { 0 };

	if (t->attachment_count == MESSAGE_ATTACHMENTS_MAX) {
		t->cut = true;
		return;
	}
	buf_printf(&line, "%s (%s, ", name[0] != '\0' ? name : "without a name", type);
	add_size(&line, part_size(part));
	buf_add_string(&line, ")");
	t->attachments =
		exa_realloc_array(t->attachments, t->attachment_count + 1, sizeof *t->attachments);
	t->attachments[t->attachment_count++] = buf_steal(&line);
}

/* The first one counts; the message's own before that of a message within. */
static void
take_text(struct reading *r, const struct part *part, struct buf *text, int *depth)
{
	if (part->depth >= *depth)
		return;
	*depth = part->depth;
	buf_reset(text);
	if (!part_add_text(part, text, MESSAGE_TEXT_MAX))
		r->out->cut = true;
}

static bool
look_at_part(void *ctx, const struct part *part)
{
	struct reading *r = ctx;

	switch (part->kind) {
	case PART_PLAIN:
		take_text(r, part, &r->plain, &r->plain_depth);
		break;
	case PART_HTML:
		take_text(r, part, &r->html, &r->html_depth);
		break;
	case PART_FILE:
	case PART_MESSAGE:
		note_attachment(r->out, part);
		break;
	}
	return true;
}

void
message_text_parse(struct bytes source, struct message_text *out)
{
	struct reading r = { .plain_depth = INT_MAX, .html_depth = INT_MAX, .out = out };

	*out = (struct message_text){ 0 };
	parts_walk_bytes(source, look_at_part, &r);
	if (r.plain_depth <= r.html_depth) {
		out->body = buf_steal(&r.plain);
		buf_done(&r.html);
	} else {
		out->body = buf_steal(&r.html);
		buf_done(&r.plain);
	}
}

bool
message_text_read(struct store_reader *r, const struct store_id *recipe, struct message_text *out,
	struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf source = { 0 };
	bool cut;

	if (!source_read(r, recipe, &source, &cut, err))
		return false;
	message_text_parse(buf_bytes(&source), out);
	out->cut = out->cut || cut;
	return true;
}

void
message_text_done(struct message_text *t)
{
	exa_free(t->body);
	for (size_t i = 0; i < t->attachment_count; i++)
		exa_free(t->attachments[i]);
	exa_free(t->attachments);
	*t = (struct message_text){ 0 };
}
