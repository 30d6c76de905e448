/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "recording.h"

static const char *
name_in_store(const struct recording *r, const char *path)
{
	return path + strlen(r->dir) + 1;
}

static size_t
file_with_name(const struct recording *r, const char *path)
{
	for (size_t i = 0; i < r->file_count; i++) {
		if (r->names[i] != NULL && strcmp(r->names[i], name_in_store(r, path)) == 0)
			return i;
	}
	return NO_FILE;
}

static size_t
new_file(struct recording *r, const char *path)
{
	assert_true(r->file_count < FILES_MAX);
	r->names[r->file_count] = exa_strdup(name_in_store(r, path));
	return r->file_count++;
}

/* Under mu. */
static struct op *
record(struct recording *r, enum op_kind kind, size_t file)
{
	struct op *op = &r->ops[r->count++];

	assert_true(r->count < OPS_MAX);
	*op = (struct op){ .kind = kind, .file = file };
	return op;
}

/* Under mu. */
static void
take_snapshot(struct recording *r, int rounds)
{
	struct snapshot *s = &r->snapshots[r->snapshot_count++];
	EXA_AUTO(exa_freep) char *path = fs_join(r->dir, "idx/data.mdb");
	struct exa_error err;

	assert_true(r->snapshot_count <= COMMITS_MAX);
	*s = (struct snapshot){ .at = r->count, .rounds = rounds };
	assert_true(fs_read_file(path, (size_t)1 << 30, &s->index, &err));
}

static bool
ends_in(const char *path, const char *end)
{
	size_t size = strlen(path);

	return size >= strlen(end) && strcmp(path + size - strlen(end), end) == 0;
}

static int
recording_open(void *ctx, const char *path, int flags, mode_t mode)
{
	struct recording *r = ctx;
	bool is_new = (flags & O_CREAT) != 0 && !fs_exists(path);
	int fd = seg_io_system.open(NULL, path, flags, mode);

	if (fd < 0)
		return fd;
	assert_true(fd < FDS_MAX);
	(void)pthread_mutex_lock(&r->mu);
	if (r->compacting && ends_in(path, ".cut"))
		take_snapshot(r, r->rounds); /* nobody writes the index now */
	r->fds[fd] = is_new ? new_file(r, path) : file_with_name(r, path);
	if (is_new)
		record(r, OP_CREATE, r->fds[fd])->path = exa_strdup(name_in_store(r, path));
	else if ((flags & O_TRUNC) != 0)
		(void)record(r, OP_CUT, r->fds[fd]);
	(void)pthread_mutex_unlock(&r->mu);
	return fd;
}

static ssize_t
recording_pwrite(void *ctx, int fd, const void *data, size_t size, off_t offset)
{
	struct recording *r = ctx;
	struct op *op;

	(void)pthread_mutex_lock(&r->mu);
	op = record(r, OP_WRITE, r->fds[fd]);
	op->offset = (uint64_t)offset;
	buf_add(&op->data, data, size);
	(void)pthread_mutex_unlock(&r->mu);
	return seg_io_system.pwrite(NULL, fd, data, size, offset);
}

static int
recording_sync(void *ctx, int fd)
{
	struct recording *r = ctx;

	(void)pthread_mutex_lock(&r->mu);
	(void)record(r, OP_SYNC, r->fds[fd]);
	(void)pthread_mutex_unlock(&r->mu);
	return 0; /* the recording is what counts */
}

static int
recording_cut(void *ctx, int fd, off_t size)
{
	struct recording *r = ctx;

	(void)pthread_mutex_lock(&r->mu);
	record(r, OP_CUT, r->fds[fd])->offset = (uint64_t)size;
	(void)pthread_mutex_unlock(&r->mu);
	return seg_io_system.ftruncate(NULL, fd, size);
}

static void
forget_name(struct recording *r, size_t file)
{
	if (file == NO_FILE)
		return;
	exa_free(r->names[file]);
	r->names[file] = NULL;
}

