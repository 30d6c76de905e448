/* SPDX-License-Identifier: Apache-2.0 */
/* The proof that each message still comes out as it went in: everything an export does, without the
 * files. */
#include "message.h"

struct proof {
	const struct export_options *options;
	struct export_verify_result result;
	struct store_reader *reader;
	struct buf scratch;
};

struct proof_sink {
	struct cancel *cancel;
	bool cancelled;
};

static bool
sink_write(void *ctx, struct bytes data, struct exa_error *err)
{
	struct proof_sink *s = ctx;

	(void)data;
	s->cancelled = cancel_raised(s->cancel);
	return !s->cancelled || exa_fail(err, EXA_CANCELLED, "stopped");
}

static bool
verify_selected(void *ctx, const struct selected *item, struct exa_error *err)
{
	struct proof *p = ctx;
	struct proof_sink s = { .cancel = p->options->cancel };
	const struct recipe_sink sink = { .write = sink_write, .ctx = &s };
	struct catalog_item record;

	if (cancel_raised(s.cancel))
		return exa_fail(err, EXA_CANCELLED, "stopped");
	p->result.items++;
	if (catalog_item_read(p->reader, item->row, &p->scratch, &record, err) &&
		message_play(p->reader, item->row, &record, &sink, err)) {
		p->result.bytes += record.mime_bytes;
	} else {
		if (s.cancelled)
			return false;
		p->result.damaged++;
		if (p->options->failed != NULL)
			p->options->failed(p->options->ctx, item, err);
	}
	if (p->options->progress != NULL)
		p->options->progress(p->options->ctx, p->result.items, p->result.bytes);
	return true;
}

bool
export_verify(struct catalog *c, const struct selection *s, const struct export_options *options,
	struct export_verify_result *out, struct exa_error *err)
{
	struct proof p = { .options = options };
	bool good = store_reader_new(catalog_store(c), &p.reader, err) &&
		    selection_walk(c, s, verify_selected, &p, err);

	store_reader_free(p.reader);
	buf_done(&p.scratch);
	if (good)
		*out = p.result;
	return good;
}
