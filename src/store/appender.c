/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "appender.h"
#include "crc32c.h"
#include "cut.h"

void
frame_begin(struct buf *frame)
{
	static const uint8_t room[FRAME_HEAD_SIZE];

	buf_reset(frame);
	buf_add(frame, room, sizeof room);
}

void
frame_end(struct buf *frame, struct frame_head *head)
{
	static const uint8_t zeros[FRAME_TAG_SIZE];
	bool encrypted = (head->flags & FRAME_ENCRYPTED) != 0;

	if (encrypted)
		buf_add(frame, zeros, FRAME_TAG_SIZE);
	head->stored = (uint32_t)(frame->size - FRAME_HEAD_SIZE);
	if (!encrypted)
		head->payload_crc = crc32c(0, frame->data + FRAME_HEAD_SIZE, head->stored);
	buf_add(frame, zeros, (size_t)frame_span(head) - frame->size);
}

void
appender_begin(struct appender *a, const struct segdir *files, const struct crypt *crypt,
	uint64_t segment_bytes, struct place at, uint64_t sequence)
{
	a->files = files;
	a->crypt = crypt;
	a->segment_bytes = segment_bytes;
	a->at = at;
	a->at_commit = true;
	a->sequence = sequence;
	a->fd = -1;
}

static void
close_segment(struct appender *a)
{
	fs_closep(&a->fd);
	exa_free(a->path);
	a->path = NULL;
	buf_reset(&a->table);
	a->table_count = 0;
}

void
appender_done(struct appender *a)
{
	if (a->files == NULL)
		return;
	close_segment(a);
	buf_done(&a->table);
	frame_cipher_done(&a->cipher);
	sha256_done(&a->heads);
	chain_done(&a->chain);
	*a = (struct appender){ .fd = -1 };
}

static void
note_frame(struct appender *a, const struct frame_head *head, uint64_t offset, const uint8_t *raw)
{
	uint8_t entry[SEAL_ENTRY_SIZE];

	seal_entry_put(head, offset, entry);
	buf_add(&a->table, entry, sizeof entry);
	a->table_count++;
	sha256_add(&a->heads, raw, HEAD_CHAINED);
}

/* Walks the headers of an open segment up to END and gives the last one (kind 0 if there is none).
 */
static bool
walk_heads(struct appender *a, int fd, struct place end, bool note, struct frame_head *last,
	struct exa_error *err)
{
	struct place at = { end.segment, SEGMENT_HEAD_SIZE };
	uint8_t raw[FRAME_HEAD_SIZE];

	*last = (struct frame_head){ 0 };
	while (at.offset + FRAME_HEAD_SIZE <= end.offset) {
		if (!frame_read_head(fd, at, last, raw, err))
			return false;
		if (note)
			note_frame(a, last, at.offset, raw);
		at.offset += frame_span(last);
	}
	return true;
}

/* The id of the SEAL that ends a segment; zeros when it has none or can't be read. */
static void
find_previous_seal(struct appender *a, uint32_t segment)
{
	EXA_AUTO(fs_closep) int fd = -1;
	struct place end = { .segment = segment };
	struct frame_head last;
	struct exa_error ignored;
	struct tomb tomb;
	bool is_cut;

	a->previous_seal = (struct store_id){ 0 };
	if (end.segment == 0 || !segdir_exists(a->files, end.segment) ||
		!segdir_open(a->files, end.segment, O_RDONLY, &fd, &ignored) ||
		!cut_look(fd, end.segment, &is_cut, &tomb, &ignored))
		return;
	if (is_cut) {
		if (tomb_seal(&tomb, &last))
			a->previous_seal = last.id;
	} else if (segdir_size(a->files, end.segment, &end.offset, &ignored) &&
		   walk_heads(a, fd, end, false, &last, &ignored) && last.kind == FRAME_SEAL)
		a->previous_seal = last.id;
}

/* What depends on the segment's own header. */
static void
enter_segment(
	struct appender *a, const struct segment_head *head, const uint8_t raw[SEGMENT_HEAD_SIZE])
{
	memcpy(a->salt, head->salt, SALT_SIZE);
	frame_cipher_set(&a->cipher, a->crypt, a->at.segment, a->salt);
	sha256_begin(&a->heads);
	sha256_add(&a->heads, raw, SEGMENT_HEAD_SIZE);
}

static bool
resume_segment(struct appender *a, struct exa_error *err)
{
	uint8_t raw[SEGMENT_HEAD_SIZE];
	struct segment_head head;
	struct frame_head last;

	a->path = segdir_path(a->files, a->at.segment, "xseg");
	if (!segdir_open(a->files, a->at.segment, O_RDWR, &a->fd, err) ||
		!segdir_read_head(a->files, a->at.segment, a->fd, &head, raw, err))
		return false;
	enter_segment(a, &head, raw);
	find_previous_seal(a, a->at.segment - 1);
	return walk_heads(a, a->fd, a->at, true, &last, err);
}

static bool
begin_segment(struct appender *a, struct exa_error *err)
{
	uint8_t raw[SEGMENT_HEAD_SIZE];
	struct segment_head head;

	close_segment(a);
	a->at = (struct place){ a->at.segment + 1, SEGMENT_HEAD_SIZE };
	a->path = segdir_path(a->files, a->at.segment, "xseg");
	if (!segdir_create(a->files, a->at.segment, &a->fd, &head, raw, err))
		return false;
	enter_segment(a, &head, raw);
	return true;
}

