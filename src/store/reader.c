/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects and records back from the segments. Nothing is believed: headers and payloads have their
 * checksums, an object is compared with its own id each time it is given out, and a pack of records,
 * which have none, with its frame's id once when it is unpacked.
 */
#include <fcntl.h>
#include <string.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "handle.h"
#include "pack.h"

#define FILES_KEPT 4

struct kept_file {
	uint32_t segment; /* 0 = none */
	int fd;
	uint64_t used;
};

struct store_reader {
	struct store *store;
	struct unpacker unpacker;
	struct kept_pack *pack; /* held; what was given out last lies in it. May be NULL */
	struct kept_file files[FILES_KEPT];
	struct buf object; /* the last large one */
	uint64_t clock;
};

bool
store_reader_new(struct store *s, struct store_reader **out, struct exa_error *err)
{
	struct store_reader *r = exa_alloc(sizeof *r);

	(void)err;
	r->store = s;
	unpacker_init(&r->unpacker, &s->files, &s->crypt, &s->codecs);
	for (size_t i = 0; i < FILES_KEPT; i++)
		r->files[i].fd = -1;
	*out = r;
	return true;
}

void
store_reader_free(struct store_reader *r)
{
	if (r == NULL)
		return;
	pack_cache_give(&r->store->packs, r->pack);
	for (size_t i = 0; i < FILES_KEPT; i++)
		fs_closep(&r->files[i].fd);
	buf_done(&r->object);
	unpacker_done(&r->unpacker);
	exa_free(r);
}

struct store *
store_reader_store(struct store_reader *r)
{
	return r->store;
}

void
store_reader_freep(struct store_reader **r)
{
	store_reader_free(*r);
}

static bool
file_for(struct store_reader *r, uint32_t segment, int *fd_out, struct exa_error *err)
{
	struct kept_file *oldest = &r->files[0];

	if (segment == 0)
		return exa_fail(err, EXA_CORRUPT,
			"the index is damaged: it names segment 0; `exarch rebuild` makes it "
			"again");
	for (size_t i = 0; i < FILES_KEPT; i++) {
		struct kept_file *f = &r->files[i];

		if (f->segment == segment) {
			f->used = ++r->clock;
			*fd_out = f->fd;
			return true;
		}
		if (f->used < oldest->used)
			oldest = f;
	}
	fs_closep(&oldest->fd);
	*oldest = (struct kept_file){ .fd = -1 };
	if (!segdir_open(&r->store->files, segment, O_RDONLY, &oldest->fd, err))
		return false;
	oldest->segment = segment;
	oldest->used = ++r->clock;
	*fd_out = oldest->fd;
	return true;
}

/* A buffer that once held something large gives its memory back. */
static void
empty(struct buf *b)
{
	if (b->capacity > 2 * PACK_TARGET)
		buf_done(b);
	buf_reset(b);
}

static bool
is_pack(const struct frame_head *h)
{
	return h->kind == FRAME_PACK_D || h->kind == FRAME_PACK_M;
}

static bool
unpack(struct store_reader *r, struct place at, struct buf *raw_out, uint8_t *kind_out,
	struct exa_error *err)
{
	struct frame_head head;
	int fd;

	if (!file_for(r, at.segment, &fd, err) || !frame_read_head(fd, at, &head, NULL, err))
		return false;
	if (!is_pack(&head)) {
		(void)exa_fail(err, EXA_CORRUPT, "a frame of kind %u stands where a pack should",
			head.kind);
		return place_while(err, at);
	}
	*kind_out = head.kind;
	return head.kind == FRAME_PACK_D ? unpack_frame(&r->unpacker, fd, at, &head, raw_out, err)
					 : unpack_proven(&r->unpacker, fd, at, &head, raw_out, err);
}

static bool
load_pack(struct store_reader *r, struct place at, struct exa_error *err)
{
	struct kept_pack *p = exa_alloc(sizeof *p);

	p->at = at;
	if (!unpack(r, at, &p->raw, &p->kind, err)) {
		buf_done(&p->raw);
		exa_free(p);
		return false;
	}
	r->pack = pack_cache_add(&r->store->packs, p);
	return true;
}

/* Holds the pack at AT, if it is kept. */
static bool
find_pack(struct store_reader *r, struct place at)
{
	pack_cache_give(&r->store->packs, r->pack);
	r->pack = pack_cache_take(&r->store->packs, at);
	return r->pack != NULL;
}

