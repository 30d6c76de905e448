/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store comes into being with its FORMAT file, which is written last: before that there is
 * nothing here that store_open would take for a store, and store_create may be run again.
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "handle.h"

#define SEGMENT_BYTES_DEFAULT ((uint64_t)256 << 20)
#define SEGMENT_BYTES_MIN ((uint64_t)1 << 20)
#define SEGMENT_BYTES_MAX ((uint64_t)64 << 30)

/* Leftovers of a creation that was cut short are ours to use; anything else isn't. */
static bool
is_ours(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "seg") == 0 ||
	       strcmp(name, "idx") == 0 || strcmp(name, "LOCK") == 0 ||
	       strncmp(name, "KEYRING", 7) == 0 || strncmp(name, "FORMAT.tmp", 10) == 0;
}

static bool
check_empty(const char *dir, struct exa_error *err)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	bool good = true;

	if (d == NULL)
		return exa_fail(err, EXA_USAGE, "%s can't be read as a folder: %s", dir,
			strerrordesc_np(errno));
	while (good && (entry = readdir(d)) != NULL) {
		if (strcmp(entry->d_name, "FORMAT") == 0)
			good = exa_fail(err, EXA_USAGE, "%s holds an archive already", dir);
		else if (!is_ours(entry->d_name))
			good = exa_fail(err, EXA_USAGE,
				"%s isn't empty (%s); an archive is made in a folder of its own",
				dir, entry->d_name);
	}
	(void)closedir(d);
	return good;
}

/* A folder named like ours with segments in it is an archive that lost its FORMAT, not a leftover.
 */
static bool
check_no_segments(const char *dir, const struct seg_io *io, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *copy = exa_strdup(dir);
	struct segdir files = { .io = io, .dir = copy };
	uint32_t highest;

	if (!segdir_highest(&files, &highest, err))
		return false;
	return highest == 0 ||
	       exa_fail(err, EXA_USAGE, "%s holds segments of an archive, but no FORMAT", dir);
}

static bool
choose_format(
	const struct store_create_options *options, struct store_format *f, struct exa_error *err)
{
	f->major = FORMAT_MAJOR;
	f->minor = FORMAT_MINOR;
	f->codec = options->codec == STORE_CODEC_ZSTD ? STORE_CODEC_ZSTD : STORE_CODEC_ZLIB;
	f->segment_bytes =
		options->segment_bytes == 0 ? SEGMENT_BYTES_DEFAULT : options->segment_bytes;
	if (f->segment_bytes < SEGMENT_BYTES_MIN || f->segment_bytes > SEGMENT_BYTES_MAX)
		return exa_fail(err, EXA_USAGE, "a segment has 1 MiB to 64 GiB, not %llu bytes",
			(unsigned long long)f->segment_bytes);
	if (getrandom(f->uuid, UUID_SIZE, 0) != UUID_SIZE)
		return exa_fail_errno(err, errno, "can't get random bytes");
	if (options->key != NULL && options->key->kind != STORE_KEY_NONE) {
		if (!keyring_key_check(options->key, err))
			return false;
		f->incompatible |= FORMAT_ENCRYPTED;
	}
	f->uuid[6] = (uint8_t)(0x40 | (f->uuid[6] & 0x0f));
	f->uuid[8] = (uint8_t)(0x80 | (f->uuid[8] & 0x3f));
	return true;
}

static bool
make_parts(const char *dir, const struct store_format *f, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *segments = fs_join(dir, "seg");
	EXA_AUTO(exa_freep) char *index = fs_join(dir, "idx");
	EXA_AUTO(exa_freep) char *format = fs_join(dir, "FORMAT");

	if (fs_exists(format)) /* somebody was quicker */
		return exa_fail(err, EXA_USAGE, "%s holds an archive already", dir);
	index_remove(index); /* left by a creation that was cut short */
	return fs_make_dirs(segments, 0700, err) &&
	       index_create(index, f->uuid, INDEX_LASTING, err);
}

/* Before FORMAT: an archive never stands there encrypted without its keys, nor open with the keys
 * of an encrypted one whose creation was cut short. */
static bool
make_keyring(const char *dir, const struct store_format *f, const struct store_key *key,
	struct exa_error *err)
{
	uint8_t master[MASTER_KEY_SIZE];

	if ((f->incompatible & FORMAT_ENCRYPTED) == 0)
		return keyring_drop(dir, err);
	if (!keyring_create(dir, f->uuid, key, master, err))
		return false;
	exa_wipe(master, sizeof master);
	return true;
}

bool
store_create_with(const char *dir, const struct store_create_options *options,
	const struct seg_io *io, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, "FORMAT");
	EXA_AUTO(buf_done) struct buf line = { 0 };
	EXA_AUTO(lock_release) int lock = -1;
	struct store_format f = { 0 };

	if (!choose_format(options, &f, err) ||
		(fs_exists(dir) && !(check_empty(dir, err) && check_no_segments(dir, io, err))) ||
		!fs_make_dirs(dir, 0700, err) || !check_file_system(dir, err) ||
		!lock_for_writing(dir, &lock, err) || !make_parts(dir, &f, err) ||
		!make_keyring(dir, &f, options->key, err))
		return false;
	format_put(&f, &line);
	return fs_write_file(path, buf_bytes(&line), 0600, err);
}

bool
store_create(const char *dir, const struct store_create_options *options, struct exa_error *err)
{
	return store_create_with(dir, options, &seg_io_system, err);
}
