/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mailbox at the server. It is opened once: its folders are listed, those that are missing made,
 * and then its feeds begin. Whoever ends its last feed or batch closes it.
 *
 * Making a folder isn't repeated on suspicion either: after trouble the folders are listed again.
 */
#include <assert.h>
#include <string.h>

#include "internal.h"

struct opening {
	struct job job; /* first: the pool hands it back */
	struct target *target;
};

/* ---- folders ---- */

static bool
make_place(struct restore_thread *t, struct target *target, struct tree *tree,
	const struct ews_new_folder *folder, struct place **out, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf id = { 0 };

	if (t->run->options->dry_run)
		buf_printf(&id, "new folder %zu", tree->count);
	else if (!ews_create_folder(t->ews, &target->mailbox, folder, &id, err))
		return exa_while(err, "making folder %s", folder->name);
	*out = server_tree_add(tree, folder->parent_id, buf_string(&id), folder->name);
	(*out)->is_new = t->run->options->dry_run;
	return true;
}

/* Down the way from name to name; what is missing is made. */
static bool
go(struct restore_thread *t, struct source *s, struct tree *tree, const struct way *way,
	struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf path = { 0 };
	struct place *at = way->from;

	if (at != server_tree_root(tree))
		buf_printf(&path, "/%s", at->name);
	for (size_t i = 0; i < way->count; i++) {
		struct place *next =
			at->id[0] == '\0' ? NULL : server_tree_child(tree, at, way->names[i]);
		const struct ews_new_folder folder = {
			.parent_id = at->id, .name = way->names[i], .class = way->classes[i]
		};

		buf_printf(&path, "/%s", way->names[i]);
		if (next == NULL) {
			if (!make_place(t, s->target, tree, &folder, &next, err))
				return false;
			tell_folder(s->target, buf_string(&path));
		}
		assert(next != NULL);
		at = next;
	}
	s->place_id = exa_strdup(at->is_new ? "" : at->id);
	s->place_path = path.size > 0 ? buf_steal(&path) : exa_strdup("/");
	return true;
}

static bool
place_sources(
	struct restore_thread *t, struct target *target, struct tree *tree, struct exa_error *err)
{
	struct archived_folders archived = { 0 };
	uint32_t mailbox = 0;
	bool good = true;

	for (size_t i = 0; good && i < target->source_count; i++) {
		struct source *s = target->sources[i];
		struct way way;

		if (s->place_id != NULL)
			continue;
		if (s->mailbox != mailbox) {
			archived_folders_done(&archived);
			mailbox = s->mailbox;
			good = archived_folders_load(t->run->catalog, mailbox, &archived, err);
			if (!good)
				break;
		}
		way_find(tree, &archived, t->run->options->into_folder, s->path, &way);
		good = go(t, s, tree, &way, err);
		way_done(&way);
	}
	archived_folders_done(&archived);
	return good;
}

static bool
open_target(struct restore_thread *t, struct target *target, struct exa_error *err)
{
	struct tree tree = { 0 };
	bool good = server_tree_load(t->ews, &target->mailbox, &tree, err) &&
		    place_sources(t, target, &tree, err);

	server_tree_done(&tree);
	return good;
}

/* ---- policy ---- */

static bool
take_root(void *ctx, const struct ews_folder *folder, struct exa_error *err)
{
	(void)ctx;
	(void)folder;
	(void)err;
	return true;
}

/* Trouble that should have passed hasn't: is it what was asked for, or the mailbox? */
static bool
target_answers(struct restore_thread *t, const struct target *target)
{
	const struct ews_folder_sink sink = { .folder = take_root };
	struct exa_error ignored;

	return ews_get_folder(t->ews, &target->mailbox, NULL, &sink, &ignored);
}

static bool
was_waited_for(const struct exa_error *why)
{
	return why->code == EXA_NET || why->code == EXA_TIMEOUT || why->code == EXA_THROTTLED;
}

enum outcome
target_job_fails(struct restore_thread *t, struct target *target, struct job *job,
	enum work_scope scope, const struct exa_error *why)
{
	struct run *run = target->run;
	const enum work_advice advice = work_advise(why, scope, work_attempts(job, why));

	switch (advice) {
	case WORK_RETRY:
		work_again(run->work, job, why);
		return OUTCOME_QUEUED;
	case WORK_SMALLER:
	case WORK_SKIP_ITEM:
	case WORK_SKIP_FOLDER:
		if (was_waited_for(why) && !target_answers(t, target))
			break;
		return advice == WORK_SMALLER ? OUTCOME_SMALLER : OUTCOME_SKIPPED;
	case WORK_SKIP_MAILBOX:
		break;
	case WORK_STOP:
	case WORK_ADVICE_COUNT:
		work_stop(run->work, why);
		return OUTCOME_STOPPED;
	}
	target_abandon(target, why);
	return OUTCOME_ASIDE;
}

/* ---- the end ---- */

void
target_abandon(struct target *t, const struct exa_error *why)
{
	(void)pthread_mutex_lock(&t->run->mu);
	if (!atomic_load(&t->abandoned)) {
		t->error = *why;
		atomic_store(&t->abandoned, true);
	}
	(void)pthread_mutex_unlock(&t->run->mu);
}

static void
target_close(struct target *t)
{
	const struct restore_counts *c = &t->counts;

	t->done = true;
	tell_target(t, !atomic_load(&t->abandoned) &&
			       c->restored + c->there + c->twins + c->failed == c->planned);
	work_target_close(t->run->work, t->work);
}

void
target_give_up(struct target *t, const struct exa_error *why)
{
	if (why != NULL)
		target_abandon(t, why);
	t->done = true;
	tell_target(t, false);
}

void
target_job_begins(struct target *t)
{
	(void)atomic_fetch_add(&t->jobs, 1);
}

void
target_job_ends(struct target *t)
{
	if (atomic_fetch_sub(&t->jobs, 1) == 1)
		target_close(t);
}

/* ---- the job ---- */

static void
opening_drop(struct job *job)
{
	exa_free(job);
}

static void
opening_fails(struct opening *o, struct restore_thread *t, struct exa_error *why)
{
	struct target *target = o->target;

	switch (target_job_fails(t, target, &o->job, WORK_SCOPE_MAILBOX, why)) {
	case OUTCOME_QUEUED:
		work_target_close(target->run->work, target->work); /* it opens again */
		return;
	case OUTCOME_STOPPED:
		exa_free(o);
		return;
	case OUTCOME_SMALLER:
	case OUTCOME_SKIPPED:
		target_abandon(target, why);
		break;
	case OUTCOME_ASIDE:
		break;
	}
	exa_free(o);
	target_close(target);
}

static void
opening_run(struct job *job, void *thread)
{
	struct opening *o = (struct opening *)(void *)job;
	struct target *target = o->target;
	struct exa_error err;

	target->opened = true;
	if (!open_target(thread, target, &err)) {
		opening_fails(o, thread, &err);
		return;
	}
	work_got_on(target->run->work, job);
	target_job_begins(target); /* held until all feeds have begun */
	for (size_t i = 0; i < target->source_count; i++)
		feed_begin(target->sources[i]);
	exa_free(o);
	target_job_ends(target);
}

void
target_begin(struct target *t)
{
	struct opening *o = exa_alloc(sizeof *o);

	t->work = work_target_new(t->run->work);
	o->job = (struct job){
		.rank = WORK_OPEN, .target = t->work, .run = opening_run, .drop = opening_drop
	};
	o->target = t;
	work_add(t->run->work, &o->job);
}
