/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exarch/clock.h"
#include "exarch/fs.h"

#include "body_file.h"
#include "dir_scan.h"
#include "dir_sync.h"
#include "folder_table.h"
#include "mailhead.h"

#define DEPTH_MAX 64 /* folders in folders; deeper ones are left out */
#define HEAD_READ_MAX \
	(64 * 1024) /* what is read of a new file: its header, and enough to tell it from another \
		     */
#define FOLDER_NUMBER_HASHED UINT64_C(0x10000) /* keeps hashed numbers apart from the table's */

/* What must be equal for a file to count as unchanged. */
struct file_stamp {
	int64_t size, mtime_ns, ctime_ns;
	uint64_t inode;
};

struct file_item {
	struct sim_item item;
	struct file_stamp stamp;
	size_t folder;
	const char *path; /* inside the mailbox directory */
};

struct dir_view {
	struct view view;
	struct arena *arena; /* all strings */
	char *path;
	struct file_item *items; /* by folder, in each newest first */
	size_t count, room;
	size_t *by_key;
	size_t *starts; /* of each folder in items, and the end */
	uint32_t last_article;
};

struct scan {
	struct dir_view *v;
	struct dir_view *old; /* or NULL */
	struct folder_list list;
	bool is_public;     /* no folder has a role there */
	size_t recoverable; /* the place of Recoverable Items */
	uint8_t *head;
};

static struct dir_view *
of(struct view *v)
{
	return (struct dir_view *)v;
}

static int64_t
ns_of(struct timespec t)
{
	return (int64_t)t.tv_sec * EXA_NS_PER_S + t.tv_nsec;
}

static const char *
keep(struct arena *a, const char *s)
{
	return s == NULL ? NULL : arena_strndup(a, s, strlen(s));
}

