/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing: which checks, which lock, which index, for which kind of access. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "writer.h"

bool
read_format(const char *dir, struct store_format *out, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, "FORMAT");
	EXA_AUTO(buf_done) struct buf line = { 0 };

	if (!fs_read_file(path, FORMAT_LINE_MAX, &line, err)) {
		if (err->detail == ENOENT || err->detail == ENOTDIR)
			return exa_fail(err, EXA_ABSENT,
				"there is no archive in %s; `exarch init` makes one", dir);
		return err->code != EXA_LIMIT
			       ? false
			       : exa_fail(err, EXA_CORRUPT, "%s isn't an archive's FORMAT", path);
	}
	return format_get(buf_bytes(&line), out, err) || exa_while(err, "reading %s", path);
}

static bool
check_features(const struct store *s, struct exa_error *err)
{
	if (s->access == STORE_READ || s->format.read_compatible == 0)
		return true;
	return exa_fail(err, EXA_USAGE,
		"the archive %s uses features %08x this program can only read", s->dir,
		s->format.read_compatible);
}

/*
 * A reader who may not write the index's lock file can't take part in LMDB's locking. It then keeps
 * writers out for as long as it is open, and reads without.
 */
static bool
choose_reading(struct store *s, const char *path, enum index_mode *mode, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *lock = fs_join(path, "lock.mdb");
	EXA_AUTO(fs_closep) int fd = open(lock, O_RDWR | O_CLOEXEC);

	*mode = INDEX_READ;
	if (fd >= 0 || (errno == ENOENT && access(path, W_OK) == 0))
		return true;
	*mode = INDEX_READ_NOLOCK;
	return lock_for_reading(s->dir, &s->lock, err);
}

static bool
open_index(struct store *s, const char *path, enum index_mode mode, struct exa_error *err)
{
	if (!index_open(&s->index, path, mode, &s->schema, s->format.uuid, err))
		return false;
	s->index.crypt = &s->crypt;
	return true;
}

static bool
open_for_reading(struct store *s, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *path = fs_join(s->dir, "idx");
	enum index_mode mode;

	return choose_reading(s, path, &mode, err) && open_index(s, path, mode, err) &&
	       check_watermark(s, err) && check_not_stale(s, err);
}

static bool
open_for_writing(struct store *s, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *path = fs_join(s->dir, "idx");

	return check_file_system(s->dir, err) && lock_for_writing(s->dir, &s->lock, err) &&
	       open_index(s, path, INDEX_WRITE, err) && recover(s, RECOVER_TAIL, err) &&
	       writer_start(s, err);
}

/* The old index stays until the new one is whole and durable; readers of the old keep theirs. */
static bool
put_in_place(const char *dir, const char *fresh, const char *path, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *old = fs_join(dir, "idx.old");
	bool swapped;

	index_remove(old);
	swapped = renameat2(AT_FDCWD, fresh, AT_FDCWD, path, RENAME_EXCHANGE) == 0;
	if (!swapped && fs_exists(path) && rename(path, old) != 0)
		return exa_fail_errno(err, errno, "can't put %s aside", path);
	if (!swapped && rename(fresh, path) != 0)
		return exa_fail_errno(err, errno, "can't put %s in its place", fresh);
	if (!fs_sync_dir(dir, err))
		return false;
	index_remove(swapped ? fresh : old);
	return true;
}

static bool
open_rebuilding(struct store *s, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *path = fs_join(s->dir, "idx");
	EXA_AUTO(exa_freep) char *fresh = fs_join(s->dir, "idx.new");
	struct watermark old;

	if (!check_file_system(s->dir, err) || !lock_for_writing(s->dir, &s->lock, err))
		return false;
	old_watermark(path, s->format.uuid, &old);
	index_remove(fresh);
	if (!index_create(fresh, s->format.uuid, INDEX_LASTING, err) ||
		!open_index(s, fresh, INDEX_BUILD, err) || !recover(s, RECOVER_ALL, err) ||
		!index_settle(&s->index, err) || !put_in_place(s->dir, fresh, path, err))
		return false;
	rebuild_compare(s, &old);
	return writer_start(s, err);
}

