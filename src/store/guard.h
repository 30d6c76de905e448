/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens when the index kills the program. LMDB believes its pages: a damaged one may send it
 * to memory that isn't there, and a disk that fails under a map ends in SIGBUS, not in an error. No
 * state is left to go on from, but a user who reads "Segmentation fault" learns nothing, so the
 * guard says what it is and what helps, and ends with the exit code of damage. The archive itself
 * isn't touched by any of that.
 *
 * store_guard_install (exarch/store.h) takes SIGSEGV and SIGBUS; a program that doesn't call it
 * keeps its own. A fault elsewhere goes to whoever had the signal before.
 */
#ifndef STORE_GUARD_H
#define STORE_GUARD_H

#include <lmdb.h>

/* So many environments are looked after at a time; more are left alone. */
#define GUARDED_MAX 8

/* Before mdb_env_open: a failed assertion in LMDB ends the same way. */
void guard_asserts(MDB_env *env);

/* DIR is the folder of the environment, ".../idx". Gives a number for guard_forget; 0 = none. Call
 * again, with the number, when the map has moved. */
unsigned guard_watch(MDB_env *env, const char *dir, unsigned number);
void guard_forget(unsigned number);

#endif
