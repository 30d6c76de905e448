/* SPDX-License-Identifier: Apache-2.0 */
/* What isn't a frame: FORMAT and the headers of segments. */
#include <fcntl.h>
#include <string.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "verify.h"

/* It was good when the store was opened; a disk may have forgotten it since. */
static bool
check_format(const struct store *s, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *path = fs_join(s->dir, "FORMAT");
	EXA_AUTO(buf_done) struct buf line = { 0 };
	struct store_format f;

	if (!fs_read_file(path, FORMAT_LINE_MAX, &line, err) ||
		!format_get(buf_bytes(&line), &f, err))
		return exa_while(err, "reading %s", path);
	return memcmp(f.uuid, s->format.uuid, UUID_SIZE) == 0 ||
	       exa_fail(err, EXA_CORRUPT, "%s is of another archive", path);
}

void
verify_files(struct verify *v)
{
	struct store_damage damage = { .first = 1 };

	if (!check_format(v->store, &damage.what))
		verify_report(v, &damage);
}

bool
verify_segment_head(struct verify *v, uint32_t segment, uint8_t head[SEGMENT_HEAD_SIZE])
{
	struct store_damage damage = { .at = { .segment = segment },
		.end = { .segment = segment, .offset = SEGMENT_HEAD_SIZE },
		.first = 1 };
	EXA_AUTO(exa_freep) char *path = segdir_path(&v->store->files, segment, "xseg");
	EXA_AUTO(fs_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct segment_head parsed;

	if (fd < 0)
		return false; /* whoever wants frames of it will say so */
	v->result.segments++;
	if (segdir_read_head(&v->store->files, segment, fd, &parsed, head, &damage.what))
		return true;
	verify_report(v, &damage);
	return false;
}
