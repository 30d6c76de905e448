/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip over whole buffers: sync states and answers.
 */
#ifndef SIM_GZIP_H
#define SIM_GZIP_H

#include "exarch/bytes.h"

void gzip_add(struct buf *out, struct bytes in);
/* False: damaged, cut, or more than MAX bytes. */
bool gunzip_add(struct buf *out, struct bytes in, size_t max) EXA_CHECK;

#endif
