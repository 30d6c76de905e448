/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "disk.h"

#define FILE_BYTES_MAX ((size_t)1 << 30)
#define NO_NODE SIZE_MAX

static const uint8_t zeros[PAGE_BYTES];

/* ---- names ---- */

static struct entry *
entry_of(struct disk *d, const char *path)
{
	for (size_t i = 0; i < d->entry_count; i++) {
		if (d->entries[i].path != NULL && strcmp(d->entries[i].path, path) == 0)
			return &d->entries[i];
	}
	return NULL;
}

static size_t
node_new(struct disk *d, bool is_dir)
{
	if (d->node_count == NODES_MAX)
		return NO_NODE;
	d->nodes[d->node_count] = (struct node){ .is_dir = is_dir };
	return d->node_count++;
}

static void
name_node(struct disk *d, const char *path, size_t node)
{
	struct entry *e = entry_of(d, path);

	for (size_t i = 0; e == NULL && i < d->entry_count; i++) {
		if (d->entries[i].path == NULL)
			e = &d->entries[i];
	}
	if (e == NULL && d->entry_count < ENTRIES_MAX)
		e = &d->entries[d->entry_count++];
	if (e == NULL)
		return; /* seen by the judge: something is missing */
	if (e->path == NULL)
		e->path = exa_strdup(path);
	e->node = node;
}

static void
unname(struct disk *d, const char *path)
{
	struct entry *e = entry_of(d, path);

	if (e == NULL)
		return;
	exa_free(e->path);
	e->path = NULL;
}

/* What E's path would be if FROM was named TO; NULL if it doesn't lie there. */
static char *
moved(const struct entry *e, const char *from, const char *to)
{
	size_t size = strlen(from);

	if (e->path == NULL || strncmp(e->path, from, size) != 0 ||
		(e->path[size] != '\0' && e->path[size] != '/'))
		return NULL;
	return exa_asprintf("%s%s", to, e->path + size);
}

static void
rename_entries(struct disk *d, const char *from, const char *to, bool both)
{
	if (entry_of(d, from) == NULL || (both && entry_of(d, to) == NULL))
		return;
	if (!both)
		unname(d, to);
	for (size_t i = 0; i < d->entry_count; i++) {
		struct entry *e = &d->entries[i];
		char *path = moved(e, from, to);

		if (path == NULL && both)
			path = moved(e, to, from);
		if (path == NULL)
			continue;
		exa_free(e->path);
		e->path = path;
	}
}

static bool
is_lock(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;

	return strcmp(name, "LOCK") == 0 || strcmp(name, "lock.mdb") == 0;
}

/* ---- content ---- */

/* Before a change. */
static void
own(struct node *n)
{
	struct buf content = { 0 };

	n->hashed = false;
	if (!n->borrowed)
		return;
	buf_add_bytes(&content, buf_bytes(&n->content));
	n->content = content;
	n->borrowed = false;
}

static void
resize(struct node *n, uint64_t size)
{
	own(n);
	if (n->content.size > size)
		n->content.size = (size_t)size;
	n->size = size;
}

static void
write_at(struct node *n, uint64_t offset, struct bytes data)
{
	struct buf *b = &n->content;

	if (data.size == 0)
		return;
	own(n);
	while (b->size < offset)
		buf_add_bytes(
			b, bytes_take(bytes_of(zeros, sizeof zeros), (size_t)(offset - b->size)));
	if (b->size < offset + data.size) {
		buf_reserve(b, (size_t)(offset + data.size) - b->size);
		b->size = (size_t)(offset + data.size);
	}
	memcpy(b->data + offset, data.data, data.size);
	if (n->size < b->size)
		n->size = b->size;
}

static void
play_write(struct node *n, const struct op *op, const struct fate *fate)
{
	uint64_t end = op->offset + op->data.size;

	switch (fate->kind) {
	case FATE_KEEP:
		write_at(n, op->offset, op->data);
		break;
	case FATE_DROP:
		break;
	case FATE_ZERO: /* what was there stays; what is new is there in length alone */
		if (n->size < end)
			resize(n, end);
		break;
	case FATE_TEAR:
		write_at(n, op->offset, bytes_take(op->data, (size_t)(fate->at - op->offset)));
		break;
	}
}

/* ---- playing ---- */

