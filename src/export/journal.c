/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>
#include <jansson.h>

#include "exarch/clock.h"
#include "exarch/fs.h"
#include "exarch/mem.h"
#include "journal.h"
#include "lines.h"

#define ITEMS "items.jsonl"
#define SUMS "sums"
#define SUMS_NEW "sums.new"
#define STATE "state"
#define STATE_TEXT "exarch export 1 items %" PRIu64 " sums %" PRIu64 "\n"
#define STATE_MAX ((size_t)128)
#define FILE_MODE 0600

struct mbox_facts {
	uint64_t end;
	bool summed;
	uint8_t sha256[CATALOG_SHA256_SIZE];
};

struct journal {
	struct target *target;
	enum export_format format;
	char archive[33];
	bool killed;  /* the export before this one */
	bool changed; /* what it left isn't as it was any more */

	/* What was there at the beginning: sorted hashes of path, item and content. Unchanging. */
	uint64_t *known;
	size_t known_count, known_capacity;

	pthread_mutex_t mu;
	/* under mu: */
	int items_fd, sums_fd;
	uint64_t items_end, sums_end;
	uint64_t step_bytes, step_lines; /* since everything was made durable */
	GHashTable *mboxes;              /* path -> struct mbox_facts */
};

static const char *
format_name(enum export_format format)
{
	switch (format) {
	case EXPORT_EML:
		break;
	case EXPORT_MBOX:
		return "mbox";
	case EXPORT_MAILDIR:
		return "maildir";
	}
	return "eml";
}

/* ---- what is known ---- */

/* A strong hash: paths come from subjects, and a stranger must not make two lines look alike. */
static uint64_t
line_key(const char *path, uint64_t item, const char *sha256_hex)
{
	EXA_AUTO(exa_freep)
	char *text = exa_asprintf("%s\n%" PRIu64 "\n%s", path, item, sha256_hex);
	GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
	uint8_t digest[CATALOG_SHA256_SIZE];
	gsize size = sizeof digest;

	g_checksum_update(sum, (const guchar *)text, (gssize)strlen(text));
	g_checksum_get_digest(sum, digest, &size);
	g_checksum_free(sum);
	return get_le64(digest);
}

static int
by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
know(struct journal *j, uint64_t key)
{
	if (j->known_count == j->known_capacity) {
		j->known_capacity = j->known_capacity > 0 ? j->known_capacity * 2 : 1024;
		j->known = exa_realloc_array(j->known, j->known_capacity, sizeof *j->known);
	}
	j->known[j->known_count++] = key;
}

bool
journal_has(const struct journal *j, const char *path, uint64_t item,
	const uint8_t sha256[CATALOG_SHA256_SIZE])
{
	char hex[2 * CATALOG_SHA256_SIZE + 1];
	uint64_t key;

	if (j->known_count == 0)
		return false;
	hex_encode(bytes_of(sha256, CATALOG_SHA256_SIZE), hex);
	key = line_key(path, item, hex);
	return bsearch(&key, j->known, j->known_count, sizeof key, by_value) != NULL;
}

static struct mbox_facts *
mbox_facts(struct journal *j, const char *path)
{
	struct mbox_facts *m = g_hash_table_lookup(j->mboxes, path);

	if (m == NULL) {
		m = exa_alloc(sizeof *m);
		(void)g_hash_table_insert(j->mboxes, exa_strdup(path), m);
	}
	return m;
}

uint64_t
journal_mbox_end(struct journal *j, const char *path)
{
	const struct mbox_facts *m;
	uint64_t end;

	(void)pthread_mutex_lock(&j->mu);
	m = g_hash_table_lookup(j->mboxes, path);
	end = m != NULL ? m->end : 0;
	(void)pthread_mutex_unlock(&j->mu);
	return end;
}

/* ---- taking up what is there ---- */

static bool
fail_manifest(const struct journal *j, struct exa_error *err)
{
	return exa_fail(err, EXA_USAGE,
		"%s/%s has a line that can't be understood; move it away, and what is there is "
		"compared instead",
		j->target->path, JOURNAL_ITEMS);
}

