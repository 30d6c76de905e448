/* SPDX-License-Identifier: Apache-2.0 */
#include <ftw.h>
#include <string.h>
#include <time.h>

#include "exarch/fs.h"
#include "exarch/mem.h"
#include "mail.h"

#define MESSAGE_MAX ((size_t)512 * 1024 * 1024)
#define OPEN_FOLDERS 16

/* nftw has no context; this is one thread's business, at the program's start. */
static char **paths;
static size_t path_count;

static int
note(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const size_t size = strlen(path);

	(void)st;
	(void)ftw;
	if (type != FTW_F || size < 4 || strcmp(path + size - 4, ".eml") != 0)
		return 0;
	paths = exa_realloc_array(paths, path_count + 1, sizeof *paths);
	paths[path_count++] = exa_strdup(path);
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

bool
mail_load(const char *folder, struct mail *out, struct exa_error *err)
{
	struct mail m = { 0 };
	bool good = true;

	if (nftw(folder, note, OPEN_FOLDERS, FTW_PHYS) != 0)
		return exa_fail(err, EXA_IO, "can't read the folder %s", folder);
	exa_sort((void *)paths, path_count, sizeof *paths, by_name);
	m.messages = exa_alloc_array(path_count, sizeof *m.messages);
	for (size_t i = 0; i < path_count; i++) {
		good = good && fs_read_file(paths[i], MESSAGE_MAX, &m.messages[m.count], err);
		if (good)
			m.bytes += m.messages[m.count++].size;
		exa_free(paths[i]);
	}
	exa_free((void *)paths);
	paths = NULL;
	path_count = 0;
	if (good && m.count == 0)
		good = exa_fail(err, EXA_USAGE, "no .eml file below %s", folder);
	if (good)
		*out = m;
	else
		mail_done(&m);
	return good;
}

void
mail_done(struct mail *m)
{
	for (size_t i = 0; i < m->count; i++)
		buf_done(&m->messages[i]);
	exa_free(m->messages);
	*m = (struct mail){ 0 };
}

double
cpu_seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
