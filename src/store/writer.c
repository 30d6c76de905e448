/* SPDX-License-Identifier: Apache-2.0 */
/* The callers' side of writing: put, submit, wait, flush. See commit.c for how it fits together. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "exarch/clock.h"
#include "exarch/mem.h"

#include "writer.h"

#define BATCH_RECORD ((uint8_t)'B')
#define BATCH_NOTE ((uint8_t)'N')

/* ---- jobs ---- */

void
job_free(struct job *j)
{
	pack_builder_done(&j->pack);
	buf_done(&j->frame);
	buf_done(&j->log);
	exa_free(j->rows);
	exa_free(j);
}

/* Under mu: the place in the line is the ticket. */
static struct job *
line_add(struct writer *w)
{
	struct job *j = exa_alloc(sizeof *j);

	if (w->last == NULL)
		w->first = j;
	else
		w->last->next = j;
	w->last = j;
	return j;
}

static void
own_add(struct job ***own_tail, struct job *j)
{
	**own_tail = j;
	*own_tail = &j->next_own;
}

/* Under mu: takes what a builder holds off as a frame in the making. */
static void
take_pack(struct writer *w, struct pack_builder *b, enum frame_kind kind, struct job ***own_tail)
{
	struct job *j;

	if (b->count == 0)
		return;
	j = line_add(w);
	j->head.kind = (uint8_t)kind;
	j->head.flags = FRAME_CRITICAL | FRAME_DIRECTORY;
	j->pack = *b;
	*b = (struct pack_builder){ 0 };
	if (kind == FRAME_PACK_M)
		w->meta_packs++;
	own_add(own_tail, j);
}

void
writer_seal(struct writer *w, struct job ***own_tail)
{
	struct job *end;

	take_pack(w, &w->data, FRAME_PACK_D, own_tail);
	take_pack(w, &w->meta, FRAME_PACK_M, own_tail);
	end = line_add(w);
	end->ends_epoch = true;
	end->ready = true;
	end->epoch = w->epoch;
	end->log = w->log;
	w->log = (struct buf){ 0 };
	w->sealed = w->epoch++;
	end->records = w->records;
	w->records = 0;
	w->meta_packs = 0;
	w->epoch_bytes = 0;
	w->epoch_rows = 0;
	w->dirty_since_ns = 0;
	(void)pthread_cond_signal(&w->work);
}

static void
make_pack_frame(struct store *s, struct job *j, struct codec *codec)
{
	EXA_AUTO(buf_done) struct buf raw = { 0 };
	struct exa_error never;

	pack_finish(&j->pack, &raw);
	pack_builder_done(&j->pack);
	j->head.raw = (uint32_t)raw.size;
	hash_id(&s->crypt.ids, HASH_FRAME, buf_bytes(&raw), &j->head.id);
	j->head.codec =
		codec_pack(codec, s->format.codec, CODEC_NO_PROBE, buf_bytes(&raw), &j->frame);
	if (!epoch_rows_of_pack(buf_bytes(&raw), &j->rows, &j->row_count, &never))
		j->row_count = 0; /* our own bytes: can't be */
}

static void
make_object_frame(struct store *s, struct job *j, struct codec *codec)
{
	j->head.raw = (uint32_t)j->object.size;
	j->head.codec = codec_pack(codec, s->format.codec, CODEC_PROBE, j->object, &j->frame);
	j->rows = exa_alloc(sizeof *j->rows);
	j->row_count = 1;
	j->rows[0] = (struct object_row){
		.id = j->head.id,
		.raw = j->head.raw,
		.kind = (uint8_t)frame_object_kind(&j->head),
	};
}

static size_t
payload_bound(const struct job *j)
{
	/* Packed bytes are kept only if they are fewer; 4 is the directory's count. */
	return frame_is_object(&j->head) ? j->object.size
					 : 4 + j->pack.directory.size + j->pack.bytes.size;
}

/* A buffer of just the size needed, and cut to what is used: frames are what waits in memory. */
static void
make_frame(struct store *s, struct job *j)
{
	struct codec *codec = codec_pool_take(&s->codecs);
	struct buf *frame = &j->frame;

	frame->capacity = FRAME_HEAD_SIZE + payload_bound(j) + FRAME_TAG_SIZE + FRAME_ALIGN;
	frame->data = exa_realloc(NULL, frame->capacity);
	frame_begin(frame);
	if (frame_is_object(&j->head))
		make_object_frame(s, j, codec);
	else
		make_pack_frame(s, j, codec);
	codec_pool_give(&s->codecs, codec);
	if (s->crypt.state == CRYPT_OPEN)
		j->head.flags |= FRAME_ENCRYPTED;
	frame_end(frame, &j->head);
	frame->data = exa_realloc(frame->data, frame->size);
	frame->capacity = frame->size;
}

