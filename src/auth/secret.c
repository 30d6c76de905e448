/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "secret.h"

#define COMMAND_OUTPUT_MAX ((size_t)64 * 1024)

extern char **environ;

void
secret_string_freep(char **s)
{
	if (*s != NULL)
		exa_wipe(*s, strlen(*s));
	exa_free(*s);
	*s = NULL;
}

bool
secret_read_private(const char *path, struct buf *out, struct exa_error *err)
{
	if (fs_read_private(path, SECRET_FILE_MAX, out, err))
		return true;
	err->code = EXA_AUTH; /* whatever it is, nobody can sign in */
	return false;
}

/* ---- commands ---- */

static bool
spawn_shell(const char *command, int output_fd, pid_t *pid_out, struct exa_error *err)
{
	char shell[] = "/bin/sh", flag[] = "-c";
	char *text = exa_strdup(command);
	char *const argv[] = { shell, flag, text, NULL };
	posix_spawn_file_actions_t actions;
	int result;

	(void)posix_spawn_file_actions_init(&actions);
	result = posix_spawn_file_actions_adddup2(&actions, output_fd, STDOUT_FILENO);
	if (result == 0)
		result = posix_spawn_file_actions_addopen(
			&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (result == 0)
		result = posix_spawn(pid_out, shell, &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	exa_free(text);
	if (result != 0)
		return exa_fail(err, EXA_AUTH, "can't run /bin/sh: %s", strerrordesc_np(result));
	return true;
}

/* Reads to the end, keeps at most COMMAND_OUTPUT_MAX: a command must not block on a full pipe. */
static bool
read_output(int fd, struct buf *out, struct exa_error *err)
{
	char piece[4096];

	buf_reserve(out, COMMAND_OUTPUT_MAX + 1);
	for (;;) {
		ssize_t n = read(fd, piece, sizeof piece);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return exa_fail(err, EXA_AUTH, "can't read the command's output: %s",
				strerrordesc_np(errno));
		if (n == 0)
			break;
		if (out->size + (size_t)n <= COMMAND_OUTPUT_MAX)
			buf_add(out, piece, (size_t)n);
	}
	exa_wipe(piece, sizeof piece);
	return true;
}

static bool
check_exit(pid_t pid, struct exa_error *err)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return exa_fail(err, EXA_AUTH, "the command's exit status is lost");
	}
	if (WIFSIGNALED(status))
		return exa_fail(
			err, EXA_AUTH, "the command was ended by signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return exa_fail(err, EXA_AUTH, "the command failed with exit status %d",
			WEXITSTATUS(status));
	return true;
}

static bool
run_command(const char *command, struct buf *out, struct exa_error *err)
{
	EXA_AUTO(fs_closep) int read_fd = -1;
	EXA_AUTO(fs_closep) int write_fd = -1;
	int ends[2];
	pid_t pid;
	bool good;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return exa_fail(err, EXA_AUTH, "can't make a pipe: %s", strerrordesc_np(errno));
	read_fd = ends[0];
	write_fd = ends[1];
	if (!spawn_shell(command, write_fd, &pid, err))
		return false;
	fs_closep(&write_fd);
	good = read_output(read_fd, out, err);
	fs_closep(&read_fd);
	if (!good) {
		struct exa_error ignored;

		(void)check_exit(pid, &ignored);
		return false;
	}
	return check_exit(pid, err);
}

bool
secret_get(const char *file, const char *command, char **out, struct exa_error *err)
{
	EXA_AUTO(buf_wipe) struct buf content = { 0 };
	size_t length;

	if ((file == NULL) == (command == NULL))
		return exa_fail(err, EXA_USAGE, "give either a file or a command, not %s",
			file == NULL ? "neither" : "both");
	if (file != NULL && !secret_read_private(file, &content, err))
		return false;
	if (command != NULL && !run_command(command, &content, err))
		return exa_while(err, "asking the command for it");
	length = strcspn(buf_string(&content), "\r\n");
	if (length == 0)
		return exa_fail(err, EXA_AUTH, "%s: the first line is empty",
			file != NULL ? file : "the command's output");
	*out = exa_strndup((const char *)content.data, length);
	return true;
}
