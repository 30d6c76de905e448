/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "control.h"

static void
replace(struct behaviour *b, const struct http_request *r, struct http_answer *answer)
{
	struct scenario *s = NULL;
	struct exa_error err = { 0 };

	if (r->body.size > 0 &&
		!scenario_read(r->body.data, r->body.size, "the scenario", &s, &err)) {
		answer->status = 400;
		answer->content_type = "text/plain; charset=utf-8";
		buf_add_string(&answer->body, err.text);
		return;
	}
	behave_replace(b, s);
	answer->status = 204;
}

void
control_handle(struct behaviour *b, const struct http_request *r, struct http_answer *answer)
{
	(void)snprintf(answer->note.operation, sizeof answer->note.operation, "control");
	if (strcmp(r->path, CONTROL_PATH "stats") == 0) {
		EXA_AUTO(exa_freep) char *stats = behave_stats(b);

		answer->status = 200;
		answer->content_type = "application/json";
		buf_add_string(&answer->body, stats);
	} else if (strcmp(r->path, CONTROL_PATH "scenario") == 0 &&
		   strcmp(r->method, "POST") == 0) {
		replace(b, r, answer);
	} else {
		answer->status = 404;
	}
}
