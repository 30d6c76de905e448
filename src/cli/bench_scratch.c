/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "bench.h"
#include "exarch/mem.h"

#define MIB ((double)(1 << 20))
/* An archive is a few folders deep. */
#define OPEN_FOLDERS 16

static bool
has_room(const char *place, uint64_t needed, struct exa_error *err)
{
	struct statvfs fs;

	if (statvfs(place, &fs) != 0)
		return exa_fail_errno(err, errno,
			"the scratch archive's place %s (--scratch names another)", place);
	if ((double)fs.f_bavail * (double)fs.f_frsize >= (double)needed)
		return true;
	return exa_fail(err, EXA_IO,
		"%s has %.0f MiB free, the scratch archive may need %.0f: fewer --items, or "
		"another --scratch",
		place, (double)fs.f_bavail * (double)fs.f_frsize / MIB, (double)needed / MIB);
}

bool
scratch_make(const char *place, uint64_t needed, char **path_out, struct exa_error *err)
{
	char *path;

	if (!has_room(place, needed, err))
		return false;
	path = exa_asprintf("%s/exarch-bench-XXXXXX", place);
	if (mkdtemp(path) == NULL) {
		(void)exa_fail_errno(err, errno, "making %s (--scratch names another place)", path);
		exa_free(path);
		return false;
	}
	*path_out = path;
	return true;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	return (type == FTW_DP ? rmdir(path) : unlink(path)) == 0 || errno == ENOENT ? 0 : -1;
}

/* Symbolic links are removed, not followed, and other file systems left alone. */
bool
scratch_remove(const char *path, struct exa_error *err)
{
	if (nftw(path, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0 ||
		errno == ENOENT)
		return true;
	return exa_fail_errno(err, errno, "removing the scratch archive %s", path);
}
