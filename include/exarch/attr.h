/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiler attributes, all in one place. Only attributes that gcc and clang share are named here,
 * so that -Wpedantic can stay on everywhere else.
 */
#ifndef EXARCH_ATTR_H
#define EXARCH_ATTR_H

/* The result says whether it worked: ignoring it is a mistake (or says so: `(void)f()` is not
 * enough). */
#define EXA_CHECK __attribute__((warn_unused_result))
#define EXA_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define EXA_NORETURN __attribute__((noreturn))
#define EXA_UNUSED __attribute__((unused))

/* Runs FREEP(&variable) when the variable goes out of scope: `EXA_AUTO(buf_done) struct buf b = { 0
 * };`. */
#define EXA_AUTO(freep) __attribute__((cleanup(freep)))

#endif
