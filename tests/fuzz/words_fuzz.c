/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a message is, its words are valid text within their limits, HTML included. */
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "exarch/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_text(const char *text)
{
	if (strlen(text) > MESSAGE_WORDS_MAX || !g_utf8_validate(text, -1, NULL))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message_words words;
	struct message_text text;

	message_words_parse(bytes_of(data, size), &words);
	check_text(words.body);
	check_text(words.names);
	check_text(words.files);
	message_words_done(&words);
	message_text_parse(bytes_of(data, size), &text);
	check_text(text.body);
	if (strlen(text.body) > MESSAGE_TEXT_MAX || text.attachment_count > MESSAGE_ATTACHMENTS_MAX)
		abort();
	message_text_done(&text);
	return 0;
}
