/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "guard.h"
#include "index.h"

#define INDEX_VERSION 2
#define MAP_BYTES ((size_t)64 << 30) /* address space, not memory: some 500 million objects */
#define MAP_BYTES_MIN ((size_t)64 << 20)
#define READERS_MAX 1022                     /* slots of 64 bytes: lock.mdb stays at 64 KiB */
#define MDB_META_BYTES 8192                  /* two pages of 4 KiB, which every index begins with */
#define GROW_PATIENCE_S 30                   /* a read transaction is short by contract */
#define WRITE_BYTES_MAX ((size_t)256 * 1024) /* that LMDB writes at once: 64 pages */

/* The commit that broke it, even if that is just about to fail on the writer thread. */
static bool
was_broken(struct index *x, struct exa_error *err)
{
	bool broken;

	(void)pthread_mutex_lock(&x->commit_mu);
	broken = x->broken.code != EXA_OK;
	if (broken)
		*err = x->broken;
	(void)pthread_mutex_unlock(&x->commit_mu);
	return broken;
}

/* LMDB tells a write that was cut short as an I/O error; a disk without room for it cut it. */
static int
cause_of(const struct index *x, int rc)
{
	struct statvfs fs;

	if (rc != EIO || x->path == NULL || statvfs(x->path, &fs) != 0)
		return rc;
	return fs.f_bavail < WRITE_BYTES_MAX / fs.f_frsize ? ENOSPC : rc;
}

bool
index_fail(struct index *x, struct exa_error *err, int rc, const char *doing)
{
	if (rc == MDB_MAP_FULL) {
		x->full = true;
		return exa_fail(err, EXA_LIMIT, "the index is full (%s)", doing);
	}
	if (rc == MDB_READERS_FULL)
		return exa_fail(err, EXA_LIMIT,
			"%d programs or threads read the index already, which is as many as can "
			"(%s)",
			READERS_MAX, doing);
	if (rc == MDB_PANIC && was_broken(x, err))
		return false;
	if (rc > 0)
		return exa_fail_errno(
			err, cause_of(x, rc), "the index (idx/data.mdb) failed %s", doing);
	return exa_fail(err, EXA_CORRUPT,
		"the index is damaged: %s, %s; `exarch rebuild` makes it again from the segments",
		doing, mdb_strerror(rc));
}

bool
index_commit(struct index *x, MDB_txn *txn, const char *doing, struct exa_error *err)
{
	int rc;

	(void)pthread_mutex_lock(&x->commit_mu);
	rc = mdb_txn_commit(txn);
	if (rc > 0)
		(void)index_fail(x, &x->broken, rc, doing);
	(void)pthread_mutex_unlock(&x->commit_mu);
	return rc == 0 || index_fail(x, err, rc, doing);
}

/* What the address space allows (ulimit -v), with room for the rest of the program. */
static size_t
map_size_for(const char *path)
{
	EXA_AUTO(exa_freep) char *file = fs_join(path, "data.mdb");
	size_t size = MAP_BYTES;
	struct rlimit limit;
	struct stat st;

	if (stat(file, &st) == 0 && (size_t)st.st_size > size / 2)
		size = (size_t)st.st_size * 2;
	if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
		size > limit.rlim_cur / 4)
		size = (size_t)(limit.rlim_cur / 4);
	return size > MAP_BYTES_MIN ? size & ~((size_t)0xffff) : MAP_BYTES_MIN;
}

/* A failed mdb_env_open leaves an environment that can only be closed: so each attempt has its own.
 */
static int
open_environment(const char *path, unsigned flags, size_t map, size_t tables, MDB_env **out)
{
	MDB_env *env;
	int rc = mdb_env_create(&env);

	if (rc != 0)
		return rc;
	guard_asserts(env);
	rc = mdb_env_set_mapsize(env, map);
	if (rc == 0)
		rc = mdb_env_set_maxdbs(env, (MDB_dbi)(tables + 2));
	if (rc == 0)
		rc = mdb_env_set_maxreaders(env, READERS_MAX);
	if (rc == 0)
		rc = mdb_env_open(env, path, MDB_NOTLS | flags, 0600);
	if (rc != 0)
		mdb_env_close(env);
	else
		*out = env;
	return rc;
}

static int
open_with_map_that_fits(const char *path, unsigned flags, size_t tables, MDB_env **out)
{
	size_t map = map_size_for(path);
	int rc = open_environment(path, flags, map, tables, out);

	while (rc == ENOMEM && map > MAP_BYTES_MIN) {
		map /= 2;
		rc = open_environment(path, flags, map, tables, out);
	}
	return rc;
}

