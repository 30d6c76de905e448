/* SPDX-License-Identifier: Apache-2.0 */
/* A small archive to export from, and a look at what was written. */
#ifndef TEST_SUPPORT_H
#define TEST_SUPPORT_H

#include "exarch/export.h"

#define MAY_FIRST_NS (INT64_C(1777593600) * 1000000000) /* 2026-05-01T00:00:00Z */
#define HOUR_NS (INT64_C(3600) * 1000000000)

struct archive {
	char dir[64]; /* holds the archive, and the test's own folders */
	struct catalog *catalog;
	bool encrypted;
	unsigned serial; /* makes server ids */
};

int archive_make(void **state);
int archive_remove(void **state);

uint32_t put_mailbox(struct archive *a, const char *smtp, enum catalog_part part);
uint32_t put_folder(struct archive *a, uint32_t mailbox, const char *path);

struct message {
	uint32_t mailbox, folder;
	int64_t received_ns;
	const char *mime;
	const char *server_id; /* NULL = a new one */
	bool damaged;          /* its record names another message */
};
uint64_t put_message(struct archive *a, const struct message *m);

/* Below ROOT: the paths of all files and folders, sorted, one a line; folders end in '/'. */
void list_tree(const char *root, struct buf *out);

#endif
