/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "exarch/clock.h"
#include "exarch/mem.h"
#include "internal.h"

#define REDRAW_NS (EXA_NS_PER_S / 5) /* on a terminal */
#define STATUS_INTERVAL_S 60
#define BLIND_NS EXA_NS_PER_S /* without an eventfd: how often we look */
/* Texts that wait to be written; who has more to say waits for a slow terminal. */
#define OUTBOX_MAX ((size_t)256 * 1024)
#define NOTE_LIMIT ((size_t)1024)

/* ---- writing; the redraw thread, or report_finish after it ---- */

/* Whether stdout or stderr can be written is the program's business (it looks at ferror). */
static void
write_out(FILE *f, const struct buf *text)
{
	if (text->size == 0)
		return;
	(void)fwrite(text->data, 1, text->size, f);
	(void)fflush(f);
}

static void
add_time(struct buf *out)
{
	char now[CLOCK_TEXT_MAX];

	clock_format(clock_wall_ns(), now);
	buf_printf(out, "%s  ", now);
}

/* What one look takes out of the outbox, and when the next are. */
struct look {
	struct buf talk, out, log;
	int64_t next_ns, next_log_ns; /* 0 = never */
};

static void
look_done(struct look *l)
{
	buf_done(&l->talk);
	buf_done(&l->out);
	buf_done(&l->log);
}

/* The mailboxes' texts may be another's as soon as mu is free again. */
static void
add_progress(struct report *r, const struct status *s, struct display_size size, struct buf *lines)
{
	struct progress_mailbox shown[ACTIVE_MAX];
	struct progress p = { .status = *s, .mailboxes = shown };

	(void)pthread_mutex_lock(&r->mu);
	p.more = r->active.more;
	for (size_t i = 0; i < ACTIVE_MAX; i++) {
		const struct report_active *a = &r->active.slots[i];

		if (a->mailbox == NULL)
			continue;
		shown[p.count++] = (struct progress_mailbox){ .mailbox = a->mailbox,
			.folder = a->folder != NULL ? a->folder : "",
			.done = atomic_load(&a->done),
			.expected = atomic_load(&a->expected),
			.bytes = atomic_load(&a->bytes) };
	}
	progress_lines(&p, size, lines);
	(void)pthread_mutex_unlock(&r->mu);
}

/* What is meant for stdout may end on the same terminal. */
static void
draw_terminal(struct report *r, const struct status *s, const struct look *l)
{
	EXA_AUTO(buf_done) struct buf lines = { 0 };

	if (l->out.size > 0) {
		display_clear(r->display);
		write_out(r->out, &l->out);
	}
	add_progress(r, s, display_size(r->display), &lines);
	display_draw(r->display, buf_bytes(&l->talk), buf_bytes(&lines));
}

static void
add_status_line(const struct status *s, struct buf *talk)
{
	add_time(talk);
	status_line(s, STATUS_WIDTH_ANY, talk);
	buf_add_byte(talk, '\n');
}

/* The log is of less weight than the run: it goes on without. */
static void
write_log(struct report *r, const struct buf *lines, struct buf *talk)
{
	struct exa_error err;

	if (r->log == NULL || log_write(r->log, buf_bytes(lines), &err))
		return;
	buf_add_string(talk, "problem: ");
	report_clean(talk, err.text, NOTE_LIMIT);
	buf_add_byte(talk, '\n');
}

/* One look: what waits in the outbox, and a status when one is due or asked for. */
static void
redraw(struct report *r, struct look *l, bool due, bool log_due)
{
	bool poked = atomic_exchange(&r->poked, false);
	struct buf *talk = &l->talk, *out = &l->out;
	struct status s;

	if (due || log_due || poked || r->mode == MODE_TERMINAL) {
		s = report_status(r, clock_mono_ns());
		if (log_due)
			json_status(&l->log, &s);
		if (poked || (due && r->mode == MODE_LINES))
			add_status_line(&s, talk);
		if (due && r->mode == MODE_JSON)
			json_status(out, &s);
	}
	write_log(r, &l->log, talk);
	if (r->mode == MODE_TERMINAL) {
		draw_terminal(r, &s, l);
	} else {
		write_out(r->talk, talk);
		write_out(r->out, out);
	}
}

