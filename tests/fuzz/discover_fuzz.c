/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of Autodiscover in all three forms, and the addresses they name: the first byte chooses
 * the form. What is taken for a URL has a host, fits, and reads the same again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "exarch/bytes.h"

#include "reply.h"
#include "url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool promise)
{
	if (!promise)
		abort();
}

static void
check_url(const char *text)
{
	struct url base, u, again;

	check(url_read("https://contoso.example", &base) && base.safe);
	if (!url_read_beside(&base, text, &u))
		return;
	check(strlen(u.origin) > strlen("http://") && strchr(u.origin, '@') == NULL);
	check(url_read(u.text, &again) && strcmp(again.origin, u.origin) == 0);
	check(url_read(u.origin, &again) && strcmp(again.origin, u.origin) == 0);
	check(again.safe == u.safe);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes body = bytes_skip(bytes_of(data, size), 1);
	struct reply reply;

	if (size == 0 || body.size > DISCOVER_ANSWER_MAX)
		return 0;
	reply_read((enum question)(data[0] % QUESTION_COUNT), body, &reply);
	check(memchr(reply.text, '\0', sizeof reply.text) != NULL);
	if (reply_setting(body, "PublicFolderInformation", reply.text) ||
		reply_pox_address(body, reply.text))
		check(reply.text[0] != '\0' && memchr(reply.text, '\0', sizeof reply.text) != NULL);
	reply_read((enum question)(data[0] % QUESTION_COUNT), body, &reply);
	if (reply.kind == REPLY_EWS || reply.kind == REPLY_TO_URL) {
		check(reply.text[0] != '\0');
		check_url(reply.text);
	}
	return 0;
}
