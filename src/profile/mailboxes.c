/* SPDX-License-Identifier: Apache-2.0 */
/* `mailboxes`: whose mail is archived. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "exarch/fs.h"
#include "exarch/profile.h"

#include "context.h"
#include "raw.h"
#include "value.h"

/* ---- lists of addresses ---- */

struct named {
	const char *address;
	size_t index;
};

static int
by_address(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order = strcasecmp(x->address, y->address);

	if (order != 0)
		return order;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* An address named twice counts once, where it stands first. Keeps the order, gives the new count.
 */
static size_t
drop_repeated(char **list, size_t count)
{
	EXA_AUTO(exa_freep) struct named *sorted = exa_alloc_array(count, sizeof *sorted);
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		sorted[i] = (struct named){ list[i], i };
	exa_sort(sorted, count, sizeof *sorted, by_address);
	for (size_t i = 1; i < count; i++) {
		if (strcasecmp(sorted[i - 1].address, sorted[i].address) == 0)
			list[sorted[i].index] = NULL;
	}
	for (size_t i = 0; i < count; i++) {
		if (list[i] != NULL)
			list[kept++] = list[i];
	}
	return kept;
}

static bool
take_list(const struct context *c, const struct raw_mailboxes *raw, struct profile *p)
{
	p->mailbox_list = arena_alloc(c->texts, raw->list_count * sizeof *p->mailbox_list);
	for (size_t i = 0; i < raw->list_count; i++) {
		const char *problem = value_address_problem(raw->list[i]);
		char key[CONTEXT_KEY_MAX];

		context_entry(key, "mailboxes.list", i);
		if (problem != NULL)
			return context_bad(c, key, "`%s` is %s", raw->list[i], problem);
		p->mailbox_list[i] = context_text(c, raw->list[i]);
	}
	p->mailbox_count = drop_repeated(p->mailbox_list, raw->list_count);
	return true;
}

/* ---- the file of addresses ---- */

static bool
read_mailbox_file(const struct context *c, const char *path, struct buf *out)
{
	struct stat st;

	if (stat(path, &st) != 0)
		(void)exa_fail_errno(c->err, errno, "can't read %s", path);
	else if (!S_ISREG(st.st_mode))
		(void)exa_fail(c->err, EXA_USAGE, "%s is not a file", path);
	else if (fs_read_file(path, PROFILE_FILE_MAX, out, c->err))
		return true;
	(void)context_while(c, "mailboxes.file");
	c->err->code = EXA_USAGE;
	return false;
}

/* The address in LINE without comment and blanks; "" when there is none. Changes LINE. */
static char *
address_in(char *line)
{
	size_t size;

	line[strcspn(line, "#\r")] = '\0';
	line += strspn(line, " \t");
	for (size = strlen(line); size > 0 && strchr(" \t", line[size - 1]) != NULL; size--)
		line[size - 1] = '\0';
	return line;
}

static bool
take_file_line(const struct context *c, const char *address, size_t number, struct profile *p)
{
	const char *problem = value_address_problem(address);

	if (problem != NULL)
		return exa_fail(c->err, EXA_USAGE, "%s:%zu: %s", p->mailbox_file, number, problem);
	if (p->mailbox_count == RAW_LIST_MAX)
		return exa_fail(c->err, EXA_USAGE, "%s:%zu: more than %d addresses",
			p->mailbox_file, number, RAW_LIST_MAX);
	p->mailbox_list[p->mailbox_count++] = context_text(c, address);
	return true;
}

static size_t
count_lines(struct bytes text)
{
	size_t count = 1;

	for (size_t i = 0; i < text.size; i++)
		count += text.data[i] == '\n';
	return count;
}

static bool
take_file(const struct context *c, const struct raw_mailboxes *raw, struct profile *p)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(exa_freep) char *lines = NULL;
	size_t number = 0;
	char *next;

	if (!value_path(c, "mailboxes.file", raw->file, &p->mailbox_file) ||
		!read_mailbox_file(c, p->mailbox_file, &text))
		return false;
	if (text.size > 0 && memchr(text.data, '\0', text.size) != NULL)
		return exa_fail(c->err, EXA_USAGE,
			"%s: not a text of addresses (UTF-16 must be saved as UTF-8)",
			p->mailbox_file);
	p->mailbox_list =
		arena_alloc(c->texts, count_lines(buf_bytes(&text)) * sizeof *p->mailbox_list);
	lines = buf_steal(&text);
	next = lines;
	if (strncmp(next, byte_order_mark, strlen(byte_order_mark)) == 0)
		next += strlen(byte_order_mark);
	while (next != NULL) {
		char *line = strsep(&next, "\n");
		char *address = address_in(line);

		number++;
		if (*address != '\0' && !take_file_line(c, address, number, p))
			return false;
	}
	if (p->mailbox_count == 0)
		return exa_fail(c->err, EXA_USAGE, "%s: no address stands in it", p->mailbox_file);
	p->mailbox_count = drop_repeated(p->mailbox_list, p->mailbox_count);
	return true;
}

