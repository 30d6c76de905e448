/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify: first the segments, then (level `messages`) the messages; items that suffer from damage
 * are named in either case. With --state a round of it may take many calls.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exarch/clock.h"

#include "amount.h"
#include "key.h"
#include "select.h"
#include "talk.h"
#include "verify_state.h"
#include "verify_tell.h"

#define SAVE_NS (5 * EXA_NS_PER_S) /* at most so much is looked at again after a crash */

static const char *const level_names[] = { "headers", "bytes", "blobs", "messages" };
enum level { LEVEL_HEADERS, LEVEL_BYTES, LEVEL_BLOBS, LEVEL_MESSAGES };

/* The deadline ends what is looked at; a signal also the search for those that suffer from it. */
static struct cancel stop_asked, signalled;

static void
on_stop(int signal_number)
{
	(void)signal_number;
	cancel_raise(&stop_asked, CANCEL_SIGNAL);
	cancel_raise(&signalled, CANCEL_SIGNAL);
}

struct run {
	const struct args *args;
	enum level level;
	struct selection selection;
	struct verify_round round;
	struct verify_state state;
	uint64_t bytes_per_s;
	const char *state_path; /* NULL = none */
	int64_t saved_ns;
	uint32_t begun_in; /* the segment */
	struct exa_error save_failed;
	struct catalog *catalog;
	bool has_index;
	struct damage_map *map;
	struct talk talk;
	struct verify_outcome outcome;
};

/* ---- the command line ---- */

static bool
read_level(struct run *r, struct exa_error *err)
{
	const char *name = r->args->value[OPT_LEVEL];

	r->level = LEVEL_MESSAGES;
	for (size_t i = 0; name != NULL && i < sizeof level_names / sizeof level_names[0]; i++) {
		if (strcmp(name, level_names[i]) == 0) {
			r->level = (enum level)i;
			name = NULL;
		}
	}
	r->round.level = level_names[r->level];
	return name == NULL ||
	       exa_fail(err, EXA_USAGE, "--level is headers, bytes, blobs or messages, not '%s'",
		       name);
}

static bool
is_limited(const struct args *args)
{
	static const enum option_id limits[] = { OPT_MAILBOX, OPT_FOLDER, OPT_SINCE, OPT_BEFORE,
		OPT_ID };

	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		if (args->value[limits[i]] != NULL)
			return true;
	}
	return false;
}

static bool
read_limits(struct run *r, struct exa_error *err)
{
	const char *seed = r->args->value[OPT_SEED], *rate = r->args->value[OPT_RATE],
		   *sample = r->args->value[OPT_SAMPLE],
		   *duration = r->args->value[OPT_MAX_DURATION];
	int64_t span_ms;

	r->round.seed = 1;
	r->state_path = r->args->value[OPT_STATE];
	if (seed != NULL && !number_read(seed, &r->round.seed, err))
		return exa_while(err, "--seed");
	if (rate != NULL && !amount_read(rate, &r->bytes_per_s, err))
		return exa_while(err, "--rate");
	if (sample != NULL && !share_read(sample, &r->round.sample, err))
		return exa_while(err, "--sample");
	if (duration != NULL && !clock_parse_span(duration, &span_ms, err))
		return exa_while(err, "--max-duration");
	if (duration != NULL)
		stop_asked.deadline_mono_ns = clock_mono_ns() + span_ms * EXA_NS_PER_MS;
	if (r->state_path != NULL && is_limited(r->args))
		return exa_fail(err, EXA_USAGE,
			"--state is for rounds over the whole archive, not for a selection");
	return true;
}

static bool
read_options(struct run *r, struct exa_error *err)
{
	if (!read_level(r, err) || !read_limits(r, err) ||
		!select_read(r->args, &r->selection, err))
		return false;
	r->selection.all_versions = true; /* they are as archived as the others */
	return true;
}

/* ---- what comes while it goes on ---- */

static void
save(struct run *r)
{
	r->saved_ns = clock_mono_ns();
	if (r->state_path == NULL || r->save_failed.code != EXA_OK ||
		verify_state_save(r->state_path, &r->round, &r->state, &r->save_failed))
		return;
	cancel_raise(&stop_asked, CANCEL_FAILURE);
	cancel_raise(&signalled, CANCEL_FAILURE);
}

static void
save_now_and_then(struct run *r)
{
	if (clock_mono_ns() - r->saved_ns >= SAVE_NS)
		save(r);
}

