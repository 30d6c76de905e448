/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public folders differ from mailboxes in three ways. Their tree is asked for level by level
 * (tree.c), as the server allows no Deep there. Each folder's content is in a mailbox of its own, to
 * which requests are routed. And the server has no changes to tell: a folder that has any news is
 * listed whole, by FindItem, whose pages shift when something is deleted meanwhile. What a listing
 * doesn't name is taken for gone only if it named as many items as there are, from its first page to
 * its last; otherwise the counts differ, and the folder is listed again when the mailbox is closed.
 */
#include "internal.h"

/* The state of a folder that was listed to its end. */
#define PUBLIC_LISTED "listed"

struct ews_mailbox
folder_ews_mailbox(const struct folder *f)
{
	struct ews_mailbox mailbox = crawl_ews_mailbox(f->mailbox->what);

	if (f->content != NULL)
		mailbox.anchor = mailbox.public_mailbox = f->content;
	return mailbox;
}

bool
folder_is_public(const struct folder *f)
{
	return f->mailbox->what->part == CATALOG_PUBLIC;
}

static bool
take_facts(void *ctx, const struct ews_folder *folder, struct exa_error *err)
{
	struct folder *f = ctx;

	(void)err;
	f->total_count = folder->total_count;
	f->changed_ns = folder->changed_ns;
	return true;
}

/* What the hierarchy tells of counts may be hours old; the content's mailbox knows. */
bool
public_begin(struct crawl_thread *t, struct folder *f, struct exa_error *err)
{
	const struct ews_mailbox mailbox = folder_ews_mailbox(f);
	const struct ews_folder_sink sink = { .folder = take_facts, .ctx = f };
	struct report *report = f->mailbox->run->options->report;
	bool good;

	f->seen_count = 0;
	report_requests(report, 1);
	good = ews_get_folder(t->ews, &mailbox, f->id, &sink, err);
	report_requests(report, -1);
	return good;
}

bool
public_ask_page(struct crawl_thread *t, struct folder *f, const struct ews_change_sink *sink,
	int64_t *next_out, struct exa_error *err)
{
	const struct ews_mailbox mailbox = folder_ews_mailbox(f);
	struct report *report = f->mailbox->run->options->report;
	int64_t total = -1;
	bool good;

	report_requests(report, 1);
	good = ews_find_items(t->ews, &mailbox, f->id, f->offset, sink, next_out, &total, err);
	report_requests(report, -1);
	if (!good)
		return false;
	if (f->offset == 0)
		f->view_count = total;
	else if (total != f->view_count)
		f->view_count = -1;
	if (total >= 0) /* as it is now: when it has changed meanwhile, the ledger won't fit */
		f->total_count = total;
	return true;
}

static int
by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

const char *
public_end(struct folder *f)
{
	int64_t distinct = 0;

	exa_sort(f->seen, f->seen_count, sizeof *f->seen, by_number);
	for (size_t i = 0; i < f->seen_count; i++)
		distinct += i == 0 || f->seen[i] != f->seen[i - 1];
	if (f->view_count >= 0 && distinct == f->view_count)
		return PUBLIC_LISTED;
	f->fresh = false; /* nothing is taken for gone */
	return "";
}
