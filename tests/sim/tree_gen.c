/* SPDX-License-Identifier: Apache-2.0 */
#include "tree_gen.h"

bool
tree_gen_open(const struct tree_gen_options *o, struct mailstore **out, struct exa_error *err)
{
	(void)o;
	(void)out;
	return exa_fail(err, EXA_USAGE, "--generate: not here yet");
}
