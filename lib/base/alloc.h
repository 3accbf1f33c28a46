/* SPDX-License-Identifier: Apache-2.0 */
/* base/alloc.h - the only door to the heap; tests make the n-th call fail by wrapping malloc,
 * calloc and realloc at link time. */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stddef.h>
#include <stdint.h>

/* NULL: no memory. Size 0 gives a pointer to nothing, not NULL. */
void *heft_alloc(size_t size);
void *heft_alloc_filled(
	size_t size);           /* the same, for what is written whole at once: fewer page faults */
void *heft_zalloc(size_t size); /* zeroed */
void *heft_alloc_array(size_t n, size_t item_size); /* NULL also when n * item_size wraps */
/* zeroed; large ones cost nothing until touched */
void *heft_zalloc_array(size_t n, size_t item_size);
void *heft_realloc_array(void *p, size_t n, size_t item_size);
char *heft_strdup(const char *s);
char *heft_strndup(const char *s, size_t n); /* copies n bytes and ends them with NUL */
void heft_free(void *p);

uint64_t heft_memory_size(void); /* bytes that the machine has; 0: it does not tell */

#endif
