/* SPDX-License-Identifier: Apache-2.0 */
/* op_equal.c - Equal: whether a = b. */
#include "base/error.h"
#include "graph/elementwise_loops.h"
#include "graph/kinds.h"

static const struct heft_loop loops[] = {
	HEFT_LOOPS_COMPARE(EQUAL),
	HEFT_LOOPS_INTEGER(EQUAL),
	{ HEFT_DTYPE_BOOL, heft_run_bool, HEFT_INTEGER_EQUAL },
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_binary_infer(c, loops, HEFT_DTYPE_BOOL, err);
}

static void forward(const struct heft_call *c)
{
	heft_binary_forward(c, loops);
}

/* Of strings. */
static enum heft_status run(struct heft_call *c, struct heft_memory *memory, struct heft_error *err)
{
	struct heft_text_pairs pairs;
	struct heft_array *y = &c->out[0];

	HEFT_TRY(heft_call_text_pairs(c, &pairs, err));
	HEFT_TRY(heft_array_set(y, HEFT_DTYPE_BOOL, pairs.rank, pairs.dims, err));
	if (y->n_bytes > 0)
		HEFT_TRY(heft_memory_take(memory, y->n_bytes, &y->bytes, err));
	for (uint64_t i = 0; i < y->n_elements; i++)
		((uint8_t *)y->bytes)[i] = heft_text_compare(heft_text_pair_at(&pairs, 0, i),
		                                             heft_text_pair_at(&pairs, 1, i)) == 0;
	return HEFT_OK;
}

const struct heft_op heft_op_equal = {
	.name = "Equal",
	.domain = "",
	.flags = HEFT_OP_ELEMENTWISE | HEFT_OP_WIDENS,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.run = run,
	.backward = heft_gradient_none,
};