static void
take_damage(void *ctx, const struct store_damage *damage)
{
	struct run *r = ctx;

	talk_clear(&r->talk);
	tell_damage(r->args, damage);
	damage_map_add(r->map, damage);
	r->outcome.damaged++;
	r->outcome.index_damaged += damage->at.segment == 0;
	r->state.damaged++;
}

static void
take_item(void *ctx, const struct selected *item, const struct exa_error *why)
{
	struct run *r = ctx;

	talk_clear(&r->talk);
	tell_item(r->args, item, why);
	r->outcome.damaged++;
	r->state.damaged++;
}

static void
reached_segment(void *ctx, const struct store_verify_position *position)
{
	struct run *r = ctx;

	r->state.position = *position;
	save_now_and_then(r);
}

static void
walked_bytes(void *ctx, uint64_t done, uint64_t total)
{
	struct run *r = ctx;

	talk_status(
		&r->talk, &(struct talk_status){ .what = "segments", .done = done, .all = total });
}

static void
passed_item(void *ctx, const struct selected_place *reached, uint64_t items, uint64_t bytes)
{
	struct run *r = ctx;

	talk_status(&r->talk,
		&(struct talk_status){ .what = "messages", .items = items, .bytes = bytes });
	if (r->state.phase != VERIFY_MESSAGES)
		return;
	r->state.after = *reached;
	save_now_and_then(r);
}

/* ---- opening ---- */

static bool
open_as(struct run *r, enum store_access access, const struct key *key, struct exa_error *err)
{
	return catalog_open(r->args->positional[0],
		&(struct store_open_options){ .access = access, .key = &key->key }, NULL,
		&r->catalog, err);
}

/* Whether the segments may be looked at without the index, which failed to open. */
static bool
may_do_without(const struct exa_error *why)
{
	return why->code == EXA_CORRUPT || why->code == EXA_USAGE || why->code == EXA_IO;
}

static bool
open_without_index(struct run *r, const struct key *key, struct exa_error *err)
{
	struct store_damage damage = { .first = 1, .what = *err };
	struct exa_error why;

	if (!may_do_without(err) || !open_as(r, STORE_SEGMENTS, key, &why))
		return false;
	take_damage(r, &damage);
	(void)fprintf(stderr,
		"exarch: looking at the segments alone; no item can be named before `exarch "
		"rebuild %s`\n",
		r->args->positional[0]);
	if (r->level == LEVEL_MESSAGES)
		r->level = LEVEL_BLOBS;
	r->outcome.level = level_names[r->level];
	return true;
}

/* Headers and bytes can be checked without a key: a machine that holds only the copy can do that.
 */
static bool
open_archive(struct run *r, struct exa_error *err)
{
	EXA_AUTO(key_done) struct key key = { 0 };
	const char *archive = r->args->positional[0];
	bool encrypted;

	if (!store_is_encrypted(archive, &encrypted, err) ||
		!key_get(r->args, NULL, archive,
			r->level <= LEVEL_BYTES ? KEY_IF_GIVEN : KEY_NEEDED, &key, err))
		return false;
	if (encrypted && key.key.kind == STORE_KEY_NONE) {
		if (r->args->value[OPT_QUIET] == NULL)
			(void)fprintf(stderr, "exarch: without the key, items that suffer from "
					      "damage can't be named\n");
		return open_as(r, STORE_SEGMENTS, &key, err);
	}
	r->has_index = open_as(r, STORE_READ, &key, err);
	return r->has_index || open_without_index(r, &key, err);
}

static bool
begin_round(struct run *r, struct exa_error *err)
{
	struct store_stats stats;

	if (r->state_path == NULL)
		return true;
	if (!store_stat(catalog_store(r->catalog), &stats, err))
		return false;
	memcpy(r->round.uuid, stats.uuid, sizeof r->round.uuid);
	if (!verify_state_load(r->state_path, &r->round, &r->state, err))
		return false;
	if (r->state.began_ns == 0)
		r->state.began_ns = clock_wall_ns();
	r->outcome.damaged_before = r->state.damaged;
	r->state.damaged += r->outcome.damaged;
	r->begun_in = r->state.position.segment == 0 ? 1 : r->state.position.segment;
	r->saved_ns = clock_mono_ns();
	return true;
}

/* ---- the two parts of a round ---- */

static const char *
scratch_from_environment(void)
{
	const char *named = getenv("TMPDIR");

	return named != NULL && named[0] != '\0' ? named : NULL;
}

