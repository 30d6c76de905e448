/* SPDX-License-Identifier: Apache-2.0 */
/* A report that speaks into memory. */
#ifndef TEST_CAPTURE_H
#define TEST_CAPTURE_H

#include <stdio.h>

#include "exarch/mem.h"
#include "exarch/report.h"

struct capture {
	char *out, *talk; /* what was said, after capture_end */
	size_t out_size, talk_size;
	FILE *out_file, *talk_file;
	struct report *r;
};

static inline struct report *
capture_begin(struct capture *c, enum report_style style)
{
	c->out_file = open_memstream(&c->out, &c->out_size);
	c->talk_file = open_memstream(&c->talk, &c->talk_size);
	c->r = report_new(&(struct report_options){
		.style = style, .out = c->out_file, .talk = c->talk_file, .title = "a test" });
	return c->r;
}

static inline void
capture_end(struct capture *c)
{
	report_free(c->r);
	(void)fclose(c->out_file);
	(void)fclose(c->talk_file);
}

static inline void
capture_done(struct capture *c)
{
	exa_free(c->out);
	exa_free(c->talk);
}

static inline struct exa_error
an_error(enum exa_code code, const char *name, const char *text)
{
	struct exa_error e = { 0 };

	(void)exa_fail(&e, code, "%s", text);
	exa_error_set_name(&e, name);
	return e;
}

#endif
