/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a generated message is, before it is written out: who, when, answer to what, with which
 * attachments. It follows from its number alone; copies differ only in how they are rendered.
 */
#ifndef SIM_GEN_MESSAGE_H
#define SIM_GEN_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "gen_file.h"
#include "gen_people.h"

#define GEN_TO_MAX 12
#define GEN_FILES_MAX 3

/* The numbers everything follows from. */
struct gen_world {
	uint64_t seed;
	uint32_t mailboxes;
	uint32_t threaded_count; /* messages with chance recipients; set by the plan */
	bool small;              /* no attachments, no logos */
};

/* A threaded message, or one to a single mailbox from outside. */
struct gen_ref {
	bool is_single, is_added; /* added: after all others in time */
	uint32_t mailbox;         /* of a single one */
	uint32_t number;
};

struct gen_message {
	uint64_t seed;
	uint64_t topic; /* the seed of the thread's first message */
	int64_t date_ns;
	struct gen_party from, to[GEN_TO_MAX];
	size_t to_count;
	unsigned depth;  /* answers before it in the thread, to a limit */
	uint32_t parent; /* when depth > 0: a threaded message */
	bool is_forward;
	bool has_html, is_base64, has_logo;
	size_t text_size; /* of its own words */
	unsigned line_width;
	struct gen_file files[GEN_FILES_MAX];
	size_t file_count;
};

void gen_message_of(const struct gen_world *w, struct gen_ref ref, struct gen_message *out);
/* Only seed, from, to, depth and parent; for the plan. */
void gen_parties_of(const struct gen_world *w, struct gen_ref ref, struct gen_message *out);
void gen_subject(const struct gen_message *m, char *out, size_t size);
void gen_message_id(const struct gen_message *m, char *out, size_t size); /* with <> */
size_t gen_size_estimate(const struct gen_message *m);

/* The first message's time, and the last's before added ones. */
#define GEN_BEGIN_NS (INT64_C(1688169600) * 1000000000) /* 2023-07-01 */
#define GEN_END_NS (INT64_C(1782864000) * 1000000000)   /* 2026-07-01 */

#endif