static int
write_identity(MDB_env *env, const uint8_t *uuid)
{
	uint8_t identity[UUID_SIZE + 4];
	MDB_val key = index_value("store", 5);
	MDB_val value = index_value(identity, sizeof identity);
	MDB_txn *txn;
	MDB_dbi meta;
	MDB_dbi obj;
	int rc = mdb_txn_begin(env, NULL, 0, &txn);

	if (rc != 0)
		return rc;
	memcpy(identity, uuid, UUID_SIZE);
	put_le32(identity + UUID_SIZE, INDEX_VERSION);
	rc = mdb_dbi_open(txn, "meta", MDB_CREATE, &meta);
	if (rc == 0)
		rc = mdb_dbi_open(txn, "obj", MDB_CREATE, &obj);
	if (rc == 0)
		rc = mdb_put(txn, meta, &key, &value, 0);
	if (rc == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return rc;
}

bool
index_create(const char *path, const uint8_t uuid[UUID_SIZE], enum index_life life,
	struct exa_error *err)
{
	struct index x = { 0 };
	int rc;

	if (!fs_make_dirs(path, 0700, err))
		return false;
	rc = open_with_map_that_fits(path, life == INDEX_SCRATCH ? MDB_NOSYNC : 0, 0, &x.env);
	if (rc != 0)
		return index_fail(&x, err, rc, "when it was created");
	rc = write_identity(x.env, uuid);
	mdb_env_close(x.env);
	if (rc != 0)
		return index_fail(&x, err, rc, "when it was created");
	return life == INDEX_SCRATCH || fs_sync_dir(path, err);
}

void
index_remove(const char *path)
{
	EXA_AUTO(exa_freep) char *data = fs_join(path, "data.mdb");
	EXA_AUTO(exa_freep) char *lock = fs_join(path, "lock.mdb");

	(void)unlink(data);
	(void)unlink(lock);
	(void)rmdir(path);
}

static bool
check_identity(struct index *x, MDB_txn *txn, const uint8_t *uuid, struct exa_error *err)
{
	MDB_val key = index_value("store", 5);
	MDB_val value;
	int rc = mdb_get(txn, x->meta, &key, &value);

	if (rc != 0)
		return index_fail(x, err, rc, "reading whose it is");
	if (value.mv_size != UUID_SIZE + 4 || memcmp(value.mv_data, uuid, UUID_SIZE) != 0)
		return exa_fail(err, EXA_CORRUPT,
			"the index is of another archive; `exarch rebuild` makes the right one "
			"from the "
			"segments, nothing is lost by it");
	if (get_le32((const uint8_t *)value.mv_data + UUID_SIZE) != INDEX_VERSION)
		return exa_fail(err, EXA_USAGE,
			"the index has a layout this program doesn't know; `exarch rebuild` makes "
			"it again");
	return true;
}

struct index_extent {
	mdb_filehandle_t fd;
	uint64_t page_bytes;
	uint64_t counted_bytes; /* up to LMDB's last page */
	uint64_t file_bytes;
};

static bool
index_measure(struct index *x, struct index_extent *out, struct exa_error *err)
{
	struct index_extent e;
	MDB_envinfo info;
	MDB_stat stat_of_root;
	struct stat st;

	if (mdb_env_info(x->env, &info) != 0 || mdb_env_stat(x->env, &stat_of_root) != 0 ||
		mdb_env_get_fd(x->env, &e.fd) != 0 || fstat(e.fd, &st) != 0)
		return exa_fail_errno(err, errno, "can't look at the index (idx/data.mdb)");
	e.page_bytes = stat_of_root.ms_psize;
	e.counted_bytes = (uint64_t)(info.me_last_pgno + 1) * e.page_bytes;
	e.file_bytes = (uint64_t)st.st_size;
	*out = e;
	return true;
}

bool
index_stretch(struct index *x, struct exa_error *err)
{
	struct index_extent e;

	if (!index_measure(x, &e, err))
		return false;
	if (e.file_bytes >= e.counted_bytes + INDEX_SLACK_PAGES * e.page_bytes)
		return true;
	e.file_bytes = e.counted_bytes + 2 * INDEX_SLACK_PAGES * e.page_bytes;
	return ftruncate(e.fd, (off_t)e.file_bytes) == 0 ||
	       exa_fail_errno(err, errno, "can't make room in the index (idx/data.mdb)");
}

/* LMDB would touch pages beyond a cut file's end, and be killed for it. */
static bool
check_size(struct index *x, struct exa_error *err)
{
	struct index_extent e;

	if (!index_measure(x, &e, err))
		return false;
	if (e.file_bytes < e.counted_bytes)
		return exa_fail(err, EXA_CORRUPT,
			"the index is cut off; `exarch rebuild` makes it again from the segments");
	return true;
}

static bool
open_tables(struct index *x, MDB_txn *txn, const struct store_schema *schema, unsigned create,
	struct exa_error *err)
{
	int rc = mdb_dbi_open(txn, "meta", 0, &x->meta);

	if (rc == 0)
		rc = mdb_dbi_open(txn, "obj", 0, &x->obj);
	if (rc != 0)
		return index_fail(x, err, rc, "opening its tables");
	for (size_t i = 0; i < schema->table_count; i++) {
		EXA_AUTO(exa_freep) char *name = exa_asprintf("x.%s", schema->tables[i].name);

		rc = mdb_dbi_open(txn, name, create, &x->tables[i]);
		x->present[i] = rc == 0;
		if (rc != 0 && (rc != MDB_NOTFOUND || create != 0))
			return index_fail(x, err, rc, "opening its tables");
	}
	return true;
}

static bool
prepare_tables(struct index *x, const struct store_schema *schema, const uint8_t *uuid,
	struct exa_error *err)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(x->env, NULL, x->read_only ? MDB_RDONLY : 0, &txn);

	if (rc != 0)
		return index_fail(x, err, rc, "beginning to read");
	if (!open_tables(x, txn, schema, x->read_only ? 0 : MDB_CREATE, err) ||
		!check_identity(x, txn, uuid, err)) {
		mdb_txn_abort(txn);
		return false;
	}
	rc = mdb_txn_commit(txn); /* a read transaction too, or the tables' handles are lost */
	return rc == 0 || index_fail(x, err, rc, "opening its tables");
}

