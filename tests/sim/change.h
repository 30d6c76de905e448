/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of a scenario: what somebody else does in the mailbox while the client works.
 */
#ifndef SIM_CHANGE_H
#define SIM_CHANGE_H

#include "auth.h"
#include "scenario.h"

/* ADDRESS: the mailbox of the request that it waited for. */
void change_make(struct mailstore *s, struct auth *auth, const struct scenario_change *c,
	const char *address);

#endif
