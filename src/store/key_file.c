/* SPDX-License-Identifier: Apache-2.0 */
/* Key files: one line of 64 hex digits, so that one can be printed and put into a safe. */
#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"
#include "exarch/store.h"

#define LINE_SIZE (2 * STORE_KEY_FILE_BYTES + 1)

static bool
write_and_sync(int fd, struct bytes line, const char *path, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *dir = fs_dir_of(path);

	if (!fs_write_all(fd, line, path, err))
		return false;
	if (fsync(fd) != 0)
		return exa_fail_errno(err, errno, "can't make %s durable", path);
	return fs_sync_dir(dir, err);
}

/* Written in place, not by rename: what is there already must never be replaced. One that was cut
 * short by a crash opens nothing yet, and reading it says that it is no key file. */
static bool
make_with(const char *path, struct bytes line, struct exa_error *err)
{
	EXA_AUTO(fs_closep)
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 && errno == EEXIST)
		return exa_fail(err, EXA_USAGE, "%s is there already", path);
	if (fd < 0)
		return exa_fail_errno(err, errno, "can't make the key file %s", path);
	if (write_and_sync(fd, line, path, err))
		return true;
	(void)unlink(path);
	return false;
}

bool
store_key_file_make(const char *path, struct exa_error *err)
{
	uint8_t secret[STORE_KEY_FILE_BYTES];
	char line[LINE_SIZE + 1];
	bool good;

	if (getrandom(secret, sizeof secret, 0) != (ssize_t)sizeof secret)
		return exa_fail(err, EXA_FAILED, "can't get random bytes");
	hex_encode(bytes_of(secret, sizeof secret), line);
	line[LINE_SIZE - 1] = '\n';
	good = make_with(path, bytes_of(line, LINE_SIZE), err);
	exa_wipe(secret, sizeof secret);
	exa_wipe(line, sizeof line);
	return good;
}

/* The digits, with or without a line's end behind them. */
static bool
is_one_line(struct bytes text)
{
	struct bytes end = bytes_skip(text, LINE_SIZE - 1);

	return text.size >= LINE_SIZE - 1 &&
	       (end.size == 0 || bytes_equal(end, bytes_of_string("\n")) ||
		       bytes_equal(end, bytes_of_string("\r\n")));
}

bool
store_key_file_read(const char *path, struct buf *out, struct exa_error *err)
{
	EXA_AUTO(buf_wipe) struct buf text = { 0 };
	uint8_t secret[STORE_KEY_FILE_BYTES];
	bool good;

	/* The limit is far above a key file's size, so that a file named by mistake is told as
	 * such. */
	if (!fs_read_private(path, (size_t)64 * 1024, &text, err))
		return false;
	good = is_one_line(buf_bytes(&text));
	if (good)
		text.size = LINE_SIZE - 1;
	good = good && hex_decode(buf_string(&text), secret, sizeof secret);
	if (good) {
		buf_reserve(out, sizeof secret);
		buf_add(out, secret, sizeof secret);
	}
	exa_wipe(secret, sizeof secret);
	return good ||
	       exa_fail(err, EXA_USAGE, "%s isn't a key file: that is one line of %zu hex digits",
		       path, 2 * STORE_KEY_FILE_BYTES);
}
