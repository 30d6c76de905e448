/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a message begins with, its head is six short texts that a terminal can be trusted with,
 * and its subject makes a file name. */
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "exarch/message.h"
#include "name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_text(const char *text)
{
	if (strlen(text) > MESSAGE_HEAD_TEXT_MAX || !g_utf8_validate(text, -1, NULL))
		abort();
	for (const char *p = text; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			abort();
	}
}

static void
check_name(const char *subject)
{
	EXA_AUTO(buf_done) struct buf name = { 0 };

	name_add_file(&name, 0, 1, subject);
	if (name.size > 255 || strchr(buf_string(&name), '/') != NULL)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message_head head;

	message_head_parse(bytes_of(data, size), &head);
	check_text(head.subject);
	check_text(head.from);
	check_text(head.to);
	check_text(head.cc);
	check_text(head.date);
	check_text(head.message_id);
	check_name(head.subject);
	message_head_done(&head);
	return 0;
}
