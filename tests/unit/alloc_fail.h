/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alloc_fail.h - makes the n-th allocation fail, for the loop "fail allocation 1, 2, 3, … until it
 * succeeds".
 *
 *	for (n = 1; ; n++) {
 *		alloc_fail_at(n);
 *		st = heft_open(path, NULL, &file, &err);
 *		if (!alloc_fail_done())
 *			break;
 *		ck_assert_int_eq(st, HEFT_E_NOMEM);
 *	}
 *
 * A test that uses it stands in `alloc_unit_tests` in meson.build, which links it with the wrapped
 * malloc.
 */
#ifndef HEFT_ALLOC_FAIL_H
#define HEFT_ALLOC_FAIL_H

#include <stdbool.h>
#include <stddef.h>

/* The n-th call of malloc, calloc or realloc from now on fails, n counted from 1, by any thread. */
void alloc_fail_at(size_t n);

/* Disarms; tells whether a call failed since alloc_fail_at. */
bool alloc_fail_done(void);

#endif
