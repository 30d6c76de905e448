/* SPDX-License-Identifier: Apache-2.0 */
/* A fresh archive for each test, made, opened again and taken away. */
#ifndef TEST_ARCHIVE_H
#define TEST_ARCHIVE_H

#include "exarch/catalog.h"

struct archive {
	char dir[64];
	struct catalog *catalog;
	bool encrypted;
};

int archive_make(void **state);   /* cmocka setup: *state becomes a struct archive */
int archive_remove(void **state); /* cmocka teardown */
/* Closes and opens again with ACCESS; fails the test if that fails. */
void archive_reopen(struct archive *a, enum store_access access);
/* Submits the batch and waits until it is durable. */
void archive_commit(struct archive *a, struct catalog_batch *b);

#endif
