/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "exarch/clock.h"
#include "exarch/fs.h"
#include "exarch/mem.h"
#include "maildir.h"

#define FILE_MODE 0600

/* MS-OXCMSG: PidTagMessageFlags, mfUnsent; MS-OXOFLAG: PidTagFlagStatus, flagged for follow-up. */
#define MESSAGE_UNSENT 0x8
#define FLAG_FOLLOW_UP 2

/* ---- folders ---- */

static void
add_run(struct buf *out, struct buf *utf16)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };

	if (utf16->size == 0)
		return;
	buf_add_base64(&text, buf_bytes(utf16));
	buf_add_byte(out, '&');
	for (size_t i = 0; i < text.size && text.data[i] != '='; i++)
		buf_add_byte(out, text.data[i] == '/' ? (uint8_t)',' : text.data[i]);
	buf_add_byte(out, '-');
	buf_reset(utf16);
}

static void
add_unit(struct buf *utf16, unsigned unit)
{
	buf_add_byte(utf16, (uint8_t)(unit >> 8 & 0xff));
	buf_add_byte(utf16, (uint8_t)(unit & 0xff));
}

/* PLACE is of safe names: valid UTF-8. */
void
maildir_add_folder(struct buf *out, const char *place)
{
	EXA_AUTO(buf_done) struct buf utf16 = { 0 };

	buf_add_byte(out, '.');
	for (const char *p = place; *p != '\0'; p += g_utf8_skip[(unsigned char)*p]) {
		gunichar c = g_utf8_get_char(p);

		if (c < 0x20 || c > 0x7e) {
			if (c > 0xffff)
				add_unit(&utf16, 0xd800 + (unsigned)((c - 0x10000) >> 10));
			add_unit(&utf16, c > 0xffff ? 0xdc00 + (unsigned)((c - 0x10000) & 0x3ff)
						    : (unsigned)c);
			continue;
		}
		add_run(out, &utf16);
		if (c == '&')
			buf_add_string(out, "&-");
		else
			buf_add_byte(out, c == '/'   ? (uint8_t)'.'
					  : c == '.' ? (uint8_t)'_'
						     : (uint8_t)c);
	}
	add_run(out, &utf16);
}

static bool
fail_here(const struct target *t, const char *name, struct exa_error *err)
{
	return exa_fail_errno(err, errno, "%s/%s/%s", t->path, t->place, name);
}

/* Tells a Maildir++ folder from a mailbox. */
static bool
mark_subfolder(struct target *t, struct exa_error *err)
{
	const int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
	EXA_AUTO(fs_closep) int fd = openat(t->folder_fd, "maildirfolder", flags, FILE_MODE);

	return fd >= 0 || fail_here(t, "maildirfolder", err);
}

bool
maildir_enter(struct target *t, const char *place, bool subfolder, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *cur = fs_join(place, "cur");
	EXA_AUTO(exa_freep) char *new = fs_join(place, "new");
	EXA_AUTO(exa_freep) char *tmp = fs_join(place, "tmp");

	if (t->place != NULL && strcmp(t->place, cur) == 0)
		return true;
	return (!subfolder || (target_enter(t, place, err) && mark_subfolder(t, err))) &&
	       target_enter(t, new, err) && target_enter(t, tmp, err) && target_enter(t, cur, err);
}

/* ---- messages ---- */

/* In ASCII order, as readers want them. Whether it was answered isn't archived. What was deleted at
 * the server isn't marked deleted (T): the first reader that expunges would take it away. */
static void
add_flags(struct buf *out, const struct catalog_item *item)
{
	buf_add_string(out, ":2,");
	if (item->message_flags >= 0 && (item->message_flags & MESSAGE_UNSENT) != 0)
		buf_add_byte(out, 'D');
	if (item->flag_status == FLAG_FOLLOW_UP)
		buf_add_byte(out, 'F');
	if (item->is_read == 1)
		buf_add_byte(out, 'S');
}

void
maildir_add_name(struct buf *out, const struct catalog_item *item, const uint8_t archive[16])
{
	const int64_t second =
		item->received_ns == EXA_NO_TIME ? 0 : item->received_ns / EXA_NS_PER_S;
	char hex[2 * 4 + 1];

	hex_encode(bytes_of(archive, 4), hex);
	buf_printf(out, "%" PRId64 ".E%" PRIu64 "A%s.exarch,S=%" PRIu64, second > 0 ? second : 0,
		item->number, hex, item->mime_bytes);
	add_flags(out, item);
}

/* ---- what is there ---- */

static bool
is_of_ours(const char *name, const char *archive, uint64_t *item_out)
{
	const char *at = name + strspn(name, "0123456789");
	unsigned long long number;
	char *end;

	if (at == name || strncmp(at, ".E", 2) != 0 || at[2] < '0' || at[2] > '9')
		return false;
	number = strtoull(at + 2, &end, 10);
	*item_out = number;
	return *end == 'A' && strncmp(end + 1, archive, 8) == 0 &&
	       strncmp(end + 9, ".exarch", 7) == 0;
}

static void
list_one(struct maildir_listing *l, const char *name, const char *archive)
{
	uint64_t item;

	if (!is_of_ours(name, archive, &item))
		return;
	if (l->count == l->capacity) {
		l->capacity = l->capacity > 0 ? l->capacity * 2 : 256;
		l->items = exa_realloc_array(l->items, l->capacity, sizeof *l->items);
	}
	l->items[l->count++] = item;
}

static int
by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool
list_all(struct maildir_listing *l, struct target *t, const char *archive, struct exa_error *err)
{
	int fd = openat(t->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (folder == NULL) {
		bool good = fail_here(t, ".", err);

		fs_closep(&fd);
		return good;
	}
	while ((entry = readdir(folder)) != NULL)
		list_one(l, entry->d_name, archive);
	(void)closedir(folder);
	exa_sort(l->items, l->count, sizeof *l->items, by_value);
	return true;
}

bool
maildir_has(struct maildir_listing *l, struct target *t, uint64_t item, const uint8_t archive[16],
	bool *there_out, struct exa_error *err)
{
	char hex[2 * 4 + 1];

	if (l->place == NULL || strcmp(l->place, t->place) != 0) {
		hex_encode(bytes_of(archive, 4), hex);
		exa_free(l->place);
		l->place = NULL;
		l->count = 0;
		if (!list_all(l, t, hex, err))
			return false;
		l->place = exa_strdup(t->place);
	}
	*there_out =
		l->count > 0 && bsearch(&item, l->items, l->count, sizeof item, by_value) != NULL;
	return true;
}

void
maildir_listing_done(struct maildir_listing *l)
{
	exa_free(l->place);
	exa_free(l->items);
	*l = (struct maildir_listing){ 0 };
}
