/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of `exarch bench`, in a child process:
 *
 *     parent                          child
 *     fork ------------------------>  archive made, opened, crawled, closed
 *     waits; passes signals on        finishes its batch when told to stop
 *     reads what memory they share <- ends
 *     removes the archive
 *
 * A child that dies costs its figures and leaves nothing behind. When the parent dies (kill -9), the
 * kernel ends the child; the folder stays then.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "exarch/clock.h"
#include "exarch/fs.h"
#include "exarch/mem.h"

/* Written by the child, read by the parent when it has ended. */
struct told {
	bool done, good;
	struct exa_error err;
	struct bench_outcome outcome;
};

/* In the child. */
struct running {
	const struct bench_task *task;
	struct told *told;
	struct crawl *crawl;
	struct catalog *catalog;
	struct report *report;
	pthread_mutex_t mu; /* of the outcome's latencies and counts */
};

/* The child under way; read by the signal handler. */
static volatile sig_atomic_t run_pid;
static volatile sig_atomic_t signals_passed;

void
bench_signal_run(int signal_number)
{
	const int before = errno;

	if (run_pid > 0)
		(void)kill((pid_t)run_pid, ++signals_passed > 1 ? SIGKILL : signal_number);
	errno = before;
}

/* ---- in the child ---- */

static void
seen(void *ctx, const struct ews_seen *s)
{
	struct running *r = ctx;
	struct bench_outcome *o = &r->told->outcome;
	const int64_t until_ns = clock_mono_ns() + (int64_t)s->retry_after_ms * EXA_NS_PER_MS;

	(void)pthread_mutex_lock(&r->mu);
	bench_latency_add(&o->run.latency, s->elapsed_us);
	o->run.requests++;
	o->run.throttled += s->throttled;
	o->run.failed += s->failed;
	if (s->throttled && s->retry_after_ms > 0 && until_ns > o->busy_until_mono_ns)
		o->busy_until_mono_ns = until_ns;
	(void)pthread_mutex_unlock(&r->mu);
}

static uint64_t
ns_of(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * (uint64_t)EXA_NS_PER_S + (uint64_t)t->tv_usec * 1000;
}

static bool
open_archive(struct running *r, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *dir = fs_join(r->task->scratch, "archive");
	uint8_t secret[STORE_KEY_FILE_BYTES];
	const struct store_key key = { .kind = r->task->encrypted ? STORE_KEY_FILE : STORE_KEY_NONE,
		.secret = bytes_of(secret, r->task->encrypted ? sizeof secret : 0) };
	const struct store_create_options create = { .codec = r->task->codec, .key = &key };
	const struct store_open_options open = { .access = STORE_WRITE, .key = &key };
	const struct catalog_listener listener = crawl_listener(r->crawl);
	bool good;

	if (getrandom(secret, sizeof secret, 0) != (ssize_t)sizeof secret)
		return exa_fail_errno(err, errno, "getting a random key");
	good = catalog_create(dir, &create, err) &&
	       catalog_open(dir, &open, &listener, &r->catalog, err);
	exa_wipe(secret, sizeof secret);
	return good || exa_while(err, "the scratch archive");
}

/* Nothing is deleted at the server, whatever the profile's `delete` says. */
static struct crawl_options
options_of(struct running *r)
{
	const struct profile *profile = r->task->session->profile;
	struct crawl_options o = {
		.mailboxes = r->task->choice->mailboxes,
		.mailbox_count = r->task->choice->count,
		.rules = &profile->rules,
		.fingerprint = rules_fingerprint(&profile->rules),
		.versions = CRAWL_VERSIONS_FIRST,
		.capture = (profile->capture & PROFILE_CAPTURE_MIME ? CRAWL_CAPTURE_MIME : 0U) |
			   (profile->capture & PROFILE_CAPTURE_NATIVE ? CRAWL_CAPTURE_NATIVE : 0U),
		.ews = r->task->session->ews,
		.report = r->report,
		.cancel = r->task->cancel,
		.threads = r->task->threads,
		.batch_items = profile->batch_items,
		.batch_bytes = profile->batch_bytes,
		.mailbox_concurrency = profile->mailbox_concurrency,
	};

	o.ews.watcher = (struct ews_watcher){ seen, r };
	return o;
}

