/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "handle.h"

static bool
count_index(struct store *s, struct store_stats *stats, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *path = fs_join(s->dir, "idx/data.mdb");
	struct watermark w;
	struct stat st;
	MDB_stat obj;
	MDB_txn *txn;
	bool good;
	int rc;

	if (stat(path, &st) != 0)
		return exa_fail_errno(err, errno, "can't look at %s", path);
	if (!index_read_begin(&s->index, &txn, err))
		return false;
	rc = mdb_stat(txn, s->index.obj, &obj);
	good = index_get_watermark(&s->index, txn, &w, err);
	index_read_end(&s->index, txn);
	if (rc != 0)
		return index_fail(&s->index, err, rc, "counting objects");
	if (!good)
		return false;
	stats->index_bytes = (uint64_t)st.st_blocks * 512; /* it ends in a hole */
	stats->object_count = obj.ms_entries;
	stats->object_raw_bytes = w.object_bytes;
	stats->last_commit = w.commit;
	return true;
}

bool
store_stat(struct store *s, struct store_stats *out, struct exa_error *err)
{
	struct store_stats stats = { .codec = s->format.codec,
		.encrypted = s->crypt.state != CRYPT_PLAIN };

	memcpy(stats.uuid, s->format.uuid, sizeof stats.uuid);
	if (!segdir_total(&s->files, &stats.segment_count, &stats.segment_bytes, err) ||
		(s->access != STORE_SEGMENTS && !count_index(s, &stats, err)))
		return false;
	*out = stats;
	return true;
}

const char *
store_dir(const struct store *s)
{
	return s->dir;
}