/* Only now, since sequence and place are bound into it. */
static void
encipher(struct appender *a, struct frame_head *head, uint8_t *payload)
{
	frame_seal(&a->cipher, head, a->at, payload);
	head->payload_crc = crc32c(0, payload, head->stored);
}

/* The write itself; the frame counts only once all of it went through. */
static bool
write_frame(struct appender *a, struct frame_head *head, struct buf *frame, struct place *at_out,
	struct exa_error *err)
{
	struct place at = a->at;

	head->sequence = a->sequence;
	if ((head->flags & FRAME_ENCRYPTED) != 0)
		encipher(a, head, frame->data + FRAME_HEAD_SIZE);
	frame_head_put(head, at, frame->data);
	if (!seg_io_write(a->files->io, a->fd, buf_bytes(frame), at.offset, a->path, err))
		return false;
	chain_add(&a->chain, frame->data);
	note_frame(a, head, at.offset, frame->data);
	a->sequence++;
	a->at.offset += frame->size;
	a->at_commit = head->kind == FRAME_COMMIT;
	*at_out = at;
	return true;
}

static bool
seal_segment(struct appender *a, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf frame = { 0 };
	struct seal seal = { .frames = a->table_count, .previous = a->previous_seal };
	struct frame_head head = { .kind = FRAME_SEAL, .codec = CODEC_RAW };
	struct bytes raw;
	struct place at;

	sha256_value(&a->heads, seal.heads_sha256);
	seal.entries = buf_bytes(&a->table);
	frame_begin(&frame);
	seal_put(&seal, &frame);
	raw = bytes_skip(buf_bytes(&frame), FRAME_HEAD_SIZE);
	head.raw = (uint32_t)raw.size;
	hash_id(&a->crypt->ids, HASH_FRAME, raw, &head.id);
	frame_end(&frame, &head);
	if (!write_frame(a, &head, &frame, &at, err) ||
		!seg_io_sync(a->files->io, a->fd, a->path, err))
		return false;
	a->previous_seal = head.id;
	return true;
}

static bool
is_full(const struct appender *a)
{
	return a->at.offset >= a->segment_bytes || a->table_count >= SEGMENT_FRAMES_MAX / 2;
}

/* A segment with a damaged header in it can't be sealed: it is left as it is, for a new one. */
static bool
open_segment(struct appender *a, struct exa_error *err)
{
	struct exa_error why;

	if (a->at.segment == 0 || resume_segment(a, &why))
		return true;
	close_segment(a);
	a->previous_seal = (struct store_id){ 0 };
	if (why.code == EXA_CORRUPT)
		return true;
	*err = why;
	return false;
}

/*
 * After it the segment is open and may take a frame. An encrypted segment is never gone on with
 * after an open: were the archive a copy, and the other one written to as well, both would use one
 * key with the same numbers.
 */
static bool
get_ready(struct appender *a, struct exa_error *err)
{
	const bool resumes = a->fd < 0;

	if (a->fd >= 0 && !a->at_commit)
		return true;
	if (resumes && !open_segment(a, err))
		return false;
	if (a->fd >= 0 && !is_full(a) && !(resumes && a->crypt->state != CRYPT_PLAIN))
		return true;
	return (a->fd < 0 || a->table_count == 0 || seal_segment(a, err)) && begin_segment(a, err);
}

bool
appender_add(struct appender *a, struct frame_head *head, struct buf *frame, struct place *at_out,
	struct exa_error *err)
{
	if (!get_ready(a, err))
		return false;
	if (a->at.offset + frame->size >= SEGMENT_OFFSET_MAX ||
		a->table_count + 1 >= SEGMENT_FRAMES_MAX)
		return exa_fail(err, EXA_LIMIT, "%s is full", a->path);
	return write_frame(a, head, frame, at_out, err);
}

bool
appender_commit(struct appender *a, struct commit *c, struct place *at_out, uint64_t *sequence_out,
	struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf frame = { 0 };
	struct frame_head head = { .kind = FRAME_COMMIT,
		.codec = CODEC_RAW,
		.flags = FRAME_CRITICAL,
		.raw = COMMIT_SIZE };
	uint8_t payload[COMMIT_SIZE];

	chain_value(&a->chain, c->chain);
	c->last_sequence = a->sequence - 1;
	c->frames = (uint32_t)(c->last_sequence + 1 - c->first_sequence);
	memcpy(c->salt, a->salt, SALT_SIZE);
	commit_put(c, payload);
	frame_begin(&frame);
	buf_add(&frame, payload, sizeof payload);
	hash_id(&a->crypt->ids, HASH_FRAME, bytes_of(payload, sizeof payload), &head.id);
	frame_end(&frame, &head);
	if (!write_frame(a, &head, &frame, at_out, err) ||
		!seg_io_sync(a->files->io, a->fd, a->path, err))
		return false;
	chain_commit(&a->chain, c->chain, frame.data);
	*sequence_out = head.sequence;
	return true;
}

bool
appender_rotate(struct appender *a, bool *sealed_out, struct exa_error *err)
{
	if (a->fd < 0 && !open_segment(a, err))
		return false;
	*sealed_out = a->fd >= 0;
	return (a->fd < 0 || seal_segment(a, err)) && begin_segment(a, err);
}