static bool
look_at_segments(struct run *r, struct exa_error *err)
{
	static const enum store_level levels[] = { STORE_VERIFY_HEADERS, STORE_VERIFY_BYTES,
		STORE_VERIFY_BLOBS, STORE_VERIFY_BLOBS };
	const struct store_verify_options options = {
		.level = levels[r->level],
		.sample = r->round.sample,
		.seed = r->round.seed,
		.bytes_per_s = r->bytes_per_s,
		.from = r->state.position,
		.scratch = scratch_from_environment(),
		.cancel = &stop_asked,
		.damaged = take_damage,
		.progress = walked_bytes,
		.reached = reached_segment,
		.ctx = r,
	};

	if (r->state.phase == VERIFY_MESSAGES)
		return true;
	r->outcome.segments_looked_at = true;
	if (!store_verify(catalog_store(r->catalog), &options, &r->outcome.store, err))
		return false;
	r->state.position = r->outcome.store.next;
	if (r->outcome.store.finished && r->level == LEVEL_MESSAGES)
		r->state.phase = VERIFY_MESSAGES;
	return true;
}

/* All that are selected, or only those that suffer from what was found. */
static bool
look_at_items(struct run *r, struct exa_error *err)
{
	bool only_suffering = r->state.phase != VERIFY_MESSAGES;
	struct export_verify_options options = {
		.sample = only_suffering ? -1 : r->round.sample,
		.seed = r->round.seed,
		.damage = damage_map_any(r->map) ? r->map : NULL,
		.bytes_per_s = r->bytes_per_s,
		.cancel = only_suffering ? &signalled : &stop_asked,
		.failed = take_item,
		.progress = passed_item,
		.ctx = r,
	};

	if (!r->has_index || cancel_raised(options.cancel) ||
		(only_suffering && options.damage == NULL))
		return true;
	r->outcome.items_looked_at = true;
	r->outcome.all_items = (only_suffering || r->round.sample <= 0) &&
			       r->state.after.mailbox == 0 && !is_limited(r->args);
	r->selection.after = r->state.after;
	if (!export_verify(r->catalog, &r->selection, &options, &r->outcome.items, err))
		return false;
	r->outcome.all_items = r->outcome.all_items && r->outcome.items.finished;
	return true;
}

static const char *
why_stopped(const struct run *r)
{
	bool done = r->state.phase == VERIFY_MESSAGES
			    ? r->outcome.items_looked_at && r->outcome.items.finished
			    : r->outcome.store.finished;

	if (done)
		return NULL;
	return cancel_why(&stop_asked) == CANCEL_DEADLINE ? "--max-duration" : "a signal";
}

/* The next call goes on from here, or begins a new round. */
static bool
end_round(struct run *r, struct exa_error *err)
{
	r->outcome.stopped = why_stopped(r);
	r->outcome.goes_on = r->state_path != NULL;
	r->outcome.no_further =
		r->state.phase == VERIFY_SEGMENTS && r->state.position.segment == r->begun_in;
	if (r->outcome.stopped == NULL)
		r->state = (struct verify_state){ 0 };
	save(r);
	if (r->save_failed.code == EXA_OK)
		return true;
	*err = r->save_failed;
	return false;
}

static bool
verify(struct run *r, struct exa_error *err)
{
	return open_archive(r, err) && begin_round(r, err) && look_at_segments(r, err) &&
	       look_at_items(r, err) && end_round(r, err);
}

int
cmd_verify(const struct args *args)
{
	struct sigaction stop = { .sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND };
	struct run r = { .args = args };
	struct exa_error err;
	int code = EXIT_DONE;
	bool good;

	if (!read_options(&r, &err))
		return fail_with(&err);
	(void)sigaction(SIGINT, &stop, NULL);
	(void)sigaction(SIGTERM, &stop, NULL);
	r.map = damage_map_new();
	r.outcome.level = r.round.level;
	talk_begin(&r.talk, "verify", args);
	good = verify(&r, &err);
	talk_end(&r.talk);
	catalog_abandonp(&r.catalog);
	selection_done(&r.selection);
	damage_map_free(r.map);
	if (!good)
		return r.outcome.damaged > 0 ? (void)fail_with(&err),
		       EXIT_CORRUPT          : fail_with(&err);
	if (r.outcome.damaged + r.outcome.damaged_before > 0)
		code = EXIT_CORRUPT;
	else if (r.outcome.stopped != NULL)
		code = EXIT_STOPPED;
	else if (r.outcome.store.tables == STORE_TABLES_FAILED)
		code = EXIT_INCOMPLETE;
	tell_outcome(args, &r.outcome, code);
	return code;
}
