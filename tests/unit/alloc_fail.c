/* SPDX-License-Identifier: Apache-2.0 */
/* alloc_fail.c - stands before malloc, calloc and realloc (linked with -Wl,--wrap) and makes one
 * call fail. */
#include "alloc_fail.h"

#include <stdatomic.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

static atomic_size_t n_left; /* calls until the one that fails; 0: none will */
static atomic_bool has_failed;

static bool must_fail(void)
{
	size_t left = atomic_load(&n_left);

	while (left > 0 && !atomic_compare_exchange_weak(&n_left, &left, left - 1))
		;
	if (left != 1)
		return false;
	atomic_store(&has_failed, true);
	return true;
}

void alloc_fail_at(size_t n)
{
	atomic_store(&has_failed, false);
	atomic_store(&n_left, n);
}

bool alloc_fail_done(void)
{
	atomic_store(&n_left, 0);
	return atomic_load(&has_failed);
}

void *__wrap_malloc(size_t size)
{
	return must_fail() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return must_fail() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return must_fail() ? NULL : __real_realloc(p, size);
}
