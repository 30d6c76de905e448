/* SPDX-License-Identifier: Apache-2.0 */
/* One attachment, as its sender attached it. */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"
#include "parts.h"

#define PIECE_BYTES ((size_t)64 * 1024)

struct wanted {
	size_t number, seen;
	int to; /* where its bytes go */
	char *name;
	bool failed;
};

static bool
into_memory(void *ctx, struct bytes data, struct exa_error *err)
{
	const int *fd = ctx;

	return fs_write_all(*fd, data, "the message in memory", err);
}

static bool
find(void *ctx, const struct part *part)
{
	struct wanted *w = ctx;
	GMimeStream *to;

	w->seen += part->number != 0;
	if (part->number != w->number)
		return true;
	to = g_mime_stream_fs_new(dup(w->to));
	w->name = part_name(part);
	w->failed = !part_write(part, to) || g_mime_stream_flush(to) != 0;
	g_object_unref(to);
	return false;
}

static bool
memory_file(int *fd_out, struct exa_error *err)
{
	*fd_out = memfd_create("exarch", MFD_CLOEXEC);
	return *fd_out >= 0 || exa_fail_errno(err, errno, "no memory for the message");
}

static bool
hand_on(int fd, const struct recipe_sink *sink, struct exa_error *err)
{
	EXA_AUTO(exa_freep) uint8_t *piece = exa_alloc(PIECE_BYTES);
	ssize_t got;

	if (lseek(fd, 0, SEEK_SET) != 0)
		return exa_fail_errno(err, errno, "reading the attachment");
	while ((got = read(fd, piece, PIECE_BYTES)) > 0) {
		if (!sink->write(sink->ctx, bytes_of(piece, (size_t)got), err))
			return false;
	}
	return got == 0 || exa_fail_errno(err, errno, "reading the attachment");
}

bool
message_attachment(struct store_reader *r, const struct store_id *recipe, size_t number,
	const struct recipe_sink *sink, char **name_out, struct exa_error *err)
{
	EXA_AUTO(fs_closep) int message = -1;
	EXA_AUTO(fs_closep) int attachment = -1;
	const struct recipe_sink hold = { .write = into_memory, .ctx = &message };
	struct wanted w = { .number = number };
	uint8_t hash[CATALOG_SHA256_SIZE];
	GMimeStream *source;
	uint64_t bytes;
	bool good;

	if (!memory_file(&message, err) || !memory_file(&attachment, err) ||
		!recipe_play(r, recipe, &hold, &bytes, hash, err))
		return false;
	message_gmime_ready();
	w.to = attachment;
	source = g_mime_stream_fs_new_with_bounds(dup(message), 0, -1);
	parts_walk(source, find, &w);
	g_object_unref(source);
	if (w.name == NULL)
		return exa_fail(err, EXA_USAGE, "there is no attachment %zu; the message has %zu",
			number, w.seen);
	good = !w.failed || exa_fail(err, EXA_FAILED, "the attachment can't be decoded");
	if (!good || !hand_on(attachment, sink, err)) {
		exa_free(w.name);
		return false;
	}
	*name_out = w.name;
	return true;
}
