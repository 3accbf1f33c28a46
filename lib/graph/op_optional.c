/* SPDX-License-Identifier: Apache-2.0 */
/* op_optional.c - Optional: the input as an optional value, or one that has nothing. */
#include "base/error.h"
#include "graph/kinds.h"

static enum heft_status run(struct heft_call *c, struct heft_memory *memory, struct heft_error *err)
{
	(void)memory;
	if (!heft_call_has(c, 0))
		return heft_array_set(&c->out[0], HEFT_KIND_NOTHING, 0, NULL, err);
	c->out[0] = c->in[0];
	return HEFT_OK;
}

const struct heft_op heft_op_optional = {
	.name = "Optional",
	.domain = "",
	.since = 15,
	.min_in = 0,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.run = run,
};