static bool
check_origin(const struct journal *j, const char *archive, const char *form, struct exa_error *err)
{
	static const char *const formats[] = { "eml", "mbox", "maildir" };

	if (strcmp(archive, j->archive) != 0)
		return exa_fail(err, EXA_USAGE,
			"%s holds an export of another archive (%s); export to another folder",
			j->target->path, archive);
	for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
		if (strcmp(form, formats[i]) == 0 && strcmp(form, format_name(j->format)) != 0)
			return exa_fail(err, EXA_USAGE,
				"%s holds an export in the format %s; export to another folder",
				j->target->path, form);
	}
	return true;
}

/* A line of items.jsonl. */
static bool
take_item(void *ctx, const char *text, size_t size, struct exa_error *err)
{
	struct journal *j = ctx;
	json_t *line = json_loadb(text, size, 0, NULL);
	const char *archive, *form, *path, *sha256;
	json_int_t item, offset = -1, length = 0;
	bool good;

	if (json_unpack(line, "{s:s, s:s, s:s, s:s, s:I, s?I, s?I}", "archive", &archive, "form",
		    &form, "path", &path, "sha256", &sha256, "item", &item, "offset", &offset,
		    "length", &length) != 0) {
		json_decref(line);
		return fail_manifest(j, err);
	}
	good = check_origin(j, archive, form, err);
	if (good) {
		know(j, line_key(path, (uint64_t)item, sha256));
		if (offset >= 0 && length >= 0)
			mbox_facts(j, path)->end = (uint64_t)offset + (uint64_t)length;
	}
	json_decref(line);
	return good;
}

/* A line of sums: "<64 hex digits>  <path>". Those of mboxes are kept apart, the others in NEW. */
struct sum_lines {
	struct journal *journal;
	int new_fd;
};

static bool
take_sum(void *ctx, const char *text, size_t size, struct exa_error *err)
{
	const size_t head = (size_t)2 * CATALOG_SHA256_SIZE + 2;
	struct sum_lines *s = ctx;
	EXA_AUTO(exa_freep) char *line = exa_strndup(text, size);
	EXA_AUTO(buf_done) struct buf out = { 0 };
	struct mbox_facts *m;

	if (strlen(line) <= head)
		return fail_manifest(s->journal, err);
	m = g_hash_table_lookup(s->journal->mboxes, line + head);
	if (m != NULL) {
		m->summed = hex_decode(line, m->sha256, sizeof m->sha256);
		return true;
	}
	buf_printf(&out, "%s\n", line);
	return fs_write_all(s->new_fd, buf_bytes(&out), SUMS_NEW, err);
}

static bool
fail_here(const struct journal *j, int errno_value, const char *name, struct exa_error *err)
{
	return exa_fail_errno(err, errno_value, "%s/%s/%s", j->target->path, TARGET_WORKSHOP, name);
}

/* Opens NAME in the workshop for appending, cut at END or, if it is shorter, as long as it is. */
static bool
open_cut(struct journal *j, const char *name, uint64_t *end, int *fd_out, struct exa_error *err)
{
	const int flags = O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC;
	struct stat st;

	*fd_out = openat(j->target->workshop_fd, name, flags, FILE_MODE);
	if (*fd_out < 0 || fstat(*fd_out, &st) != 0)
		return fail_here(j, errno, name, err);
	if (*end > (uint64_t)st.st_size)
		*end = (uint64_t)st.st_size;
	if (ftruncate(*fd_out, (off_t)*end) != 0)
		return fail_here(j, errno, name, err);
	return true;
}

/* Mboxes change, so their sums are written anew in the end. */
static bool
set_mbox_sums_apart(struct journal *j, struct exa_error *err)
{
	struct sum_lines s = { .journal = j, .new_fd = -1 };
	uint64_t none = 0;
	struct stat st;
	bool good;

	if (j->format != EXPORT_MBOX || j->sums_end == 0)
		return true;
	(void)unlinkat(j->target->workshop_fd, SUMS_NEW, 0);
	if (!open_cut(j, SUMS_NEW, &none, &s.new_fd, err))
		return false;
	good = lines_each(j->sums_fd, j->sums_end, take_sum, &s, err);
	if (good && renameat(j->target->workshop_fd, SUMS_NEW, j->target->workshop_fd, SUMS) != 0)
		good = fail_here(j, errno, SUMS, err);
	(void)close(j->sums_fd);
	j->sums_fd = s.new_fd;
	if (good && fstat(j->sums_fd, &st) == 0)
		j->sums_end = (uint64_t)st.st_size;
	return good;
}

