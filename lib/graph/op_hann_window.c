/* SPDX-License-Identifier: Apache-2.0 */
/* op_hann_window.c - HannWindow: a raised cosine. Spec F6-89. */
#include "graph/taper.h"

static void forward(const struct heft_call *c)
{
	heft_taper_forward(c, 0.5, 0.5, 0);
}

const struct heft_op heft_op_hann_window = {
	.name = "HannWindow",
	.domain = "",
	.since = 17,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.needs = 1 << 0,
	.infer = heft_taper_infer,
	.forward = forward,
};
