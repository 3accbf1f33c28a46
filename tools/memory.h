/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.h - allocation for a program that ends when there is none: never called while the library
 * holds something unfinished.
 */
#ifndef TOOLS_MEMORY_H
#define TOOLS_MEMORY_H

#include <stddef.h>

/* Zeroed; ends the program with status 4 when there is no memory. */
void *memory_new(size_t n, size_t item_size);
void *memory_resize(void *p, size_t n, size_t item_size);
char *memory_copy_text(const char *text, size_t n);

#endif
