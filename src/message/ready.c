/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include <gmime/gmime.h>

#include "exarch/message.h"

static void
init(void)
{
	g_mime_init();
}

void
message_gmime_ready(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, init);
}
