/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "exarch/clock.h"
#include "exarch/fs.h"
#include "exarch/mem.h"
#include "mbox.h"
#include "quote.h"

#define FILE_MODE 0600
#define WRITE_SIZE ((size_t)64 * 1024)

struct mboxes {
	struct journal *journal;
	GHashTable *by_path; /* path -> struct mbox */
	GPtrArray *all;      /* the same, in the order they were made */
};

struct mbox {
	struct journal *journal;
	char *path, *place, *name, *part;
	bool looked, has_part, written;
	uint64_t end;      /* of the last whole message */
	int64_t newest_ns; /* received */
	int fd;            /* of the part, while a worker is in it; -1 */
	/* the message begun: */
	struct quote quote;
	struct buf out;
	uint64_t at; /* where `out` goes */
	int64_t received_ns;
};

static void
mbox_free(gpointer data)
{
	struct mbox *x = data;

	fs_closep(&x->fd);
	buf_done(&x->out);
	exa_free(x->path);
	exa_free(x->place);
	exa_free(x->name);
	exa_free(x->part);
	exa_free(x);
}

struct mboxes *
mboxes_new(struct journal *j)
{
	struct mboxes *m = exa_alloc(sizeof *m);

	m->journal = j;
	m->by_path = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, mbox_free);
	m->all = g_ptr_array_new();
	return m;
}

void
mboxes_free(struct mboxes *m)
{
	if (m == NULL)
		return;
	(void)g_ptr_array_free(m->all, TRUE);
	g_hash_table_destroy(m->by_path);
	exa_free(m);
}

struct mbox *
mboxes_get(struct mboxes *m, const char *place, const char *name, const char *part)
{
	EXA_AUTO(exa_freep)
	char *path = strcmp(place, ".") == 0 ? exa_strdup(name) : fs_join(place, name);
	struct mbox *x = g_hash_table_lookup(m->by_path, path);

	if (x != NULL)
		return x;
	x = exa_alloc(sizeof *x);
	x->journal = m->journal;
	x->path = exa_strdup(path);
	x->place = exa_strdup(place);
	x->name = exa_strdup(name);
	x->part = exa_strdup(part);
	x->newest_ns = EXA_NO_TIME;
	x->fd = -1;
	(void)g_hash_table_insert(m->by_path, x->path, x);
	g_ptr_array_add(m->all, x);
	return x;
}

const char *
mbox_path(const struct mbox *x)
{
	return x->path;
}

/* ---- is it as it was left? ---- */

static bool
fail_errno(const struct mbox *x, const struct target *t, int failure, struct exa_error *err)
{
	return exa_fail_errno(err, failure, "%s/%s", t->path, x->path);
}

/* The part of an export that was killed: it may be longer than what is known to be whole. */
static bool
look_at_part(struct mbox *x, struct target *t, const struct stat *st, struct exa_error *err)
{
	x->has_part = true;
	if (S_ISREG(st->st_mode) && (uint64_t)st->st_size >= x->end)
		return true;
	return exa_fail(err, EXA_USAGE,
		"%s/%s/%s isn't what an export left there; export to another folder", t->path,
		TARGET_WORKSHOP, x->part);
}

static bool
look_at_file(struct mbox *x, struct target *t, const struct stat *st, struct exa_error *err)
{
	if (S_ISREG(st->st_mode) && x->end > 0 && (uint64_t)st->st_size == x->end) {
		x->newest_ns = (int64_t)st->st_mtim.tv_sec * EXA_NS_PER_S + st->st_mtim.tv_nsec;
		return true;
	}
	return exa_fail(err, EXA_USAGE,
		"%s/%s is there and isn't as an export left it (a mail program may have written to "
		"it); it was left alone: export to another folder, or move it and %s away",
		t->path, x->path, JOURNAL_ITEMS);
}