static bool
packed_entry(struct store_reader *r, struct place at, uint16_t slot, struct pack_entry *out,
	struct exa_error *err)
{
	if (!find_pack(r, at) && !load_pack(r, at, err))
		return false;
	return pack_find(buf_bytes(&r->pack->raw), slot, out, err) || place_while(err, at);
}

static bool
small_object(struct store_reader *r, const struct object_row *row, struct bytes *out,
	struct exa_error *err)
{
	struct pack_entry entry;

	if (!packed_entry(r, row->at, row->slot, &entry, err))
		return false;
	if (entry.kind != row->kind) {
		(void)exa_fail(
			err, EXA_CORRUPT, "entry %u isn't the object it should be", row->slot);
		return place_while(err, row->at);
	}
	*out = entry.data;
	return true;
}

static bool
large_object(struct store_reader *r, int fd, const struct frame_head *head, struct place at,
	struct bytes *out, struct exa_error *err)
{
	empty(&r->object);
	if (!unpack_frame(&r->unpacker, fd, at, head, &r->object, err))
		return false;
	*out = buf_bytes(&r->object);
	return true;
}

/* Whether a place holds a frame with one object, or a pack of them, its header tells. */
static bool
read_row(struct store_reader *r, const struct object_row *row, struct bytes *out,
	struct exa_error *err)
{
	struct frame_head head;
	int fd;

	if (find_pack(r, row->at))
		return small_object(r, row, out, err);
	if (!file_for(r, row->at.segment, &fd, err) ||
		!frame_read_head(fd, row->at, &head, NULL, err))
		return false;
	return frame_is_object(&head) ? large_object(r, fd, &head, row->at, out, err)
				      : small_object(r, row, out, err);
}

static bool
find_row(struct store_reader *r, const struct store_id *id, struct object_row *out,
	struct exa_error *err)
{
	MDB_txn *txn;
	bool found = false;
	bool good;

	if (!index_read_begin(&r->store->index, &txn, err))
		return false;
	good = index_get_object(&r->store->index, txn, id, &found, out, err);
	index_read_end(&r->store->index, txn);
	return good && (found || exa_fail(err, EXA_GONE, "the object isn't in the archive"));
}

static bool
check_object(const struct store_reader *r, enum store_kind kind, const struct store_id *id,
	const struct object_row *row, struct bytes data, struct exa_error *err)
{
	if (crypt_check_id(&r->store->crypt, (uint8_t)kind, data, id))
		return true;
	(void)exa_fail(err, EXA_CORRUPT, "the object's content doesn't match its id");
	return place_while(err, row->at);
}

static bool
is_elsewhere(const struct object_row *a, const struct object_row *b)
{
	return a->at.segment != b->at.segment || a->at.offset != b->at.offset || a->slot != b->slot;
}

/* A compaction beside us may have moved the object and cut its segment after we looked the row up.
 * Then the row has changed, and the object is where it says now. */
static bool
read_object(struct store_reader *r, enum store_kind kind, const struct store_id *id,
	struct bytes *out, struct exa_error *err)
{
	struct object_row row;
	struct object_row fresh;
	struct exa_error ignored;

	if (!find_row(r, id, &row, err))
		return false;
	if (read_row(r, &row, out, err) && check_object(r, kind, id, &row, *out, err))
		return true;
	if (err->code != EXA_CORRUPT || !find_row(r, id, &fresh, &ignored) ||
		!is_elsewhere(&row, &fresh))
		return false;
	return read_row(r, &fresh, out, err) && check_object(r, kind, id, &fresh, *out, err);
}

bool
store_reader_object(struct store_reader *r, enum store_kind kind, const struct store_id *id,
	struct bytes *out, struct exa_error *err)
{
	struct bytes data;
	char hex[2 * STORE_ID_SIZE + 1];

	if (read_object(r, kind, id, &data, err)) {
		*out = data;
		return true;
	}
	hex_encode(bytes_of(id->bytes, STORE_ID_SIZE), hex);
	return exa_while(err, "object %.16s", hex);
}

bool
store_reader_record(struct store_reader *r, const struct store_loc *loc, struct bytes *out,
	struct exa_error *err)
{
	struct place at = { loc->segment, loc->offset };
	struct pack_entry entry;

	if (!packed_entry(r, at, loc->slot, &entry, err))
		return false;
	if (entry.kind != PACK_RECORD || r->pack->kind != FRAME_PACK_M) {
		(void)exa_fail(err, EXA_CORRUPT, "entry %u isn't a record", loc->slot);
		return place_while(err, at);
	}
	*out = entry.data;
	return true;
}
