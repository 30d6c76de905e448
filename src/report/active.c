/* SPDX-License-Identifier: Apache-2.0 */
/* The mailboxes that are worked on, each in a slot that is another's when it is done. A slot's numbers
 * are for the eye: a late event that counts for the next one harms nothing. */
#include <string.h>

#include "exarch/mem.h"
#include "internal.h"

#define NAME_LIMIT ((size_t)256)

static char *
clean_copy(const char *text)
{
	EXA_AUTO(buf_done) struct buf clean = { 0 };

	report_clean(&clean, text, NAME_LIMIT);
	return buf_steal(&clean);
}

static struct report_active *
find(struct active_book *book, const char *mailbox)
{
	EXA_AUTO(exa_freep) char *name = clean_copy(mailbox);

	for (size_t i = 0; i < ACTIVE_MAX; i++) {
		struct report_active *a = &book->slots[i];

		if (a->mailbox != NULL && strcmp(a->mailbox, name) == 0)
			return a;
	}
	return NULL;
}

struct report_active *
active_open(struct active_book *book, const char *mailbox)
{
	for (size_t i = 0; i < ACTIVE_MAX; i++) {
		struct report_active *a = &book->slots[i];

		if (a->mailbox != NULL)
			continue;
		a->mailbox = clean_copy(mailbox);
		atomic_store(&a->expected, 0);
		atomic_store(&a->done, 0);
		atomic_store(&a->bytes, 0);
		return a;
	}
	book->more++;
	return NULL;
}

static void
empty(struct report_active *a)
{
	exa_free(a->mailbox);
	exa_free(a->folder);
	a->mailbox = NULL;
	a->folder = NULL;
}

void
active_close(struct active_book *book, const char *mailbox)
{
	struct report_active *a = find(book, mailbox);

	if (a != NULL)
		empty(a);
	else if (book->more > 0)
		book->more--;
}

void
active_failed(struct active_book *book, const char *mailbox)
{
	struct report_active *a = find(book, mailbox);

	if (a != NULL)
		(void)atomic_fetch_add(&a->done, 1);
}

void
active_book_done(struct active_book *book)
{
	for (size_t i = 0; i < ACTIVE_MAX; i++)
		empty(&book->slots[i]);
}

void
report_folder(struct report *r, struct report_active *a, const char *path)
{
	char *folder, *before;

	if (a == NULL || r->mode != MODE_TERMINAL)
		return;
	folder = clean_copy(path);
	(void)pthread_mutex_lock(&r->mu);
	before = a->folder;
	a->folder = folder;
	(void)pthread_mutex_unlock(&r->mu);
	exa_free(before);
}
