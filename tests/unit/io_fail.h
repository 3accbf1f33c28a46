/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_fail.h - counts the calls that change a file, and makes the n-th one fail.
 *
 *	io_fail_at(2, EIO);
 *	st = heft_edit_commit(edit, &err);
 *	ck_assert_str_eq(io_fail_log(), "wst");
 *
 * A test that uses it stands in `io_unit_tests` in meson.build, which links it with the wrapped
 * calls.
 */
#ifndef HEFT_IO_FAIL_H
#define HEFT_IO_FAIL_H

#include <stddef.h>

/* Begins a new log; the n-th call from now on fails with `errnum`, n counted from 1; 0: none does.
 * One thread. */
void io_fail_at(size_t n, int errnum);
/* Every call since then, in order: w pwrite, s fsync, t ftruncate. */
const char *io_fail_log(void);

#endif
