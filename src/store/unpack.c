/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "exarch/fs.h"

#include "cut.h"
#include "pack.h"
#include "scan.h"
#include "unpack.h"

#define STORED_KEPT (2 * PACK_TARGET) /* a buffer that held more gives its memory back */

void
unpacker_init(struct unpacker *u, const struct segdir *files, const struct crypt *crypt,
	struct codec_pool *codecs)
{
	*u = (struct unpacker){ .files = files, .crypt = crypt, .codecs = codecs };
	u->codec = codec_pool_take(codecs);
}

void
unpacker_done(struct unpacker *u)
{
	if (u->codecs == NULL)
		return;
	codec_pool_give(u->codecs, u->codec);
	frame_cipher_done(&u->cipher);
	buf_done(&u->stored);
	u->codecs = NULL;
}

/* The salt a COMMIT of the segment repeats, for when the segment's own header is damaged. */
static bool
salt_of_commit(
	const struct segdir *files, uint32_t segment, uint8_t salt[SALT_SIZE], bool *found_out)
{
	EXA_AUTO(scan_done) struct scan scan;
	EXA_AUTO(buf_done) struct buf payload = { 0 };
	struct exa_error err;
	struct scan_frame f;
	struct commit c;
	enum scan_result r = SCAN_FRAME;

	*found_out = false;
	scan_begin(&scan, files, (struct place){ segment, SEGMENT_HEAD_SIZE }, 0);
	while ((r == SCAN_FRAME || r == SCAN_HEAD) && scan.at.segment == segment) {
		r = scan_next(&scan, &f, &err);
		if (r == SCAN_BAD) {
			r = scan_skip(&scan, &err);
		} else if (r == SCAN_FRAME && f.head.kind == FRAME_COMMIT &&
			   f.at.segment == segment) {
			buf_reset(&payload);
			if (frame_read_payload(f.fd, f.at, &f.head, &payload, &err) &&
				commit_get(buf_bytes(&payload), &c, &err)) {
				memcpy(salt, c.salt, SALT_SIZE);
				*found_out = true;
				break;
			}
		}
	}
	return r != SCAN_FAILED;
}

/* A cut segment has a salt of its own, which its TOMB repeats. */
static bool
salt_of_frames(const struct unpacker *u, int fd, uint32_t segment, uint8_t salt[SALT_SIZE])
{
	struct exa_error ignored;
	struct tomb tomb;
	bool is_cut;
	bool found;

	if (cut_look(fd, segment, &is_cut, &tomb, &ignored) && is_cut) {
		memcpy(salt, tomb.salt, SALT_SIZE);
		return true;
	}
	return salt_of_commit(u->files, segment, salt, &found) && found;
}

/* Gives the cipher the key of the segment FD is. */
static bool
take_key(struct unpacker *u, int fd, uint32_t segment, struct exa_error *err)
{
	uint8_t raw[SEGMENT_HEAD_SIZE];
	struct segment_head head;

	if (!fs_pread_all(fd, raw, sizeof raw, 0, "the file", err))
		return false;
	if (u->segment == segment && memcmp(raw, u->segment_head, sizeof raw) == 0)
		return true;
	if (!segment_head_get(raw, segment, u->files->uuid, &head, err) &&
		(err->code != EXA_CORRUPT || !salt_of_frames(u, fd, segment, head.salt)))
		return false;
	frame_cipher_set(&u->cipher, u->crypt, segment, head.salt);
	memcpy(u->segment_head, raw, sizeof raw);
	u->segment = segment;
	return true;
}

/* In an encrypted store nothing that should be hidden may stand open: it could be anybody's. The
 * other way round FORMAT is wrong, not the frame: nothing may be cut off for that. */
static bool
check_hidden(const struct unpacker *u, const struct frame_head *head, struct exa_error *err)
{
	bool encrypted = (head->flags & FRAME_ENCRYPTED) != 0;
	bool wanted = u->crypt->state != CRYPT_PLAIN && frame_is_hidden(head);

	if (wanted && !encrypted)
		return exa_fail(
			err, EXA_CORRUPT, "the frame isn't encrypted, though the archive is");
	if (encrypted && !wanted)
		return exa_fail(
			err, EXA_USAGE, "the frame is encrypted, but by FORMAT the archive isn't");
	return true;
}

static bool
decipher(struct unpacker *u, int fd, struct place at, const struct frame_head *head,
	struct exa_error *err)
{
	if (!check_hidden(u, head, err))
		return false;
	if ((head->flags & FRAME_ENCRYPTED) == 0)
		return true;
	if (u->crypt->state != CRYPT_OPEN)
		return exa_fail(err, EXA_AUTH, CRYPT_KEY_WANTED);
	if (!take_key(u, fd, at.segment, err) ||
		!frame_unseal(&u->cipher, head, at, u->stored.data, err))
		return false;
	u->stored.size -= FRAME_TAG_SIZE;
	return true;
}

bool
unpack_frame(struct unpacker *u, int fd, struct place at, const struct frame_head *head,
	struct buf *raw_out, struct exa_error *err)
{
	if (u->stored.capacity > STORED_KEPT)
		buf_done(&u->stored);
	buf_reset(&u->stored);
	if (!frame_read_payload(fd, at, head, &u->stored, err))
		return false;
	if (decipher(u, fd, at, head, err) &&
		codec_unpack(u->codec, head->codec, buf_bytes(&u->stored), head->raw, raw_out, err))
		return true;
	return place_while(err, at);
}

bool
unpack_proven(struct unpacker *u, int fd, struct place at, const struct frame_head *head,
	struct buf *raw_out, struct exa_error *err)
{
	size_t start = raw_out->size;

	if (!unpack_frame(u, fd, at, head, raw_out, err))
		return false;
	if (crypt_check_id(u->crypt, HASH_FRAME, bytes_skip(buf_bytes(raw_out), start), &head->id))
		return true;
	(void)exa_fail(err, EXA_CORRUPT, "the frame's content doesn't match its id");
	return place_while(err, at);
}
