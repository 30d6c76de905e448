/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exarch/mem.h"

/* One block serves a usual item's names and ids; larger needs get blocks of their own. */
#define ARENA_BLOCK_SIZE ((size_t)16 * 1024)

static EXA_NORETURN void
out_of_memory(size_t size)
{
	(void)fprintf(stderr, "exarch: out of memory (asked for %zu bytes)\n", size);
	abort();
}

void *
exa_alloc_array(size_t count, size_t size)
{
	void *p = calloc(count > 0 ? count : 1, size > 0 ? size : 1);

	if (p == NULL)
		out_of_memory(count * size);
	return p;
}

void *
exa_alloc(size_t size)
{
	return exa_alloc_array(1, size);
}

void *
exa_realloc_array(void *p, size_t count, size_t size)
{
	void *q;

	if (size != 0 && count > SIZE_MAX / size)
		out_of_memory(SIZE_MAX);
	q = realloc(p, count * size > 0 ? count * size : 1);
	if (q == NULL)
		out_of_memory(count * size);
	return q;
}

void *
exa_realloc(void *p, size_t size)
{
	return exa_realloc_array(p, size, 1);
}

void
exa_free(void *p)
{
	free(p);
}

void
exa_freep(void *pp)
{
	void *p;

	memcpy(&p, pp, sizeof p);
	free(p);
	p = NULL;
	memcpy(pp, &p, sizeof p);
}

char *
exa_strndup(const char *s, size_t n)
{
	size_t size = strnlen(s, n);
	char *copy = exa_alloc(size + 1);

	memcpy(copy, s, size);
	return copy;
}

char *
exa_strdup(const char *s)
{
	return s == NULL ? NULL : exa_strndup(s, strlen(s));
}

char *
exa_asprintf(const char *fmt, ...)
{
	va_list args;
	char *text;
	int size;

	va_start(args, fmt);
	size = vasprintf(&text, fmt, args);
	va_end(args);
	if (size < 0)
		out_of_memory(0);
	return text;
}

void
exa_sort(void *base, size_t count, size_t size, int (*compare)(const void *a, const void *b))
{
	if (count > 1)
		qsort(base, count, size, compare);
}

void
exa_wipe(void *p, size_t size)
{
	if (size > 0) /* of nothing, P may be NULL */
		explicit_bzero(p, size);
}

struct arena_block {
	struct arena_block *next;
	size_t size;
	size_t used;
	_Alignas(max_align_t) uint8_t data[];
};

struct arena {
	struct arena_block
		*first; /* the one that is kept by a reset; newest blocks are put behind it */
};

static struct arena_block *
block_new(size_t size)
{
	struct arena_block *b = exa_alloc(sizeof *b + size);

	b->size = size;
	return b;
}

struct arena *
arena_new(void)
{
	struct arena *a = exa_alloc(sizeof *a);

	a->first = block_new(ARENA_BLOCK_SIZE);
	return a;
}

static void
free_blocks(struct arena_block *b)
{
	while (b != NULL) {
		struct arena_block *next = b->next;

		free(b);
		b = next;
	}
}

void
arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	free_blocks(a->first);
	free(a);
}

void
arena_freep(struct arena **a)
{
	arena_free(*a);
	*a = NULL;
}

void *
arena_alloc(struct arena *a, size_t size)
{
	size_t need = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	struct arena_block *b = a->first->next != NULL ? a->first->next : a->first;
	void *p;

	if (need < size)
		out_of_memory(size);
	if (b->size - b->used < need) {
		b = block_new(need > ARENA_BLOCK_SIZE ? need : ARENA_BLOCK_SIZE);
		b->next = a->first->next;
		a->first->next = b;
	}
	p = b->data + b->used;
	b->used += need;
	return p;
}

char *
arena_strndup(struct arena *a, const char *s, size_t n)
{
	size_t size = strnlen(s, n);
	char *copy = arena_alloc(a, size + 1);

	memcpy(copy, s, size);
	return copy;
}

void
arena_reset(struct arena *a)
{
	free_blocks(a->first->next);
	a->first->next = NULL;
	memset(a->first->data, 0, a->first->used);
	a->first->used = 0;
}
