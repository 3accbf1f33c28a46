/* SPDX-License-Identifier: Apache-2.0 */
/* base/alloc.c - the only door to the heap. */
#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

/* malloc(0) may give NULL, which callers would take for a lack of memory. */
static size_t at_least_one(size_t size)
{
	return size > 0 ? size : 1;
}

void *heft_alloc(size_t size)
{
	return malloc(at_least_one(size));
}

void *heft_zalloc(size_t size)
{
	return calloc(1, at_least_one(size));
}

void *heft_alloc_array(size_t n, size_t item_size)
{
	size_t size;

	return heft_mul_size(n, item_size, &size) ? heft_alloc(size) : NULL;
}

void *heft_zalloc_array(size_t n, size_t item_size)
{
	size_t size;

	/* One call of calloc for the whole: the kernel's fresh pages are zero already. */
	return heft_mul_size(n, item_size, &size) ? heft_zalloc(size) : NULL;
}

void *heft_realloc_array(void *p, size_t n, size_t item_size)
{
	size_t size;

	return heft_mul_size(n, item_size, &size) ? realloc(p, at_least_one(size)) : NULL;
}

char *heft_strdup(const char *s)
{
	return heft_strndup(s, strlen(s));
}

char *heft_strndup(const char *s, size_t n)
{
	size_t size;
	char *copy = heft_add_size(n, 1, &size) ? heft_alloc(size) : NULL;

	if (!copy)
		return NULL;
	if (n > 0)
		memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

void heft_free(void *p)
{
	free(p);
}
