/* SPDX-License-Identifier: Apache-2.0 */
/* Any text is accepted or refused in one line; what is accepted is shown as a profile that is
 * accepted and shown alike. */
#include <stdlib.h>
#include <string.h>

#include "exarch/profile.h"

/* 2026-07-22T10:00:00Z in nanoseconds */
#define NOW (INT64_C(1784714400) * 1000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	EXA_AUTO(profile_freep) struct profile *p = NULL;
	EXA_AUTO(profile_freep) struct profile *again = NULL;
	EXA_AUTO(buf_done) struct buf first = { 0 };
	EXA_AUTO(buf_done) struct buf second = { 0 };
	struct exa_error err;

	if (!profile_parse(bytes_of(data, size), "/fuzz.yaml", NOW, &p, &err)) {
		if (err.code != EXA_USAGE || strchr(err.text, '\n') != NULL)
			abort();
		return 0;
	}
	profile_show(p, &first);
	if (!profile_parse(buf_bytes(&first), "/fuzz.yaml", NOW, &again, &err))
		abort();
	profile_show(again, &second);
	if (!bytes_equal(buf_bytes(&first), buf_bytes(&second)))
		abort();
	return 0;
}
