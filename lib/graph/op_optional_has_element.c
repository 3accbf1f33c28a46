/* SPDX-License-Identifier: Apache-2.0 */
/* op_optional_has_element.c - OptionalHasElement: whether an optional value has something. */
#include "base/error.h"
#include "graph/kinds.h"

static enum heft_status run(struct heft_call *c, struct heft_memory *memory, struct heft_error *err)
{
	const bool has = heft_call_has(c, 0) && c->in[0].dtype != HEFT_KIND_NOTHING;

	HEFT_TRY(heft_array_set(&c->out[0], HEFT_DTYPE_BOOL, 0, NULL, err));
	HEFT_TRY(heft_memory_take(memory, 1, &c->out[0].bytes, err));
	*(uint8_t *)c->out[0].bytes = has;
	return HEFT_OK;
}

const struct heft_op heft_op_optional_has_element = {
	.name = "OptionalHasElement",
	.domain = "",
	.since = 15,
	.min_in = 0,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.run = run,
};
