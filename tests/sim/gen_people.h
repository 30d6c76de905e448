/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and addresses: those inside the company, who have mailboxes, and those outside.
 */
#ifndef SIM_GEN_PEOPLE_H
#define SIM_GEN_PEOPLE_H

#include <stdbool.h>
#include <stdint.h>

#define GEN_NAME_MAX 64
#define GEN_OUTSIDE_COUNT 5000

struct gen_party {
	bool inside;
	uint32_t index; /* inside: the mailbox */
};

struct gen_name {
	char name[GEN_NAME_MAX];    /* "Anna Lindqvist" */
	char address[GEN_NAME_MAX]; /* "anna.lindqvist@contoso.example" */
};

void gen_name_of(struct gen_party p, struct gen_name *out);

#endif