void
writer_finish(struct store *s, struct job *own, enum writer_patience patience)
{
	struct writer *w = s->writer;

	while (own != NULL) {
		struct job *j = own;

		own = j->next_own;
		make_frame(s, j);
		(void)pthread_mutex_lock(&w->mu);
		/* The head of the line never waits: it is what the writer waits for. */
		while (patience == WRITER_WAITS && w->first != j && !w->failed &&
			w->line_bytes + j->frame.size > LINE_BYTES_MAX)
			(void)pthread_cond_wait(&w->changed, &w->mu);
		j->object = (struct bytes){ 0 };
		w->line_bytes += j->frame.size;
		j->ready = true;
		(void)pthread_cond_signal(&w->work);
		(void)pthread_mutex_unlock(&w->mu);
	}
}

/* ---- entering ---- */

static bool
refuse(const struct writer *w, struct exa_error *err)
{
	*err = w->failure;
	return false;
}

static bool
check_writable(const struct store *s, struct exa_error *err)
{
	return s->writer != NULL ||
	       exa_fail(err, EXA_FAILED, "the archive is open for reading only");
}

/* Takes mu when the epoch may be added to; on failure mu isn't held. */
static bool
enter(struct writer *w, struct exa_error *err)
{
	(void)pthread_mutex_lock(&w->mu);
	while (!w->failed && w->sealed - w->committed >= EPOCHS_WAITING_MAX)
		(void)pthread_cond_wait(&w->changed, &w->mu);
	if (!w->failed)
		return true;
	(void)refuse(w, err);
	(void)pthread_mutex_unlock(&w->mu);
	return false;
}

static void
mark_dirty(struct writer *w)
{
	if (w->dirty_since_ns != 0)
		return;
	w->dirty_since_ns = clock_mono_ns();
	(void)pthread_cond_signal(&w->work); /* it has a deadline now */
}

static bool
epoch_is_full(const struct store *s)
{
	const struct writer *w = s->writer;
	uint64_t bytes_max = s->format.segment_bytes / 4;

	if (bytes_max > EPOCH_BYTES_MAX)
		bytes_max = EPOCH_BYTES_MAX;
	return w->epoch_bytes >= bytes_max || w->epoch_rows >= EPOCH_ROWS_MAX ||
	       w->log.size >= EPOCH_LOG_MAX;
}

/* Leaves mu, and finishes the jobs this thread got. */
static void
leave(struct store *s, struct job **own, struct job **own_tail)
{
	struct writer *w = s->writer;

	if (epoch_is_full(s))
		writer_seal(w, &own_tail);
	(void)pthread_mutex_unlock(&w->mu);
	writer_finish(s, *own, WRITER_WAITS);
}

/* ---- objects ---- */

static void
add_small(struct writer *w, enum store_kind kind, const struct store_id *id, struct bytes data,
	struct job ***own_tail)
{
	bool is_data = kind == STORE_DATA;
	struct pack_builder *b = is_data ? &w->data : &w->meta;

	if (!pack_has_room(b, data.size))
		take_pack(w, b, is_data ? FRAME_PACK_D : FRAME_PACK_M, own_tail);
	(void)pack_add(b, (uint8_t)kind, id, data);
}

static void
add_large(struct writer *w, enum store_kind kind, const struct store_id *id, struct bytes data,
	struct job ***own_tail)
{
	struct job *j = line_add(w);

	j->head.kind = kind == STORE_DATA ? FRAME_BLOB : FRAME_RBLOB;
	j->head.flags = FRAME_CRITICAL;
	j->head.id = *id;
	j->object = data;
	own_add(own_tail, j);
}

/* Under mu. The claim and the object's place in the line or a builder come into being together. */
static void
add_object(struct writer *w, enum store_kind kind, const struct store_id *id, struct bytes data,
	struct job ***own_tail)
{
	claims_add(&w->claims, id, w->epoch);
	if (data.size <= BLOB_ABOVE)
		add_small(w, kind, id, data, own_tail);
	else
		add_large(w, kind, id, data, own_tail);
	w->epoch_bytes += data.size;
	w->epoch_rows++;
	mark_dirty(w);
}

static bool
is_claimed(struct writer *w, const struct store_id *id, bool *claimed_out, struct exa_error *err)
{
	if (!enter(w, err))
		return false;
	*claimed_out = claims_have(&w->claims, id);
	(void)pthread_mutex_unlock(&w->mu);
	return true;
}

