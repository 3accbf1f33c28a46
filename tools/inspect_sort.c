/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_sort.c - puts tensors in an order. */
#include "inspect_sort.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "inspect_stats.h"
#include "memory.h"

const char *const inspect_sort_names[] = {
	"file", "name", "size", "min", "max", "mean", "std", "abs-max", "l2", "zeros", "nan", NULL,
};

bool inspect_sort_find(const char *name, uint32_t *sort)
{
	for (uint32_t i = 0; inspect_sort_names[i]; i++) {
		if (strcmp(name, inspect_sort_names[i]) == 0) {
			*sort = i;
			return true;
		}
	}
	return false;
}

struct row {
	uint32_t position; /* in x->shown */
	double key;
	const char *name; /* NULL: sorted by key */
};

static double key_of(enum inspect_sort sort, const struct heft_tensor *t,
                     const struct tensor_figures *f)
{
	switch (sort) {
	case INSPECT_SORT_SIZE:
		return (double)t->n_bytes;
	case INSPECT_SORT_MIN:
		return f->min;
	case INSPECT_SORT_MAX:
		return f->max;
	case INSPECT_SORT_MEAN:
		return f->mean;
	case INSPECT_SORT_STD:
		return f->std;
	case INSPECT_SORT_ABS_MAX:
		return f->abs_max;
	case INSPECT_SORT_L2:
		return f->is_numeric ? f->l2 : (double)NAN;
	case INSPECT_SORT_ZEROS:
		return f->is_numeric ? (double)f->n_zero : (double)NAN;
	case INSPECT_SORT_NAN:
		return f->is_numeric ? (double)f->n_nan : (double)NAN;
	default:
		return 0;
	}
}

static int compare(const void *pa, const void *pb)
{
	const struct row *a = pa;
	const struct row *b = pb;
	const int by_name = a->name ? strcmp(a->name, b->name) : 0;

	if (by_name != 0)
		return by_name;
	if (isnan(a->key) != isnan(b->key))
		return isnan(a->key) ? 1 : -1;
	if (a->key > b->key || a->key < b->key)
		return a->key > b->key ? -1 : 1;
	return a->position < b->position ? -1 : a->position > b->position;
}

static void reorder(struct inspection *x, const struct row *rows)
{
	uint32_t *shown = memory_new(x->n_shown, sizeof *shown);
	struct tensor_figures *figures = NULL;

	if (x->figures)
		figures = memory_new(x->n_shown, sizeof *figures);
	for (uint32_t i = 0; i < x->n_shown; i++) {
		shown[i] = x->shown[rows[i].position];
		if (figures)
			figures[i] = x->figures[rows[i].position];
	}
	free(x->shown);
	free(x->figures);
	x->shown = shown;
	x->figures = figures;
}

enum heft_status inspect_sort(struct inspection *x, struct heft_error *err)
{
	struct row *rows;
	struct heft_tensor t;
	enum heft_status st = HEFT_OK;

	if (x->sort == INSPECT_SORT_FILE)
		return HEFT_OK;
	rows = memory_new(x->n_shown, sizeof *rows);
	for (uint32_t i = 0; i < x->n_shown && st == HEFT_OK; i++) {
		st = heft_tensor_at(x->file, x->shown[i], &t, err);
		if (st != HEFT_OK)
			break;
		rows[i] = (struct row){
			.position = i,
			.key = key_of((enum inspect_sort)x->sort, &t,
			              x->figures ? &x->figures[i] : NULL),
			.name = x->sort == INSPECT_SORT_NAME ? t.name : NULL,
		};
	}
	if (st == HEFT_OK) {
		qsort(rows, x->n_shown, sizeof *rows, compare);
		reorder(x, rows);
	}
	free(rows);
	return st;
}
