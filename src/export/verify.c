/* SPDX-License-Identifier: Apache-2.0 */
/* The proof that each message still comes out as it went in: everything an export does, without the
 * files. */
#include "exarch/pace.h"

#include "damage.h"

struct proof {
	struct catalog *catalog;
	const struct export_verify_options *options;
	struct export_verify_result result;
	struct store_reader *reader;
	struct pace pace;
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
play_all(struct proof *p, const struct selected *item, const struct catalog_item *record,
	const struct recipe_sink *sink, struct exa_error *err)
{
	if (catalog_item_has_mime(record) &&
		!catalog_play_message(p->reader, item->row, record, sink, err))
		return false;
	return !catalog_item_has_native(record) ||
	       catalog_play_native(p->reader, item->row, record, sink, err);
}

/* False: cancelled. */
static bool
put_together(struct proof *p, const struct selected *item, struct exa_error *err)
{
	struct proof_sink s = { .cancel = p->options->cancel };
	const struct recipe_sink sink = { .write = sink_write, .ctx = &s };
	struct catalog_item record;

	pace_take(&p->pace, item->row->mime_bytes, s.cancel);
	if (catalog_item_read(p->reader, item->row, &p->scratch, &record, err) &&
		play_all(p, item, &record, &sink, err)) {
		p->result.proven++;
		p->result.bytes += record.mime_bytes + record.native_bytes;
		return true;
	}
	if (s.cancelled)
		return false;
	p->result.proven++;
	p->result.damaged++;
	if (p->options->failed != NULL)
		p->options->failed(p->options->ctx, item, err);
	return true;
}

/* The same items every time for the same seed. */
static bool
is_sampled(const struct export_verify_options *o, uint64_t number)
{
	uint64_t x = o->seed + number * UINT64_C(0x9e3779b97f4a7c15);

	if (o->sample <= 0)
		return o->sample == 0;
	/* splitmix64 */
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	x ^= x >> 31;
	return (double)(x >> 11) * 0x1p-53 < o->sample;
}

static bool
is_wanted(struct proof *p, const struct catalog_row *row)
{
	const struct export_verify_options *o = p->options;

	return is_sampled(o, row->number) ||
	       (o->damage != NULL &&
		       !damage_map_clears(o->damage, p->catalog, p->reader, row, &p->scratch));
}

static bool
verify_selected(void *ctx, const struct selected *item, struct exa_error *err)
{
	struct proof *p = ctx;

	if (cancel_raised(p->options->cancel))
		return exa_fail(err, EXA_CANCELLED, "stopped");
	if (is_wanted(p, item->row) && !put_together(p, item, err))
		return false;
	p->result.items++;
	p->result.reached = (struct selected_place){ .mailbox = item->row->mailbox,
		.folder = item->row->folder,
		.received_ns = item->row->received_ns,
		.number = item->row->number };
	if (p->options->progress != NULL)
		p->options->progress(
			p->options->ctx, &p->result.reached, p->result.items, p->result.bytes);
	return true;
}

bool
export_verify(struct catalog *c, const struct selection *s,
	const struct export_verify_options *options, struct export_verify_result *out,
	struct exa_error *err)
{
	struct proof p = { .catalog = c, .options = options };
	bool good;

	p.result.reached = s->after;
	pace_begin(&p.pace, options->bytes_per_s);
	good = store_reader_new(catalog_store(c), &p.reader, err) &&
	       selection_walk(c, s, verify_selected, &p, err);
	p.result.finished = good;
	store_reader_free(p.reader);
	buf_done(&p.scratch);
	good = good || (err->code == EXA_CANCELLED && cancel_raised(options->cancel));
	if (good)
		*out = p.result;
	return good;
}
