/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key of an encrypted archive, the same for every verb. Where it comes from, in this order:
 *
 *     --key-file FILE or --passphrase-file FILE
 *     archive_key in the profile, for the verb that has one
 *     the environment's EXARCH_KEY_FILE, a path
 *     the terminal, if there is one
 *
 * A secret itself never stands on a command line or in the environment. Files that others than
 * their owner may read are refused (EXA_USAGE).
 */
#ifndef CLI_KEY_H
#define CLI_KEY_H

#include "exarch/catalog.h"
#include "options.h"

struct key {
	struct store_key key; /* kind STORE_KEY_NONE: the archive isn't encrypted, or see below */
	struct buf secret;
};
void key_done(struct key *k); /* wipes; for EXA_AUTO */

/* Where a key stands; at most one of them. */
struct key_place {
	const char *key_file, *passphrase_file;
};

enum key_need {
	KEY_NEEDED,   /* EXA_AUTH when none is at hand */
	KEY_IF_GIVEN, /* nobody is asked; none is fine */
};

/*
 * The key for ARCHIVE. PROFILE may be NULL. Nothing is looked for when the archive isn't encrypted;
 * but a key that was named on the command line or in the profile is then EXA_USAGE: whoever names
 * one believes the archive encrypted.
 */
bool key_get(const struct args *args, const struct key_place *profile, const char *archive,
	enum key_need need, struct key *out, struct exa_error *err) EXA_CHECK;

/*
 * A key for what is to be made: from PLACE, or asked for twice. A key file that isn't there is
 * made; *MADE_OUT says so.
 */
bool key_new(const struct key_place *place, const char *archive, struct key *out, bool *made_out,
	struct exa_error *err) EXA_CHECK;
/* Says on stdout what to do with the key: that nobody reads the archive without it. */
void key_tell(const struct key_place *place, bool made);

/* What two options say. EXA_USAGE when both are given. */
bool key_place_of(const struct args *args, enum option_id key_file, enum option_id passphrase_file,
	struct key_place *out, struct exa_error *err) EXA_CHECK;
/* EXARCH_KEY_FILE, when no file is named. */
void key_place_from_environment(struct key_place *place);
bool key_is_nowhere(const struct key_place *place); /* no file is named */
/* EXA_USAGE when the file named can't be read or isn't what it should be. */
bool key_read(const struct key_place *place, struct key *out, struct exa_error *err) EXA_CHECK;

/* Opens the archive that is the verb's first operand, with its key. OPTIONS' key is filled in. */
bool archive_open(const struct args *args, struct store_open_options options, struct catalog **out,
	struct exa_error *err) EXA_CHECK;

#endif
