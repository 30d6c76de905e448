/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exarch/clock.h"
#include "exarch/fs.h"
#include "exarch/mem.h"

#include "crc32c.h"
#include "segdir.h"

#define READ_STEP ((size_t)128 * 1024)

void
segment_name(uint32_t segment, char *out)
{
	(void)snprintf(out, SEGMENT_NAME_MAX, "seg/%02x/%08x.xseg", (segment >> 8) & 0xff, segment);
}

char *
segdir_path(const struct segdir *d, uint32_t segment, const char *suffix)
{
	return exa_asprintf("%s/seg/%02x/%08x.%s", d->dir, (segment >> 8) & 0xff, segment, suffix);
}

bool
place_while(struct exa_error *err, struct place at)
{
	char name[SEGMENT_NAME_MAX];

	segment_name(at.segment, name);
	return exa_while(err, "segment %s, offset %llu", name, (unsigned long long)at.offset);
}

/* The number in "0000001f.xseg" in its folder, or 0: then the file is none of ours. */
static uint32_t
number_of(unsigned folder, const char *name)
{
	uint32_t number;
	uint8_t n[4];
	char digits[9];

	if (strlen(name) != 13 || strcmp(name + 8, ".xseg") != 0)
		return 0;
	memcpy(digits, name, 8);
	digits[8] = '\0';
	if (!hex_decode(digits, n, sizeof n))
		return 0;
	number = get_be32(n);
	return number <= SEGMENT_NUMBER_MAX && ((number >> 8) & 0xff) == folder ? number : 0;
}

static bool
highest_in(const char *path, unsigned folder, uint32_t *highest, struct exa_error *err)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int failure;

	if (dir == NULL && (errno == ENOENT || errno == ENOTDIR))
		return true;
	if (dir == NULL)
		return exa_fail_errno(err, errno, "can't read folder %s", path);
	while (errno = 0, (entry = readdir(dir)) != NULL) {
		uint32_t n = number_of(folder, entry->d_name);

		if (n > *highest)
			*highest = n;
	}
	failure = errno;
	(void)closedir(dir);
	return failure == 0 || exa_fail_errno(err, failure, "can't read folder %s", path);
}

/* "seg/00" to "seg/ff" hold segments. */
static bool
is_folder_of_segments(const char *name, uint8_t *folder_out)
{
	return strlen(name) == 2 && hex_decode(name, folder_out, 1);
}

/* SEG is open as DIR. Whatever else lies in it is passed over. */
static bool
highest_below(const char *seg, DIR *dir, uint32_t *highest, struct exa_error *err)
{
	struct dirent *entry;

	while (errno = 0, (entry = readdir(dir)) != NULL) {
		EXA_AUTO(exa_freep) char *path = fs_join(seg, entry->d_name);
		uint8_t folder;

		if (is_folder_of_segments(entry->d_name, &folder) &&
			!highest_in(path, folder, highest, err))
			return false;
	}
	return errno == 0 || exa_fail_errno(err, errno, "can't read folder %s", seg);
}

bool
segdir_highest(const struct segdir *d, uint32_t *highest_out, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *seg = fs_join(d->dir, "seg");
	DIR *dir = opendir(seg);
	uint32_t highest = 0;
	bool good = true;

	if (dir == NULL && errno != ENOENT && errno != ENOTDIR)
		return exa_fail_errno(err, errno, "can't read folder %s", seg);
	if (dir != NULL) {
		good = highest_below(seg, dir, &highest, err);
		(void)closedir(dir);
	}
	if (good)
		*highest_out = highest;
	return good;
}

bool
segdir_exists(const struct segdir *d, uint32_t segment)
{
	EXA_AUTO(exa_freep) char *path = segdir_path(d, segment, "xseg");

	return fs_exists(path);
}

/* The folder of 256 segments: made with the first of them. */
static bool
make_folder(const char *folder, struct exa_error *err)
{
	return fs_make_dirs(folder, 0700, err);
}

static bool
write_head(const struct segdir *d, uint32_t segment, int fd, const char *path,
	struct segment_head *h, uint8_t raw[SEGMENT_HEAD_SIZE], struct exa_error *err)
{
	*h = (struct segment_head){ .number = segment, .created_ns = clock_wall_ns() };
	memcpy(h->uuid, d->uuid, UUID_SIZE);
	if (getrandom(h->salt, SALT_SIZE, 0) != SALT_SIZE)
		return exa_fail_errno(err, errno, "can't get random bytes");
	segment_head_put(h, raw);
	return seg_io_write(d->io, fd, bytes_of(raw, SEGMENT_HEAD_SIZE), 0, path, err) &&
	       seg_io_sync(d->io, fd, path, err);
}