static bool
crawl(struct running *r, struct exa_error *err)
{
	const struct crawl_options options = options_of(r);
	struct bench_outcome *o = &r->told->outcome;
	struct report_totals totals;
	struct rusage before, after;
	int64_t begun_ns;
	bool good;

	r->task->cancel->deadline_mono_ns = clock_mono_ns() + r->task->duration_ms * EXA_NS_PER_MS;
	(void)getrusage(RUSAGE_SELF, &before);
	begun_ns = clock_mono_ns();
	good = crawl_run(r->crawl, r->catalog, &options, err);
	o->run.elapsed_ns = (uint64_t)(clock_mono_ns() - begun_ns);
	(void)getrusage(RUSAGE_SELF, &after);
	o->run.user_ns = ns_of(&after.ru_utime) - ns_of(&before.ru_utime);
	o->run.system_ns = ns_of(&after.ru_stime) - ns_of(&before.ru_stime);
	o->run.rss_bytes = (uint64_t)after.ru_maxrss * 1024;
	o->run.threads = r->task->threads;
	report_totals_so_far(r->report, &totals);
	o->run.items = totals.sum.archived;
	o->run.bytes = totals.sum.bytes;
	o->items_failed = totals.sum.failed;
	o->mailboxes_failed = totals.mailboxes_failed;
	o->run.cut_short = !good && err->code == EXA_CANCELLED &&
			   cancel_why(r->task->cancel) == CANCEL_DEADLINE;
	return good || o->run.cut_short;
}

static bool
run(struct running *r, struct exa_error *err)
{
	FILE *nowhere = fopen("/dev/null", "we");
	struct exa_error ignored;
	bool good = false;

	if (nowhere == NULL)
		return exa_fail_errno(err, errno, "opening /dev/null");
	r->crawl = crawl_new();
	r->report = report_new(
		&(struct report_options){ .style = REPORT_QUIET, .out = nowhere, .talk = nowhere });
	if (open_archive(r, err)) {
		good = crawl(r, err);
		/* The figures are there; the archive is about to be removed. */
		(void)!catalog_close(r->catalog, &ignored);
	}
	report_free(r->report);
	crawl_free(r->crawl);
	(void)fclose(nowhere);
	return good;
}

static void
be_the_child(const struct bench_task *task, struct told *told, pid_t parent)
{
	struct running r = { .task = task, .told = told, .mu = PTHREAD_MUTEX_INITIALIZER };

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILED);
	told->good = run(&r, &told->err);
	told->done = true;
	_exit(EXIT_DONE);
}

/* ---- in the parent ---- */

/* No signal is lost between the two processes: until the parent knows whom to pass it on to, it
 * waits. */
static pid_t
start(const struct bench_task *task, struct told *told)
{
	const pid_t parent = getpid();
	sigset_t stops, before;
	pid_t pid;

	(void)sigemptyset(&stops);
	(void)sigaddset(&stops, SIGINT);
	(void)sigaddset(&stops, SIGTERM);
	(void)sigaddset(&stops, SIGHUP);
	(void)pthread_sigmask(SIG_BLOCK, &stops, &before);
	run_pid = 0;
	signals_passed = 0;
	(void)fflush(stdout); /* said once, whatever a process does at its end */
	pid = fork();
	if (pid > 0)
		run_pid = (sig_atomic_t)pid;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (pid == 0)
		be_the_child(task, told, parent);
	return pid;
}

static bool
follow(const struct bench_task *task, struct told *told, struct exa_error *err)
{
	pid_t pid = start(task, told);
	int status = 0;

	if (pid < 0)
		return exa_fail_errno(err, errno, "starting a process");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	run_pid = 0;
	if (cancel_raised(task->cancel))
		return exa_fail(err, EXA_CANCELLED, "stopped by a signal");
	if (!told->done)
		return exa_fail(err, EXA_FAILED, "the run with %u threads died (%s %d)",
			task->threads, WIFSIGNALED(status) ? "signal" : "exit code",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	if (!told->good)
		*err = told->err;
	return told->good;
}

bool
bench_measure(const struct bench_task *task, struct bench_outcome *out, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *archive = fs_join(task->scratch, "archive");
	struct told *told =
		mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct exa_error late;
	bool good;

	if (told == MAP_FAILED)
		return exa_fail_errno(err, errno, "sharing memory");
	good = follow(task, told, err);
	if (!scratch_remove(archive, &late) && good) {
		*err = late;
		good = false;
	}
	if (good)
		*out = told->outcome;
	(void)munmap(told, sizeof *told);
	return good;
}