static unsigned
environment_flags(enum index_mode mode)
{
	switch (mode) {
	case INDEX_READ:
		return MDB_RDONLY;
	case INDEX_READ_NOLOCK:
		return MDB_RDONLY | MDB_NOLOCK;
	case INDEX_WRITE:
		return 0;
	case INDEX_BUILD:
		return MDB_NOSYNC;
	}
	return 0;
}

/* Missing, or so short that LMDB would take it for a new one? */
static bool
check_file(const char *file, struct exa_error *err)
{
	struct stat st;

	if (stat(file, &st) != 0 && errno != ENOENT)
		return exa_fail_errno(err, errno, "can't look at %s", file);
	if (!fs_exists(file) || st.st_size < MDB_META_BYTES)
		return exa_fail(err, EXA_CORRUPT,
			"%s is missing or cut off; `exarch rebuild` makes the index again from the "
			"segments",
			file);
	return true;
}

bool
index_open(struct index *x, const char *path, enum index_mode mode,
	const struct store_schema *schema, const uint8_t uuid[UUID_SIZE], struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *file = fs_join(path, "data.mdb");
	int dead;
	int rc;

	if (!check_file(file, err))
		return false;
	*x = (struct index){ .read_only = mode == INDEX_READ || mode == INDEX_READ_NOLOCK };
	x->tables = exa_alloc_array(schema->table_count, sizeof *x->tables);
	x->present = exa_alloc_array(schema->table_count, sizeof *x->present);
	x->hides_tail = exa_alloc_array(schema->table_count, sizeof *x->hides_tail);
	for (size_t i = 0; i < schema->table_count; i++)
		x->hides_tail[i] = schema->tables[i].hides_key_tail;
	x->table_count = schema->table_count;
	(void)pthread_mutex_init(&x->mu, NULL);
	(void)pthread_mutex_init(&x->commit_mu, NULL);
	(void)pthread_cond_init(&x->idle, NULL);
	rc = open_with_map_that_fits(path, environment_flags(mode), schema->table_count, &x->env);
	if (rc == MDB_INVALID || rc == MDB_VERSION_MISMATCH)
		rc = MDB_CORRUPTED;
	if (rc == 0) {
		x->path = exa_strdup(path);
		x->guard = guard_watch(x->env, path, 0);
	}
	if (rc != 0) {
		x->env = NULL;
		(void)index_fail(x, err, rc, "to open");
	} else if (check_size(x, err) && (x->read_only || index_stretch(x, err)) &&
		   prepare_tables(x, schema, uuid, err)) {
		(void)mdb_reader_check(x->env, &dead);
		return true;
	}
	index_close(x);
	return false;
}

bool
index_settle(struct index *x, struct exa_error *err)
{
	int rc = mdb_env_sync(x->env, 1);

	if (rc == 0)
		rc = mdb_env_set_flags(x->env, MDB_NOSYNC, 0);
	return rc == 0 || index_fail(x, err, rc, "becoming durable");
}