bool
store_put(struct store *s, enum store_kind kind, struct bytes data, struct store_id *id_out,
	bool *new_out, struct exa_error *err)
{
	struct job *own = NULL;
	struct job **own_tail = &own;
	struct store_id id;
	bool known = false;

	if (!check_writable(s, err))
		return false;
	if (data.size > STORE_OBJECT_MAX)
		return exa_fail(err, EXA_LIMIT, "an object of %zu bytes is beyond the limit of %zu",
			data.size, STORE_OBJECT_MAX);
	hash_id(&s->crypt.ids, (uint8_t)kind, data, &id);
	if (!is_claimed(s->writer, &id, &known, err) ||
		(!known && !index_object_known(&s->index, &id, &known, err)))
		return false;
	if (!known) {
		if (!enter(s->writer, err))
			return false;
		known = claims_have(&s->writer->claims, &id);
		if (!known)
			add_object(s->writer, kind, &id, data, &own_tail);
		leave(s, &own, own_tail);
	}
	*id_out = id;
	if (new_out != NULL)
		*new_out = !known;
	return true;
}

bool
writer_put_again(struct store *s, enum store_kind kind, const struct store_id *id,
	struct bytes data, struct exa_error *err)
{
	struct job *own = NULL;
	struct job **own_tail = &own;

	if (!enter(s->writer, err))
		return false;
	add_object(s->writer, kind, id, data, &own_tail);
	leave(s, &own, own_tail);
	return true;
}

/* What the builder holds becomes a frame now. Records in it are numbered by the pack they will be
 * in: a frame with metadata that is put before it would take that number. */
static bool
take_meta(struct store *s, struct exa_error *err)
{
	struct job *own = NULL;
	struct job **own_tail = &own;

	if (!enter(s->writer, err))
		return false;
	take_pack(s->writer, &s->writer->meta, FRAME_PACK_M, &own_tail);
	leave(s, &own, own_tail);
	return true;
}

bool
writer_add_frame(struct store *s, const struct frame_head *head, struct buf *frame,
	struct object_row *rows, size_t row_count, struct exa_error *err)
{
	struct writer *w = s->writer;
	struct job *own = NULL;
	struct job *j;

	if ((head->kind == FRAME_PACK_M && !take_meta(s, err)) || !enter(w, err)) {
		exa_free(rows);
		return false;
	}
	j = line_add(w);
	j->head = *head;
	j->frame = *frame;
	*frame = (struct buf){ 0 };
	j->rows = rows;
	j->row_count = row_count;
	if (head->kind == FRAME_PACK_M)
		w->meta_packs++;
	w->epoch_bytes += head->raw;
	w->epoch_rows += row_count;
	mark_dirty(w);
	while (w->first != j && !w->failed && w->line_bytes + j->frame.size > LINE_BYTES_MAX)
		(void)pthread_cond_wait(&w->changed, &w->mu);
	w->line_bytes += j->frame.size;
	j->ready = true;
	(void)pthread_cond_signal(&w->work);
	leave(s, &own, &own);
	return true;
}

/* ---- batches ---- */

void
store_batch_record(struct store_batch *b, struct bytes record)
{
	buf_add_byte(&b->body, BATCH_RECORD);
	buf_add_sized(&b->body, record);
	b->count++;
}

void
store_batch_note(struct store_batch *b, struct bytes note)
{
	buf_add_byte(&b->body, BATCH_NOTE);
	buf_add_sized(&b->body, note);
	b->count++;
}

void
store_batch_done(struct store_batch *b)
{
	buf_done(&b->body);
	b->count = 0;
}

/* Under mu, which is held for the whole batch: so all of it falls into one epoch. */
static void
add_batch(struct writer *w, const struct store_batch *b, struct job ***own_tail)
{
	struct reader r = reader_of(buf_bytes(&b->body));

	while (r.rest.size > 0) {
		bool logged = read_u8(&r) == BATCH_RECORD;
		struct bytes entry = read_sized(&r);

		if (!logged) {
			epoch_log_note(&w->log, entry);
			continue;
		}
		if (!pack_has_room(&w->meta, entry.size))
			take_pack(w, &w->meta, FRAME_PACK_M, own_tail);
		epoch_log_record(&w->log, w->meta_packs,
			pack_add(&w->meta, PACK_RECORD, NULL, entry), entry);
		w->records++;
	}
	w->epoch_rows += b->count;
	if (b->count > 0)
		mark_dirty(w);
}