static bool
open_as(struct store *s, struct exa_error *err)
{
	switch (s->access) {
	case STORE_READ:
		return open_for_reading(s, err);
	case STORE_WRITE:
		return open_for_writing(s, err);
	case STORE_REBUILD:
		return open_rebuilding(s, err);
	case STORE_SEGMENTS:
		return true; /* FORMAT was read; the rest is up to who looks at it */
	}
	return exa_fail(err, EXA_USAGE, "no such access");
}

/* Whether the store is opened without what a key is needed for. */
static bool
does_without_key(const struct store *s, const struct store_key *key)
{
	return s->access == STORE_SEGMENTS && (key == NULL || key->kind == STORE_KEY_NONE);
}

/* With keys lying beside it, FORMAT was changed: nobody may be led to write openly here. */
static bool
check_no_keyring(const struct store *s, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *path = fs_join(s->dir, "KEYRING");

	return !fs_exists(path) ||
	       exa_fail(err, EXA_CORRUPT,
		       "by its FORMAT the archive %s isn't encrypted, but it has a KEYRING; put "
		       "the right FORMAT back",
		       s->dir);
}

/* A key for a store that isn't encrypted is of no use, but no mistake: profiles are shared. */
static bool
unlock(struct store *s, const struct store_key *key, struct exa_error *err)
{
	uint8_t master[MASTER_KEY_SIZE];

	if ((s->format.incompatible & FORMAT_ENCRYPTED) == 0) {
		if (!check_no_keyring(s, err))
			return false;
		crypt_open(&s->crypt, CRYPT_PLAIN, s->format.uuid, NULL);
	} else if (does_without_key(s, key)) {
		crypt_open(&s->crypt, CRYPT_LOCKED, s->format.uuid, NULL);
	} else if (key == NULL || key->kind == STORE_KEY_NONE) {
		return exa_fail(err, EXA_AUTH, CRYPT_KEY_WANTED);
	} else {
		if (!keyring_open(s->dir, s->format.uuid, key, master, err))
			return false;
		crypt_open(&s->crypt, CRYPT_OPEN, s->format.uuid, master);
		exa_wipe(master, sizeof master);
	}
	return true;
}

/* Whoever holds the writer's lock finishes a change of keys that was cut short. */
static bool
mend_keyring(const struct store *s, struct exa_error *err)
{
	return s->writer == NULL || s->crypt.state != CRYPT_OPEN ||
	       keyring_mend(s->dir, s->format.uuid, err);
}

bool
store_open_with(const char *dir, const struct store_open_options *options,
	const struct store_schema *schema, const struct seg_io *io, struct store **out,
	struct exa_error *err)
{
	EXA_AUTO(store_abandonp) struct store *s = exa_alloc(sizeof *s);

	s->dir = exa_strdup(dir);
	s->access = options->access;
	s->opening = options;
	s->schema = *schema;
	s->lock = -1;
	s->appender.fd = -1;
	codec_pool_init(&s->codecs);
	pack_cache_init(&s->packs);
	if (!read_format(dir, &s->format, err) || !check_features(s, err))
		return false;
	s->files.io = io;
	s->files.dir = s->dir;
	memcpy(s->files.uuid, s->format.uuid, UUID_SIZE);
	if (!unlock(s, options->key, err) || !open_as(s, err) || !mend_keyring(s, err))
		return false;
	s->opening = NULL;
	*out = s;
	s = NULL;
	return true;
}

bool
store_exists(const char *dir)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, "FORMAT");

	return fs_exists(path);
}

bool
store_open(const char *dir, const struct store_open_options *options,
	const struct store_schema *schema, struct store **out, struct exa_error *err)
{
	return store_open_with(dir, options, schema, &seg_io_system, out, err);
}

void
store_abandon(struct store *s)
{
	if (s == NULL)
		return;
	writer_stop(s);
	appender_done(&s->appender);
	chain_done(&s->appender.chain);
	index_close(&s->index);
	codec_pool_done(&s->codecs);
	pack_cache_done(&s->packs);
	crypt_close(&s->crypt);
	lock_release(&s->lock);
	exa_free(s->dir);
	exa_free(s);
}

void
store_abandonp(struct store **s)
{
	store_abandon(*s);
}

bool
store_close(struct store *s, struct exa_error *err)
{
	bool good = s->writer == NULL || store_flush(s, err);

	store_abandon(s);
	return good;
}
