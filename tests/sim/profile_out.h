/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile for exarch that fits this simulator, and the folder FILE.d beside it with what the
 * profile names. What is there already is used again, so certificates outlive a restart.
 */
#ifndef SIM_PROFILE_OUT_H
#define SIM_PROFILE_OUT_H

#include "keys.h"
#include "mailbox.h"

struct credentials {
	char *dir; /* FILE.d, absolute; NULL: keep nothing on disk */
	struct key_pair authority, application;
};

/* Makes both pairs; with PROFILE also the folder, reading from it what it holds. */
bool credentials_init(struct credentials *c, const char *profile, struct exa_error *err) EXA_CHECK;
void credentials_done(struct credentials *c);

struct profile_facts {
	const char *path, *archive;
	const char *url; /* scheme://host:port */
	bool plain;
	const char *basic_user, *basic_password; /* NULL: the profile is for a certificate */
	struct mailstore *store;
};

bool profile_write(const struct profile_facts *f, const struct credentials *c,
	struct exa_error *err) EXA_CHECK;

#endif
