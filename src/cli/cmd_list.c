/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "exarch/clock.h"
#include "exarch/mem.h"

#include "deed.h"
#include "key.h"
#include "listing.h"
#include "select.h"
#include "text.h"

/* ---- --failed ---- */

struct failed_listing {
	struct listing *l;
	struct store_txn *txn;
	const struct selection *selection;
	const struct catalog_mailbox *mailbox;
	const struct catalog_folder *folder;
};

static void
print_failed_json(const struct failed_listing *f, const struct ledger_entry *e)
{
	char received[CLOCK_TEXT_MAX], again[CLOCK_TEXT_MAX];

	clock_format(e->received_ns, received);
	clock_format(e->not_before_ns > 0 ? e->not_before_ns : EXA_NO_TIME, again);
	deed_print_json(json_pack("{s:o, s:s, s:o, s:o, s:o, s:s, s:o, s:i, s:s}", "mailbox",
		listing_json_text(f->mailbox->smtp), "part", catalog_part_name(f->mailbox->part),
		"folder", listing_json_text(f->folder->path), "item_id",
		listing_json_text(e->server_id), "class", listing_json_text(e->class), "received",
		received, "why", listing_json_text(e->why), "attempts", (int)e->attempts,
		"not_before", again));
}

static bool
failed_entry(void *ctx, const struct catalog_key *key, const struct ledger_entry *e,
	struct exa_error *err)
{
	struct failed_listing *f = ctx;

	(void)key;
	(void)err;
	if (e->state != LEDGER_FAILED)
		return true;
	f->l->count++;
	if (f->l->only_count)
		return true;
	if (f->l->json) {
		print_failed_json(f, e);
		return true;
	}
	text_mailbox(stdout, f->mailbox, 28);
	(void)printf("  ");
	text_print(stdout, f->folder->path, 20);
	(void)printf("  %u tries  ", e->attempts);
	text_print(stdout, e->why, 0);
	(void)printf("  (");
	text_print(stdout, e->server_id, 0);
	(void)printf(")\n");
	return true;
}

static bool
failed_folder(void *ctx, const struct catalog_folder *folder, struct exa_error *err)
{
	struct failed_listing *f = ctx;

	if (f->selection->folder != NULL && !pattern_matches(f->selection->folder, folder->path))
		return true;
	f->folder = folder;
	return catalog_each_open(
		f->txn, folder->mailbox, folder->number, NULL, failed_entry, f, err);
}

static bool
failed_mailbox(void *ctx, const struct catalog_mailbox *mailbox, struct exa_error *err)
{
	struct failed_listing *f = ctx;

	if (f->selection->mailbox != NULL && !pattern_matches(f->selection->mailbox, mailbox->smtp))
		return true;
	f->mailbox = mailbox;
	return catalog_each_folder(f->txn, mailbox->number, failed_folder, f, err);
}

static bool
list_failed(struct listing *l, const struct selection *selection, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct failed_listing f = { .l = l, .selection = selection };

	if (!store_read_begin(catalog_store(l->catalog), &txn, err))
		return false;
	f.txn = txn;
	return catalog_each_mailbox(txn, failed_mailbox, &f, err);
}

/* ---- --expired ---- */

struct expired_listing {
	struct listing *l;
	struct store_txn *txn;
	const struct selection *selection;
	/* of the mailbox and folder looked up last */
	uint32_t mailbox, folder;
	struct buf address, path;
};

static bool
find_address(void *ctx, const struct catalog_mailbox *m, struct exa_error *err)
{
	struct expired_listing *x = ctx;

	(void)err;
	if (m->number == x->mailbox)
		buf_add_string(&x->address, m->smtp);
	return true;
}

static bool
find_path(void *ctx, const struct catalog_folder *f, struct exa_error *err)
{
	struct expired_listing *x = ctx;

	(void)err;
	if (f->number == x->folder)
		buf_add_string(&x->path, f->path);
	return true;
}

static bool
look_up_place(struct expired_listing *x, const struct catalog_key *key, struct exa_error *err)
{
	if (key->mailbox == x->mailbox && key->folder == x->folder)
		return true;
	x->mailbox = key->mailbox;
	x->folder = key->folder;
	buf_reset(&x->address);
	buf_reset(&x->path);
	return catalog_each_mailbox(x->txn, find_address, x, err) &&
	       catalog_each_folder(x->txn, x->mailbox, find_path, x, err);
}

