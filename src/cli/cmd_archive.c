/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nightly run: profile, credentials, archive, who, crawl, manifest, summary. What can be wrong
 * is looked at in this order, cheapest first, so that a mistake costs nothing and changes nothing;
 * a new archive is made only when the server has let us in.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deed.h"
#include "errand.h"
#include "exarch/clock.h"
#include "exarch/mem.h"
#include "indexing.h"
#include "key.h"
#include "lock_wait.h"
#include "metrics.h"
#include "select.h"
#include "session.h"
#include "terminal.h"

static struct cancel stop_asked; /* raised by signal handlers: must outlive everything */
static struct report *poked_report;

static void
on_stop(int signal_number)
{
	(void)signal_number;
	cancel_raise(&stop_asked, CANCEL_SIGNAL);
}

static void
on_poke(int signal_number)
{
	(void)signal_number;
	if (poked_report != NULL)
		report_poke(poked_report);
}

/* A second SIGINT or SIGTERM ends the process at once: the archive survives that too. */
static void
catch_signals(void)
{
	struct sigaction stop = { .sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND },
			 poke = { .sa_handler = on_poke, .sa_flags = SA_RESTART };

	(void)sigaction(SIGINT, &stop, NULL);
	(void)sigaction(SIGTERM, &stop, NULL);
	(void)sigaction(SIGUSR1, &poke, NULL);
	terminal_watch_stops();
}

struct archiving {
	const struct args *args;
	struct session session;
	struct plan plan;
	struct crawl *crawl;
	struct catalog *catalog;
	struct key key; /* until the archive is open */
	struct report *report;
	struct crawl_mailbox *mailboxes;
	size_t mailbox_count;
	uint32_t threads;
	struct crawl_deleting deleting;
	struct deed deed; /* whose deletions these are */
	struct report_log *log;
	int64_t lock_deadline_ns;    /* monotonic; 0: --lock-wait isn't given */
	struct report_totals totals; /* of nothing until the run has ended */
	bool dry_run;
	int64_t started_ns;
};

static bool
read_limits(struct archiving *a, struct exa_error *err)
{
	const char *threads = a->args->value[OPT_THREADS],
		   *duration = a->args->value[OPT_MAX_DURATION],
		   *wait = a->args->value[OPT_LOCK_WAIT];
	int64_t span_ms;

	a->threads = a->session.profile->threads;
	if (threads != NULL) {
		char *end;
		unsigned long n = strtoul(threads, &end, 10);

		if (*threads < '0' || *threads > '9' || *end != '\0' || n < 1 ||
			n > PROFILE_THREADS_MAX)
			return exa_fail(err, EXA_USAGE,
				"--threads is a number from 1 to %d, not '%s'", PROFILE_THREADS_MAX,
				threads);
		a->threads = (uint32_t)n;
	}
	if (wait != NULL) {
		if (!clock_parse_span(wait, &span_ms, err))
			return exa_while(err, "--lock-wait");
		a->lock_deadline_ns = clock_mono_ns() + span_ms * EXA_NS_PER_MS;
	}
	if (duration != NULL) {
		if (!clock_parse_span(duration, &span_ms, err))
			return exa_while(err, "--max-duration");
		stop_asked.deadline_mono_ns = clock_mono_ns() + span_ms * EXA_NS_PER_MS;
	}
	return true;
}

/* Deleting is switched on by the profile alone; the command line can only have less of it. */
static bool
read_deleting(struct archiving *a, struct exa_error *err)
{
	static const enum ews_delete_type types[] = {
		[PROFILE_DELETE_SOFT] = EWS_DELETE_SOFT,
		[PROFILE_DELETE_HARD] = EWS_DELETE_HARD,
		[PROFILE_DELETE_TRASH] = EWS_DELETE_TO_TRASH,
	};
	const struct profile *p = a->session.profile;
	const char *most = a->args->value[OPT_MAX_DELETE];
	const bool none = a->args->value[OPT_NO_DELETE] != NULL;

	deed_begin(&a->deed);
	a->deleting = (struct crawl_deleting){ .archived = p->delete_archived && !none,
		.how = types[p->delete_how],
		.before_ns = p->delete_before_ns,
		.most = p->delete_max > 0 ? p->delete_max : UINT64_MAX,
		.user = a->deed.user,
		.host = a->deed.host,
		.program = "exarch " EXARCH_VERSION };
	if (most == NULL)
		return true;
	if (!a->deleting.archived)
		return exa_fail(err, EXA_USAGE, "--max-delete: nothing is to be deleted; %s",
			none ? "--no-delete says so" : "the profile's `delete.when` is `never`");
	return number_read(most, &a->deleting.most, err) || exa_while(err, "--max-delete");
}

