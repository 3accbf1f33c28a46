/* SPDX-License-Identifier: Apache-2.0 */
/* optimizer_adamw.c - Adam, whose weight decay is apart from the gradient (spec F7-43). */
#include "train/adam_family.h"

static uint32_t update(uint32_t cpu_bits, const struct heft_recipe *r,
                       const struct heft_optimizer_clock *clock,
                       const struct heft_parameter_step *p, uint64_t first, uint64_t n)
{
	return heft_adam_update(cpu_bits, r, clock, p, first, n, true, false);
}

const struct heft_optimizer heft_optimizer_adamw = {
	.name = "adamw",
	.default_lr = 0.001,
	.default_weight_decay = 0.01,
	.n_states = heft_adam_n_states,
	.state_names = { "mean", "square" },
	.update = update,
};
