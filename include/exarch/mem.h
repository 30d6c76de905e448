/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory. A small allocation that fails ends the program with a line on stderr: the archive must
 * survive kill -9 at any moment anyway, so a thousand untested paths would buy nothing. Sizes that
 * come from outside are checked against a named limit by whoever reads them, before they get here.
 * Outside src/base nothing calls malloc itself.
 *
 * Any thread.
 */
#ifndef EXARCH_MEM_H
#define EXARCH_MEM_H

#include <stddef.h>

#include "exarch/attr.h"

void *exa_alloc(size_t size); /* zeroed; never NULL */
void *exa_alloc_array(
	size_t count, size_t size);      /* zeroed; an overflow of count * size ends the program */
void *exa_realloc(void *p, size_t size); /* bytes beyond the old size are not zeroed */
void *exa_realloc_array(void *p, size_t count, size_t size);
void exa_free(void *p);
void exa_freep(void *pp);        /* for EXA_AUTO: pp is the address of a pointer */
char *exa_strdup(const char *s); /* NULL stays NULL */
char *exa_strndup(const char *s, size_t n);
char *exa_asprintf(const char *fmt, ...) EXA_PRINTF(1, 2);

/* qsort, which mustn't be given NULL: here it may when COUNT is 0. */
void exa_sort(void *base, size_t count, size_t size, int (*compare)(const void *a, const void *b));

/* Overwrites a secret in a way the compiler can't leave out. */
void exa_wipe(void *p, size_t size);

/*
 * An arena: many small allocations with one owner and one end, for instance all of one item. Not
 * shared by threads.
 */
struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a);
void arena_freep(struct arena **a);
void *arena_alloc(struct arena *a, size_t size); /* zeroed, aligned for any type */
char *arena_strndup(struct arena *a, const char *s, size_t n);
void arena_reset(
	struct arena *a); /* everything handed out is void; the first block is kept for reuse */

#endif
