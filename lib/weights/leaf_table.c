/* SPDX-License-Identifier: Apache-2.0 */
/* leaf_table.c - room for the leaves of many tensors. */
#include "weights/leaf_table.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"

enum heft_status heft_leaf_table_init(struct heft_leaf_table *t, uint32_t n_tensors,
                                      uint64_t n_chunks, struct heft_error *err)
{
	size_t n = 0;
	const bool fits = heft_to_size(n_chunks, &n);

	*t = (struct heft_leaf_table){ .n_tensors = n_tensors };
	t->leaves = fits ? heft_alloc_array(n, HEFT_SHA256_SIZE) : NULL;
	t->first_leaf = heft_zalloc_array(n_tensors, sizeof *t->first_leaf);
	if (t->leaves && t->first_leaf)
		return HEFT_OK;
	heft_leaf_table_done(t);
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
	                 "no memory for the digests of %llu chunks", (unsigned long long)n_chunks);
}

void heft_leaf_table_done(struct heft_leaf_table *t)
{
	heft_free(t->leaves);
	heft_free(t->first_leaf);
	*t = (struct heft_leaf_table){ .leaves = NULL };
}