/* ---- the redraw thread ---- */

static int64_t
interval_of(const struct report *r)
{
	switch (r->mode) {
	case MODE_TERMINAL:
		return REDRAW_NS;
	case MODE_LINES:
	case MODE_JSON:
		return r->interval_ns;
	case MODE_QUIET:
		break;
	}
	return 0;
}

static void
wake(struct report *r)
{
	const uint64_t one = 1;

	/* Fails only when it is raised 2^64 times: awake already. */
	if (r->wake_fd >= 0 && write(r->wake_fd, &one, sizeof one) < 0)
		return;
}

/* Until woken or DEADLINE (0 = none). */
static void
sleep_until(struct report *r, int64_t deadline_ns)
{
	struct pollfd fd = { .fd = r->wake_fd, .events = POLLIN };
	int64_t left_ns = deadline_ns - clock_mono_ns();
	uint64_t count;

	if (r->wake_fd < 0 && (deadline_ns == 0 || left_ns > BLIND_NS))
		left_ns = BLIND_NS;
	if (left_ns < 0)
		left_ns = 0;
	if (deadline_ns == 0 && r->wake_fd >= 0)
		(void)ppoll(&fd, 1, NULL, NULL);
	else
		(void)ppoll(&fd, 1,
			&(struct timespec){ .tv_sec = (time_t)(left_ns / EXA_NS_PER_S),
				.tv_nsec = (long)(left_ns % EXA_NS_PER_S) },
			NULL);
	if ((fd.revents & POLLIN) != 0 && read(r->wake_fd, &count, sizeof count) < 0)
		return;
}

static void
exchange(struct buf *a, struct buf *b)
{
	struct buf full = *a;

	*a = *b;
	*b = full;
}

/* Takes what waits in the outbox by exchanging it with empty buffers; whether to end. In quiet mode
 * what is for people stays until it is known that a human is needed. */
static bool
take_outbox(struct report *r, struct look *l)
{
	bool stopping;

	(void)pthread_mutex_lock(&r->mu);
	exchange(&r->log_box, &l->log);
	if (r->mode != MODE_QUIET) {
		exchange(&r->talk_box, &l->talk);
		exchange(&r->out_box, &l->out);
	}
	(void)pthread_cond_broadcast(&r->room);
	stopping = r->stopping;
	(void)pthread_mutex_unlock(&r->mu);
	return stopping;
}

/* Whether *NEXT_NS has come; then it is INTERVAL later. */
static bool
is_due(int64_t *next_ns, int64_t interval_ns)
{
	int64_t now_ns = clock_mono_ns();

	if (*next_ns == 0 || now_ns < *next_ns)
		return false;
	*next_ns = now_ns + interval_ns;
	return true;
}

static int64_t
earlier(int64_t a_ns, int64_t b_ns)
{
	return a_ns == 0 || (b_ns != 0 && b_ns < a_ns) ? b_ns : a_ns;
}

static void *
redraw_thread(void *arg)
{
	struct report *r = arg;
	EXA_AUTO(look_done) struct look l = { 0 };
	int64_t interval_ns = interval_of(r);
	bool stopping = false;

	if (interval_ns != 0)
		l.next_ns = clock_mono_ns() + interval_ns;
	if (r->log != NULL)
		l.next_log_ns = clock_mono_ns() + r->interval_ns;
	while (!stopping) {
		bool due, log_due;

		sleep_until(r, earlier(l.next_ns, l.next_log_ns));
		due = is_due(&l.next_ns, interval_ns);
		log_due = is_due(&l.next_log_ns, r->interval_ns);
		buf_reset(&l.talk);
		buf_reset(&l.out);
		buf_reset(&l.log);
		stopping = take_outbox(r, &l);
		redraw(r, &l, due && !stopping, log_due && !stopping);
	}
	if (r->display != NULL)
		display_clear(r->display);
	return NULL;
}