bool
store_submit(struct store *s, struct store_batch *b, uint64_t *epoch_out, struct exa_error *err)
{
	struct job *own = NULL;
	struct job **own_tail = &own;

	if (!check_writable(s, err))
		return false;
	if (b->body.size > STORE_OBJECT_MAX)
		return exa_fail(err, EXA_LIMIT, "a batch of %zu bytes is beyond the limit of %zu",
			b->body.size, STORE_OBJECT_MAX);
	if (!enter(s->writer, err))
		return false;
	add_batch(s->writer, b, &own_tail);
	*epoch_out = s->writer->epoch;
	leave(s, &own, own_tail);
	buf_reset(&b->body);
	b->count = 0;
	return true;
}

/* ---- waiting ---- */

/* Under mu. An epoch is sealed only when nothing else is on its way: so waiters share commits. */
static bool
wait_for(struct store *s, uint64_t epoch, struct exa_error *err)
{
	struct writer *w = s->writer;

	while (!w->failed && w->committed < epoch) {
		if (epoch >= w->epoch && w->sealed == w->committed) {
			struct job *own = NULL;
			struct job **own_tail = &own;

			writer_seal(w, &own_tail);
			(void)pthread_mutex_unlock(&w->mu);
			writer_finish(s, own, WRITER_WAITS);
			(void)pthread_mutex_lock(&w->mu);
		} else {
			(void)pthread_cond_wait(&w->changed, &w->mu);
		}
	}
	return w->committed >= epoch || refuse(w, err);
}

bool
store_wait(struct store *s, uint64_t epoch, struct exa_error *err)
{
	bool good;

	if (!check_writable(s, err))
		return false;
	(void)pthread_mutex_lock(&s->writer->mu);
	good = wait_for(s, epoch < s->writer->epoch ? epoch : s->writer->epoch, err);
	(void)pthread_mutex_unlock(&s->writer->mu);
	return good;
}

bool
store_flush(struct store *s, struct exa_error *err)
{
	struct writer *w = s->writer;
	bool good;

	if (!check_writable(s, err))
		return false;
	(void)pthread_mutex_lock(&w->mu);
	if (w->failed)
		good = refuse(w, err);
	else
		good = wait_for(s, w->dirty_since_ns != 0 ? w->epoch : w->sealed, err);
	(void)pthread_mutex_unlock(&w->mu);
	return good;
}

bool
writer_run(struct store *s, struct errand *errand, struct exa_error *err)
{
	struct writer *w = s->writer;
	struct job *j;
	bool good;

	errand->done = false;
	if (!enter(w, err))
		return false;
	j = line_add(w);
	j->errand = errand;
	j->ready = true;
	(void)pthread_cond_signal(&w->work);
	while (!errand->done && !w->failed)
		(void)pthread_cond_wait(&w->changed, &w->mu);
	good = errand->done || refuse(w, err);
	(void)pthread_mutex_unlock(&w->mu);
	return good;
}

/* ---- life ---- */

bool
writer_start(struct store *s, struct exa_error *err)
{
	struct writer *w = exa_alloc(sizeof *w);
	pthread_condattr_t monotonic;
	int rc;

	w->epoch = 1;
	(void)pthread_mutex_init(&w->mu, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&w->work, &monotonic);
	(void)pthread_cond_init(&w->changed, NULL);
	(void)pthread_condattr_destroy(&monotonic);
	s->writer = w;
	rc = pthread_create(&w->thread, NULL, writer_main, s);
	if (rc == 0)
		return true;
	s->writer = NULL;
	(void)pthread_mutex_destroy(&w->mu);
	(void)pthread_cond_destroy(&w->work);
	(void)pthread_cond_destroy(&w->changed);
	exa_free(w);
	return exa_fail_errno(err, rc, "can't start the store's writer thread");
}

static void
give_up(struct writer *w)
{
	(void)pthread_mutex_lock(&w->mu);
	w->stop = true;
	if (!w->failed)
		(void)exa_fail(&w->failure, EXA_CANCELLED, "the archive is being closed");
	w->failed = true;
	(void)pthread_cond_signal(&w->work);
	(void)pthread_cond_broadcast(&w->changed);
	(void)pthread_mutex_unlock(&w->mu);
}

void
writer_stop(struct store *s)
{
	struct writer *w = s->writer;

	if (w == NULL)
		return;
	give_up(w);
	(void)pthread_join(w->thread, NULL);
	pack_builder_done(&w->data);
	pack_builder_done(&w->meta);
	claims_done(&w->claims);
	buf_done(&w->log);
	epoch_done(&w->gathered);
	(void)pthread_mutex_destroy(&w->mu);
	(void)pthread_cond_destroy(&w->work);
	(void)pthread_cond_destroy(&w->changed);
	exa_free(w);
	s->writer = NULL;
}
