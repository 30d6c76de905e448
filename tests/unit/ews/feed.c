/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "feed.h"
#include "soap.h"

#define FIXTURE_MAX ((size_t)1024 * 1024)

void
load_fixture(const char *name, struct buf *out)
{
	EXA_AUTO(exa_freep) char *path = exa_asprintf("%s%s", FIXTURES, name);
	struct exa_error err;

	if (!fs_read_file(path, FIXTURE_MAX, out, &err))
		fail_msg("%s", err.text);
}

static bool
feed_answer(struct answer *answer, struct bytes text, size_t chunk, struct exa_error *err)
{
	while (text.size > 0) {
		if (!answer_feed(answer, bytes_take(text, chunk), err))
			return false;
		text = bytes_skip(text, chunk);
	}
	return answer_finish(answer, err);
}

bool
feed(const struct answer_spec *spec, void *ctx, size_t expected, struct bytes text, size_t chunk,
	struct exa_error *err)
{
	EXA_AUTO(answer_freep) struct answer *answer = NULL;

	return answer_new(spec, ctx, expected, &answer, err) &&
	       feed_answer(answer, text, chunk, err);
}

bool
feed_plain(const struct answer_spec *spec, void *ctx, size_t expected, struct bytes text,
	size_t chunk, struct exa_error *err)
{
	EXA_AUTO(answer_freep) struct answer *answer = NULL;

	if (!answer_new(spec, ctx, expected, &answer, err))
		return false;
	answer_take_no_short_cut(answer);
	return feed_answer(answer, text, chunk, err);
}

void
replace_all(struct buf *text, const char *from, const char *to)
{
	EXA_AUTO(buf_done) struct buf source = *text;
	const char *rest = buf_string(&source), *hit;

	*text = (struct buf){ 0 };
	while ((hit = strstr(rest, from)) != NULL) {
		buf_add(text, rest, (size_t)(hit - rest));
		buf_add_string(text, to);
		rest = hit + strlen(from);
	}
	buf_add_string(text, rest);
}

void
wrap_messages(struct buf *out, const char *operation, const char *messages)
{
	buf_printf(out,
		"<s:Envelope xmlns:s=\"" NS_SOAP_URI
		"\"><s:Body><m:%sResponse xmlns:m=\"" NS_MESSAGES_URI "\" xmlns:t=\"" NS_TYPES_URI
		"\"><m:ResponseMessages>%s</m:ResponseMessages></m:%sResponse></s:Body></"
		"s:Envelope>",
		operation, messages, operation);
}
