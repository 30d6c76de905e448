/* SPDX-License-Identifier: Apache-2.0 */
/*
 * While the terminal is silent, signals that would end or stop us are only noted, and only while we
 * wait (ppoll lets them in). The terminal is put back first; then the signal is sent again, to
 * whatever it meant before.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "exarch/display.h"
#include "exarch/fs.h"
#include "exarch/mem.h"
#include "terminal.h"

static const int watched[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
#define WATCHED (sizeof watched / sizeof watched[0])

static volatile sig_atomic_t caught;

static void
on_signal(int number)
{
	caught = number;
}

struct silence {
	int fd;
	struct termios before;
	struct sigaction actions[WATCHED];
	sigset_t mask;
};

static bool
begin_silence(int fd, struct silence *s, struct exa_error *err)
{
	struct sigaction note = { .sa_handler = on_signal };
	struct termios silent;
	sigset_t held;

	s->fd = fd;
	if (tcgetattr(fd, &s->before) != 0)
		return exa_fail_errno(err, errno, "can't ask on the terminal");
	caught = 0;
	(void)sigemptyset(&held);
	for (size_t i = 0; i < WATCHED; i++)
		(void)sigaddset(&held, watched[i]);
	(void)pthread_sigmask(SIG_BLOCK, &held, &s->mask);
	for (size_t i = 0; i < WATCHED; i++)
		(void)sigaction(watched[i], &note, &s->actions[i]);
	silent = s->before;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	silent.c_lflag |= ICANON | ISIG;
	(void)tcsetattr(fd, TCSAFLUSH, &silent);
	return true;
}

static void
end_silence(struct silence *s)
{
	(void)tcsetattr(s->fd, TCSAFLUSH, &s->before);
	for (size_t i = 0; i < WATCHED; i++)
		(void)sigaction(watched[i], &s->actions[i], NULL);
	(void)pthread_sigmask(SIG_SETMASK, &s->mask, NULL);
}

/* The line with its end; 0 when a signal came or the terminal is gone. */
static size_t
read_line(const struct silence *s, uint8_t *line, size_t room)
{
	struct pollfd wait = { .fd = s->fd, .events = POLLIN };
	ssize_t n = -1;

	while (caught == 0 && n < 0) {
		if (ppoll(&wait, 1, NULL, &s->mask) > 0)
			n = read(s->fd, line, room);
		if (n < 0 && errno != EINTR)
			return 0;
	}
	return n > 0 ? (size_t)n : 0;
}

static void
say(int fd, const char *text)
{
	struct exa_error ignored;

	/* A prompt that can't be shown is no reason not to read the answer. */
	if (!fs_write_all(fd, bytes_of_string(text), "the terminal", &ignored))
		return;
}

static bool
take_line(const uint8_t *line, size_t size, size_t limit, struct buf *out, struct exa_error *err)
{
	if (size > 0 && line[size - 1] == '\n')
		size--;
	if (size > limit)
		return exa_fail(err, EXA_USAGE, "that is longer than %zu bytes", limit);
	if (size == 0)
		return exa_fail(err, EXA_USAGE, "nothing was typed");
	buf_reserve(out, size);
	buf_add(out, line, size);
	return true;
}

static void
on_continue(int number)
{
	(void)number;
	display_resumed();
}

void
terminal_watch_stops(void)
{
	struct sigaction resume = { .sa_handler = on_continue, .sa_flags = SA_RESTART };

	(void)sigaction(SIGCONT, &resume, NULL);
}

bool
terminal_can_redraw(void)
{
	const char *kind = getenv("TERM");

	return isatty(STDERR_FILENO) == 1 && kind != NULL && strcmp(kind, "dumb") != 0;
}

bool
terminal_is_there(void)
{
	return isatty(STDIN_FILENO) == 1;
}

bool
terminal_ask(const char *prompt, size_t limit, struct buf *out, struct exa_error *err)
{
	EXA_AUTO(fs_closep) int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	uint8_t line[4096]; /* no terminal gives more at a time */
	struct silence silence;
	size_t size;
	bool good;

	if (fd < 0)
		return exa_fail_errno(err, errno, "can't ask on the terminal");
	do {
		if (!begin_silence(fd, &silence, err))
			return false;
		say(fd, prompt);
		size = read_line(&silence, line, sizeof line);
		say(fd, "\n");
		end_silence(&silence);
		if (caught != 0)
			(void)raise(caught);
	} while (caught == SIGTSTP); /* asked again when we go on */
	good = caught == 0 ? take_line(line, size, limit, out, err)
			   : exa_fail(err, EXA_CANCELLED, "stopped by a signal");
	exa_wipe(line, sizeof line);
	return good;
}
