/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_sort.h - the orders in which `heft inspect` lists tensors. */
#ifndef TOOLS_INSPECT_SORT_H
#define TOOLS_INSPECT_SORT_H

#include "inspect_text.h"

enum inspect_sort {
	INSPECT_SORT_FILE,
	INSPECT_SORT_NAME,
	INSPECT_SORT_SIZE,
	/* from here on by statistics */
	INSPECT_SORT_MIN,
	INSPECT_SORT_MAX,
	INSPECT_SORT_MEAN,
	INSPECT_SORT_STD,
	INSPECT_SORT_ABS_MAX,
	INSPECT_SORT_L2,
	INSPECT_SORT_ZEROS,
	INSPECT_SORT_NAN
};

extern const char *const inspect_sort_names[]; /* ends with NULL */

/* False when there is no order of that name. */
bool inspect_sort_find(const char *name, uint32_t *sort);

/* Puts x->shown, and x->figures with it, in the order of x->sort: names ascending, numbers
 * descending, what has none last; equal ones in the file's order. */
enum heft_status inspect_sort(struct inspection *x, struct heft_error *err);

#endif