/* A missing archive is told before any server is asked; one that is made, is made after. */
static bool
look_for_archive(const struct archiving *a, struct exa_error *err)
{
	const struct profile *profile = a->session.profile;

	if (store_exists(profile->archive) || (profile->create_archive && !a->dry_run))
		return true;
	return exa_fail(err, EXA_ABSENT,
		"there is no archive in %s (is its disk mounted?); `exarch init %s` makes one, as "
		"does `create_archive: true` in "
		"the profile",
		profile->archive, profile->archive);
}

/* Asked for before any server is: nobody should type a passphrase an hour later. */
static bool
get_key(struct archiving *a, struct exa_error *err)
{
	const struct profile *profile = a->session.profile;
	const struct key_place place = { .key_file = profile->key_file,
		.passphrase_file = profile->passphrase_file };
	struct key_place given;

	if (store_exists(profile->archive))
		return key_get(a->args, &place, profile->archive, KEY_NEEDED, &a->key, err);
	if (!key_place_of(a->args, OPT_KEY_FILE, OPT_PASSPHRASE_FILE, &given, err))
		return false;
	/* The next run reads the profile, and maybe no option. */
	if (!key_is_nowhere(&given))
		return exa_fail(err, EXA_USAGE,
			"the archive %s is yet to be made; what makes it encrypted is "
			"`archive_key` in "
			"the profile, not an option",
			profile->archive);
	return key_is_nowhere(&place) || key_read(&place, &a->key, err);
}

static bool
ignore_folder(void *ctx, const struct ews_folder *folder, struct exa_error *err)
{
	(void)ctx;
	(void)folder;
	(void)err;
	return true;
}

/* A list of mailboxes asks no server. Before an archive is made, one question shows that the
 * credentials are good and that the server is there; what it says of that one mailbox is for the
 * crawl. */
static bool
server_lets_us_in(const struct archiving *a, struct exa_error *err)
{
	EXA_AUTO(ews_freep) struct ews *ews = NULL;
	const struct ews_mailbox mailbox = { .smtp = a->mailboxes[0].smtp };
	const struct ews_folder_sink sink = { .folder = ignore_folder };

	return ews_new(&a->session.ews, &ews, err) &&
	       (ews_get_folder(ews, &mailbox, NULL, &sink, err) || err->code == EXA_ASIDE ||
		       err->code == EXA_GONE || err->code == EXA_DENIED);
}

static bool
ask_to_be_let_in(void *ctx, struct exa_error *err)
{
	return server_lets_us_in(ctx, err);
}

/* Each refusal of a password counts towards the account's lockout: all threads at once would lock
 * it out. So one question goes before them. What else it meets is for the crawl. */
static bool
password_is_good(struct archiving *a, struct exa_error *err)
{
	const enum auth_kind kind = a->session.profile->auth.kind;

	if (kind != AUTH_BASIC && kind != AUTH_NTLM)
		return true;
	return errand_run(ask_to_be_let_in, a, &stop_asked, err) ||
	       (err->code != EXA_AUTH && err->code != EXA_CANCELLED);
}

static bool
wait_for_lock(const struct archiving *a, struct exa_error *err)
{
	return a->lock_deadline_ns == 0 || a->dry_run ||
	       lock_wait(a->session.profile->archive, a->lock_deadline_ns, &stop_asked, err);
}

static bool
open_archive(struct archiving *a, struct exa_error *err)
{
	const struct store_create_options options = { .codec = STORE_CODEC_ZLIB,
		.key = &a->key.key };
	const struct catalog_listener listener = crawl_listener(a->crawl);
	const char *dir = a->session.profile->archive;
	const bool exists = store_exists(dir);

	if (exists ? !password_is_good(a, err) : !errand_run(ask_to_be_let_in, a, &stop_asked, err))
		return false;
	if (!exists && !catalog_create(dir, &options, err))
		return false;
	/* Somebody may have taken the lock since it was looked at. */
	while (wait_for_lock(a, err)) {
		if (catalog_open(dir,
			    &(struct store_open_options){
				    .access = a->dry_run ? STORE_READ : STORE_WRITE,
				    .key = &a->key.key },
			    &listener, &a->catalog, err))
			return true;
		if (err->code != EXA_LOCKED || clock_mono_ns() >= a->lock_deadline_ns)
			return false;
	}
	return false;
}

/* They come last, as one more mailbox; a run of chosen mailboxes leaves them out. */
static void
add_public_folders(struct archiving *a)
{
	if (a->session.profile->public_as != NULL && a->args->value[OPT_MAILBOX] == NULL)
		a->mailboxes[a->mailbox_count++] = session_public(&a->session);
}