static void
play_name(struct disk *d, const struct op *op)
{
	switch (op->kind) {
	case OP_CREATE:
	case OP_MKDIR:
		name_node(d, op->path, op->node);
		break;
	case OP_RENAME:
	case OP_EXCHANGE:
		rename_entries(d, op->path, op->other, op->kind == OP_EXCHANGE);
		break;
	case OP_LINK:
		if (entry_of(d, op->path) != NULL)
			name_node(d, op->other, op->node);
		break;
	case OP_UNLINK:
		unname(d, op->path);
		break;
	case OP_NOTHING:
	case OP_ACK:
	case OP_WRITE:
	case OP_CUT:
	case OP_SYNC:
	case OP_SYNC_DIR:
	case OP_SYNC_ALL:
		break;
	}
}

static void
play_op(struct disk *d, const struct op *op, const struct fate *fate)
{
	struct node *n = op->node == NO_NODE ? NULL : &d->nodes[op->node];

	if (op->kind == OP_WRITE && n != NULL)
		play_write(n, op, fate);
	else if (op->kind == OP_CUT && n != NULL && fate->kind != FATE_DROP)
		resize(n, op->offset);
	else if (fate->kind != FATE_DROP)
		play_name(d, op);
}

bool
trace_is_open(const struct trace *t, size_t i, size_t count)
{
	const struct op *op = &t->ops[i];

	switch (op->kind) {
	case OP_CREATE:
	case OP_MKDIR:
	case OP_WRITE:
	case OP_CUT:
	case OP_RENAME:
	case OP_EXCHANGE:
	case OP_LINK:
	case OP_UNLINK:
		return op->sure_from > count;
	case OP_NOTHING:
	case OP_ACK:
	case OP_SYNC:
	case OP_SYNC_DIR:
	case OP_SYNC_ALL:
		break;
	}
	return false;
}

void
disk_play(
	struct disk *d, const struct trace *t, size_t from, size_t count, const struct fate *fates)
{
	static const struct fate keep = { FATE_KEEP, 0 };

	/* Every file that was ever made has its node, named or not. */
	for (size_t i = from; i < count; i++) {
		const struct op *op = &t->ops[i];
		bool open = fates != NULL && trace_is_open(t, i, count);

		while ((op->kind == OP_CREATE || op->kind == OP_MKDIR) && op->node >= d->node_count)
			(void)node_new(d, op->kind == OP_MKDIR);
		play_op(d, op, open ? &fates[i] : &keep);
	}
}

/* ---- the trace ---- */

static enum op_kind
kind_named(const char *name)
{
	static const struct {
		const char *name;
		enum op_kind kind;
	} names[] = {
		{ "ack", OP_ACK },
		{ "create", OP_CREATE },
		{ "mkdir", OP_MKDIR },
		{ "write", OP_WRITE },
		{ "cut", OP_CUT },
		{ "sync", OP_SYNC },
		{ "syncdir", OP_SYNC_DIR },
		{ "syncall", OP_SYNC_ALL },
		{ "rename", OP_RENAME },
		{ "exchange", OP_EXCHANGE },
		{ "link", OP_LINK },
		{ "unlink", OP_UNLINK },
		{ "rmdir", OP_UNLINK },
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(names[i].name, name) == 0)
			return names[i].kind;
	}
	return OP_NOTHING;
}

static bool
parse_op(struct reader *r, struct op *out, struct exa_error *err)
{
	const uint8_t *end = memchr(r->rest.data, '\n', r->rest.size);
	size_t size = end == NULL ? 0 : (size_t)(end - r->rest.data);
	EXA_AUTO(exa_freep) char *line = exa_strndup((const char *)r->rest.data, size);
	char *fields[6];
	char *rest = line;

	for (size_t i = 0; i < 6; i++) {
		fields[i] = strsep(&rest, "\t");
		if (fields[i] == NULL)
			return exa_fail(err, EXA_CORRUPT, "the trace can't be read: %s", line);
	}
	(void)read_bytes(r, size + 1);
	*out = (struct op){ .kind = kind_named(fields[0]),
		.sure = fields[1][0] == '1',
		.offset = strtoull(fields[2], NULL, 10),
		.node = NO_NODE,
		.sure_from = SIZE_MAX };
	out->data = read_bytes(r, strtoull(fields[3], NULL, 10));
	out->path = exa_strdup(fields[4]);
	out->other = exa_strdup(fields[5]);
	return !r->failed || exa_fail(err, EXA_CORRUPT, "the trace is cut off");
}

static char *
folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return exa_strndup(path, slash == NULL ? 0 : (size_t)(slash - path));
}