static bool
look(struct mbox *x, struct target *t, struct exa_error *err)
{
	struct stat st;

	x->end = journal_mbox_end(x->journal, x->path);
	if (fstatat(t->workshop_fd, x->part, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return look_at_part(x, t, &st, err);
	if (!target_enter(t, x->place, err))
		return false;
	if (fstatat(t->folder_fd, x->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return look_at_file(x, t, &st, err);
	if (errno != ENOENT)
		return fail_errno(x, t, errno, err);
	return x->end == 0 ||
	       exa_fail(err, EXA_USAGE,
		       "%s/%s is gone, but %s says what was in it: export to another "
		       "folder, or move that away",
		       t->path, x->path, JOURNAL_ITEMS);
}

bool
mbox_enter(struct mbox *x, struct target *t, struct exa_error *err)
{
	if (x->looked)
		return true;
	x->looked = look(x, t, err);
	return x->looked;
}

void
mbox_leave(struct mbox *x)
{
	fs_closep(&x->fd);
	buf_done(&x->out);
}

/* ---- writing ---- */

static bool
open_part(struct mbox *x, struct target *t, struct exa_error *err)
{
	const int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
	int failure = 0;

	if (x->fd >= 0)
		return true;
	if (!x->has_part && x->end > 0) {
		if (!target_enter(t, x->place, err))
			return false;
		failure = target_rename(t->folder_fd, x->name, t->workshop_fd, x->part);
	}
	if (failure != 0)
		return fail_errno(x, t, failure, err);
	x->fd = openat(t->workshop_fd, x->part, flags, FILE_MODE);
	if (x->fd < 0)
		return fail_errno(x, t, errno, err);
	x->has_part = true;
	/* What stands behind the last whole message was cut off with its export. */
	if (ftruncate(x->fd, (off_t)x->end) != 0)
		return fail_errno(x, t, errno, err);
	return true;
}

static bool
flush(struct mbox *x, struct exa_error *err)
{
	if (!fs_pwrite_all(x->fd, buf_bytes(&x->out), x->at, x->path, err))
		return false;
	x->at += x->out.size;
	buf_reset(&x->out);
	return true;
}

bool
mbox_message_begin(struct mbox *x, struct target *t, struct bytes head, int64_t received_ns,
	struct exa_error *err)
{
	if (!open_part(x, t, err))
		return false;
	buf_reset(&x->out);
	x->at = x->end;
	x->quote = (struct quote){ 0 };
	x->received_ns = received_ns;
	quote_from_line(&x->out, head, received_ns);
	return true;
}

bool
mbox_message_write(struct mbox *x, struct bytes data, struct exa_error *err)
{
	quote_add(&x->quote, data, &x->out);
	return x->out.size < WRITE_SIZE || flush(x, err);
}

bool
mbox_message_commit(
	struct mbox *x, uint64_t *offset_out, uint64_t *length_out, struct exa_error *err)
{
	quote_end(&x->quote, &x->out);
	if (!flush(x, err))
		return false;
	*offset_out = x->end;
	*length_out = x->at - x->end;
	x->end = x->at;
	x->written = true;
	if (x->newest_ns == EXA_NO_TIME || x->received_ns > x->newest_ns)
		x->newest_ns = x->received_ns;
	return true;
}

void
mbox_message_cut(struct mbox *x)
{
	buf_reset(&x->out);
	/* Should that fail, the next message is written over it, and finish cuts. */
	if (x->fd >= 0 && ftruncate(x->fd, (off_t)x->end) != 0)
		return;
}

/* ---- the end ---- */

static bool
finish(struct mbox *x, struct target *t, struct exa_error *err)
{
	uint8_t sha256[CATALOG_SHA256_SIZE];
	int failure;

	if (!open_part(x, t, err))
		return false;
	if (x->end == 0) {
		(void)unlinkat(t->workshop_fd, x->part, 0);
		mbox_leave(x);
		return true;
	}
	if (!target_hash(x->fd, x->path, sha256, err))
		return false;
	failure = target_set_time(x->fd, x->newest_ns);
	mbox_leave(x);
	if (failure != 0 || !target_enter(t, x->place, err))
		return failure == 0 ? false : fail_errno(x, t, failure, err);
	failure = target_rename(t->workshop_fd, x->part, t->folder_fd, x->name);
	if (failure != 0)
		return fail_errno(x, t, failure, err);
	journal_mbox_sum(x->journal, x->path, sha256);
	return true;
}

bool
mboxes_finish(struct mboxes *m, struct target *t, struct exa_error *err)
{
	for (guint i = 0; i < m->all->len; i++) {
		struct mbox *x = g_ptr_array_index(m->all, i);

		if (x->looked && x->has_part && !finish(x, t, err))
			return false;
	}
	return true;
}
