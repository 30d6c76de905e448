/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two questions to the server: how do these items stand, and: delete them. Results go by their
 * place in the request. So what is heard of an item counts only when the answer is whole, and
 * nothing in it stands in another item's place: errors carry no id.
 */
#include <stdio.h>
#include <string.h>

#include "delete.h"
#include "exarch/clock.h"

struct verdict {
	enum due_state state;
	uint64_t *counts;      /* what is told of it in the end; NULL = nothing yet */
	struct exa_error *why; /* DUE_REFUSED; owned */
};

/* One request's worth: the open items of the batch. */
struct asking {
	struct deletion *deletion;
	struct ews_item_ref refs[EWS_BATCH_MAX];
	struct due *due[EWS_BATCH_MAX];
	struct verdict verdicts[EWS_BATCH_MAX];
	size_t count;
	bool mixed_up;    /* an item stood in another's place */
	bool has_passing; /* some item failed in a way that passes, or with the mailbox */
	struct exa_error passing;
};

static void
asking_begin(struct asking *a, struct deletion *d)
{
	*a = (struct asking){ .deletion = d };
	for (size_t i = 0; i < d->due_count; i++) {
		struct due *due = &d->due[i];

		if (due->state != DUE_OPEN)
			continue;
		a->refs[a->count] =
			(struct ews_item_ref){ .id = due->id, .change_key = due->change_key };
		a->due[a->count++] = due;
	}
	report_requests(d->mailbox->run->options->report, 1);
}

static bool
passes(const struct exa_error *why)
{
	return why->code == EXA_ASIDE || work_advise(why, WORK_SCOPE_ITEM, 1) == WORK_RETRY;
}

static void
take_passing(struct asking *a, const struct exa_error *why)
{
	a->has_passing = true;
	a->passing = *why;
}

static void
refuse(struct asking *a, size_t index, const struct exa_error *why)
{
	struct verdict *v = &a->verdicts[index];

	exa_free(v->why);
	*v = (struct verdict){ DUE_REFUSED, &a->deletion->told.undeleted,
		exa_alloc(sizeof *v->why) };
	*v->why = *why;
}

static void
keep(struct asking *a, size_t index, uint64_t *counts)
{
	a->verdicts[index] = (struct verdict){ .state = DUE_KEPT, .counts = counts };
}

/* Tells of a refusal; the first one's name goes into the audit. */
static void
tell_refusal(struct deletion *d, const struct due *due, struct exa_error *why)
{
	if (d->refusal[0] == '\0')
		(void)snprintf(d->refusal, sizeof d->refusal, "%s", why->name);
	(void)exa_while(
		why, "item %llu isn't deleted at the server", (unsigned long long)due->number);
	report_problem(d->mailbox->run->options->report,
		&(struct report_problem){ .mailbox = d->mailbox->what->label,
			.folder = due->path,
			.item = due->id,
			.why = why });
}

static void
settle(struct asking *a)
{
	for (size_t i = 0; i < a->count; i++) {
		const struct verdict *v = &a->verdicts[i];

		a->due[i]->state = v->state;
		if (v->counts != NULL)
			(*v->counts)++;
		if (v->why != NULL)
			tell_refusal(a->deletion, a->due[i], v->why);
	}
}

/* WHOLE: the answer came to its end. False: something of it isn't settled. */
static bool
asking_end(struct asking *a, bool whole, struct exa_error *err)
{
	report_requests(a->deletion->mailbox->run->options->report, -1);
	if (whole && a->mixed_up)
		whole = exa_fail(err, EXA_PROTOCOL, "an answer with items in other places");
	if (whole)
		settle(a);
	for (size_t i = 0; i < a->count; i++)
		exa_free(a->verdicts[i].why);
	if (whole && a->has_passing)
		*err = a->passing;
	return whole && !a->has_passing;
}

/* ---- looking ---- */

static bool
on_begin(void *ctx, size_t index, struct exa_error *err)
{
	(void)ctx;
	(void)index;
	(void)err;
	return true;
}

static bool
on_mime(void *ctx, size_t index, struct bytes mime, struct exa_error *err)
{
	(void)ctx;
	(void)index;
	(void)mime;
	return exa_fail(err, EXA_PROTOCOL, "content that wasn't asked for");
}

static bool
on_there(void *ctx, size_t index, const struct ews_item *item, struct exa_error *err)
{
	struct asking *a = ctx;
	const struct due *due = a->due[index];
	struct report_deletion *told = &a->deletion->told;

	(void)err;
	a->mixed_up = a->mixed_up || strcmp(item->id, due->id) != 0;
	if (a->deletion->resumed)
		keep(a, index, NULL); /* the walk comes to it */
	else if (strcmp(item->change_key, due->change_key) != 0)
		keep(a, index, &told->changed);
	else if (item->flag_status == 2)
		keep(a, index, &told->flagged);
	return true;
}

/* Gone without having been asked for: somebody else was faster, and the next listing tells whether
 * it was moved or deleted. */
static bool
on_not_there(void *ctx, size_t index, const struct exa_error *why, struct exa_error *err)
{
	struct asking *a = ctx;

	(void)err;
	if (why->code == EXA_GONE && a->due[index]->asks > 0)
		a->verdicts[index].state = DUE_DELETED;
	else if (why->code == EXA_GONE)
		keep(a, index, &a->deletion->told.changed);
	else if (passes(why))
		take_passing(a, why);
	else
		refuse(a, index, why);
	return true;
}

bool
deletion_look(struct deletion *d, struct crawl_thread *t, struct exa_error *err)
{
	const struct ews_mailbox mailbox = crawl_ews_mailbox(d->mailbox->what);
	struct asking a;
	const struct ews_item_handler handler = { .begin = on_begin,
		.mime = on_mime,
		.end = on_there,
		.failed = on_not_there,
		.ctx = &a };

	asking_begin(&a, d);
	return asking_end(
		&a, ews_look_items(t->ews, &mailbox, a.refs, a.count, &handler, err), err);
}

/* ---- deleting ---- */

/* What isn't there at the first time of asking, somebody else took: as above. */
static bool
on_answered(void *ctx, size_t index, const struct exa_error *why, struct exa_error *err)
{
	struct asking *a = ctx;

	(void)err;
	if (why == NULL || (why->code == EXA_GONE && a->due[index]->asks > 1))
		a->verdicts[index].state = DUE_DELETED;
	else if (why->code == EXA_GONE)
		keep(a, index, &a->deletion->told.changed);
	else if (passes(why))
		take_passing(a, why);
	else
		refuse(a, index, why);
	return true;
}

bool
deletion_ask(struct deletion *d, struct crawl_thread *t, struct exa_error *err)
{
	const struct ews_mailbox mailbox = crawl_ews_mailbox(d->mailbox->what);
	struct asking a;
	const struct ews_delete_handler handler = { .answered = on_answered, .ctx = &a };
	struct ews_delete_request request = { .type = d->mailbox->run->options->deleting.how,
		.refs = a.refs };

	asking_begin(&a, d);
	request.count = a.count;
	for (size_t i = 0; i < a.count; i++)
		a.due[i]->asks++;
	return asking_end(&a, ews_delete_items(t->ews, &mailbox, &request, &handler, err), err);
}