static void
drop_spares(struct index *x)
{
	while (x->spare_count > 0)
		mdb_txn_abort(x->spare[--x->spare_count]);
}

void
index_close(struct index *x)
{
	if (x->tables == NULL)
		return;
	drop_spares(x);
	guard_forget(x->guard);
	if (x->env != NULL)
		mdb_env_close(x->env);
	exa_free(x->path);
	exa_free(x->tables);
	exa_free(x->present);
	exa_free(x->hides_tail);
	(void)pthread_mutex_destroy(&x->mu);
	(void)pthread_mutex_destroy(&x->commit_mu);
	(void)pthread_cond_destroy(&x->idle);
	*x = (struct index){ 0 };
}

static MDB_txn *
take_spare(struct index *x)
{
	MDB_txn *txn = NULL;

	(void)pthread_mutex_lock(&x->mu);
	while (x->growing)
		(void)pthread_cond_wait(&x->idle, &x->mu);
	x->live++;
	if (x->spare_count > 0)
		txn = x->spare[--x->spare_count];
	(void)pthread_mutex_unlock(&x->mu);
	return txn;
}

static void
give_spare(struct index *x, MDB_txn *txn)
{
	(void)pthread_mutex_lock(&x->mu);
	if (txn != NULL && x->spare_count < INDEX_SPARE_MAX && !x->growing) {
		x->spare[x->spare_count++] = txn;
		txn = NULL;
	}
	if (txn != NULL)
		mdb_txn_abort(txn);
	if (--x->live == 0)
		(void)pthread_cond_broadcast(&x->idle);
	(void)pthread_mutex_unlock(&x->mu);
}

static int
begin_or_renew(struct index *x, MDB_txn **txn)
{
	int rc;

	if (*txn == NULL)
		return mdb_txn_begin(x->env, NULL, MDB_RDONLY, txn);
	rc = mdb_txn_renew(*txn);
	if (rc != 0) {
		mdb_txn_abort(*txn);
		*txn = NULL;
	}
	return rc;
}

/* No new read transactions from here; true when the last one has ended. */
static bool
stop_readers(struct index *x)
{
	struct timespec until;
	int rc = 0;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += GROW_PATIENCE_S;
	(void)pthread_mutex_lock(&x->mu);
	while (x->growing)
		(void)pthread_cond_wait(&x->idle, &x->mu);
	x->growing = true;
	while (x->live > 0 && rc == 0)
		rc = pthread_cond_timedwait(&x->idle, &x->mu, &until);
	if (x->live == 0)
		drop_spares(x);
	(void)pthread_mutex_unlock(&x->mu);
	return rc == 0;
}

static bool
resize(struct index *x, size_t size, struct exa_error *err)
{
	bool alone = stop_readers(x);
	int rc = alone ? mdb_env_set_mapsize(x->env, size) : EBUSY;

	x->guard = guard_watch(x->env, x->path, x->guard);
	(void)pthread_mutex_lock(&x->mu);
	x->growing = false;
	(void)pthread_cond_broadcast(&x->idle);
	(void)pthread_mutex_unlock(&x->mu);
	return rc == 0 || index_fail(x, err, rc, "to grow");
}

bool
index_grow(struct index *x, struct exa_error *err)
{
	MDB_envinfo info;

	(void)mdb_env_info(x->env, &info);
	return resize(x, info.me_mapsize * 2, err);
}

bool
index_read_begin(struct index *x, MDB_txn **out, struct exa_error *err)
{
	MDB_txn *txn;
	int dead;
	int rc;

	if (x->env == NULL)
		return exa_fail(err, EXA_FAILED, "the archive is open without its index");
	txn = take_spare(x);
	rc = begin_or_renew(x, &txn);
	if (rc == MDB_READERS_FULL && mdb_reader_check(x->env, &dead) == 0 && dead > 0)
		rc = begin_or_renew(x, &txn); /* processes that died had left theirs */
	if (rc == MDB_MAP_RESIZED) {
		/* A writer in another process has made the map larger. */
		give_spare(x, NULL);
		if (!resize(x, 0, err))
			return false;
		txn = take_spare(x);
		rc = begin_or_renew(x, &txn);
	}
	if (rc != 0) {
		give_spare(x, NULL);
		return index_fail(x, err, rc, "beginning to read");
	}
	*out = txn;
	return true;
}

void
index_read_end(struct index *x, MDB_txn *txn)
{
	mdb_txn_reset(txn);
	give_spare(x, txn);
}