static bool
choose_mailboxes(struct archiving *a, struct exa_error *err)
{
	if (!plan_load(&a->session, a->args->value[OPT_MAILBOX], &stop_asked, &a->plan, err))
		return false;
	a->mailboxes = exa_alloc_array(a->plan.count * PARTS_MOST + 1, sizeof *a->mailboxes);
	for (size_t i = 0; i < a->plan.count; i++) {
		if (a->plan.entries[i].decision.verdict == RULES_ARCHIVE)
			a->mailbox_count += session_parts(&a->session, &a->plan.entries[i].mailbox,
				&a->mailboxes[a->mailbox_count]);
	}
	if (a->mailbox_count == 0)
		return exa_fail(err, EXA_USAGE,
			"no mailbox is to be archived (of %zu looked at); `exarch mailboxes %s` "
			"says why",
			a->plan.count, a->args->positional[0]);
	if (!session_locate(&a->session, a->mailboxes, a->mailbox_count, &stop_asked, err))
		return false;
	add_public_folders(a);
	return true;
}

/* Hanging up ends a run, unless it writes a log: then SIGHUP means that the log was rotated, which
 * it sees by itself. */
static bool
open_log(struct archiving *a, struct exa_error *err)
{
	const char *path = a->args->value[OPT_LOG_FILE];

	if (path == NULL)
		return true;
	(void)signal(SIGHUP, SIG_IGN);
	return report_log_open(path, &a->log, err);
}

static bool
prepare(struct archiving *a, struct exa_error *err)
{
	bool good = session_open(a->args->positional[0], &stop_asked, &a->session, err) &&
		    read_limits(a, err) && open_log(a, err) && read_deleting(a, err) &&
		    look_for_archive(a, err) && get_key(a, err) && wait_for_lock(a, err) &&
		    choose_mailboxes(a, err) && open_archive(a, err);

	key_done(&a->key);
	return good;
}

static struct crawl_options
options_of(const struct archiving *a)
{
	static const enum crawl_versions versions[] = {
		[PROFILE_VERSIONS_FIRST] = CRAWL_VERSIONS_FIRST,
		[PROFILE_VERSIONS_LATEST] = CRAWL_VERSIONS_LATEST,
		[PROFILE_VERSIONS_ALL] = CRAWL_VERSIONS_ALL,
	};
	const struct profile *profile = a->session.profile;

	return (struct crawl_options){
		.mailboxes = a->mailboxes,
		.mailbox_count = a->mailbox_count,
		.rules = &profile->rules,
		.fingerprint = rules_fingerprint(&profile->rules),
		.versions = versions[profile->versions],
		.capture = (profile->capture & PROFILE_CAPTURE_MIME ? CRAWL_CAPTURE_MIME : 0U) |
			   (profile->capture & PROFILE_CAPTURE_NATIVE ? CRAWL_CAPTURE_NATIVE : 0U),
		.ews = a->session.ews,
		.report = a->report,
		.cancel = &stop_asked,
		.threads = a->threads,
		.batch_items = profile->batch_items,
		.batch_bytes = profile->batch_bytes,
		.mailbox_concurrency = profile->mailbox_concurrency,
		.full_sync_ns = (int64_t)profile->full_sync_days * 86400 * EXA_NS_PER_S,
		.deleting = a->deleting,
		.dry_run = a->dry_run,
	};
}

static uint64_t
stored_bytes(struct archiving *a)
{
	struct store_stats stats;
	struct exa_error ignored;

	/* For the summary only. */
	return store_stat(catalog_store(a->catalog), &stats, &ignored)
		       ? stats.segment_bytes + stats.index_bytes
		       : 0;
}

static int
code_of_run(bool good, const struct exa_error *err, const struct report_totals *t)
{
	if (!good)
		return exit_code_of(err);
	if (t->sum.failed > 0 || t->sum.undeleted > 0 || t->sum.unexplained > 0 ||
		t->mailboxes_failed > 0 || t->mailboxes_incomplete > 0)
		return EXIT_INCOMPLETE;
	return EXIT_DONE;
}

/* The run's manifest, as the archive's own record of who did what. */
static bool
write_manifest(struct archiving *a, const struct report_totals *t, int code, struct exa_error *err)
{
	char host[256] = "";
	struct catalog_run run = { .started_ns = a->started_ns,
		.ended_ns = clock_wall_ns(),
		.exit_code = code,
		.host = host,
		.profile = a->args->positional[0],
		.program = "exarch " EXARCH_VERSION,
		.archived = t->sum.archived,
		.bytes = t->sum.bytes,
		.excluded = t->sum.excluded,
		.deferred = t->sum.deferred,
		.failed = t->sum.failed,
		.gone = t->sum.gone,
		.unexplained = t->sum.unexplained };

	(void)gethostname(host, sizeof host - 1);
	return catalog_run_add(a->catalog, &run, err) &&
	       store_flush(catalog_store(a->catalog), err);
}

/* A failure that ended the run is told as the program's last line; this is for runs that were asked
 * to stop. */
