/* SPDX-License-Identifier: Apache-2.0 */
/* What each kind of frame promises. The walk has found its header good and in its place. */
#include <string.h>

#include "pack.h"
#include "verify.h"

/* The COMMIT that ends a cut segment. What it closed is gone; its TOMB stands for what is left. */
static bool
check_cut_commit(struct verify *v, const struct scan_frame *f, const struct commit *c, bool gap,
	struct exa_error *err)
{
	cut_check_add(&v->cut, f->raw_head);
	if (c->number != f->tomb->last_commit)
		return exa_fail(err, EXA_CORRUPT,
			"commit %llu ends a segment that was cut behind commit %llu",
			(unsigned long long)c->number, (unsigned long long)f->tomb->last_commit);
	return gap || cut_check_end(&v->cut, f->tomb, err);
}

static bool
check_commit(struct verify *v, const struct scan_frame *f, struct exa_error *err)
{
	uint8_t chain[SHA256_SIZE];
	struct commit c;
	bool gap = v->gap;
	bool good = true;

	v->result.commits++;
	v->gap = false;
	chain_value(&v->chain, chain);
	if (!commit_get(buf_bytes(&v->raw), &c, err))
		return false;
	if (f->tomb != NULL)
		good = check_cut_commit(v, f, &c, gap, err);
	else if (!gap && memcmp(chain, c.chain, SHA256_SIZE) != 0)
		good = exa_fail(err, EXA_CORRUPT, "the chain of commit %llu is broken",
			(unsigned long long)c.number);
	else if (!gap && c.number != v->last_commit + 1)
		good = exa_fail(err, EXA_CORRUPT, "commit %llu follows commit %llu",
			(unsigned long long)c.number, (unsigned long long)v->last_commit);
	v->last_commit = c.number;
	memcpy(v->last_chain, c.chain, SHA256_SIZE);
	memcpy(v->last_head, f->raw_head, FRAME_HEAD_SIZE);
	chain_commit(&v->chain, c.chain, f->raw_head);
	return good;
}

static struct store_id
id_in_head(const uint8_t head[FRAME_HEAD_SIZE])
{
	struct store_id id;

	memcpy(id.bytes, head + 24, STORE_ID_SIZE);
	return id;
}

/* Zeros stand also in one that was written when the SEAL before couldn't be read. */
static bool
previous_fits(const struct verify *v, const struct seal *seal)
{
	static const struct store_id none;
	struct store_id before = id_in_head(v->seal_head);

	return id_equal(&seal->previous, &none) || id_equal(&before, &none) ||
	       id_equal(&seal->previous, &before);
}

static bool
check_seal(struct verify *v, struct exa_error *err)
{
	uint8_t heads[SHA256_SIZE];
	struct seal seal;

	if (!seal_get(buf_bytes(&v->raw), &seal, err))
		return false;
	if (!previous_fits(v, &seal))
		return exa_fail(err, EXA_CORRUPT,
			"the SEAL names another one before it than the segment before has");
	if (v->segment_gap)
		return true; /* reported already */
	sha256_value(&v->heads, heads);
	if (memcmp(heads, seal.heads_sha256, SHA256_SIZE) != 0 ||
		!bytes_equal(seal.entries, buf_bytes(&v->table)))
		return exa_fail(err, EXA_CORRUPT, "the SEAL doesn't fit the segment's frames");
	return true;
}

static bool
check_tomb(const struct verify *v, const struct scan_frame *f, struct exa_error *err)
{
	struct store_id before = id_in_head(v->seal_head);

	if (v->gap)
		return true; /* reported already */
	if (f->tomb->first_commit == v->last_commit + 1 &&
		memcmp(f->tomb->chain, v->last_chain, SHA256_SIZE) == 0 &&
		id_equal(&f->tomb->previous, &before))
		return true;
	return exa_fail(err, EXA_CORRUPT, "a cut segment doesn't fit the segments before it");
}

static bool
check_entry(struct verify *v, const struct scan_frame *f, const struct pack_entry *entry,
	struct exa_error *err)
{
	struct object_row row = {
		.id = entry->id,
		.at = f->at,
		.raw = (uint32_t)entry->data.size,
		.slot = entry->slot,
		.kind = entry->kind,
	};

	if (entry->kind == PACK_RECORD)
		return true;
	v->result.objects++;
	if (!crypt_check_id(&v->store->crypt, entry->kind, entry->data, &entry->id))
		return exa_fail(err, EXA_CORRUPT, "object %u of the frame doesn't match its id",
			entry->slot);
	return verify_row(v, &row, err);
}