static void
start_thread(struct report *r)
{
	sigset_t all, before;
	int failure;

	/* Signals are for the program's own threads. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	failure = pthread_create(&r->thread, NULL, redraw_thread, r);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failure != 0) {
		/* As for memory: a program that can't start its first thread can't do its work. */
		(void)fprintf(stderr, "exarch: can't start a thread: %s\n", strerror(failure));
		abort();
	}
	r->thread_runs = true;
}

static void
stop_thread(struct report *r)
{
	if (!r->thread_runs)
		return;
	(void)pthread_mutex_lock(&r->mu);
	r->stopping = true;
	(void)pthread_mutex_unlock(&r->mu);
	wake(r);
	(void)pthread_join(r->thread, NULL);
	r->thread_runs = false;
}

/* ---- the outbox; any thread ---- */

static bool
is_full(const struct report *r)
{
	size_t people = r->mode == MODE_QUIET ? 0 : r->talk_box.size + r->out_box.size;

	return people + r->log_box.size > OUTBOX_MAX;
}

static void
post_begin(struct report *r)
{
	(void)pthread_mutex_lock(&r->mu);
	while (!r->stopping && is_full(r))
		(void)pthread_cond_wait(&r->room, &r->mu);
}

static bool
wants_json(const struct report *r)
{
	return r->mode == MODE_JSON || r->log != NULL;
}

/* Gives one line to whoever reads JSON. */
static void
post_json(struct report *r, const struct buf *line)
{
	if (r->mode == MODE_JSON)
		buf_add_bytes(&r->out_box, buf_bytes(line));
	if (r->log != NULL)
		buf_add_bytes(&r->log_box, buf_bytes(line));
}

static void
post_end(struct report *r)
{
	(void)pthread_mutex_unlock(&r->mu);
	wake(r);
}

/* "problem", "note": stands out on a terminal, has a time elsewhere. */
static void
add_word(struct report *r, const char *word, const char *sgr)
{
	if (r->mode == MODE_LINES)
		add_time(&r->talk_box);
	if (r->colour)
		buf_printf(&r->talk_box, "\x1b[%sm%s\x1b[0m", sgr, word);
	else
		buf_add_string(&r->talk_box, word);
}

static void
post_problem(struct report *r, const struct report_problem *p)
{
	EXA_AUTO(buf_done) struct buf line = { 0 };

	if (wants_json(r)) {
		json_problem(&line, p);
		post_json(r, &line);
	}
	if (r->mode != MODE_JSON && (r->mode != MODE_QUIET || r->talk_box.size < OUTBOX_MAX)) {
		add_word(r, "problem:", "1;31");
		problem_text(p, &r->talk_box);
	}
}

void
report_problem(struct report *r, const struct report_problem *p)
{
	(void)atomic_fetch_add(&r->counters.problems, 1);
	if (p->item != NULL)
		(void)atomic_fetch_add(&r->counters.item_problems, 1);
	post_begin(r);
	if (p->item != NULL && p->mailbox != NULL)
		active_failed(&r->active, p->mailbox);
	if (problem_note(&r->problems, p))
		post_problem(r, p);
	post_end(r);
}

void
report_note(struct report *r, const char *fmt, ...)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(buf_done) struct buf line = { 0 };
	va_list args;

	va_start(args, fmt);
	buf_vprintf(&text, fmt, args);
	va_end(args);
	json_note(&line, buf_string(&text));
	post_begin(r);
	post_json(r, &line);
	if (r->mode != MODE_JSON && (r->mode != MODE_QUIET || r->talk_box.size < OUTBOX_MAX)) {
		add_word(r, "note: ", "1");
		report_clean(&r->talk_box, buf_string(&text), NOTE_LIMIT);
		buf_add_byte(&r->talk_box, '\n');
	}
	post_end(r);
}

