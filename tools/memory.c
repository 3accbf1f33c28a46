/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c - allocation that does not come back without memory. */
#include "memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

static void *checked(void *p)
{
	static const char msg[] = "heft: no memory\n";

	if (!p) {
		const ssize_t n = write(STDERR_FILENO, msg, sizeof msg - 1);

		(void)n;
		exit(STATUS_SYSTEM);
	}
	return p;
}

void *memory_new(size_t n, size_t item_size)
{
	return checked(calloc(n > 0 ? n : 1, item_size));
}

void *memory_resize(void *p, size_t n, size_t item_size)
{
	if (n > SIZE_MAX / item_size)
		return checked(NULL);
	return checked(realloc(p, n * item_size));
}

char *memory_copy_text(const char *text, size_t n)
{
	char *copy = memory_new(n + 1, 1);

	memcpy(copy, text, n);
	return copy;
}
