/* SPDX-License-Identifier: Apache-2.0 */
/* optimizer_sgd.c - gradient descent with momentum, dampening, Nesterov's look ahead and weight
 * decay (spec F7-41). */
#include "train/optimizer.h"

static uint32_t n_states(const struct heft_recipe *r)
{
	return r->momentum != 0 ? 1 : 0;
}

static uint32_t update(uint32_t cpu_bits, const struct heft_recipe *r,
                       const struct heft_optimizer_clock *clock,
                       const struct heft_parameter_step *p, uint64_t first, uint64_t n)
{
	const struct heft_update_sgd u = { .taken = p->taken,
		                           .rate = p->lr,
		                           .decay = p->weight_decay,
		                           .momentum = r->momentum,
		                           .undamped = 1 - r->dampening,
		                           .is_first = clock->step == 1,
		                           .is_nesterov = r->nesterov };
	const bool has_state = n_states(r) > 0;

	if (p->dtype == HEFT_DTYPE_F64)
		return heft_update_sgd_f64_by(cpu_bits, &u, (double *)p->values + first,
		                              (const double *)p->gradient + first,
		                              has_state ? (double *)p->states[0] + first : NULL,
		                              (size_t)n);
	return heft_update_sgd_f32_by(cpu_bits, &u, (float *)p->values + first,
	                              (const float *)p->gradient + first,
	                              has_state ? (float *)p->states[0] + first : NULL, (size_t)n);
}

const struct heft_optimizer heft_optimizer_sgd = {
	.name = "sgd",
	.default_lr = 0.01,
	.has_momentum = true,
	.n_states = n_states,
	.state_names = { "momentum" },
	.update = update,
};
