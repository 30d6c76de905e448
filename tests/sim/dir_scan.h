/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One mailbox directory as a view.
 */
#ifndef SIM_DIR_SCAN_H
#define SIM_DIR_SCAN_H

#include "mailbox.h"
#include "tree_dir.h"

/* OLD (NULL: none) is a former view of the same directory. False: the directory isn't there. */
bool dir_scan(const char *path, const struct mailbox_id *id, enum extra_folders extra,
	struct view *old, struct view **out);

#endif