static const char *
why_stopped(bool good, const struct exa_error *err)
{
	if (good || err->code != EXA_CANCELLED)
		return NULL;
	return cancel_why(&stop_asked) == CANCEL_DEADLINE ? "--max-duration is over"
							  : "stopped by a signal";
}

/* A run that was refused before it archived anything leaves the archive as it was. */
static bool
leaves_manifest(const struct archiving *a, bool good, const struct exa_error *err,
	const struct report_totals *t)
{
	return !a->dry_run && (good || err->code == EXA_CANCELLED || t->sum.archived > 0);
}

/* The last line of a run that came to nothing, in the log too. */
static int
fail(struct archiving *a, const struct exa_error *err)
{
	if (a->log != NULL)
		report_log_failure(a->log, err, exit_code_of(err));
	return fail_with(err);
}

static int
crawl_and_report(struct archiving *a)
{
	const struct crawl_options options = options_of(a);
	struct report_totals *totals = &a->totals;
	struct exa_error err, late;
	uint64_t before = stored_bytes(a);
	int code;
	bool good = crawl_run(a->crawl, a->catalog, &options, &err);

	report_totals_so_far(a->report, totals);
	code = code_of_run(good, &err, totals);
	if (leaves_manifest(a, good, &err, totals) && !write_manifest(a, totals, code, &late) &&
		(good || err.code == EXA_CANCELLED)) {
		err = late;
		good = false;
		code = exit_code_of(&err);
	}
	report_stored(a->report, before, stored_bytes(a));
	report_finish(a->report, code, why_stopped(good, &err), totals);
	if (!good && err.code != EXA_CANCELLED)
		return fail(a, &err);
	return code;
}

static bool
environment_says(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0';
}

static int
archive(struct archiving *a)
{
	const bool json = a->args->value[OPT_JSON] != NULL,
		   quiet = a->args->value[OPT_QUIET] != NULL;
	EXA_AUTO(exa_freep)
	char *title = exa_asprintf("%s %s", a->dry_run ? "looking only, for" : "archiving to",
		a->session.profile->archive);
	const struct report_options options = { .style = json    ? REPORT_JSON
							 : quiet ? REPORT_QUIET
								 : REPORT_AUTO,
		.out = stdout,
		.talk = stderr,
		.log = a->log,
		.title = title,
		.dumb_terminal = !terminal_can_redraw(),
		.no_colour = environment_says("NO_COLOR") };
	struct exa_error err;
	int32_t days = auth_certificate_days(a->session.auth);
	int code;

	a->report = report_new(&options);
	poked_report = a->report;
	if (a->session.found_endpoint != NULL)
		report_note(a->report, "Autodiscover: %s", a->session.found_endpoint);
	if (days <= 30)
		report_warning(a->report,
			"the app's certificate expires in %d days; make a new one and upload it",
			(int)days);
	code = crawl_and_report(a);
	poked_report = NULL;
	report_free(a->report);
	if (a->session.profile->search && !a->dry_run && !cancel_raised(&stop_asked) &&
		(code == EXIT_DONE || code == EXIT_INCOMPLETE))
		indexing_update(a->catalog, &stop_asked);
	/* A run that failed has said why already. */
	if (!catalog_close(a->catalog, &err) &&
		(code == EXIT_DONE || code == EXIT_INCOMPLETE || code == EXIT_STOPPED))
		code = fail_with(&err);
	a->catalog = NULL;
	return code;
}

/* A monitor that hears nothing of this run is a failure of its own. */
static int
leave_metrics(struct archiving *a, int code)
{
	const char *path = a->args->value[OPT_METRICS_FILE];
	const struct metrics m = { .profile = a->args->positional[0],
		.started_ns = a->started_ns,
		.exit_code = code,
		.certificate_days = a->session.auth != NULL ? auth_certificate_days(a->session.auth)
							    : INT32_MAX,
		.totals = &a->totals };
	struct exa_error err;

	if (path == NULL || a->dry_run || metrics_write(path, &m, &err))
		return code;
	return fail_with(&err) != EXIT_DONE && code == EXIT_DONE ? EXIT_FAILED : code;
}

int
cmd_archive(const struct args *args)
{
	struct archiving a = { .args = args,
		.dry_run = args->value[OPT_DRY_RUN] != NULL,
		.started_ns = clock_wall_ns() };
	struct exa_error err;
	int code;

	catch_signals();
	a.crawl = crawl_new();
	if (prepare(&a, &err))
		code = archive(&a);
	else
		code = fail(&a, &err);
	code = leave_metrics(&a, code);
	catalog_abandonp(&a.catalog);
	report_log_close(a.log);
	crawl_free(a.crawl);
	for (size_t i = 0; i < a.mailbox_count; i++)
		exa_free(a.mailboxes[i].label);
	exa_free(a.mailboxes);
	plan_done(&a.plan);
	session_done(&a.session);
	return code;
}
