/* SPDX-License-Identifier: Apache-2.0 */
/* Messages in memory: every .eml file below a folder, in the order of their paths. */
#ifndef BENCH_MAIL_H
#define BENCH_MAIL_H

#include "exarch/bytes.h"
#include "exarch/error.h"

struct mail {
	struct buf *messages;
	size_t count;
	uint64_t bytes;
};

bool mail_load(const char *folder, struct mail *out, struct exa_error *err) EXA_CHECK;
void mail_done(struct mail *m);

/* Processor time of this process so far, all threads. */
double cpu_seconds(void);

#endif
