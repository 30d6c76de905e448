/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"
int
cmd_stats(const struct args *args)
{
	(void)args;
	return EXIT_FAILED;
}