/* Whether the sync makes OP sure. */
static bool
makes_sure(const struct op *sync, const struct op *op)
{
	EXA_AUTO(exa_freep)
	char *folder = folder_of(op->kind == OP_LINK ? op->other : op->path);
	bool data = op->kind == OP_WRITE || op->kind == OP_CUT;

	if (sync->kind == OP_SYNC_ALL)
		return true;
	if (sync->kind == OP_SYNC)
		return data && op->node == sync->node;
	return sync->kind == OP_SYNC_DIR && !data && strcmp(folder, sync->path) == 0;
}

/* The sync with number AT is done when AT + 1 ops are. */
static void
settle_before(struct trace *t, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (t->ops[i].sure_from == SIZE_MAX && makes_sure(&t->ops[at], &t->ops[i]))
			t->ops[i].sure_from = at + 1;
	}
}

/* Plays it as it happened, to see what each path meant. */
static bool
resolve(struct trace *t, struct disk *base, struct exa_error *err)
{
	static const struct fate keep = { FATE_KEEP, 0 };
	struct disk *d = exa_alloc(sizeof *d);
	bool good = true;

	disk_copy(d, base);
	for (size_t i = 0; good && i < t->count; i++) {
		struct op *op = &t->ops[i];
		const struct entry *e = entry_of(d, op->path);

		op->node = e == NULL ? NO_NODE : e->node;
		if (op->kind == OP_CREATE || op->kind == OP_MKDIR) {
			op->node =
				op->path[0] == '\0' ? NO_NODE : node_new(d, op->kind == OP_MKDIR);
			if (op->path[0] == '\0')
				op->kind = OP_NOTHING; /* the folder itself */
			else if (op->node == NO_NODE)
				good = exa_fail(err, EXA_LIMIT, "too many files in the trace");
		} else if ((op->kind == OP_WRITE || op->kind == OP_CUT) && e == NULL) {
			good = exa_fail(
				err, EXA_CORRUPT, "a write to %s, which isn't there", op->path);
		}
		/* In flight as long as it is the last one; then sure. */
		if (op->kind == OP_WRITE && op->sure)
			op->sure_from = i + 2;
		if ((op->kind == OP_WRITE || op->kind == OP_CUT) && is_lock(op->path))
			op->sure_from = i + 1;
		if (good)
			play_op(d, op, &keep);
		settle_before(t, i);
	}
	disk_done(d);
	exa_free(d);
	return good;
}

bool
trace_load(struct trace *t, const char *path, struct disk *base, struct exa_error *err)
{
	struct reader r;

	if (!fs_read_file(path, FILE_BYTES_MAX, &t->text, err))
		return false;
	r = reader_of(buf_bytes(&t->text));
	while (r.rest.size > 0) {
		t->ops = exa_realloc_array(t->ops, t->count + 1, sizeof *t->ops);
		if (!parse_op(&r, &t->ops[t->count], err))
			return false;
		t->count++;
	}
	return resolve(t, base, err);
}

void
trace_done(struct trace *t)
{
	for (size_t i = 0; i < t->count; i++) {
		exa_free(t->ops[i].path);
		exa_free(t->ops[i].other);
	}
	exa_free(t->ops);
	buf_done(&t->text);
	*t = (struct trace){ 0 };
}

/* ---- in and out ---- */

static struct disk *loading;
static size_t loading_skip;
static struct exa_error *loading_err;

static int
load_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	size_t node;

	if (ftw->level == 0)
		return 0;
	node = node_new(loading, type == FTW_D);
	if (node == NO_NODE)
		return -1;
	loading->nodes[node].size = type == FTW_D ? 0 : (uint64_t)st->st_size;
	name_node(loading, path + loading_skip, node);
	return type == FTW_D || fs_read_file(path, FILE_BYTES_MAX, &loading->nodes[node].content,
					loading_err)
		       ? 0
		       : -1;
}

bool
disk_load(struct disk *d, const char *base, struct exa_error *err)
{
	if (base == NULL)
		return true;
	loading = d;
	loading_skip = strlen(base) + 1;
	loading_err = err;
	return nftw(base, load_one, 16, FTW_PHYS) == 0 ||
	       exa_fail(err, EXA_IO, "can't read %s", base);
}

static uint64_t node_hash(struct node *n);

void
disk_copy(struct disk *to, struct disk *from)
{
	disk_done(to);
	for (size_t i = 0; i < from->node_count; i++) {
		(void)node_hash(&from->nodes[i]);
		to->nodes[i] = from->nodes[i];
		to->nodes[i].borrowed = true;
	}
	to->node_count = from->node_count;
	for (size_t i = 0; i < from->entry_count; i++) {
		to->entries[i] = from->entries[i];
		to->entries[i].path = exa_strdup(from->entries[i].path);
	}
	to->entry_count = from->entry_count;
}

