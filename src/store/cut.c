/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "exarch/clock.h"
#include "exarch/fs.h"
#include "exarch/mem.h"

#include "appender.h"
#include "crc32c.h"
#include "cut.h"

/* ---- reading ---- */

bool
cut_look(int fd, uint32_t segment, bool *cut_out, struct tomb *out, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf payload = { 0 };
	struct place at = { segment, SEGMENT_HEAD_SIZE };
	struct frame_head head;

	if (!frame_read_head(fd, at, &head, NULL, err)) {
		*cut_out = false;
		return err->code != EXA_IO; /* whatever begins here, it isn't a TOMB */
	}
	if (head.kind == FRAME_TOMB) {
		if (!frame_read_payload(fd, at, &head, &payload, err))
			return false;
		if (!tomb_get(buf_bytes(&payload), out, err))
			return place_while(err, at);
	}
	*cut_out = head.kind == FRAME_TOMB;
	return true;
}

bool
cut_look_in(const struct segdir *files, uint32_t segment, bool *cut_out, struct tomb *out,
	struct exa_error *err)
{
	EXA_AUTO(fs_closep) int fd = -1;

	if (!segdir_open(files, segment, O_RDONLY, &fd, err)) {
		*cut_out = false;
		return err->code == EXA_CORRUPT;
	}
	return cut_look(fd, segment, cut_out, out, err);
}

void
cut_check_begin(struct cut_check *c)
{
	sha256_begin(&c->heads);
	c->frames = 0;
}

void
cut_check_add(struct cut_check *c, const uint8_t *frame_head)
{
	sha256_add(&c->heads, frame_head, HEAD_CHAINED);
	c->frames++;
}

bool
cut_check_end(const struct cut_check *c, const struct tomb *t, struct exa_error *err)
{
	uint8_t heads[SHA256_SIZE];

	sha256_value(&c->heads, heads);
	if (c->frames == t->frames && memcmp(heads, t->heads_sha256, SHA256_SIZE) == 0)
		return true;
	return exa_fail(
		err, EXA_CORRUPT, "the frames of a cut segment aren't those its TOMB names");
}

void
cut_check_done(struct cut_check *c)
{
	sha256_done(&c->heads);
}

/* ---- writing ---- */

static uint64_t
tomb_span(void)
{
	const struct frame_head head = { .stored = TOMB_SIZE };

	return frame_span(&head);
}

