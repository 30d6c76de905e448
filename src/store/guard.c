/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"
#include "exarch/store.h"

#include "guard.h"

#define EXIT_DAMAGED 13 /* docs/report.md */
#define GUARD_TEXT_MAX 1024
/* A node's offset in its page has 16 bits, the size it claims 32. */
#define NEAR_BEFORE ((uintptr_t)1 << 20)
#define NEAR_BEHIND ((uintptr_t)1 << 32)

struct guarded {
	_Atomic uintptr_t begin; /* of the map; 0 = none */
	_Atomic uintptr_t end;
	_Atomic size_t size;
	char text[GUARD_TEXT_MAX]; /* made beforehand: a handler may only write */
};

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static struct guarded guarded[GUARDED_MAX]; /* changed under mu; read by the handler at any time */
static bool used[GUARDED_MAX];              /* under mu */
static atomic_bool installed;
static struct sigaction before_segv, before_bus;

static void
end_with(const char *text, size_t size)
{
	ssize_t ignored = write(STDERR_FILENO, text, size);

	(void)ignored;
	_exit(EXIT_DAMAGED);
}

/* A damaged offset leads near the map, where nothing is mapped; what ends beside it with SIGBUS is
 * another file's memory. */
static bool
is_near(uintptr_t at, uintptr_t begin, uintptr_t end, int number)
{
	if (at >= begin && at < end)
		return true;
	return number == SIGSEGV && at >= begin - NEAR_BEFORE &&
	       at - (begin - NEAR_BEFORE) < end - begin + NEAR_BEFORE + NEAR_BEHIND;
}

static void
on_fault(int number, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr;

	(void)context;
	for (size_t i = 0; info->si_code > 0 && i < GUARDED_MAX; i++) {
		uintptr_t begin = atomic_load(&guarded[i].begin);

		if (begin != 0 && is_near(at, begin, atomic_load(&guarded[i].end), number))
			end_with(guarded[i].text, atomic_load(&guarded[i].size));
	}
	/* Not ours: with the earlier action back in place, the same instruction faults again. */
	(void)sigaction(number, number == SIGBUS ? &before_bus : &before_segv, NULL);
	if (info->si_code <= 0)
		(void)raise(number);
}

void
store_guard_install(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	if (atomic_exchange(&installed, true))
		return;
	(void)sigaction(SIGSEGV, &action, &before_segv);
	(void)sigaction(SIGBUS, &action, &before_bus);
}

static size_t
explain(const char *dir, char out[GUARD_TEXT_MAX])
{
	EXA_AUTO(exa_freep) char *archive = fs_dir_of(dir);
	int size = snprintf(out, GUARD_TEXT_MAX,
		"exarch: the index of %s is damaged or its disk fails; `exarch rebuild %s` makes "
		"it again (nothing archived is lost)\n",
		archive, archive);

	return size < GUARD_TEXT_MAX ? (size_t)size : GUARD_TEXT_MAX - 1;
}

static void
on_assert(MDB_env *env, const char *message)
{
	char text[GUARD_TEXT_MAX];
	const char *dir = NULL;

	if (!atomic_load(&installed))
		return; /* LMDB then says MESSAGE and aborts */
	(void)message;
	if (mdb_env_get_path(env, &dir) != 0 || dir == NULL)
		dir = "./idx";
	end_with(text, explain(dir, text));
}

void
guard_asserts(MDB_env *env)
{
	(void)mdb_env_set_assert(env, on_assert);
}

/* LMDB doesn't tell where its map is; the kernel does. */
static bool
find_map(ino_t inode, uintptr_t *begin, uintptr_t *end)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[4096 + 128];
	bool found = false;

	while (maps != NULL && !found && fgets(line, sizeof line, maps) != NULL) {
		unsigned long long from, to, number;
		int used_up = 0;

		found = sscanf(line, "%llx-%llx %*s %*s %*s %llu %n", &from, &to, &number,
				&used_up) == 3 &&
			number == inode && strstr(line + used_up, "/data.mdb") != NULL;
		if (found) {
			*begin = (uintptr_t)from;
			*end = (uintptr_t)to;
		}
	}
	if (maps != NULL)
		(void)fclose(maps);
	return found;
}

static unsigned
free_number(void)
{
	for (unsigned i = 0; i < GUARDED_MAX; i++) {
		if (!used[i])
			return i + 1;
	}
	return 0;
}

unsigned
guard_watch(MDB_env *env, const char *dir, unsigned number)
{
	mdb_filehandle_t fd;
	uintptr_t begin, end;
	struct stat st;

	if (mdb_env_get_fd(env, &fd) != 0 || fstat(fd, &st) != 0 ||
		!find_map(st.st_ino, &begin, &end)) {
		guard_forget(number);
		return 0;
	}
	(void)pthread_mutex_lock(&mu);
	if (number == 0)
		number = free_number();
	if (number != 0) {
		struct guarded *g = &guarded[number - 1];

		used[number - 1] = true;
		atomic_store(&g->begin, 0);
		atomic_store(&g->size, explain(dir, g->text));
		atomic_store(&g->end, end);
		atomic_store(&g->begin, begin);
	}
	(void)pthread_mutex_unlock(&mu);
	return number;
}

void
guard_forget(unsigned number)
{
	if (number == 0)
		return;
	(void)pthread_mutex_lock(&mu);
	atomic_store(&guarded[number - 1].begin, 0);
	used[number - 1] = false;
	(void)pthread_mutex_unlock(&mu);
}