void
report_warning(struct report *r, const char *fmt, ...)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(buf_done) struct buf line = { 0 };
	va_list args;

	va_start(args, fmt);
	buf_vprintf(&text, fmt, args);
	va_end(args);
	json_warning(&line, buf_string(&text));
	post_begin(r);
	post_json(r, &line);
	if (r->mode == MODE_QUIET && r->warn_box.size < OUTBOX_MAX) {
		buf_add_string(&r->warn_box, "warning: ");
		report_clean(&r->warn_box, buf_string(&text), NOTE_LIMIT);
		buf_add_byte(&r->warn_box, '\n');
	} else if (r->mode != MODE_JSON && r->mode != MODE_QUIET) {
		add_word(r, "warning: ", "1;33");
		report_clean(&r->talk_box, buf_string(&text), NOTE_LIMIT);
		buf_add_byte(&r->talk_box, '\n');
	}
	post_end(r);
}

void
report_deletion(struct report *r, const struct report_deletion *d)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(buf_done) struct buf line = { 0 };
	const bool worth_it = deletion_text(d, &text);

	json_deletion(&line, d);
	post_begin(r);
	post_json(r, &line);
	if (worth_it && r->mode != MODE_JSON && r->mode != MODE_QUIET) {
		report_clean(&r->talk_box, buf_string(&text), NOTE_LIMIT);
		buf_add_byte(&r->talk_box, '\n');
	}
	post_end(r);
}

void
report_delete_item(struct report *r, const struct report_delete_item *item)
{
	EXA_AUTO(buf_done) struct buf line = { 0 };

	if (!wants_json(r))
		return;
	json_delete_item(&line, item);
	post_begin(r);
	post_json(r, &line);
	post_end(r);
}

struct report_active *
report_mailbox_open(struct report *r, const char *mailbox)
{
	EXA_AUTO(buf_done) struct buf line = { 0 };
	struct report_active *a;

	if (wants_json(r))
		json_mailbox_open(&line, mailbox);
	post_begin(r);
	post_json(r, &line);
	a = active_open(&r->active, mailbox);
	post_end(r);
	return a;
}

void
report_mailbox_done(struct report *r, const struct report_mailbox *m)
{
	EXA_AUTO(buf_done) struct buf line = { 0 };

	(void)atomic_fetch_add(&r->counters.mailboxes_done, 1);
	(void)atomic_fetch_add(
		&r->counters.settled, m->archived + m->known + m->deferred + m->failed);
	if (wants_json(r))
		json_mailbox(&line, m);
	post_begin(r);
	summary_add(r, m);
	if (m->mailbox != NULL)
		active_close(&r->active, m->mailbox);
	post_json(r, &line);
	post_end(r);
}

/* Atomics and write(2) only: signal-safety(7). */
void
report_poke(struct report *r)
{
	int before = errno;

	atomic_store(&r->poked, true);
	wake(r);
	errno = before;
}

/* ---- the end ---- */

static void
fill_totals(struct report *r)
{
	struct report_totals *t = &r->totals;

	t->requests = atomic_load(&r->counters.requests);
	t->received_bytes = atomic_load(&r->counters.received_bytes);
	t->stored_bytes_before = atomic_load(&r->counters.stored_before);
	t->stored_bytes_after = atomic_load(&r->counters.stored_after);
	t->elapsed_ms = (clock_mono_ns() - r->started_ns) / EXA_NS_PER_MS;
}

/* Quiet mode kept its talk until now: a run that ended well says nothing but its warnings. */
static void
finish_quiet(struct report *r, const struct summary_end *end)
{
	write_out(r->talk, &r->warn_box);
	buf_reset(&r->warn_box);
	if (end->exit_code != 0) {
		problem_repeats_text(&r->problems, &r->talk_box);
		summary_short(end, &r->talk_box);
		write_out(r->talk, &r->talk_box);
	}
	buf_reset(&r->talk_box);
}

static void
finish_people(struct report *r, const struct summary_end *end)
{
	problem_repeats_text(&r->problems, &r->talk_box);
	write_out(r->talk, &r->talk_box);
	buf_reset(&r->talk_box);
	summary_text(r, end, &r->out_box);
	write_out(r->out, &r->out_box);
	buf_reset(&r->out_box);
}