bool
cut_begin(struct cut_writer *w, const struct segdir *files, const struct crypt *crypt,
	uint32_t segment, enum store_codec wanted, const struct tomb *tomb, struct exa_error *err)
{
	*w = (struct cut_writer){
		.files = files, .crypt = crypt, .wanted = wanted, .tomb = *tomb, .fd = -1
	};
	w->at = (struct place){ segment, SEGMENT_HEAD_SIZE + tomb_span() };
	w->sequence = tomb->first;
	cut_check_begin(&w->behind);
	w->codec = codec_new();
	w->path = segdir_path(files, segment, "cut");
	if (getrandom(w->tomb.salt, SALT_SIZE, 0) != SALT_SIZE)
		return exa_fail_errno(err, errno, "can't get random bytes");
	frame_cipher_set(&w->cipher, crypt, segment, w->tomb.salt);
	w->fd = files->io->open(files->io->ctx, w->path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	return w->fd >= 0 || exa_fail_errno(err, errno, "can't create %s", w->path);
}

/* FRAME holds 64 bytes for the header, payload and padding; HEAD all but the sequence. */
static bool
put_frame(struct cut_writer *w, struct frame_head *head, struct buf *frame, struct exa_error *err)
{
	head->sequence = w->sequence;
	if ((head->flags & FRAME_ENCRYPTED) != 0) {
		uint8_t *payload = frame->data + FRAME_HEAD_SIZE;

		frame_seal(&w->cipher, head, w->at, payload);
		head->payload_crc = crc32c(0, payload, head->stored);
	}
	frame_head_put(head, w->at, frame->data);
	if (!seg_io_write(w->files->io, w->fd, buf_bytes(frame), w->at.offset, w->path, err))
		return false;
	cut_check_add(&w->behind, frame->data);
	w->at.offset += frame->size;
	w->sequence++;
	return true;
}

static bool
put_pack(struct cut_writer *w, struct exa_error *err)
{
	struct frame_head head = { .kind = FRAME_PACK_M,
		.flags = FRAME_CRITICAL | FRAME_DIRECTORY };
	EXA_AUTO(buf_done) struct buf raw = { 0 };

	if (w->pack.count == 0)
		return true;
	pack_finish(&w->pack, &raw);
	pack_builder_done(&w->pack);
	head.raw = (uint32_t)raw.size;
	hash_id(&w->crypt->ids, HASH_FRAME, buf_bytes(&raw), &head.id);
	if (w->crypt->state == CRYPT_OPEN)
		head.flags |= FRAME_ENCRYPTED;
	frame_begin(&w->frame);
	head.codec = codec_pack(w->codec, w->wanted, CODEC_NO_PROBE, buf_bytes(&raw), &w->frame);
	frame_end(&w->frame, &head);
	return put_frame(w, &head, &w->frame, err);
}

bool
cut_keep(struct cut_writer *w, struct bytes record, struct exa_error *err)
{
	if (!pack_has_room(&w->pack, record.size) && !put_pack(w, err))
		return false;
	(void)pack_add(&w->pack, PACK_RECORD, NULL, record);
	return true;
}

/* Nothing but its place is new about it: the chain goes on from its header. */
static bool
put_commit(struct cut_writer *w, const struct frame_head *commit, struct bytes payload,
	struct exa_error *err)
{
	struct frame_head head = *commit;

	/* No more packs than there were: each holds at least what stays of one of those. */
	if (w->sequence > head.sequence)
		return exa_fail(err, EXA_FAILED, "more records are to stay than there were");
	w->sequence = head.sequence;
	frame_begin(&w->frame);
	buf_add_bytes(&w->frame, payload);
	frame_end(&w->frame, &head);
	return put_frame(w, &head, &w->frame, err);
}

static bool
put_front(struct cut_writer *w, struct exa_error *err)
{
	struct segment_head segment = {
		.number = w->at.segment, .flags = SEGMENT_CUT, .created_ns = clock_wall_ns()
	};
	struct frame_head head = {
		.kind = FRAME_TOMB, .codec = CODEC_RAW, .flags = FRAME_CRITICAL, .raw = TOMB_SIZE
	};
	struct place at = { w->at.segment, SEGMENT_HEAD_SIZE };
	EXA_AUTO(buf_done) struct buf front = { 0 };
	uint8_t payload[TOMB_SIZE];
	uint8_t raw[SEGMENT_HEAD_SIZE];

	w->tomb.wall_ns = segment.created_ns;
	w->tomb.frames = w->behind.frames;
	sha256_value(&w->behind.heads, w->tomb.heads_sha256);
	tomb_put(&w->tomb, payload);
	frame_begin(&w->frame);
	buf_add(&w->frame, payload, sizeof payload);
	hash_id(&w->crypt->ids, HASH_FRAME, bytes_of(payload, sizeof payload), &head.id);
	frame_end(&w->frame, &head);
	frame_head_put(&head, at, w->frame.data);
	memcpy(segment.uuid, w->files->uuid, UUID_SIZE);
	memcpy(segment.salt, w->tomb.salt, SALT_SIZE);
	segment_head_put(&segment, raw);
	buf_add(&front, raw, sizeof raw);
	buf_add_bytes(&front, buf_bytes(&w->frame));
	return seg_io_write(w->files->io, w->fd, buf_bytes(&front), 0, w->path, err);
}

bool
cut_end(struct cut_writer *w, const struct frame_head *commit, struct bytes payload,
	struct exa_error *err)
{
	return put_pack(w, err) && put_commit(w, commit, payload, err) && put_front(w, err) &&
	       seg_io_sync(w->files->io, w->fd, w->path, err);
}

bool
cut_put_in_place(struct cut_writer *w, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *path = segdir_path(w->files, w->at.segment, "xseg");

	if (w->files->io->rename(w->files->io->ctx, w->path, path) != 0)
		return exa_fail_errno(err, errno, "can't put %s in its place", w->path);
	exa_free(w->path);
	w->path = NULL;
	cut_tidy(w->files, w->at.segment, true);
	return true;
}

void
cut_done(struct cut_writer *w)
{
	fs_closep(&w->fd);
	if (w->path != NULL)
		(void)w->files->io->unlink(w->files->io->ctx, w->path);
	exa_free(w->path);
	cut_check_done(&w->behind);
	frame_cipher_done(&w->cipher);
	pack_builder_done(&w->pack);
	buf_done(&w->frame);
	codec_free(w->codec);
	*w = (struct cut_writer){ .fd = -1 };
}

void
cut_tidy(const struct segdir *files, uint32_t segment, bool is_cut)
{
	EXA_AUTO(exa_freep) char *fresh = segdir_path(files, segment, "cut");
	EXA_AUTO(exa_freep) char *torn = segdir_path(files, segment, "torn");

	if (fs_exists(fresh))
		(void)files->io->unlink(files->io->ctx, fresh);
	if (is_cut && fs_exists(torn))
		(void)files->io->unlink(files->io->ctx, torn);
}
