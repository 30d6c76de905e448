/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "exarch/clock.h"
#include "exarch/profile.h"
#include "options.h"

int
cmd_config_check(const struct args *args)
{
	EXA_AUTO(profile_freep) struct profile *profile = NULL;
	struct exa_error err;

	if (!profile_load(args->positional[0], clock_wall_ns(), &profile, &err))
		return fail_with(&err);
	(void)printf("%s: good\n", args->positional[0]);
	return EXIT_DONE;
}

int
cmd_config_show(const struct args *args)
{
	EXA_AUTO(profile_freep) struct profile *profile = NULL;
	EXA_AUTO(buf_done) struct buf text = { 0 };
	struct exa_error err;

	if (!profile_load(args->positional[0], clock_wall_ns(), &profile, &err))
		return fail_with(&err);
	profile_show(profile, &text);
	(void)fwrite(text.data, 1, text.size, stdout);
	return EXIT_DONE;
}
