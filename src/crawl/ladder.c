/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An item that can't be had the way it was asked for, and what is tried next:
 *
 *     in its batch ──► alone ──► alone on a fresh connection ──► in its other form ──► failed
 *
 * A form is the MIME or the native stream; which is asked for first is the profile's `capture`. The
 * other form is asked for in a batch and alone. If the item has one of the two in the end, it is
 * archived with that, and the report says so; else it is *failed*, with the reason why the form
 * that was wanted first can't be had.
 *
 * Classes that have no MIME anyway (tasks, notes, ...) skip what is in between. Properties that
 * can't be had don't hold up the stream: what the listing said of the item has to do.
 */
#include "internal.h"

static bool
has_no_mime_by_class(const struct item_ref *ref, const struct exa_error *why)
{
	if (ref->form != FORM_MIME || why->code != EXA_UNREADABLE)
		return false;
	switch (rules_class_of(ref->class)) {
	case RULES_CLASS_CONTACT:
	case RULES_CLASS_TASK:
	case RULES_CLASS_NOTE:
	case RULES_CLASS_JOURNAL:
		return true;
	case RULES_CLASS_MAIL:
	case RULES_CLASS_MEETING:
	case RULES_CLASS_REPORT:
	case RULES_CLASS_CALENDAR:
	case RULES_CLASS_COUNT:
		break;
	}
	return false;
}

static void
go_to(struct item_ref *ref, enum item_form form, enum item_rung rung)
{
	ref->form = form;
	ref->rung = rung;
	ref->moves = true;
}

static void
note_why(struct item_ref *ref, const struct exa_error *why)
{
	ref->why = exa_alloc(sizeof *ref->why);
	*ref->why = *why;
}

/* Neither form, or only the one that is there already. */
static bool
end_of_ladder(struct crawl_thread *t, struct folder *f, struct item_ref *ref,
	const struct exa_error *why, struct exa_error *err)
{
	if (ref->held == NULL || !ref->held->has_mime) {
		ref->done = item_failed(t, f, ref, ref->why != NULL ? ref->why : why, err);
		return ref->done;
	}
	item_lacks_form(f, ref, why);
	ref->done = item_archive(t, f, &ref->held->item, &ref->held->mime, NULL, err);
	return ref->done;
}

bool
ladder_next(struct crawl_thread *t, struct folder *f, struct item_ref *ref, bool was_alone,
	const struct exa_error *why, struct exa_error *err)
{
	const bool without_mime = has_no_mime_by_class(ref, why);

	if (!was_alone && !without_mime) {
		go_to(ref, ref->form, RUNG_ALONE);
		return true;
	}
	if (ref->form == FORM_NATIVE && ref->held == NULL) {
		ref->held = held_of_listing(ref);
		go_to(ref, FORM_NATIVE, RUNG_ALONE);
		return true;
	}
	if (ref->why == NULL && ref->rung != RUNG_FRESH && !without_mime) {
		go_to(ref, ref->form, RUNG_FRESH);
		return true;
	}
	if (ref->why != NULL || (ref->held != NULL && ref->held->has_mime))
		return end_of_ladder(t, f, ref, why, err);
	note_why(ref, why);
	go_to(ref, ref->form == FORM_MIME ? FORM_NATIVE : FORM_MIME,
		without_mime ? RUNG_BATCH : RUNG_ALONE);
	return true;
}
