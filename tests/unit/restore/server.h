/* SPDX-License-Identifier: Apache-2.0 */
/* A mailbox in memory, as far as a restore needs one: gives the functions of exarch/ews.h. */
#ifndef TEST_RESTORE_SERVER_H
#define TEST_RESTORE_SERVER_H

#include "exarch/ews.h"

#define SERVER_FOLDERS_MAX 32
#define SERVER_ITEMS_MAX 128
#define SERVER_TEXT_MAX 128

struct server_folder {
	char id[SERVER_TEXT_MAX], parent[SERVER_TEXT_MAX], name[SERVER_TEXT_MAX],
		class[SERVER_TEXT_MAX];
	enum ews_role role;
};

struct server_item {
	char id[SERVER_TEXT_MAX], folder[SERVER_TEXT_MAX], marker[EWS_MARKER_MAX];
	char message_id[SERVER_TEXT_MAX], class[SERVER_TEXT_MAX];
	char content[SERVER_TEXT_MAX]; /* the MIME, or the native stream */
	int64_t received_ns;
	bool native, draft, deleted;
};

enum server_fault {
	FAULT_BEFORE, /* the request fails, and nothing of it is done */
	FAULT_AFTER,  /* it is done, and the answer is lost */
};

extern struct server {
	struct server_folder folders[SERVER_FOLDERS_MAX];
	size_t folder_count;
	struct server_item items[SERVER_ITEMS_MAX];
	size_t item_count;
	/* counted since server_reset: */
	unsigned requests, writes;
	/* the request that fails; 0 = none does */
	unsigned fault_at;
	enum server_fault fault;
	enum exa_code fault_code;
	const char *refuses;        /* CreateItem of this content is refused ... */
	enum exa_code refuses_with; /* ... so */
	unsigned next_id;
} server;

void server_reset(void); /* one mailbox: its root and its inbox, called Posteingang */
struct server_item *server_add_item(
	const char *folder, const char *message_id, int64_t received_ns);
/* How many items of this content are in the folder of this name. */
unsigned server_count(const char *folder, const char *content);

#endif
