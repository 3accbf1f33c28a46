/* SPDX-License-Identifier: Apache-2.0 */
/* op_optional_get_element.c - OptionalGetElement: what an optional value has. */
#include "base/error.h"
#include "graph/kinds.h"

static enum heft_status run(struct heft_call *c, struct heft_memory *memory, struct heft_error *err)
{
	(void)memory;
	if (c->in[0].dtype == HEFT_KIND_NOTHING)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the optional value has no element");
	c->out[0] = c->in[0];
	return HEFT_OK;
}

const struct heft_op heft_op_optional_get_element = {
	.name = "OptionalGetElement",
	.domain = "",
	.since = 15,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.run = run,
};
