/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "exarch/clock.h"
#include "exarch/fs.h"
#include "exarch/mem.h"

#include "reqlog.h"

struct reqlog {
	int fd; /* O_APPEND: one write is one line, whoever else writes */
};

void
note_code(struct request_note *note, const char *code)
{
	if (*note->code == '\0' || strcmp(note->code, "NoError") == 0)
		(void)snprintf(note->code, sizeof note->code, "%s", code);
}

bool
reqlog_open(const char *path, struct reqlog **out, struct exa_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

	if (fd < 0)
		return exa_fail_errno(err, errno, "%s", path);
	*out = exa_alloc(sizeof **out);
	(*out)->fd = fd;
	return true;
}

void
reqlog_close(struct reqlog *l)
{
	if (l == NULL)
		return;
	(void)close(l->fd);
	exa_free(l);
}

static void
set_text(json_t *o, const char *name, const char *value)
{
	if (*value != '\0')
		(void)json_object_set_new(o, name, json_string(value));
}

static void
set_number(json_t *o, const char *name, uint64_t value)
{
	if (value > 0)
		(void)json_object_set_new(o, name, json_integer((json_int_t)value));
}

/* 48 bits of each: enough to tell them apart in a test. */
static void
set_things(json_t *o, const char *name, const struct request_note *note, bool done_alone)
{
	json_t *list = json_array();

	for (size_t i = 0; i < note->about_count; i++) {
		char text[20];

		if (done_alone && !note->is_done[i])
			continue;
		(void)snprintf(text, sizeof text, "%012" PRIx64, note->about[i] >> 16);
		(void)json_array_append_new(list, json_string(text));
	}
	if (json_array_size(list) > 0)
		(void)json_object_set(o, name, list);
	json_decref(list);
}

void
reqlog_add(struct reqlog *l, const struct request_line *line)
{
	char time[CLOCK_TEXT_MAX];
	struct exa_error err;
	json_t *o;
	char *text;

	if (l == NULL)
		return;
	clock_format(line->begun_ns, time);
	o = json_object();
	set_text(o, "time", time);
	set_text(o, "agent", line->note->agent);
	set_text(o, "method", line->method);
	set_text(o, "path", line->path);
	set_text(o, "operation", line->note->operation);
	set_text(o, "mailbox", line->note->mailbox);
	(void)json_object_set_new(o, "items", json_integer(line->note->items));
	set_number(o, "messages", line->note->messages);
	(void)json_object_set_new(o, "status", json_integer(line->status));
	set_text(o, "code", line->note->code);
	set_text(o, "fault", line->note->fault);
	set_number(o, "open", line->note->open);
	set_number(o, "mailbox_open", line->note->mailbox_open);
	set_number(o, "early_ms", line->note->early_ms);
	set_number(o, "told_ms", line->note->told_ms);
	set_things(o, "about", line->note, false);
	set_things(o, "done", line->note, true);
	set_number(o, "begun_ms", (uint64_t)(line->begun_ns / EXA_NS_PER_MS));
	set_number(o, "from_us", (uint64_t)line->from_ns / 1000);
	set_number(o, "to_us", (uint64_t)line->to_ns / 1000);
	if (line->left)
		(void)json_object_set_new(o, "left", json_true());
	(void)json_object_set_new(o, "bytes", json_integer((json_int_t)line->bytes));
	(void)json_object_set_new(
		o, "ms", json_integer((line->to_ns - line->from_ns) / EXA_NS_PER_MS));
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	if (text != NULL) {
		EXA_AUTO(exa_freep) char *row = exa_asprintf("%s\n", text);

		if (!fs_write_all(l->fd, bytes_of_string(row), "the log", &err)) {
			/* A full disk must not change what clients see. */
		}
	}
	exa_free(text);
}
