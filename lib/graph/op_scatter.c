/* SPDX-License-Identifier: Apache-2.0 */
/* op_scatter.c - Scatter: ScatterElements as it was called before opset 11. */
#include "graph/scatter.h"
#include "graph/scatter_gradient.h"

const struct heft_op heft_op_scatter = {
	.name = "Scatter",
	.domain = "",
	.since = 9,
	.flags = HEFT_OP_WIDENS,
	.min_in = 3,
	.max_in = 3,
	.min_out = 1,
	.max_out = 1,
	.infer = heft_scatter_elements_infer,
	.forward = heft_scatter_elements_forward,
	.backward = heft_scatter_elements_backward,
};