static int
recording_rename(void *ctx, const char *from, const char *to)
{
	struct recording *r = ctx;
	size_t file;

	(void)pthread_mutex_lock(&r->mu);
	file = file_with_name(r, from);
	record(r, OP_RENAME, file)->path = exa_strdup(name_in_store(r, to));
	forget_name(r, file_with_name(r, to));
	forget_name(r, file);
	r->names[file] = exa_strdup(name_in_store(r, to));
	(void)pthread_mutex_unlock(&r->mu);
	return seg_io_system.rename(NULL, from, to);
}

static int
recording_unlink(void *ctx, const char *path)
{
	struct recording *r = ctx;
	size_t file;

	(void)pthread_mutex_lock(&r->mu);
	file = file_with_name(r, path);
	if (file != NO_FILE)
		(void)record(r, OP_UNLINK, file);
	forget_name(r, file);
	(void)pthread_mutex_unlock(&r->mu);
	return seg_io_system.unlink(NULL, path);
}

static int
recording_sync_dir(void *ctx, const char *path)
{
	struct recording *r = ctx;

	(void)path;
	(void)pthread_mutex_lock(&r->mu);
	if (r->compacting)
		take_snapshot(r, r->rounds); /* called on the thread that writes the index */
	(void)record(r, OP_SYNC_DIR, NO_FILE);
	(void)pthread_mutex_unlock(&r->mu);
	return 0;
}

struct seg_io
recording_io(struct recording *r)
{
	return (struct seg_io){ .open = recording_open,
		.pwrite = recording_pwrite,
		.fdatasync = recording_sync,
		.ftruncate = recording_cut,
		.rename = recording_rename,
		.unlink = recording_unlink,
		.sync_dir = recording_sync_dir,
		.ctx = r };
}

static void
on_commit(void *ctx, uint64_t epoch)
{
	struct recording *r = ctx;

	(void)epoch;
	(void)pthread_mutex_lock(&r->mu);
	take_snapshot(r, r->rounds);
	(void)pthread_mutex_unlock(&r->mu);
}

static bool
apply_through(void *ctx, struct store_txn *txn, const struct store_loc *loc, struct bytes data,
	struct exa_error *err)
{
	(void)ctx;
	return test_schema.apply(NULL, txn, loc, data, err);
}

struct store_schema
recording_schema(struct recording *r)
{
	struct store_schema schema = test_schema;

	schema.ctx = r;
	schema.apply = apply_through;
	schema.committed = on_commit;
	return schema;
}

void
recording_snapshot(struct recording *r)
{
	(void)pthread_mutex_lock(&r->mu);
	take_snapshot(r, r->rounds);
	(void)pthread_mutex_unlock(&r->mu);
}

char *
segment_name_of(uint32_t n)
{
	return exa_asprintf("seg/00/%08x.xseg", n);
}

static void
name_base(struct recording *r)
{
	for (uint32_t n = 1;; n++) {
		EXA_AUTO(exa_freep) char *name = segment_name_of(n);
		EXA_AUTO(exa_freep) char *path = fs_join(r->dir, name);

		if (!fs_exists(path))
			return;
		(void)new_file(r, path);
	}
}

struct recording *
recording_new(const char *dir, int rounds)
{
	struct recording *r = exa_alloc(sizeof *r);

	(void)pthread_mutex_init(&r->mu, NULL);
	r->dir = dir;
	r->rounds = rounds;
	name_base(r);
	return r;
}

void
recording_free(struct recording *r)
{
	for (size_t i = 0; i < r->count; i++) {
		exa_free(r->ops[i].path);
		buf_done(&r->ops[i].data);
	}
	for (size_t i = 0; i < r->snapshot_count; i++)
		buf_done(&r->snapshots[i].index);
	for (size_t i = 0; i < FILES_MAX; i++)
		exa_free(r->names[i]);
	(void)pthread_mutex_destroy(&r->mu);
	exa_free(r);
}
