/* SPDX-License-Identifier: Apache-2.0 */
#include "governor.h"

void
governor_begin(struct governor *g, uint32_t start, uint32_t most)
{
	*g = (struct governor){ .most = most, .cap = start < most ? start : most };
	if (g->cap == 0)
		g->cap = 1;
}

void
governor_good(struct governor *g)
{
	if (g->cap >= g->most || ++g->good < g->cap)
		return;
	g->cap++;
	g->good = 0;
}

void
governor_busy(struct governor *g)
{
	g->cap = g->cap > 1 ? g->cap / 2 : 1;
	g->good = 0;
}
