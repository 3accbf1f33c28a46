/* SPDX-License-Identifier: Apache-2.0 */
/* train/adam_family.h - what Adam, AdamW and AMSGrad share: the step of spec F7-42. */
#ifndef TRAIN_ADAM_FAMILY_H
#define TRAIN_ADAM_FAMILY_H

#include "train/optimizer.h"

/* decouples: the decay is the value's (AdamW), not the gradient's. With a third state the divisor
 * is made of the greatest mean of squares so far (AMSGrad). */
uint32_t heft_adam_update(uint32_t cpu_bits, const struct heft_recipe *r,
                          const struct heft_optimizer_clock *clock,
                          const struct heft_parameter_step *p, uint64_t first, uint64_t n,
                          bool decouples, bool has_greatest);

/* The mean and the mean of squares; AMSGrad has one more. */
uint32_t heft_adam_n_states(const struct heft_recipe *r);

#endif
