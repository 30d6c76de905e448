/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store over a directory. Each mailbox keeps its latest view; a fresh one is made by walking
 * the folder again, taking over from the latest what it knows of files that have not changed.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exarch/clock.h"
#include "exarch/fs.h"

#include "body_file.h"
#include "dir_scan.h"
#include "tree_dir.h"

struct box {
	struct mailbox_id id;
	char *path;
	pthread_mutex_t mu;  /* one scan at a time */
	struct view *latest; /* under mu */
};

struct dir_store {
	struct mailstore store;
	char *path;
	enum extra_folders extra;
	pthread_mutex_t mu;
	struct box **boxes; /* under mu; a box once made stays, with or without its directory */
	size_t box_count;
};

/* "anna" -> anna@sim.example; what can't stand in an address becomes '_'. */
static void
address_of_name(const char *name, char *out)
{
	size_t n = 0;
	const char *domain = strchr(name, '@') != NULL ? "" : "@sim.example";

	for (; name[n] != '\0' && n < MAILBOX_ADDRESS_MAX - 16; n++) {
		bool fits =
			isalnum((unsigned char)name[n]) || strchr("@.!#$%&'*+-/=?^_`{|}~", name[n]);

		out[n] = fits ? name[n] : '_';
	}
	memcpy(out + n, domain, strlen(domain) + 1);
}

static struct box *
find_box(struct dir_store *s, const char *address)
{
	for (size_t i = 0; i < s->box_count; i++) {
		if (strcasecmp(s->boxes[i]->id.address, address) == 0)
			return s->boxes[i];
	}
	return NULL;
}

static bool
is_public(const struct box *box)
{
	return strcmp(box->id.address, PUBLIC_FOLDERS_ADDRESS) == 0;
}

void
public_mailbox(int which, struct mailbox_id *out)
{
	mailbox_id_init(
		out, which == 0 ? PUBLIC_FOLDERS_ADDRESS : PUBLIC_FOLDERS_SECOND, "Public folders");
}

int
public_mailbox_named(const char *text)
{
	for (int i = 0; i < PUBLIC_MAILBOXES; i++) {
		struct mailbox_id id;
		size_t size;

		public_mailbox(i, &id);
		size = strlen(id.guid_text);
		if (strcasecmp(text, id.address) == 0 ||
			(strncasecmp(text, id.guid_text, size) == 0 && text[size] == '@'))
			return i;
	}
	return -1;
}

int
public_mailbox_of(const struct sim_folder *folder)
{
	return (int)(folder->number % PUBLIC_MAILBOXES);
}

static bool
is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Makes a box for each directory that has none. Under mu. */
static bool
look_for_boxes(struct dir_store *s, struct exa_error *err)
{
	struct dirent **entries;
	int n = scandir(s->path, &entries, NULL, alphasort);

	if (n < 0)
		return exa_fail_errno(err, errno, "%s", s->path);
	for (int i = 0; i < n; i++) {
		EXA_AUTO(exa_freep) char *path = fs_join(s->path, entries[i]->d_name);
		char address[MAILBOX_ADDRESS_MAX];

		if (strcmp(entries[i]->d_name, "@public") == 0)
			(void)snprintf(address, sizeof address, "%s", PUBLIC_FOLDERS_ADDRESS);
		else
			address_of_name(entries[i]->d_name, address);
		if (strcmp(entries[i]->d_name, ".") != 0 && strcmp(entries[i]->d_name, "..") != 0 &&
			is_directory(path) && find_box(s, address) == NULL) {
			struct box *box = exa_alloc(sizeof *box);

			mailbox_id_init(&box->id, address, entries[i]->d_name);
			box->path = path;
			path = NULL;
			(void)pthread_mutex_init(&box->mu, NULL);
			s->boxes = exa_realloc_array(s->boxes, s->box_count + 1, sizeof *s->boxes);
			s->boxes[s->box_count++] = box;
		}
		exa_free(entries[i]);
	}
	exa_free(entries);
	return true;
}

static bool
open_view(struct mailstore *store, const char *address, enum freshness how, struct view **out)
{
	struct dir_store *s = (struct dir_store *)store;
	struct exa_error err;
	struct box *box;
	bool found = true;

	(void)pthread_mutex_lock(&s->mu);
	box = find_box(s, address);
	if (box == NULL && look_for_boxes(s, &err))
		box = find_box(s, address);
	(void)pthread_mutex_unlock(&s->mu);
	if (box == NULL)
		return false;
	(void)pthread_mutex_lock(&box->mu);
	if (how == VIEW_FRESH || box->latest == NULL) {
		struct view *fresh = NULL;

		found = dir_scan(box->path, &box->id, is_public(box) ? FOLDERS_PUBLIC : s->extra,
			box->latest, &fresh);
		view_drop(box->latest);
		box->latest = fresh;
	}
	if (found)
		*out = view_keep(box->latest);
	(void)pthread_mutex_unlock(&box->mu);
	return found;
}

static void
list_boxes(struct mailstore *store, struct mailbox_id **out, size_t *count_out)
{
	struct dir_store *s = (struct dir_store *)store;
	struct exa_error err;
	size_t n = 0;

	(void)pthread_mutex_lock(&s->mu);
	if (!look_for_boxes(s, &err)) {
		/* The directory is gone: then nobody has a mailbox, as the check below finds. */
	}
	*out = exa_alloc_array(s->box_count + 1, sizeof **out);
	for (size_t i = 0; i < s->box_count; i++) {
		if (is_directory(s->boxes[i]->path) && !is_public(s->boxes[i]))
			(*out)[n++] = s->boxes[i]->id;
	}
	(void)pthread_mutex_unlock(&s->mu);
	*count_out = n;
}

static void
free_store(struct mailstore *store)
{
	struct dir_store *s = (struct dir_store *)store;

	for (size_t i = 0; i < s->box_count; i++) {
		view_drop(s->boxes[i]->latest);
		(void)pthread_mutex_destroy(&s->boxes[i]->mu);
		exa_free(s->boxes[i]->path);
		exa_free(s->boxes[i]);
	}
	(void)pthread_mutex_destroy(&s->mu);
	exa_free(s->boxes);
	exa_free(s->path);
	exa_free(s);
}

static const struct mailstore_ops dir_store_ops = { open_view, list_boxes, free_store };

bool
tree_dir_open(
	const char *path, enum extra_folders extra, struct mailstore **out, struct exa_error *err)
{
	struct dir_store *s = exa_alloc(sizeof *s);

	s->store.ops = &dir_store_ops;
	s->path = exa_strdup(path);
	s->extra = extra;
	(void)pthread_mutex_init(&s->mu, NULL);
	if (!look_for_boxes(s, err)) {
		free_store(&s->store);
		return false;
	}
	*out = &s->store;
	return true;
}
