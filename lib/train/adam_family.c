/* SPDX-License-Identifier: Apache-2.0 */
/* adam_family.c - the step that Adam, AdamW and AMSGrad share. */
#include "train/adam_family.h"

#include <math.h>

uint32_t heft_adam_update(uint32_t cpu_bits, const struct heft_recipe *r,
                          const struct heft_optimizer_clock *clock,
                          const struct heft_parameter_step *p, uint64_t first, uint64_t n,
                          bool decouples, bool has_greatest)
{
	const struct heft_update_adam u = { .taken = p->taken,
		                            .rate = p->lr / (1 - clock->beta1_power),
		                            .kept = decouples ? 1 - p->lr * p->weight_decay : 1,
		                            .decay = decouples ? 0 : p->weight_decay,
		                            .beta1 = r->beta1,
		                            .other1 = 1 - r->beta1,
		                            .beta2 = r->beta2,
		                            .other2 = 1 - r->beta2,
		                            .root2 = sqrt(1 - clock->beta2_power),
		                            .epsilon = r->epsilon };

	if (p->dtype == HEFT_DTYPE_F64)
		return heft_update_adam_f64_by(cpu_bits, &u, (double *)p->values + first,
		                               (const double *)p->gradient + first,
		                               (double *)p->states[0] + first,
		                               (double *)p->states[1] + first,
		                               has_greatest ? (double *)p->states[2] + first : NULL,
		                               (size_t)n);
	return heft_update_adam_f32_by(cpu_bits, &u, (float *)p->values + first,
	                               (const float *)p->gradient + first,
	                               (float *)p->states[0] + first, (float *)p->states[1] + first,
	                               has_greatest ? (float *)p->states[2] + first : NULL,
	                               (size_t)n);
}

uint32_t heft_adam_n_states(const struct heft_recipe *r)
{
	(void)r;
	return 2;
}
