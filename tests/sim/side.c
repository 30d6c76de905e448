/* SPDX-License-Identifier: Apache-2.0 */
#include "side.h"
#include "act.h"

struct ending {
	struct behaviour *behaviour;
	const char *name;
	struct verdict verdict;
	struct arena *arena;
};

static void
end_request(void *ctx)
{
	struct ending *e = ctx;

	behave_end(e->behaviour, e->name, &e->verdict);
	arena_free(e->arena);
	exa_free(e);
}

void
side_handle(struct behaviour *b, const char *name, side_handler *handle, void *ctx,
	const struct http_request *r, struct http_answer *answer)
{
	struct ending *ending = exa_alloc(sizeof *ending);
	struct request_facts facts = { .operation = name, .mailbox = "" };
	struct act act = { .behaviour = b,
		.request = r,
		.answer = answer,
		.mailbox = name,
		.verdict = &ending->verdict };

	ending->behaviour = b;
	ending->name = name;
	ending->arena = act.arena = arena_new();
	behave_begin(b, &facts, &ending->verdict);
	answer->done = end_request;
	answer->done_ctx = ending;
	behave_judge(b, &facts, act.arena, &ending->verdict);
	if (!act_before(&act))
		handle(ctx, r, answer);
	act_after(&act);
}