void
disk_done(struct disk *d)
{
	for (size_t i = 0; i < d->node_count; i++) {
		if (!d->nodes[i].borrowed)
			buf_done(&d->nodes[i].content);
		d->nodes[i] = (struct node){ 0 };
	}
	for (size_t i = 0; i < d->entry_count; i++) {
		exa_free(d->entries[i].path);
		d->entries[i].path = NULL;
	}
	d->node_count = 0;
	d->entry_count = 0;
}

/* A file whose folder's own entry was lost can't be seen. */
static bool
can_be_seen(const struct disk *d, const struct entry *e)
{
	for (const char *slash = strchr(e->path, '/'); slash != NULL;
		slash = strchr(slash + 1, '/')) {
		size_t size = (size_t)(slash - e->path);
		bool there = false;

		for (size_t i = 0; i < d->entry_count && !there; i++) {
			const struct entry *folder = &d->entries[i];

			there = folder->path != NULL && strlen(folder->path) == size &&
				strncmp(folder->path, e->path, size) == 0;
		}
		if (!there)
			return false;
	}
	return true;
}

/* Not for adversaries; eight bytes at a step, since every state is hashed whole. */
static uint64_t
hash_bytes(uint64_t hash, struct bytes b)
{
	for (; b.size >= 8; b = bytes_skip(b, 8)) {
		hash = (hash ^ get_le64(b.data)) * UINT64_C(0x9fb21c651e98df25);
		hash ^= hash >> 29;
	}
	for (size_t i = 0; i < b.size; i++)
		hash = (hash ^ b.data[i]) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 32;
}

/* Zeros at the end count for their length alone, however they came about. */
static uint64_t
node_hash(struct node *n)
{
	struct bytes b = buf_bytes(&n->content);

	if (!n->hashed) {
		while (b.size > 0 && b.data[b.size - 1] == 0)
			b.size--;
		n->hash = hash_bytes(UINT64_C(0xcbf29ce484222325) + n->size, b);
		n->hashed = true;
	}
	return n->hash;
}

uint64_t
disk_hash(struct disk *d)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < d->entry_count; i++) {
		const struct entry *e = &d->entries[i];
		uint64_t hash = UINT64_C(0xcbf29ce484222325);

		if (e->path == NULL || !can_be_seen(d, e))
			continue;
		hash = hash_bytes(hash, bytes_of_string(e->path));
		if (!is_lock(e->path))
			hash = (hash ^ node_hash(&d->nodes[e->node])) *
			       UINT64_C(0x9fb21c651e98df25);
		sum += hash ^ hash >> 29; /* in whatever order the entries stand */
	}
	return sum;
}

/* Pages of zeros become holes. */
static bool
write_file(const char *path, const struct node *n, struct exa_error *err)
{
	struct bytes content = buf_bytes(&n->content);
	EXA_AUTO(fs_closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return exa_fail_errno(err, errno, "can't create %s", path);
	for (size_t at = 0; at < content.size; at += PAGE_BYTES) {
		struct bytes page = bytes_take(bytes_skip(content, at), PAGE_BYTES);

		if (memcmp(page.data, zeros, page.size) != 0 &&
			!fs_pwrite_all(fd, page, at, path, err))
			return false;
	}
	return ftruncate(fd, (off_t)n->size) == 0 ||
	       exa_fail_errno(err, errno, "can't stretch %s", path);
}

bool
disk_write(const struct disk *d, const char *dir, struct exa_error *err)
{
	if (mkdir(dir, 0700) != 0)
		return exa_fail_errno(err, errno, "can't make %s", dir);
	/* A folder's entry may stand behind those of its files: folders first, shallow ones first.
	 */
	for (size_t depth = 0; depth < 4; depth++) {
		for (size_t i = 0; i < d->entry_count; i++) {
			const struct entry *e = &d->entries[i];
			EXA_AUTO(exa_freep) char *path = NULL;
			size_t slashes = 0;

			if (e->path == NULL || !can_be_seen(d, e))
				continue;
			for (const char *p = e->path; *p != '\0'; p++)
				slashes += *p == '/';
			path = fs_join(dir, e->path);
			if (depth < 3 && d->nodes[e->node].is_dir && slashes == depth &&
				mkdir(path, 0700) != 0)
				return exa_fail_errno(err, errno, "can't make %s", path);
			if (depth == 3 && !d->nodes[e->node].is_dir &&
				!write_file(path, &d->nodes[e->node], err))
				return false;
		}
	}
	return true;
}