static bool
write_state(struct journal *j, struct exa_error *err)
{
	EXA_AUTO(exa_freep)
	char *path = exa_asprintf("%s/%s/%s", j->target->path, TARGET_WORKSHOP, STATE);
	EXA_AUTO(exa_freep) char *text = exa_asprintf(STATE_TEXT, j->items_end, j->sums_end);

	return fs_write_file(path, bytes_of_string(text), FILE_MODE, err);
}

/* *THERE_OUT: an export was killed here. Ends are those it had made durable. */
static bool
read_state(struct journal *j, bool *there_out, struct exa_error *err)
{
	EXA_AUTO(exa_freep)
	char *path = exa_asprintf("%s/%s/%s", j->target->path, TARGET_WORKSHOP, STATE);
	EXA_AUTO(buf_done) struct buf text = { 0 };

	j->items_end = j->sums_end = UINT64_MAX; /* all of it */
	*there_out = fs_exists(path);
	if (!*there_out)
		return true;
	if (!fs_read_file(path, STATE_MAX, &text, err))
		return false;
	if (sscanf(buf_string(&text), "exarch export 1 items %" SCNu64 " sums %" SCNu64,
		    &j->items_end, &j->sums_end) == 2)
		return true;
	return exa_fail(err, EXA_USAGE,
		"%s was not written by this version of exarch; move %s/%s away", path,
		j->target->path, TARGET_WORKSHOP);
}