static bool
is_selected(struct expired_listing *x, const struct catalog_expired *e)
{
	const struct selection *s = x->selection;

	return (s->mailbox == NULL || pattern_matches(s->mailbox, buf_string(&x->address))) &&
	       (s->folder == NULL || pattern_matches(s->folder, buf_string(&x->path))) &&
	       (s->from_ns == EXA_NO_TIME || e->received_ns >= s->from_ns) &&
	       (s->to_ns == EXA_NO_TIME ||
		       (e->received_ns != EXA_NO_TIME && e->received_ns < s->to_ns));
}

static void
print_expired(struct expired_listing *x, const struct catalog_expired *e)
{
	char received[CLOCK_TEXT_MAX], when[CLOCK_TEXT_MAX], size[16];

	clock_format(e->received_ns, received);
	clock_format(e->when_ns, when);
	if (x->l->json) {
		deed_print_json(json_pack("{s:I, s:o, s:o, s:s, s:s, s:I, s:s, s:o}", "number",
			(json_int_t)e->number, "mailbox",
			listing_json_text(buf_string(&x->address)), "folder",
			listing_json_text(buf_string(&x->path)), "received", received, "state",
			"expired", "bytes", (json_int_t)e->mime_bytes, "expired", when, "rule",
			listing_json_text(e->rule)));
		return;
	}
	text_size(e->mime_bytes, size);
	(void)printf("%8llu  %-10.10s  %9s  ", (unsigned long long)e->number, received, size);
	text_print(stdout, buf_string(&x->address), 28);
	(void)printf("  ");
	text_print(stdout, buf_string(&x->path), 20);
	(void)printf("  expired %s by rule ", when);
	text_print(stdout, e->rule, 0);
	(void)putchar('\n');
}

static bool
list_one_expired(void *ctx, const struct catalog_expired *e, struct exa_error *err)
{
	struct expired_listing *x = ctx;

	if (!look_up_place(x, &e->key, err))
		return false;
	if (!is_selected(x, e))
		return true;
	if (x->l->most > 0 && x->l->count == x->l->most) {
		x->l->more = true;
		return exa_fail(err, EXA_CANCELLED, "enough");
	}
	if (!x->l->only_count)
		print_expired(x, e);
	x->l->count++;
	x->l->bytes += e->mime_bytes;
	return true;
}

static bool
list_expired(struct listing *l, const struct selection *selection, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct expired_listing x = { .l = l, .selection = selection };
	bool good;

	if (!store_read_begin(catalog_store(l->catalog), &txn, err))
		return false;
	x.txn = txn;
	good = catalog_each_expired(txn, list_one_expired, &x, err) || l->more;
	buf_done(&x.address);
	buf_done(&x.path);
	if (good && !l->json && !l->only_count)
		(void)printf("%llu items\n", (unsigned long long)l->count);
	return good;
}

/* ---- the verb ---- */

static bool
list(struct listing *l, const struct args *args, const struct selection *selection,
	struct exa_error *err)
{
	if (args->value[OPT_FAILED] != NULL)
		return list_failed(l, selection, err);
	if (args->value[OPT_EXPIRED] == NULL)
		return listing_run(l, selection, err);
	l->most = selection->limit; /* of the others the walk itself has it */
	return list_expired(l, selection, err);
}

int
cmd_list(const struct args *args)
{
	struct listing l = { .json = args->value[OPT_JSON] != NULL,
		.only_count = args->value[OPT_COUNT_ONLY] != NULL };
	struct selection selection;
	struct exa_error err;
	bool good;

	if (!select_read(args, &selection, &err))
		return fail_with(&err);
	good = archive_open(args, (struct store_open_options){ .access = STORE_READ }, &l.catalog,
		       &err) &&
	       list(&l, args, &selection, &err);
	if (good && (l.only_count ||
			    (args->value[OPT_FAILED] == NULL && args->value[OPT_EXPIRED] == NULL)))
		listing_end(&l);
	listing_done(&l);
	selection_done(&selection);
	if (!good)
		return fail_with(&err);
	return l.damaged > 0 ? EXIT_CORRUPT : EXIT_DONE;
}
