/* SPDX-License-Identifier: Apache-2.0 */
/* What isn't in a segment: FORMAT, and the KEYRING of an encrypted store. */
#include <string.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "keyring.h"
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
	if ((v->store->format.incompatible & FORMAT_ENCRYPTED) != 0 &&
		!keyring_check(v->store->dir, v->store->format.uuid, &damage.what))
		verify_report(v, &damage);
}