static bool
is_at(int folder_fd, const char *name)
{
	struct stat st;

	return fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* From the target's top into the workshop. */
static bool
take_in(struct journal *j, const char *name, const char *inside, struct exa_error *err)
{
	const struct target *t = j->target;

	if (is_at(t->workshop_fd, inside) || !is_at(t->top_fd, name))
		return true;
	if (renameat(t->top_fd, name, t->workshop_fd, inside) != 0)
		return exa_fail_errno(err, errno, "can't move %s/%s", t->path, name);
	return true;
}

static bool
take_up(struct journal *j, bool update, struct exa_error *err)
{
	if (!read_state(j, &j->killed, err))
		return false;
	if (j->killed && !update)
		return exa_fail(err, EXA_USAGE,
			"%s holds an export that was cut off; --update goes on with it",
			j->target->path);
	/* Before anything leaves its place. All of it is durable since the last end. */
	if (!j->killed && is_at(j->target->top_fd, JOURNAL_ITEMS) && !write_state(j, err))
		return false;
	return take_in(j, JOURNAL_ITEMS, ITEMS, err) && take_in(j, JOURNAL_SUMS, SUMS, err) &&
	       open_cut(j, ITEMS, &j->items_end, &j->items_fd, err) &&
	       open_cut(j, SUMS, &j->sums_end, &j->sums_fd, err);
}

static bool
load(struct journal *j, struct exa_error *err)
{
	if (!lines_each(j->items_fd, j->items_end, take_item, j, err))
		return exa_while(err, "%s/%s", j->target->path, JOURNAL_ITEMS);
	if (j->known_count > 0)
		exa_sort(j->known, j->known_count, sizeof *j->known, by_value);
	j->changed = true;
	return set_mbox_sums_apart(j, err) && write_state(j, err);
}

static void put_back(struct journal *j);

void
journal_abandon(struct journal *j)
{
	if (j == NULL)
		return;
	fs_closep(&j->items_fd);
	fs_closep(&j->sums_fd);
	g_hash_table_destroy(j->mboxes);
	(void)pthread_mutex_destroy(&j->mu);
	exa_free(j->known);
	exa_free(j);
}

bool
journal_open(const struct journal_options *o, struct journal **out, struct exa_error *err)
{
	struct journal *j = exa_alloc(sizeof *j);

	j->target = o->target;
	j->format = o->format;
	j->items_fd = j->sums_fd = -1;
	hex_encode(bytes_of(o->archive, sizeof o->archive), j->archive);
	j->mboxes = g_hash_table_new_full(g_str_hash, g_str_equal, exa_free, exa_free);
	(void)pthread_mutex_init(&j->mu, NULL);
	if (!take_up(j, o->update, err) || !load(j, err)) {
		put_back(j);
		journal_abandon(j);
		return false;
	}
	*out = j;
	return true;
}

/* ---- adding ---- */

static json_t *
text_or_null(const char *text)
{
	json_t *s = json_string(text);

	return s != NULL ? s : json_null();
}

static bool
make_line(const struct journal *j, const struct journal_line *l, struct buf *out,
	struct exa_error *err)
{
	char sha256[2 * CATALOG_SHA256_SIZE + 1], received[CLOCK_TEXT_MAX];
	json_t *line;
	char *text;

	hex_encode(bytes_of(l->sha256, sizeof l->sha256), sha256);
	clock_format(l->received_ns, received);
	line = json_pack("{s:I, s:o, s:s, s:o, s:o, s:s, s:o, s:I, s:s, s:s}", "item",
		(json_int_t)l->item, "mailbox", text_or_null(l->mailbox->smtp), "part",
		catalog_part_name(l->mailbox->part), "folder", text_or_null(l->folder->path),
		"received", received[0] != '\0' ? json_string(received) : json_null(), "form",
		l->form, "path", text_or_null(l->path), "bytes", (json_int_t)l->bytes, "sha256",
		sha256, "archive", j->archive);
	if (line != NULL && l->length > 0) {
		(void)json_object_set_new(line, "offset", json_integer((json_int_t)l->offset));
		(void)json_object_set_new(line, "length", json_integer((json_int_t)l->length));
	}
	text = line != NULL ? json_dumps(line, JSON_COMPACT) : NULL;
	json_decref(line);
	if (text == NULL)
		return exa_fail(err, EXA_FAILED, "a line of the manifest can't be made");
	buf_printf(out, "%s\n", text);
	exa_free(text); /* jansson's allocator is the C library's, as ours */
	return true;
}

/* What is behind the last step may be lost by a power cut; it is then looked at again. */
static bool
step(struct journal *j, struct exa_error *err)
{
	if (!target_sync(j->target, err) || !write_state(j, err))
		return false;
	j->step_bytes = j->step_lines = 0;
	return true;
}

bool
journal_step(struct journal *j, struct exa_error *err)
{
	bool good;

	(void)pthread_mutex_lock(&j->mu);
	good = j->step_lines == 0 || step(j, err);
	(void)pthread_mutex_unlock(&j->mu);
	return good;
}

static bool
append(struct journal *j, const struct journal_line *l, struct bytes line, struct bytes sum,
	struct exa_error *err)
{
	if (!fs_write_all(j->items_fd, line, ITEMS, err) ||
		!fs_write_all(j->sums_fd, sum, SUMS, err))
		return exa_while(err, "%s/%s", j->target->path, TARGET_WORKSHOP);
	j->items_end += line.size;
	j->sums_end += sum.size;
	if (l->length > 0)
		mbox_facts(j, l->path)->end = l->offset + l->length;
	j->step_bytes += l->bytes;
	j->step_lines++;
	return (j->step_bytes < JOURNAL_STEP_BYTES && j->step_lines < JOURNAL_STEP_LINES) ||
	       step(j, err);
}

bool
journal_add(struct journal *j, const struct journal_line *l, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf line = { 0 };
	EXA_AUTO(buf_done) struct buf sum = { 0 };
	char hex[2 * CATALOG_SHA256_SIZE + 1];
	bool good;

	if (!make_line(j, l, &line, err))
		return false;
	hex_encode(bytes_of(l->sha256, sizeof l->sha256), hex);
	if (l->length == 0)
		buf_printf(&sum, "%s  %s\n", hex, l->path);
	(void)pthread_mutex_lock(&j->mu);
	good = append(j, l, buf_bytes(&line), buf_bytes(&sum), err);
	(void)pthread_mutex_unlock(&j->mu);
	return good;
}

void
journal_mbox_sum(struct journal *j, const char *path, const uint8_t sha256[CATALOG_SHA256_SIZE])
{
	struct mbox_facts *m = mbox_facts(j, path);

	m->summed = true;
	memcpy(m->sha256, sha256, sizeof m->sha256);
}

/* ---- the end ---- */

static int
by_text(gconstpointer a, gconstpointer b)
{
	return strcmp(a, b);
}

/* An mbox whose sum isn't known: an export before this one was killed in its last step. */
static bool
hash_mbox(struct journal *j, const char *path, struct mbox_facts *m, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *name = g_path_get_basename(path);
	EXA_AUTO(exa_freep) char *folder = g_path_get_dirname(path);
	EXA_AUTO(fs_closep) int fd = -1;

	if (!target_enter(j->target, folder, err))
		return false;
	fd = openat(j->target->folder_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	/* Whoever took it away: the sums name what is there. */
	m->summed = fd >= 0;
	return fd < 0 || target_hash(fd, path, m->sha256, err);
}

static bool
add_mbox_sum(struct journal *j, const char *path, struct buf *text, struct exa_error *err)
{
	struct mbox_facts *m = g_hash_table_lookup(j->mboxes, path);
	char hex[2 * CATALOG_SHA256_SIZE + 1];

	if (!m->summed && !hash_mbox(j, path, m, err))
		return false;
	hex_encode(bytes_of(m->sha256, sizeof m->sha256), hex);
	if (m->summed)
		buf_printf(text, "%s  %s\n", hex, path);
	return true;
}

static bool
add_mbox_sums(struct journal *j, struct exa_error *err)
{
	GList *paths = g_list_sort(g_hash_table_get_keys(j->mboxes), by_text);
	EXA_AUTO(buf_done) struct buf text = { 0 };
	bool good = true;

	for (const GList *at = paths; good && at != NULL; at = at->next)
		good = add_mbox_sum(j, at->data, &text, err);
	g_list_free(paths);
	return good && fs_write_all(j->sums_fd, buf_bytes(&text), SUMS, err);
}

static bool
take_out(struct journal *j, const char *inside, const char *name, struct exa_error *err)
{
	int failure = target_rename(j->target->workshop_fd, inside, j->target->top_fd, name);

	return failure == 0 ||
	       exa_fail_errno(err, failure, "can't write %s/%s", j->target->path, name);
}

/* The other files in the workshop are of exports that were killed. */
static void
sweep(const struct target *t)
{
	for (unsigned worker = 0; worker <= EXPORT_THREADS_MAX; worker++) {
		EXA_AUTO(exa_freep) char *name = exa_asprintf("file-%u", worker);

		(void)unlinkat(t->workshop_fd, name, 0);
	}
	(void)unlinkat(t->workshop_fd, SUMS_NEW, 0);
	(void)unlinkat(t->workshop_fd, STATE, 0);
}

static bool
take_out_both(struct journal *j, struct exa_error *err)
{
	const int workshop = j->target->workshop_fd;

	if (j->items_end == 0) {
		(void)unlinkat(workshop, ITEMS, 0);
		(void)unlinkat(workshop, SUMS, 0);
		return true;
	}
	return take_out(j, ITEMS, JOURNAL_ITEMS, err) && take_out(j, SUMS, JOURNAL_SUMS, err);
}

/* An export that couldn't begin leaves the target as it was. */
static void
put_back(struct journal *j)
{
	struct exa_error ignored; /* the failure that brought us here stands */

	if (j->killed || j->changed)
		return;
	if (j->items_fd < 0 || j->sums_fd < 0 || take_out_both(j, &ignored))
		sweep(j->target);
}

bool
journal_close(struct journal *j, struct exa_error *err)
{
	bool good = journal_step(j, err) &&
		    (j->format != EXPORT_MBOX ||
			    (add_mbox_sums(j, err) && target_sync(j->target, err))) &&
		    take_out_both(j, err);

	if (good)
		sweep(j->target);
	journal_abandon(j);
	return good;
}
