/* SPDX-License-Identifier: Apache-2.0 */
/* csv_classes.c - a sorted list of names. */
#include "train/csv_classes.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

#define FIRST_ROOM 16u

/* Where in the order the name is, or is to go. */
static uint32_t place_of(const struct heft_csv_classes *c, const char *name)
{
	uint32_t begin = 0;
	uint32_t end = c->n;

	while (begin < end) {
		const uint32_t middle = begin + (end - begin) / 2;

		if (strcmp(c->names[c->order[middle]], name) < 0)
			begin = middle + 1;
		else
			end = middle;
	}
	return begin;
}

bool heft_csv_classes_find(const struct heft_csv_classes *c, const char *name, uint32_t *i)
{
	const uint32_t at = place_of(c, name);

	if (at == c->n || strcmp(c->names[c->order[at]], name) != 0)
		return false;
	*i = c->order[at];
	return true;
}

static bool make_room(struct heft_csv_classes *c)
{
	const uint32_t n_room = c->n_room > 0 ? 2 * c->n_room : FIRST_ROOM;
	uint32_t *order;
	char **names;

	if (c->n < c->n_room)
		return true;
	names = heft_realloc_array(c->names, n_room, sizeof *names);
	if (!names)
		return false;
	c->names = names;
	order = heft_realloc_array(c->order, n_room, sizeof *order);
	if (!order)
		return false;
	c->order = order;
	c->n_room = n_room;
	return true;
}

enum heft_status heft_csv_classes_add(struct heft_csv_classes *c, const char *name,
                                      struct heft_error *err)
{
	const uint32_t at = place_of(c, name);
	char *copy = make_room(c) ? heft_strdup(name) : NULL;

	if (!copy)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a class");
	memmove(c->order + at + 1, c->order + at, (c->n - at) * sizeof *c->order);
	c->order[at] = c->n;
	c->names[c->n++] = copy;
	return HEFT_OK;
}

char **heft_csv_classes_take(struct heft_csv_classes *c, uint32_t *n)
{
	char **names = c->names;

	heft_free(c->order);
	*n = c->n;
	*c = (struct heft_csv_classes){ .names = NULL };
	return names;
}

void heft_csv_classes_done(struct heft_csv_classes *c)
{
	for (uint32_t i = 0; i < c->n; i++)
		heft_free(c->names[i]);
	heft_free(c->names);
	heft_free(c->order);
	*c = (struct heft_csv_classes){ .names = NULL };
}
