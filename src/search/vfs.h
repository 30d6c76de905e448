/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEARCH_VFS_H
#define SEARCH_VFS_H

#include <stdbool.h>

/* What databases of this VFS must have: PRAGMA page_size, and bytes reserved at the end of each
 * page (SQLITE_FCNTL_RESERVE_BYTES). */
#define VFS_PAGE_BYTES 8192
#define VFS_RESERVED_BYTES 8

/* The VFS's name for sqlite3_open_v2; NULL when SQLite doesn't take it. Any thread. */
const char *vfs_checked(void);

/* Whether a page was damaged since this was asked last, on this thread: on its way up FTS5 makes a
 * mere SQLITE_IOERR of it. */
bool vfs_take_damage(void);

#endif