bool
segdir_create(const struct segdir *d, uint32_t segment, int *fd_out, struct segment_head *out,
	uint8_t raw_out[SEGMENT_HEAD_SIZE], struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *path = segdir_path(d, segment, "xseg");
	EXA_AUTO(exa_freep) char *folder = fs_dir_of(path);
	EXA_AUTO(fs_closep) int fd = -1;

	if (segment > SEGMENT_NUMBER_MAX)
		return exa_fail(err, EXA_LIMIT, "the archive has as many segments as it can have");
	if (!make_folder(folder, err))
		return false;
	fd = d->io->open(d->io->ctx, path, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return exa_fail_errno(err, errno, "can't create %s", path);
	if (!write_head(d, segment, fd, path, out, raw_out, err) ||
		!seg_io_sync_dir(d->io, folder, err))
		return false;
	*fd_out = fd;
	fd = -1;
	return true;
}

bool
segdir_read_head(const struct segdir *d, uint32_t segment, int fd, struct segment_head *out,
	uint8_t *raw_out, struct exa_error *err)
{
	uint8_t raw[SEGMENT_HEAD_SIZE];
	struct segment_head head;
	struct place at = { .segment = segment };

	if (!fs_pread_all(fd, raw, sizeof raw, 0, "the file", err) ||
		!segment_head_get(raw, segment, d->uuid, &head, err))
		return place_while(err, at);
	*out = head;
	if (raw_out != NULL)
		memcpy(raw_out, raw, sizeof raw);
	return true;
}

bool
segdir_open(const struct segdir *d, uint32_t segment, int flags, int *fd_out, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *path = segdir_path(d, segment, "xseg");
	EXA_AUTO(fs_closep) int fd = d->io->open(d->io->ctx, path, flags, 0);

	if (fd < 0 && errno == ENOENT)
		return exa_fail(err, EXA_CORRUPT, "%s is missing", path);
	if (fd < 0)
		return exa_fail_errno(err, errno, "can't open %s", path);
	*fd_out = fd;
	fd = -1;
	return true;
}

bool
segdir_size(const struct segdir *d, uint32_t segment, uint64_t *size_out, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *path = segdir_path(d, segment, "xseg");
	struct stat st;

	if (stat(path, &st) != 0)
		return exa_fail_errno(err, errno, "can't look at %s", path);
	*size_out = (uint64_t)st.st_size;
	return true;
}

bool
segdir_total(
	const struct segdir *d, uint64_t *count_out, uint64_t *bytes_out, struct exa_error *err)
{
	uint64_t count = 0, bytes = 0;
	uint32_t highest;

	if (!segdir_highest(d, &highest, err))
		return false;
	for (uint32_t n = 1; n <= highest; n++) {
		uint64_t size;

		if (!segdir_exists(d, n))
			continue;
		if (!segdir_size(d, n, &size, err))
			return false;
		count++;
		bytes += size;
	}
	*count_out = count;
	*bytes_out = bytes;
	return true;
}

bool
frame_read_head(
	int fd, struct place at, struct frame_head *out, uint8_t *raw_out, struct exa_error *err)
{
	uint8_t raw[FRAME_HEAD_SIZE];

	if (!fs_pread_all(fd, raw, sizeof raw, at.offset, "the file", err) ||
		!frame_head_get(raw, at, out, err))
		return place_while(err, at);
	if (raw_out != NULL)
		memcpy(raw_out, raw, sizeof raw);
	return true;
}

static bool
is_zero(const uint8_t *p, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (p[i] != 0)
			return false;
	}
	return true;
}

bool
frame_check_padding(int fd, struct place at, const struct frame_head *h, struct exa_error *err)
{
	uint64_t end = FRAME_HEAD_SIZE + (uint64_t)h->stored;
	size_t size = (size_t)(frame_span(h) - end);
	uint8_t padding[FRAME_ALIGN];

	if (size == 0)
		return true;
	if (fs_pread_all(fd, padding, size, at.offset + end, "the file", err) &&
		(is_zero(padding, size) ||
			exa_fail(err, EXA_CORRUPT,
				"the bytes after the frame's payload aren't zero")))
		return true;
	return place_while(err, at);
}

bool
frame_read_payload(
	int fd, struct place at, const struct frame_head *h, struct buf *out, struct exa_error *err)
{
	size_t start = out->size;

	buf_reserve(out, h->stored);
	if (!fs_pread_all(
		    fd, out->data + start, h->stored, at.offset + FRAME_HEAD_SIZE, "the file", err))
		return place_while(err, at);
	if (crc32c(0, out->data + start, h->stored) != h->payload_crc) {
		(void)exa_fail(err, EXA_CORRUPT, "the frame's payload fails its checksum");
		return place_while(err, at);
	}
	out->size += h->stored;
	return true;
}

bool
frame_check_payload(int fd, struct place at, const struct frame_head *h, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf step = { 0 };
	uint32_t crc = 0;

	buf_reserve(&step, READ_STEP);
	for (uint64_t done = 0; done < h->stored;) {
		size_t size = h->stored - done < READ_STEP ? (size_t)(h->stored - done) : READ_STEP;

		if (!fs_pread_all(fd, step.data, size, at.offset + FRAME_HEAD_SIZE + done,
			    "the file", err))
			return place_while(err, at);
		crc = crc32c(crc, step.data, size);
		done += size;
	}
	if (crc == h->payload_crc)
		return frame_check_padding(fd, at, h, err);
	(void)exa_fail(err, EXA_CORRUPT, "the frame's payload fails its checksum");
	return place_while(err, at);
}
