/* SPDX-License-Identifier: Apache-2.0 */
/* `exarch check`: all that a run needs, before the run. */
#include <stdio.h>

#include <jansson.h>

#include "exarch/clock.h"
#include "exarch/mem.h"

#include "check.h"
#include "text.h"

static void
print_verdict(const struct check *c)
{
	char now[CLOCK_TEXT_MAX];

	if (!c->json) {
		(void)printf("%zu ok, %zu warnings, %zu failed\n", c->count[CHECK_OK],
			c->count[CHECK_WARNING], c->count[CHECK_FAILED]);
		return;
	}
	clock_format(clock_wall_ns(), now);
	text_json(json_pack("{s:s, s:s, s:I, s:I, s:I, s:i}", "event", "check_summary", "time", now,
		"ok", (json_int_t)c->count[CHECK_OK], "warnings",
		(json_int_t)c->count[CHECK_WARNING], "failed", (json_int_t)c->count[CHECK_FAILED],
		"exit_code", c->code));
}

int
cmd_check(const struct args *args)
{
	struct check c = { .args = args, .json = args->value[OPT_JSON] != NULL };
	const char *path = args->positional[0];
	struct exa_error err;

	if (profile_load(path, clock_wall_ns(), &c.profile, &err)) {
		check_tell(
			&c, &(struct check_finding){ .what = "profile", .subject = path }, "good");
		check_credentials(&c);
		check_hosts(&c);
		check_directory(&c);
		check_mailboxes(&c);
		check_archive(&c);
	} else {
		check_tell_error(&c, "profile", NULL, &err, NULL, 0);
	}
	print_verdict(&c);
	plan_done(&c.plan);
	if (c.session.auth == NULL)
		profile_free(c.profile);
	else
		session_done(&c.session);
	for (size_t i = 0; i < c.host_count; i++)
		exa_free(c.hosts[i].origin);
	return c.code;
}
