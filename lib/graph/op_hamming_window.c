/* SPDX-License-Identifier: Apache-2.0 */
/* op_hamming_window.c - HammingWindow: a cosine on a pedestal. Spec F6-89. */
#include "graph/taper.h"

static void forward(const struct heft_call *c)
{
	heft_taper_forward(c, 25.0 / 46, 21.0 / 46, 0);
}

const struct heft_op heft_op_hamming_window = {
	.name = "HammingWindow",
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
