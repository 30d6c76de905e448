/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The raw payloads that have a layout of their own, COMMIT and SEAL: what is got from any bytes is
 * put as the same bytes, but for those that are reserved.
 */
#include <stdlib.h>
#include <string.h>

#include "exarch/bytes.h"

#include "format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look_at_commit(struct bytes in)
{
	uint8_t first[COMMIT_SIZE], second[COMMIT_SIZE];
	struct commit commit;
	struct exa_error err;

	if (!commit_get(in, &commit, &err))
		return;
	commit_put(&commit, first);
	if (!commit_get(bytes_of(first, sizeof first), &commit, &err))
		abort();
	commit_put(&commit, second);
	if (memcmp(first, second, sizeof first) != 0 || memcmp(first, in.data, 28) != 0)
		abort();
}

static void
look_at_seal(struct bytes in)
{
	EXA_AUTO(buf_done) struct buf out = { 0 };
	struct seal seal;
	struct exa_error err;

	if (!seal_get(in, &seal, &err))
		return;
	seal_put(&seal, &out);
	put_le32(out.data + 4, get_le32(in.data + 4)); /* reserved */
	if (!bytes_equal(buf_bytes(&out), in))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	look_at_commit(bytes_of(data, size));
	look_at_seal(bytes_of(data, size));
	return 0;
}
