/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A segment is read from end to end before it is cut: cutting takes away the frames its chain was
 * made from, so this is the last time it can be compared.
 */
#include <fcntl.h>
#include <string.h>

#include "exarch/fs.h"

#include "compact.h"

struct surveying {
	struct survey *out;
	const struct crypt *crypt;
	uint32_t segment;
	struct chain chain;
	uint64_t commit;    /* the last one seen */
	bool commit_closes; /* nothing but a SEAL stands behind it */
	bool sealed;
};

static bool
fail_at(const struct scan_frame *f, struct exa_error *err, const char *what)
{
	(void)exa_fail(err, EXA_CORRUPT, "%s", what);
	return place_while(err, f->at);
}

static bool
read_commit(const struct surveying *v, const struct scan_frame *f, struct commit *out,
	struct exa_error *err)
{
	struct buf *payload = &v->out->commit;

	buf_reset(payload);
	if (!frame_read_payload(f->fd, f->at, &f->head, payload, err))
		return false;
	if (!crypt_check_id(v->crypt, HASH_FRAME, buf_bytes(payload), &f->head.id))
		return fail_at(f, err, "a COMMIT doesn't match its id");
	return commit_get(buf_bytes(payload), out, err) || place_while(err, f->at);
}

/* What leads up to the segment: the COMMIT before it, and what stands between. */
static bool
take_earlier(struct surveying *v, const struct scan_frame *f, struct exa_error *err)
{
	struct tomb *tomb = &v->out->tomb;
	struct commit c;

	if (f->head.kind != FRAME_COMMIT) {
		chain_add(&v->chain, f->raw_head);
		if (f->head.kind == FRAME_SEAL && f->at.segment + 1 == v->segment)
			tomb->previous = f->head.id;
		return true;
	}
	if (!read_commit(v, f, &c, err))
		return false;
	chain_commit(&v->chain, c.chain, f->raw_head);
	memcpy(tomb->chain, c.chain, SHA256_SIZE);
	v->commit = c.number;
	return true;
}

static bool
take_commit(struct surveying *v, const struct scan_frame *f, struct exa_error *err)
{
	struct tomb *tomb = &v->out->tomb;
	uint8_t chain[SHA256_SIZE];
	struct commit c;

	if (!read_commit(v, f, &c, err))
		return false;
	chain_value(&v->chain, chain);
	if (memcmp(chain, c.chain, SHA256_SIZE) != 0 || c.number != v->commit + 1)
		return fail_at(f, err, "a COMMIT doesn't fit the frames before it");
	if (tomb->first_commit == 0)
		tomb->first_commit = c.number;
	tomb->last_commit = c.number;
	v->commit = c.number;
	v->commit_closes = true;
	v->out->commit_head = f->head;
	chain_commit(&v->chain, c.chain, f->raw_head);
	return true;
}

static bool
take_own(struct surveying *v, const struct scan_frame *f, struct exa_error *err)
{
	struct tomb *tomb = &v->out->tomb;

	if (f->tomb != NULL)
		return fail_at(f, err, "the index names objects in a segment that was cut down");
	if (v->sealed)
		return fail_at(f, err, "a frame stands behind the SEAL");
	if (tomb->first == 0)
		tomb->first = f->head.sequence;
	tomb->last = f->head.sequence;
	if (f->head.kind == FRAME_COMMIT)
		return take_commit(v, f, err);
	chain_add(&v->chain, f->raw_head);
	v->sealed = f->head.kind == FRAME_SEAL;
	if (v->sealed)
		memcpy(tomb->seal_head, f->raw_head, HEAD_CHAINED);
	else
		v->commit_closes = false;
	return true;
}

static bool
find_commit_in(const struct segdir *files, uint32_t segment, struct place *at_out,
	uint64_t *sequence_out, struct exa_error *err)
{
	EXA_AUTO(fs_closep) int fd = -1;
	struct place at = { segment, SEGMENT_HEAD_SIZE };
	struct frame_head head;
	uint64_t size;

	if (!segdir_open(files, segment, O_RDONLY, &fd, err) ||
		!segdir_size(files, segment, &size, err))
		return false;
	for (; at.offset < size; at.offset += frame_span(&head)) {
		if (!frame_read_head(fd, at, &head, NULL, err))
			return false;
		if (head.kind == FRAME_COMMIT) {
			*at_out = at;
			*sequence_out = head.sequence;
		}
	}
	return true;
}

static bool
walk(struct surveying *v, struct scan *scan, struct exa_error *err)
{
	struct scan_frame f;
	enum scan_result r;

	/* A damaged header of a segment before it is no concern of this one. */
	while ((r = scan_next(scan, &f, err)) == SCAN_FRAME ||
		(r == SCAN_HEAD && scan->at.segment < v->segment)) {
		if (r == SCAN_HEAD)
			continue;
		if (f.at.segment < v->segment ? !take_earlier(v, &f, err) : !take_own(v, &f, err))
			return false;
	}
	if (r != SCAN_END)
		return false;
	return v->commit_closes ||
	       exa_fail(err, EXA_CORRUPT, "segment %08x doesn't end behind a COMMIT", v->segment);
}

bool
compact_survey(struct store *s, uint32_t segment, struct survey *out, struct exa_error *err)
{
	struct surveying v = { .out = out, .crypt = &s->crypt, .segment = segment };
	struct place from = { 1, SEGMENT_HEAD_SIZE };
	uint64_t sequence = 1;
	struct scan scan;
	bool good;

	*out = (struct survey){ 0 };
	for (uint32_t n = segment - 1; n > 0 && sequence == 1; n--) {
		if (!find_commit_in(&s->files, n, &from, &sequence, err))
			return false;
	}
	scan_begin(&scan, &s->files, from, sequence);
	scan.stop = (struct place){ segment + 1, SEGMENT_HEAD_SIZE };
	scan.check_payloads = true;
	chain_begin(&v.chain);
	good = walk(&v, &scan, err);
	scan_done(&scan);
	chain_done(&v.chain);
	return good;
}

void
survey_done(struct survey *v)
{
	buf_done(&v->commit);
}
