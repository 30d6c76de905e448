/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target over files, without a fuzzer: in ordinary builds every seed is a test of its
 * own, so that a bug once found stays found with gcc, clang and each sanitizer. Speaks TAP. Each
 * input is copied to the heap at its exact size, so that a read behind its end is one.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#define SEED_BYTES_MAX ((size_t)16 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
replay(const char *path, struct exa_error *err)
{
	struct buf content = { 0 };
	uint8_t *exact;
	bool good;

	if (!fs_read_file(path, SEED_BYTES_MAX, &content, err))
		return false;
	exact = exa_alloc(content.size > 0 ? content.size : 1);
	if (content.size > 0)
		memcpy(exact, content.data, content.size);
	good = LLVMFuzzerTestOneInput(exact, content.size) == 0;
	exa_free(exact);
	buf_done(&content);
	return good || exa_fail(err, EXA_FAILED, "the target refused %s", path);
}

int
main(int argc, char **argv)
{
	struct dirent **entries = NULL;
	int count = argc == 2 ? scandir(argv[1], &entries, NULL, alphasort) : -1;
	int tests = 0;
	bool all_good = true;

	if (count < 0) {
		printf("Bail out! usage: TARGET FOLDER-OF-SEEDS (%s)\n", strerror(errno));
		return 1;
	}
	for (int i = 0; i < count; i++) {
		struct exa_error err = { 0 };
		char *path = fs_join(argv[1], entries[i]->d_name);

		if (entries[i]->d_name[0] != '.') {
			bool good = replay(path, &err);

			printf("%s %d - %s\n", good ? "ok" : "not ok", ++tests, entries[i]->d_name);
			if (!good)
				printf("# %s\n", err.text);
			(void)fflush(stdout); /* a seed that crashes comes after what was told */
			all_good = all_good && good;
		}
		exa_free(path);
		exa_free(entries[i]);
	}
	exa_free(entries);
	printf("1..%d\n", tests);
	return all_good ? 0 : 1;
}
