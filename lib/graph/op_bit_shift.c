/* SPDX-License-Identifier: Apache-2.0 */
/* op_bit_shift.c - BitShift: a moved by b bits, to the left or to the right; 0 where b is as many
 * as there are, or more. */
#include <string.h>

#include "base/error.h"
#include "graph/elementwise_loops.h"

static const struct heft_loop left[] = {
	HEFT_LOOPS_UNSIGNED(LEFT),
	HEFT_LOOPS_END,
};
static const struct heft_loop right[] = {
	HEFT_LOOPS_UNSIGNED(RIGHT),
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const char *direction = heft_call_text(c, "direction", "");

	if (strcmp(direction, "LEFT") != 0 && strcmp(direction, "RIGHT") != 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the direction is neither LEFT nor RIGHT");
	return heft_binary_infer(c, left, HEFT_DTYPE_NONE, err);
}

static void forward(const struct heft_call *c)
{
	const char *direction = heft_call_text(c, "direction", "");

	heft_binary_forward(c, strcmp(direction, "LEFT") == 0 ? left : right);
}

const struct heft_op heft_op_bit_shift = {
	.name = "BitShift",
	.domain = "",
	.since = 11,
	.flags = HEFT_OP_ELEMENTWISE,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = heft_gradient_none,
};