void
report_totals_so_far(struct report *r, struct report_totals *totals_out)
{
	(void)pthread_mutex_lock(&r->mu);
	fill_totals(r);
	*totals_out = r->totals;
	(void)pthread_mutex_unlock(&r->mu);
}

void
report_finish(
	struct report *r, int exit_code, const char *why_stopped, struct report_totals *totals_out)
{
	const struct summary_end end = {
		.exit_code = exit_code, .why_stopped = why_stopped, .totals = &r->totals
	};

	stop_thread(r);
	fill_totals(r);
	if (r->log != NULL) {
		json_repeats(&r->log_box, &r->problems);
		json_summary(&r->log_box, r, &end);
		write_log(r, &r->log_box, &r->talk_box);
		buf_reset(&r->log_box);
	}
	switch (r->mode) {
	case MODE_JSON:
		json_repeats(&r->out_box, &r->problems);
		json_summary(&r->out_box, r, &end);
		write_out(r->out, &r->out_box);
		buf_reset(&r->out_box);
		break;
	case MODE_QUIET:
		finish_quiet(r, &end);
		break;
	case MODE_TERMINAL:
	case MODE_LINES:
		finish_people(r, &end);
		break;
	}
	*totals_out = r->totals;
}

/* ---- life ---- */

static bool
is_terminal(FILE *f)
{
	return fileno(f) >= 0 && isatty(fileno(f)) == 1;
}

static enum report_mode
mode_of(const struct report_options *options)
{
	switch (options->style) {
	case REPORT_QUIET:
		return MODE_QUIET;
	case REPORT_JSON:
		return MODE_JSON;
	case REPORT_AUTO:
		break;
	}
	return is_terminal(options->talk) && !options->dumb_terminal ? MODE_TERMINAL : MODE_LINES;
}

static void
say_title(struct report *r, const char *title)
{
	EXA_AUTO(buf_done) struct buf line = { 0 };

	json_start(&line, title);
	post_json(r, &line);
	if (r->mode != MODE_JSON && r->mode != MODE_QUIET && title != NULL) {
		if (r->mode == MODE_LINES)
			add_time(&r->talk_box);
		report_clean(&r->talk_box, title, NOTE_LIMIT);
		buf_add_byte(&r->talk_box, '\n');
	}
}

struct report *
report_new(const struct report_options *options)
{
	struct report *r = exa_alloc(sizeof *r);
	uint32_t interval_s = options->status_interval_s;

	r->mode = mode_of(options);
	r->colour = r->mode == MODE_TERMINAL && !options->no_colour;
	r->out = options->out;
	r->talk = options->talk;
	r->log = options->log;
	r->interval_ns = (interval_s > 0 ? interval_s : STATUS_INTERVAL_S) * EXA_NS_PER_S;
	r->started_ns = clock_mono_ns();
	r->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->mode == MODE_TERMINAL)
		r->display = display_new(r->talk);
	(void)pthread_mutex_init(&r->mu, NULL);
	(void)pthread_cond_init(&r->room, NULL);
	say_title(r, options->title);
	start_thread(r);
	wake(r);
	return r;
}

/* Without report_finish the run came to nothing: what quiet mode kept is needed now. */
void
report_free(struct report *r)
{
	if (r == NULL)
		return;
	stop_thread(r);
	display_free(r->display);
	write_log(r, &r->log_box, &r->talk_box);
	write_out(r->talk, &r->warn_box);
	write_out(r->talk, &r->talk_box);
	write_out(r->out, &r->out_box);
	if (r->wake_fd >= 0)
		(void)close(r->wake_fd);
	problem_book_done(&r->problems);
	active_book_done(&r->active);
	summary_done(r);
	buf_done(&r->talk_box);
	buf_done(&r->out_box);
	buf_done(&r->log_box);
	buf_done(&r->warn_box);
	(void)pthread_cond_destroy(&r->room);
	(void)pthread_mutex_destroy(&r->mu);
	exa_free(r);
}

void
report_freep(struct report **r)
{
	report_free(*r);
	*r = NULL;
}
