/* SPDX-License-Identifier: Apache-2.0 */
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exarch/clock.h"

#include "deed.h"
#include "key.h"

static struct cancel stop_asked; /* raised by signal handlers: must outlive everything */

static void
on_stop(int signal_number)
{
	(void)signal_number;
	cancel_raise(&stop_asked, CANCEL_SIGNAL);
}

struct cancel *
deed_stopped_by_signals(void)
{
	struct sigaction stop = { .sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND };

	(void)sigaction(SIGINT, &stop, NULL);
	(void)sigaction(SIGTERM, &stop, NULL);
	return &stop_asked;
}

void
deed_begin(struct deed *d)
{
	char text[4096];
	struct passwd entry, *found = NULL;
	const char *behind = getenv("SUDO_USER");

	*d = (struct deed){ .when_ns = clock_wall_ns() };
	(void)gethostname(d->host, sizeof d->host - 1);
	if (getpwuid_r(geteuid(), &entry, text, sizeof text, &found) == 0 && found != NULL)
		(void)snprintf(d->user, sizeof d->user, "%.60s", found->pw_name);
	else
		(void)snprintf(d->user, sizeof d->user, "uid %u", (unsigned)geteuid());
	if (geteuid() == 0 && behind != NULL && behind[0] != '\0') {
		size_t size = strlen(d->user);

		(void)snprintf(d->user + size, sizeof d->user - size, " (%.60s)", behind);
	}
}

struct catalog_audit
deed_audit(const struct deed *d, const char *action, const char *detail)
{
	return (struct catalog_audit){ .when_ns = d->when_ns,
		.user = d->user,
		.host = d->host,
		.program = "exarch " EXARCH_VERSION,
		.action = action,
		.detail = detail };
}

bool
deed_open(const struct args *args, enum store_access access, struct catalog **out,
	struct exa_error *err)
{
	return archive_open(args, (struct store_open_options){ .access = access }, out, err);
}

void
deed_print_json(json_t *line)
{
	if (line != NULL) {
		(void)json_dumpf(line, stdout, JSON_COMPACT);
		(void)putchar('\n');
	}
	json_decref(line);
}

json_t *
deed_json_text(const char *text)
{
	json_t *s = json_string(text);

	return s != NULL ? s : json_null();
}

json_t *
deed_json_time(int64_t moment_ns)
{
	char text[CLOCK_TEXT_MAX];

	if (moment_ns == EXA_NO_TIME)
		return json_null();
	clock_format(moment_ns, text);
	return json_string(text);
}

void
deed_print_run(const struct catalog_run *r)
{
	deed_print_json(json_pack(
		"{s:s, s:I, s:o, s:o, s:i, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
		"event", "run", "number", (json_int_t)r->number, "started",
		deed_json_time(r->started_ns), "ended", deed_json_time(r->ended_ns), "exit_code",
		r->exit_code, "host", deed_json_text(r->host), "profile",
		deed_json_text(r->profile), "program", deed_json_text(r->program), "archived",
		(json_int_t)r->archived, "bytes", (json_int_t)r->bytes, "excluded",
		(json_int_t)r->excluded, "deferred", (json_int_t)r->deferred, "failed",
		(json_int_t)r->failed, "gone", (json_int_t)r->gone, "unexplained",
		(json_int_t)r->unexplained));
}