/* ---- from where ---- */

static bool
find_source(const struct context *c, const struct raw_mailboxes *raw, enum profile_mailboxes *out)
{
	bool list = raw->list != NULL, file = raw->file != NULL;

	if (list && file)
		return context_bad(c, "mailboxes.file", "give `list` or `file`, not both");
	if (raw->from == 0 && !list && !file)
		return context_bad(c, "mailboxes.from",
			"missing; give `directory`, or `list` or `file` with the addresses");
	*out = raw->from != 0 ? (enum profile_mailboxes)(raw->from - 1)
	       : list         ? PROFILE_FROM_LIST
			      : PROFILE_FROM_FILE;
	if (list && *out != PROFILE_FROM_LIST)
		return context_bad(c, "mailboxes.list", "needs `from: list`");
	if (file && *out != PROFILE_FROM_FILE)
		return context_bad(c, "mailboxes.file", "needs `from: file`");
	if (*out == PROFILE_FROM_LIST && !list)
		return context_bad(c, "mailboxes.list", "missing; `from: list` needs it");
	if (*out == PROFILE_FROM_FILE && !file)
		return context_bad(c, "mailboxes.file", "missing; `from: file` needs it");
	return true;
}

static bool
take_groups(const struct context *c, const struct raw_mailboxes *raw, struct profile *p)
{
	if (raw->groups == NULL)
		return true;
	if (p->mailboxes_from != PROFILE_FROM_DIRECTORY)
		return context_bad(c, "mailboxes.groups", "needs `from: directory`");
	p->groups = arena_alloc(c->texts, raw->groups_count * sizeof *p->groups);
	for (size_t i = 0; i < raw->groups_count; i++)
		p->groups[p->group_count++] = context_text(c, raw->groups[i]);
	return true;
}

static bool
take_patterns(const struct context *c, const char *key, char *const *texts, size_t count,
	struct pattern ***out, size_t *count_out)
{
	*out = exa_alloc_array(count, sizeof **out);
	for (size_t i = 0; i < count; i++) {
		char entry[CONTEXT_KEY_MAX];

		context_entry(entry, key, i);
		if (!pattern_compile(texts[i], &(*out)[i], c->err))
			return context_while(c, entry);
		*count_out = i + 1;
	}
	return true;
}

static bool
take_parts(const struct context *c, const struct raw_mailboxes *raw, struct profile *p)
{
	p->parts = raw->parts == NULL ? PROFILE_PART_PRIMARY : 0;
	for (size_t i = 0; i < raw->parts_count; i++)
		p->parts |= (unsigned)raw->parts[i];
	return p->parts != 0 || context_bad(c, "mailboxes.parts",
					"expected at least one of `primary`, `archive`, "
					"`recoverable`");
}

bool
mailboxes_check(const struct context *c, const struct raw_profile *profile, struct profile *p)
{
	const struct raw_mailboxes *raw = profile->mailboxes;
	struct rules *r = &p->rules;

	if (raw == NULL)
		return context_bad(c, "mailboxes", "missing; it says whose mail is archived");
	if (!find_source(c, raw, &p->mailboxes_from))
		return false;
	if (p->mailboxes_from == PROFILE_FROM_DIRECTORY && p->auth.kind != AUTH_APP_CERTIFICATE &&
		p->auth.kind != AUTH_APP_SECRET)
		return context_bad(c, "mailboxes.from",
			"`directory` asks Microsoft Graph and needs an application's sign-in; with "
			"`kind: %s` give `list` or `file`",
			raw_word("source.auth.kind", (int)p->auth.kind + 1));
	if (p->mailboxes_from == PROFILE_FROM_LIST && !take_list(c, raw, p))
		return false;
	if (p->mailboxes_from == PROFILE_FROM_FILE && !take_file(c, raw, p))
		return false;
	r->only_licensed = raw->only_licensed != RAW_NO;
	r->only_enabled = raw->only_enabled != RAW_NO;
	return take_groups(c, raw, p) && take_parts(c, raw, p) &&
	       take_patterns(c, "mailboxes.include", raw->include, raw->include_count,
		       &r->mailbox_include, &r->mailbox_include_count) &&
	       take_patterns(c, "mailboxes.exclude", raw->exclude, raw->exclude_count,
		       &r->mailbox_exclude, &r->mailbox_exclude_count);
}
