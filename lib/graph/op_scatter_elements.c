/* SPDX-License-Identifier: Apache-2.0 */
/* op_scatter_elements.c - ScatterElements: the data with updates along an axis
 * (scatter_elements.c). */
#include "graph/scatter.h"
#include "graph/scatter_gradient.h"

const struct heft_op heft_op_scatter_elements = {
	.name = "ScatterElements",
	.domain = "",
	.since = 11,
	.flags = HEFT_OP_WIDENS,
	.min_in = 3,
	.max_in = 3,
	.min_out = 1,
	.max_out = 1,
	.infer = heft_scatter_elements_infer,
	.forward = heft_scatter_elements_forward,
	.backward = heft_scatter_elements_backward,
};