/* Every entry is looked at; the first failure is told, and how many more there were. */
static bool
check_pack(struct verify *v, const struct scan_frame *f, struct exa_error *err)
{
	struct pack_walk w;
	struct pack_entry entry;
	struct exa_error first = { 0 };
	unsigned bad = 0;

	if (!pack_walk_begin(buf_bytes(&v->raw), &w, err))
		return false;
	while (pack_walk_next(&w, &entry)) {
		if (check_entry(v, f, &entry, err))
			continue;
		if (err->code != EXA_CORRUPT)
			return false;
		if (bad++ == 0)
			first = *err;
	}
	if (bad == 0)
		return true;
	*err = first;
	return bad == 1 ||
	       exa_fail(err, EXA_CORRUPT, "%s (and %u more in this pack)", first.text, bad - 1);
}

/* The whole content of a frame, which is in v->raw. */
static bool
check_content(struct verify *v, const struct scan_frame *f, struct exa_error *err)
{
	struct pack_entry object = { .kind = (uint8_t)frame_object_kind(&f->head),
		.id = f->head.id,
		.data = buf_bytes(&v->raw) };

	if (frame_is_object(&f->head))
		return check_entry(v, f, &object, err);
	if (!crypt_check_id(&v->store->crypt, HASH_FRAME, buf_bytes(&v->raw), &f->head.id))
		return exa_fail(err, EXA_CORRUPT, "the frame's content doesn't match its id");
	if (f->head.kind == FRAME_COMMIT)
		return check_commit(v, f, err);
	if (f->head.kind == FRAME_SEAL)
		return check_seal(v, err);
	if (f->head.kind == FRAME_TOMB)
		return check_tomb(v, f, err);
	return check_pack(v, f, err);
}

/* The same frames every time for the same seed. */
static bool
is_sampled(const struct store_verify_options *o, struct place at)
{
	uint64_t x = o->seed ^ ((uint64_t)at.segment << 40) ^ at.offset;

	if (o->sample <= 0)
		return true;
	/* splitmix64 */
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	x ^= x >> 31;
	return (double)(x >> 11) * 0x1p-53 < o->sample;
}

enum look { LOOK_HEADER, LOOK_BYTES, LOOK_CONTENT };

static enum look
how_closely(const struct verify *v, const struct scan_frame *f)
{
	if (f->head.kind == FRAME_COMMIT || f->head.kind == FRAME_SEAL ||
		f->head.kind == FRAME_TOMB)
		return LOOK_CONTENT;
	if (v->options->level == STORE_VERIFY_HEADERS || !is_sampled(v->options, f->at))
		return LOOK_HEADER;
	/* An unknown kind is a later version's, and not critical. */
	return v->options->level == STORE_VERIFY_BLOBS && f->head.kind < FRAME_COMMIT ? LOOK_CONTENT
										      : LOOK_BYTES;
}

static bool
load_content(struct verify *v, const struct scan_frame *f, struct exa_error *err)
{
	buf_reset(&v->raw);
	return unpack_frame(&v->unpacker, f->fd, f->at, &f->head, &v->raw, err) &&
	       frame_check_padding(f->fd, f->at, &f->head, err);
}

/* What was read and isn't what it should be. Failures to read that may pass end the walk. */
static bool
judge(struct verify *v, const struct scan_frame *f, enum verify_loss loss, struct exa_error *err)
{
	if (err->code != EXA_CORRUPT && err->code != EXA_IO)
		return false;
	verify_report_frame(v, f, loss, err);
	return true;
}

bool
verify_frame(struct verify *v, const struct scan_frame *f, struct exa_error *err)
{
	bool ends = f->head.kind == FRAME_COMMIT || f->head.kind == FRAME_SEAL ||
		    f->head.kind == FRAME_TOMB;

	switch (how_closely(v, f)) {
	case LOOK_HEADER:
		return true;
	case LOOK_BYTES:
		pace_take(&v->pace, f->head.stored, v->options->cancel);
		return frame_check_payload(f->fd, f->at, &f->head, err) ||
		       judge(v, f, VERIFY_FRAME_LOST, err);
	case LOOK_CONTENT:
		pace_take(&v->pace, f->head.stored, v->options->cancel);
		if (!load_content(v, f, err)) {
			v->gap = v->gap || f->head.kind == FRAME_COMMIT;
			return judge(v, f, VERIFY_FRAME_LOST, err);
		}
		if (check_content(v, f, err))
			return true;
		(void)place_while(err, f->at);
		return judge(v, f, ends ? VERIFY_NOTHING_LOST : VERIFY_FRAME_LOST, err);
	}
	return true;
}
