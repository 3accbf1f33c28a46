/* SPDX-License-Identifier: Apache-2.0 */
/* faults.c - gathers what does not verify, and tells it in the order of the file. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "container/verify_parts.h"

struct heft_fault_item {
	const char *what;
	char *name; /* owned; NULL: none */
	char *msg;  /* owned */
	uint64_t offset;
};

void heft_faults_init(struct heft_faults *f)
{
	memset(f, 0, sizeof *f);
	pthread_mutex_init(&f->mutex, NULL);
}

static void item_done(struct heft_fault_item *item)
{
	heft_free(item->name);
	heft_free(item->msg);
}

void heft_faults_done(struct heft_faults *f)
{
	for (size_t i = 0; i < f->n; i++)
		item_done(&f->items[i]);
	heft_free(f->items);
	pthread_mutex_destroy(&f->mutex);
}

static bool make_room(struct heft_faults *f)
{
	const size_t capacity = f->capacity > 0 ? 2 * f->capacity : 16;
	struct heft_fault_item *items;

	if (f->n < f->capacity)
		return true;
	items = heft_realloc_array(f->items, capacity, sizeof *items);
	if (!items)
		return false;
	f->items = items;
	f->capacity = capacity;
	return true;
}

void heft_faults_add(struct heft_faults *f, const char *what, const char *name, size_t name_size,
                     uint64_t offset, const char *msg)
{
	struct heft_fault_item item = {
		.what = what,
		.name = name ? heft_strndup(name, name_size) : NULL,
		.msg = heft_strdup(msg),
		.offset = offset,
	};
	bool is_kept = item.msg && (item.name || !name);

	pthread_mutex_lock(&f->mutex);
	is_kept = is_kept && make_room(f);
	if (is_kept)
		f->items[f->n++] = item;
	else
		f->lacked_memory = true;
	pthread_mutex_unlock(&f->mutex);
	if (!is_kept)
		item_done(&item);
}

enum heft_status heft_faults_note(struct heft_faults *f, const char *what, const char *name,
                                  size_t name_size, enum heft_status st,
                                  const struct heft_error *found, struct heft_error *err)
{
	switch (st) {
	case HEFT_OK:
		return HEFT_OK;
	case HEFT_E_CORRUPT:
	case HEFT_E_UNSUPPORTED:
	case HEFT_E_LIMIT:
		heft_faults_add(f, what, name, name_size, found->offset, found->msg);
		return HEFT_OK;
	default:
		if (err)
			*err = *found;
		return st;
	}
}

/* By offset; those of one offset by what they say. */
static int compare_items(const void *a, const void *b)
{
	const struct heft_fault_item *x = a;
	const struct heft_fault_item *y = b;
	int order;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	order = strcmp(x->what, y->what);
	if (order == 0)
		order = strcmp(x->name ? x->name : "", y->name ? y->name : "");
	return order != 0 ? order : strcmp(x->msg, y->msg);
}

enum heft_status heft_faults_tell(struct heft_faults *f, heft_fault_fn fn, void *user,
                                  struct heft_error *err)
{
	if (f->lacked_memory)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for the faults");
	if (!fn || f->n == 0)
		return HEFT_OK;
	qsort(f->items, f->n, sizeof *f->items, compare_items);
	for (size_t i = 0; i < f->n; i++) {
		const struct heft_fault fault = {
			.what = f->items[i].what,
			.name = f->items[i].name,
			.offset = f->items[i].offset,
			.msg = f->items[i].msg,
		};

		fn(user, &fault);
	}
	return HEFT_OK;
}
