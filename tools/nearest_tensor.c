/* SPDX-License-Identifier: Apache-2.0 */
/* nearest_tensor.c - guesses which tensor of a file a misspelled name was meant to be. */
#include "nearest_tensor.h"

#include <string.h>

#include "memory.h"
#include "nearest.h"

/* Names are long, and many differ by a number alone. */
#define MAX_SLIPS 3

static char *nearest_in(struct heft_file *file, const char *name)
{
	struct nearest nearest;

	nearest_init(&nearest, name);
	for (uint32_t i = 0; i < heft_n_tensors(file); i++) {
		struct heft_tensor t;

		if (heft_tensor_at(file, i, &t, NULL) != HEFT_OK || strcmp(t.name, name) == 0)
			return NULL;
		nearest_offer(&nearest, t.name);
	}
	if (!nearest.best || nearest.best_cost > MAX_SLIPS)
		return NULL;
	return memory_copy_text(nearest.best, strlen(nearest.best));
}

char *nearest_tensor(const char *path, const char *name)
{
	struct heft_file *file;
	char *found;

	if (strpbrk(name, "*?[\\") || heft_open(path, NULL, &file, NULL) != HEFT_OK)
		return NULL;
	found = nearest_in(file, name);
	heft_close(file);
	return found;
}
