/* SPDX-License-Identifier: Apache-2.0 */
/* Between the two files of libexarch-faults.so: faults.c knows what is to go wrong and what is
 * written down, faults_calls.c stands in for the C library's calls. */
#ifndef CRASH_FAULTS_H
#define CRASH_FAULTS_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#pragma GCC visibility push(hidden)

#define FDS_MAX 4096
#define NAME_SIZE 256 /* of a path below the folder */

/* Of a call, and (several of them) of a kind: which it applies to. */
enum class {
	CLASS_WRITE = 1,
	CLASS_SYNC = 2,
	CLASS_ROOM = 4, /* may need a block or an inode: create, mkdir, rename, link, ftruncate */
	CLASS_REST = 8,
	CLASS_ANY = 15
};

enum act {
	ACT_GO_ON,
	ACT_KILL_BEFORE,
	ACT_KILL_AFTER,
	ACT_KILL_WITHIN, /* of a write some bytes get through; of anything else none */
	ACT_FAIL,
	ACT_FAIL_ON,   /* and every call after it that the kind applies to */
	ACT_FAIL_DROP, /* a sync: and what was written since the last one is gone */
	ACT_SHORT
};

struct file {
	bool inside, is_ack, sure;
	char name[NAME_SIZE]; /* below the folder; "" is the folder */
};

struct call {
	const char *op;
	unsigned classes;
	char name[NAME_SIZE], other[NAME_SIZE];
};

/* Held around every call below the folder. */
extern pthread_mutex_t faults_mu;
/* Under it, as far as the program shares descriptors between threads itself. */
extern struct file faults_files[FDS_MAX];

/* NULL: not a file of ours. */
struct file *faults_file(int fd);
/* False: PATH lies elsewhere. */
bool faults_name(int dirfd, const char *path, char *out);
void faults_remember(int fd, const char *path, const char *name, int flags);

/* Under the lock. Counts the call and says what becomes of it; ends the process if that is it. */
enum act faults_judge(const struct call *c);
bool faults_fails(enum act a);
int faults_fail(void); /* sets errno, gives -1 */
/* How many bytes of a write of SIZE get through. */
size_t faults_part(enum act a, size_t size);
void faults_die(void);

void faults_write_down(const struct call *c, bool sure, off_t offset, size_t size);
void faults_write_down_bytes(const void *data, size_t size);
/* Before a write or a cut; and when the file is synced: BACK puts what stood there before, as a
 * kernel may that lost the pages. */
void faults_keep(int fd, const struct file *f, off_t at, size_t size);
void faults_settle(int fd, bool back);

#pragma GCC visibility pop

#endif
