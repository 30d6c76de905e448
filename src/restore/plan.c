/* SPDX-License-Identifier: Apache-2.0 */
/* What there is to do: one walk over the choice, which is kept as folders with their counts alone. */
#include <string.h>
#include <strings.h>

#include "internal.h"

/* Whose folder at the server a mailbox of the archive goes to; false: nothing can be put there. */
static bool
part_of(const struct run *run, const struct catalog_mailbox *m, enum ews_part *out)
{
	*out = EWS_PART_PRIMARY;
	switch (m->part) {
	case CATALOG_PRIMARY:
		return true;
	case CATALOG_ONLINE_ARCHIVE:
		if (run->options->into_mailbox == NULL)
			*out = EWS_PART_ARCHIVE;
		return true;
	case CATALOG_RECOVERABLE:
	case CATALOG_ARCHIVE_RECOVERABLE:
	case CATALOG_PUBLIC:
		break;
	}
	return run->options->into_folder != NULL;
}

static struct target *
target_for(struct run *run, const char *smtp, enum ews_part part)
{
	struct target *t;

	for (size_t i = 0; i < run->target_count; i++) {
		t = run->targets[i];
		if (t->mailbox.part == part && strcasecmp(t->mailbox.smtp, smtp) == 0)
			return t;
	}
	t = exa_alloc(sizeof *t);
	t->run = run;
	t->smtp = exa_strdup(smtp);
	t->mailbox = (struct ews_mailbox){ .smtp = t->smtp, .part = part };
	t->label = exa_asprintf("%s%s", smtp,
		catalog_part_suffix(
			part == EWS_PART_ARCHIVE ? CATALOG_ONLINE_ARCHIVE : CATALOG_PRIMARY));
	run->targets =
		exa_realloc_array(run->targets, run->target_count + 1, sizeof(struct target *));
	run->targets[run->target_count++] = t;
	return t;
}

static bool
begin_source(struct run *run, const struct restore_chosen *c, struct exa_error *err)
{
	const char *into = run->options->into_mailbox;
	struct source *s;
	enum ews_part part;

	if (!part_of(run, c->mailbox, &part))
		return exa_fail(err, EXA_USAGE,
			"%s%s: nothing can be put back there; name a folder for it: --into "
			"MAILBOX/FOLDER",
			c->mailbox->smtp, catalog_part_suffix(c->mailbox->part));
	s = exa_alloc(sizeof *s);
	s->target = target_for(run, into != NULL ? into : c->mailbox->smtp, part);
	s->mailbox = c->row->mailbox;
	s->folder = c->row->folder;
	s->path = exa_strdup(c->folder->path);
	if (run->source_count == run->source_capacity) {
		run->source_capacity = run->source_capacity > 0 ? run->source_capacity * 2 : 64;
		run->sources = exa_realloc_array(
			run->sources, run->source_capacity, sizeof(struct source *));
	}
	run->sources[run->source_count++] = s;
	return true;
}

static bool
plan_item(void *ctx, const struct restore_chosen *c, struct exa_error *err)
{
	struct run *run = ctx;
	struct source *s = run->source_count > 0 ? run->sources[run->source_count - 1] : NULL;

	if (s == NULL || s->mailbox != c->row->mailbox || s->folder != c->row->folder) {
		if (!begin_source(run, c, err))
			return false;
		s = run->sources[run->source_count - 1];
	}
	s->planned++;
	s->target->counts.planned++;
	run->result.counts.planned++;
	return true;
}

static void
hand_out_sources(struct run *run)
{
	for (size_t i = 0; i < run->source_count; i++) {
		struct target *t = run->sources[i]->target;

		if (t->source_count == t->source_capacity) {
			t->source_capacity = t->source_capacity > 0 ? t->source_capacity * 2 : 16;
			t->sources = exa_realloc_array(
				t->sources, t->source_capacity, sizeof(struct source *));
		}
		t->sources[t->source_count++] = run->sources[i];
	}
}

bool
plan_restore(struct run *run, struct exa_error *err)
{
	const struct restore_choice *choice = &run->options->choice;
	const struct restore_place nowhere = { 0 };

	if (!choice->walk(choice->ctx, &nowhere, plan_item, run, err))
		return false;
	hand_out_sources(run);
	return true;
}

void
plan_forget(struct run *run)
{
	for (size_t i = 0; i < run->source_count; i++) {
		struct source *s = run->sources[i];

		if (s->parked)
			exa_free(s->feed);
		exa_free(s->path);
		exa_free(s->place_id);
		exa_free(s->place_path);
		exa_free(s);
	}
	for (size_t i = 0; i < run->target_count; i++) {
		struct target *t = run->targets[i];

		exa_free(t->smtp);
		exa_free(t->label);
		exa_free(t->sources);
		exa_free(t);
	}
	exa_free(run->sources);
	exa_free(run->targets);
}