static struct file_item *
find_key(struct dir_view *v, uint64_t key)
{
	size_t low = 0, high = v->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct file_item *f = &v->items[v->by_key[middle]];

		if (f->item.key == key)
			return f;
		if (f->item.key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* Reads the begin of the file and fills in what follows from the bytes. */
static bool
read_head(struct scan *s, const char *path, const struct file_stamp *stamp, struct sim_item *item)
{
	EXA_AUTO(fs_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct mailhead head;
	uint8_t sums[16];
	ssize_t n;

	if (fd < 0 || (n = read(fd, s->head, HEAD_READ_MAX)) < 0)
		return false;
	mailhead_read(bytes_of(s->head, (size_t)n), s->v->arena, &head);
	put_le64(sums, (uint64_t)stamp->size);
	put_le64(sums + 8, (uint64_t)stamp->mtime_ns);
	item->change =
		stable_hash("change", bytes_of(sums, sizeof sums), bytes_of(s->head, (size_t)n)) &
		UINT64_C(0xffffffffffff);
	item->subject = head.subject;
	item->message_id = head.message_id;
	item->item_class = head.item_class;
	item->importance = head.importance;
	item->has_attachments = head.has_attachments;
	item->sent_ns = head.date_ns != EXA_NO_TIME ? head.date_ns : stamp->mtime_ns;
	item->received_ns = item->created_ns = item->sent_ns;
	item->modified_ns = stamp->mtime_ns > item->created_ns ? stamp->mtime_ns : item->created_ns;
	for (size_t i = 0; i < 2; i++)
		put_be64(item->search_key + 8 * i,
			stable_hash(i == 0 ? "search key 1" : "search key 2",
				head.message_id != NULL ? bytes_of_string(head.message_id)
							: bytes_of(s->head, (size_t)n),
				bytes_of(NULL, 0)));
	return true;
}

static bool
stamps_equal(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->size == b->size && a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns &&
	       a->inode == b->inode;
}

static bool
take_over(struct scan *s, uint64_t key, const struct file_stamp *stamp, struct sim_item *item)
{
	struct file_item *known = s->old != NULL ? find_key(s->old, key) : NULL;

	if (known == NULL || !stamps_equal(&known->stamp, stamp))
		return false;
	*item = known->item;
	item->subject = keep(s->v->arena, item->subject);
	item->message_id = keep(s->v->arena, item->message_id);
	item->item_class = keep(s->v->arena, item->item_class);
	return true;
}

static void
later(struct sim_folder *folder, int64_t moment_ns)
{
	if (folder->changed_ns < moment_ns)
		folder->changed_ns = moment_ns;
}

static void
add_file(struct scan *s, size_t folder, const char *full, const char *path, const struct stat *st)
{
	struct dir_view *v = s->v;
	struct sim_folder *f = &s->list.folders[folder];
	struct file_item *file;
	struct file_stamp stamp = { st->st_size, ns_of(st->st_mtim), ns_of(st->st_ctim),
		st->st_ino };
	struct sim_item item = { 0 };
	uint64_t key = stable_hash(
		"item", bytes_of(v->view.id.guid, sizeof v->view.id.guid), bytes_of_string(path));

	if (!take_over(s, key, &stamp, &item) && !read_head(s, full, &stamp, &item))
		return;
	item.key = key;
	item.size_bytes = (uint64_t)stamp.size;
	item.is_read = strstr(path, ".unread.") == NULL;
	item.is_draft = f->distinguished != NULL && strcmp(f->distinguished, "drafts") == 0;
	if (v->count == v->room) {
		v->room = v->room * 2 + 64;
		v->items = exa_realloc_array(v->items, v->room, sizeof *v->items);
	}
	file = &v->items[v->count++];
	*file = (struct file_item){ item, stamp, folder, keep(v->arena, path) };
	f->item_count++;
	f->unread_count += !item.is_read;
	f->size_bytes += item.size_bytes;
	later(f, stamp.ctime_ns);
}

static bool
ends_in_eml(const char *name)
{
	size_t n = strlen(name);

	return n >= 4 && strcasecmp(name + n - 4, ".eml") == 0;
}

/* The folder that the directory PATH, found in PARENT, stands for. */
static size_t
folder_for(struct scan *s, size_t parent, const char *path, const char *name)
{
	size_t place;
	struct sim_folder folder = { .parent = parent, .folder_class = "IPF.Note" };

	if (folder_list_find(&s->list, parent, name, &place))
		return place;
	if (!s->is_public && parent == FOLDER_TOP && strcmp(name, "@recoverable") == 0)
		return s->recoverable;
	if (!s->is_public && parent == FOLDER_TOP && strcmp(name, "@archive") == 0)
		return folder_list_add_archive(&s->list);
	folder.name = keep(s->v->arena, name);
	folder.number = (stable_hash("folder", bytes_of_string(path), bytes_of(NULL, 0)) &
				UINT64_C(0xffffffffffff)) |
			FOLDER_NUMBER_HASHED;
	return folder_list_add(&s->list, &folder);
}

/* FILES_TO: the folder of the messages here; FOLDERS_TO: the parent of the folders here. */
static bool
scan_directory(
	struct scan *s, const char *relative, size_t files_to, size_t folders_to, unsigned depth)
{
	EXA_AUTO(exa_freep)
	char *here = *relative == '\0' ? exa_strdup(s->v->path) : fs_join(s->v->path, relative);
	struct dirent **entries;
	struct stat st;
	int n = scandir(here, &entries, NULL, alphasort);

	if (n < 0)
		return false;
	if (stat(here, &st) == 0)
		later(&s->list.folders[files_to], ns_of(st.st_ctim));
	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		EXA_AUTO(exa_freep) char *full = fs_join(here, name);
		EXA_AUTO(exa_freep)
		char *path = *relative == '\0' ? exa_strdup(name) : fs_join(relative, name);

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
			/* not content */
		} else if (ends_in_eml(name) && stat(full, &st) == 0 && S_ISREG(st.st_mode)) {
			add_file(s, files_to, full, path, &st);
		} else if (depth < DEPTH_MAX && lstat(full, &st) == 0 && S_ISDIR(st.st_mode)) {
			size_t folder = folder_for(s, folders_to, path, name);

			(void)scan_directory(s, path, folder, folder, depth + 1);
		}
		exa_free(entries[i]);
	}
	exa_free(entries);
	return true;
}

static int
newest_first(const void *a, const void *b)
{
	const struct file_item *x = a, *y = b;

	if (x->folder != y->folder)
		return x->folder < y->folder ? -1 : 1;
	if (x->item.received_ns != y->item.received_ns)
		return x->item.received_ns > y->item.received_ns ? -1 : 1;
	return x->item.key < y->item.key ? -1 : x->item.key > y->item.key;
}

static int
smaller_key(const void *a, const void *b, void *items)
{
	const struct file_item *f = items;
	uint64_t x = f[*(const size_t *)a].item.key, y = f[*(const size_t *)b].item.key;

	return x < y ? -1 : x > y;
}

static void
index_items(struct dir_view *v)
{
	size_t folder = 0;

	if (v->count > 0)
		exa_sort(v->items, v->count, sizeof *v->items, newest_first);
	v->by_key = exa_alloc_array(v->count + 1, sizeof *v->by_key);
	v->starts = exa_alloc_array(v->view.folder_count + 1, sizeof *v->starts);
	for (size_t i = 0; i < v->count; i++) {
		v->by_key[i] = i;
		while (folder <= v->items[i].folder)
			v->starts[folder++] = i;
	}
	while (folder <= v->view.folder_count)
		v->starts[folder++] = v->count;
	for (size_t i = v->count; i > 0; i--) { /* what is new, oldest first */
		if (v->items[i - 1].item.article == 0)
			v->items[i - 1].item.article = ++v->last_article;
	}
	qsort_r(v->by_key, v->count, sizeof *v->by_key, smaller_key, v->items);
}

static void
view_item(struct view *view, size_t folder, size_t position, struct arena *a, struct sim_item *out)
{
	struct dir_view *v = of(view);

	(void)a;
	*out = v->items[v->starts[folder] + position].item;
}

static bool
view_find(struct view *view, size_t folder, uint64_t key, size_t *position_out)
{
	struct dir_view *v = of(view);
	struct file_item *f = find_key(v, key);

	if (f == NULL || f->folder != folder)
		return false;
	*position_out = (size_t)(f - v->items) - v->starts[folder];
	return true;
}

static bool
view_open(
	struct view *view, size_t folder, size_t position, struct body **out, struct exa_error *err)
{
	struct dir_view *v = of(view);
	EXA_AUTO(exa_freep)
	char *path = fs_join(v->path, v->items[v->starts[folder] + position].path);

	return body_file_open(path, out, err);
}

static void
view_free(struct view *view)
{
	struct dir_view *v = of(view);

	arena_free(v->arena);
	exa_free(v->view.folders);
	exa_free(v->items);
	exa_free(v->by_key);
	exa_free(v->starts);
	exa_free(v->path);
	exa_free(v);
}

static const struct view_ops dir_view_ops = { view_item, view_find, view_open, dir_sync,
	view_free };

bool
dir_scan(const char *path, const struct mailbox_id *id, enum extra_folders extra, struct view *old,
	struct view **out)
{
	struct dir_view *v = exa_alloc(sizeof *v);
	struct scan s = { .v = v, .old = old != NULL ? of(old) : NULL };
	bool found;

	v->view.ops = &dir_view_ops;
	v->view.references = 1;
	v->view.id = *id;
	v->view.is_public = extra == FOLDERS_PUBLIC;
	v->arena = arena_new();
	v->path = exa_strdup(path);
	v->last_article = s.old != NULL ? s.old->last_article : 0;
	s.head = exa_alloc(HEAD_READ_MAX);
	if (extra == FOLDERS_PUBLIC) {
		folder_list_add_public(&s.list);
		s.is_public = true;
	} else {
		folder_list_add_standard(&s.list);
		if (extra == FOLDERS_AS_EXCHANGE)
			folder_list_add_exchange(&s.list);
		s.recoverable = folder_list_add_recoverable(&s.list);
	}
	found = scan_directory(&s, "", s.is_public ? FOLDER_TOP : FOLDER_INBOX, FOLDER_TOP, 0);
	exa_free(s.head);
	v->view.folders = s.list.folders;
	v->view.folder_count = s.list.count;
	index_items(v);
	if (!found) {
		view_free(&v->view);
		return false;
	}
	*out = &v->view;
	return true;
}
