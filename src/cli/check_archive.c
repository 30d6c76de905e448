/* SPDX-License-Identifier: Apache-2.0 */
/* The archive: is it there, does it open with the key at hand, is there room. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "check.h"
#include "key.h"
#include "text.h"

/* A segment (256 MiB), its index and a compaction must fit. */
#define ROOM_FAILED_BYTES (UINT64_C(512) << 20)
/* Beneath this a full night's mail may not fit; a tenth of the archive is what grows in months. */
#define ROOM_WARNING_BYTES (UINT64_C(2) << 30)
#define ROOM_WARNING_SHARE 10

static const char *
remedy_of_archive(const struct exa_error *err)
{
	if (err->code == EXA_CORRUPT)
		return "exarch verify ARCHIVE says what is damaged; see docs/operating.md";
	if (err->code == EXA_AUTH)
		return "name the key's file in the profile's archive_key, or in EXARCH_KEY_FILE";
	return NULL;
}

static bool
open_it(struct check *c, struct store_stats *stats, struct exa_error *err)
{
	const struct profile *p = c->profile;
	const struct key_place place = { .key_file = p->key_file,
		.passphrase_file = p->passphrase_file };
	EXA_AUTO(key_done) struct key key = { 0 };
	EXA_AUTO(catalog_abandonp) struct catalog *catalog = NULL;
	struct store_open_options options = { .access = STORE_READ, .key = &key.key };

	return key_get(c->args, &place, p->archive, KEY_NEEDED, &key, err) &&
	       catalog_open(p->archive, &options, NULL, &catalog, err) &&
	       store_stat(catalog_store(catalog), stats, err);
}

static void
tell_lock(struct check *c)
{
	EXA_AUTO(buf_done) struct buf owner = { 0 };

	if (!store_is_locked(c->profile->archive, &owner))
		return;
	check_tell(c,
		&(struct check_finding){ .what = "lock",
			.subject = c->profile->archive,
			.state = CHECK_WARNING,
			.remedy = "another run now would end with exit code 11; --lock-wait waits "
				  "for it" },
		"in use%s%s", owner.size > 0 ? " by " : "", buf_string(&owner));
}

/* SIZE_OUT: what it takes on disk. */
static void
tell_existing(struct check *c, uint64_t *size_out)
{
	const char *dir = c->profile->archive;
	struct check_finding f = { .what = "archive", .subject = dir };
	struct store_stats stats;
	struct exa_error err;
	char size[16];

	if (!open_it(c, &stats, &err)) {
		check_tell_error(c, "archive", dir, &err, remedy_of_archive(&err), 0);
		return;
	}
	*size_out = stats.segment_bytes + stats.index_bytes;
	text_size(*size_out, size);
	if (access(dir, W_OK) != 0) {
		(void)exa_fail_errno(&err, errno, "it can be read, but not written to");
		check_tell_error(c, "archive", dir, &err,
			"run as the user it belongs to, or give it to this one (chown -R)", 0);
	} else {
		check_tell(c, &f, "opens, %s%s", size, stats.encrypted ? ", encrypted" : "");
	}
	tell_lock(c);
}

/* The nearest folder above PATH that is there. */
static char *
existing_folder(const char *path)
{
	char *at = exa_strdup(path);

	while (!fs_exists(at) && strcmp(at, "/") != 0 && strcmp(at, ".") != 0) {
		char *above = fs_dir_of(at);

		exa_free(at);
		at = above;
	}
	return at;
}

static void
tell_absent(struct check *c, const char *above)
{
	const char *dir = c->profile->archive;
	EXA_AUTO(exa_freep) char *init = exa_asprintf("exarch init %s; or mount its disk", dir);
	struct exa_error err;

	if (!c->profile->create_archive) {
		(void)exa_fail(&err, EXA_ABSENT, "there is no archive");
		check_tell_error(c, "archive", dir, &err, init, 0);
	} else if (access(above, W_OK) != 0) {
		(void)exa_fail_errno(&err, errno, "can't be made in %s", above);
		check_tell_error(c, "archive", dir, &err,
			"make the folder and give it to the user that exarch runs as", 0);
	} else {
		check_tell(c, &(struct check_finding){ .what = "archive", .subject = dir },
			"isn't there yet; the first run makes it (create_archive)");
	}
}

static void
tell_room(struct check *c, const char *folder, uint64_t archive_bytes)
{
	uint64_t enough = archive_bytes / ROOM_WARNING_SHARE > ROOM_WARNING_BYTES
				  ? archive_bytes / ROOM_WARNING_SHARE
				  : ROOM_WARNING_BYTES;
	struct check_finding f = { .what = "disk", .subject = folder, .code = EXIT_FAILED };
	struct statvfs fs;
	struct exa_error err;
	uint64_t room;
	char text[16];

	if (statvfs(folder, &fs) != 0) {
		(void)exa_fail_errno(&err, errno, "can't ask how much room there is");
		check_tell_error(c, "disk", folder, &err, NULL, 0);
		return;
	}
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	text_size(room, text);
	if (room < enough) {
		f.state = room < ROOM_FAILED_BYTES ? CHECK_FAILED : CHECK_WARNING;
		f.remedy = "make room: `exarch expire` and `exarch compact`, or a larger disk "
			   "(docs/operating.md)";
	}
	if (fs.f_files > 0 && fs.f_favail < 100) {
		f.state = CHECK_FAILED;
		f.remedy = "free some inodes: delete small files on that disk";
		check_tell(c, &f, "%s free, but hardly an inode", text);
		return;
	}
	check_tell(c, &f, "%s free", text);
}

void
check_archive(struct check *c)
{
	EXA_AUTO(exa_freep) char *folder = existing_folder(c->profile->archive);
	uint64_t size = 0;

	if (store_exists(c->profile->archive))
		tell_existing(c, &size);
	else
		tell_absent(c, folder);
	tell_room(c, folder, size);
}
