/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite notices damage only where a page makes no sense to it; a flipped bit in a list of items
 * would be a wrong answer. So pages of the database go through this layer between SQLite and the
 * file system:
 *
 *     page:  8184 bytes of SQLite | checksum, 8 bytes   (of the 8184 and the page's number)
 *
 * A page that is read and doesn't fit its checksum is SQLITE_IOERR_DATA. Everything else goes
 * straight on to the system's own VFS. The write-ahead log has checksums of SQLite's own.
 */
#include <endian.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include <sqlite3.h>

#include "exarch/bytes.h"
#include "vfs.h"

#define SUMMED_BYTES (VFS_PAGE_BYTES - VFS_RESERVED_BYTES)

struct checked_file {
	sqlite3_file base;
	sqlite3_file *real; /* right behind this struct */
	int is_database;
};

static _Thread_local bool saw_damage;
static sqlite3_vfs *system_vfs;
static sqlite3_vfs checked_vfs;

static struct checked_file *
checked_of(sqlite3_file *f)
{
	void *mine = f;

	return mine;
}

static sqlite3_file *
real_of(sqlite3_file *f)
{
	return checked_of(f)->real;
}

/* get_le32, inline: all of a page goes through it each time. */
static uint32_t
word_at(const uint8_t *p)
{
	uint32_t word;

	memcpy(&word, p, sizeof word);
	return le32toh(word);
}

/* Two sums that feed each other, as SQLite sums the frames of its log. */
static uint64_t
checksum(const uint8_t *page, uint64_t number)
{
	uint32_t a = (uint32_t)number, b = (uint32_t)(number >> 32) ^ UINT32_C(0x65786172);

	for (size_t i = 0; i < SUMMED_BYTES; i += 8) {
		a += word_at(page + i) + b;
		b += word_at(page + i + 4) + a;
	}
	return (uint64_t)a << 32 | b;
}

/* Whole pages, and pages up to their checksum: what SQLite reads to use it. The rest are looks at
 * the header. */
static int
is_page(const struct checked_file *f, int amount, sqlite3_int64 offset)
{
	return f->is_database && amount >= SUMMED_BYTES && amount <= VFS_PAGE_BYTES &&
	       offset % VFS_PAGE_BYTES == 0;
}

static int
checked_read(sqlite3_file *f, void *out, int amount, sqlite3_int64 offset)
{
	uint8_t page[VFS_PAGE_BYTES];
	int rc;

	if (!is_page(checked_of(f), amount, offset))
		return real_of(f)->pMethods->xRead(real_of(f), out, amount, offset);
	rc = real_of(f)->pMethods->xRead(real_of(f), page, VFS_PAGE_BYTES, offset);
	memcpy(out, page, (size_t)amount);
	if (rc != SQLITE_OK)
		return rc;
	if (checksum(page, (uint64_t)(offset / VFS_PAGE_BYTES)) == get_le64(page + SUMMED_BYTES))
		return SQLITE_OK;
	saw_damage = true;
	return SQLITE_IOERR_DATA;
}

static int
checked_write(sqlite3_file *f, const void *data, int amount, sqlite3_int64 offset)
{
	uint8_t page[VFS_PAGE_BYTES];

	if (!checked_of(f)->is_database || amount != VFS_PAGE_BYTES)
		return real_of(f)->pMethods->xWrite(real_of(f), data, amount, offset);
	memcpy(page, data, SUMMED_BYTES);
	put_le64(page + SUMMED_BYTES, checksum(page, (uint64_t)(offset / VFS_PAGE_BYTES)));
	return real_of(f)->pMethods->xWrite(real_of(f), page, amount, offset);
}

/* ---- straight on ---- */

static int
pass_close(sqlite3_file *f)
{
	return real_of(f)->pMethods->xClose(real_of(f));
}

static int
pass_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static int
pass_sync(sqlite3_file *f, int flags)
{
	return real_of(f)->pMethods->xSync(real_of(f), flags);
}

static int
pass_file_size(sqlite3_file *f, sqlite3_int64 *size_out)
{
	return real_of(f)->pMethods->xFileSize(real_of(f), size_out);
}

static int
pass_lock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int
pass_unlock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int
pass_check_reserved(sqlite3_file *f, int *out)
{
	return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}

static int
pass_control(sqlite3_file *f, int operation, void *arg)
{
	return real_of(f)->pMethods->xFileControl(real_of(f), operation, arg);
}

static int
pass_sector_size(sqlite3_file *f)
{
	return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int
pass_characteristics(sqlite3_file *f)
{
	return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int
pass_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, out);
}

static int
pass_shm_lock(sqlite3_file *f, int offset, int count, int flags)
{
	return real_of(f)->pMethods->xShmLock(real_of(f), offset, count, flags);
}

static void
pass_shm_barrier(sqlite3_file *f)
{
	real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int
pass_shm_unmap(sqlite3_file *f, int delete_flag)
{
	return real_of(f)->pMethods->xShmUnmap(real_of(f), delete_flag);
}

/* Version 2: shared memory for the log, but no mapped pages, which nobody would check. */
static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = pass_close,
	.xRead = checked_read,
	.xWrite = checked_write,
	.xTruncate = pass_truncate,
	.xSync = pass_sync,
	.xFileSize = pass_file_size,
	.xLock = pass_lock,
	.xUnlock = pass_unlock,
	.xCheckReservedLock = pass_check_reserved,
	.xFileControl = pass_control,
	.xSectorSize = pass_sector_size,
	.xDeviceCharacteristics = pass_characteristics,
	.xShmMap = pass_shm_map,
	.xShmLock = pass_shm_lock,
	.xShmBarrier = pass_shm_barrier,
	.xShmUnmap = pass_shm_unmap,
};

static int
checked_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *flags_out)
{
	struct checked_file *mine = checked_of(f);
	void *behind = mine + 1;
	int rc;

	(void)vfs;
	mine->base.pMethods = NULL;
	mine->real = behind;
	mine->is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
	rc = system_vfs->xOpen(system_vfs, name, mine->real, flags, flags_out);
	if (rc == SQLITE_OK)
		mine->base.pMethods = &methods;
	else if (mine->real->pMethods != NULL)
		(void)mine->real->pMethods->xClose(mine->real);
	return rc;
}

static void
register_vfs(void)
{
	system_vfs = sqlite3_vfs_find(NULL);
	if (system_vfs == NULL)
		return;
	checked_vfs = *system_vfs;
	checked_vfs.zName = "exarch-checked";
	checked_vfs.pNext = NULL;
	checked_vfs.szOsFile = (int)sizeof(struct checked_file) + system_vfs->szOsFile;
	checked_vfs.xOpen = checked_open;
	if (sqlite3_vfs_register(&checked_vfs, 0) != SQLITE_OK)
		system_vfs = NULL;
}

const char *
vfs_checked(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, register_vfs);
	return system_vfs != NULL ? checked_vfs.zName : NULL;
}

bool
vfs_take_damage(void)
{
	bool saw = saw_damage;

	saw_damage = false;
	return saw;
}
