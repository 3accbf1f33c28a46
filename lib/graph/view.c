/* SPDX-License-Identifier: Apache-2.0 */
/* view.c - input 0 in another shape. */
#include "graph/view.h"

enum heft_status heft_view_set(struct heft_call *c, uint32_t rank, const uint64_t *dims,
                               struct heft_error *err)
{
	c->may_overwrite = 1;
	return heft_array_set(&c->out[0], c->in[0].dtype, rank, dims, err);
}

void heft_view_forward(const struct heft_call *c)
{
	heft_copy(c, c->in[0].bytes, c->out[0].bytes, c->in[0].n_bytes);
}
