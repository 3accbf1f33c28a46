/* SPDX-License-Identifier: Apache-2.0 */
/* train/optimizer.h - the optimisers, in PyTorch's definition (spec F7-40 to F7-45). A new one is
 * one new file optimizer_<name>.c, with a `const struct heft_optimizer heft_optimizer_<name>`, and
 * one word in lib/train/meson.build.
 *
 * A parameter is updated in place, in fixed blocks, by a team: the same bits for any number of
 * threads and on any CPU. What an optimiser remembers are arrays of the parameter's shape and
 * dtype, zeros at first, and the clock. */
#ifndef TRAIN_OPTIMIZER_H
#define TRAIN_OPTIMIZER_H

#include "base/team.h"
#include "heft/tensor.h"
#include "kernel/update.h"
#include "train/recipe.h"

#define HEFT_OPTIMIZER_MAX_STATES 3

/* How many steps were begun, and the betas to that power: running products, so that no power is
 * computed. All of it goes into a checkpoint. */
struct heft_optimizer_clock {
	uint64_t step;
	double beta1_power;
	double beta2_power;
};

/* One parameter in one step. Arrays are of `dtype`, F32 or F64, do not overlap, and are aligned as
 * it asks. */
struct heft_parameter_step {
	enum heft_dtype dtype;
	uint64_t n;
	void *values;
	const void *gradient;                    /* stays as it is */
	void *states[HEFT_OPTIMIZER_MAX_STATES]; /* as many as n_states says */
	double lr;                               /* of this step, of this parameter */
	double weight_decay;                     /* 0: none */
	struct heft_update_gradient taken;       /* what is done to the gradient first */
};

struct heft_optimizer {
	const char *name;
	double default_lr;
	double default_weight_decay;
	bool has_momentum; /* knows momentum, dampening and nesterov; else betas and epsilon */
	/* Arrays that a parameter needs with this recipe, which is resolved. */
	uint32_t (*n_states)(const struct heft_recipe *r);
	const char *state_names[HEFT_OPTIMIZER_MAX_STATES];
	/* Elements first to first + n - 1; faults of enum heft_update_faults. Cannot fail. */
	uint32_t (*update)(uint32_t cpu_bits, const struct heft_recipe *r,
	                   const struct heft_optimizer_clock *clock,
	                   const struct heft_parameter_step *p, uint64_t first, uint64_t n);
};

const struct heft_optimizer *heft_optimizer_at(uint32_t i); /* NULL past the last */
const struct heft_optimizer *heft_optimizer_find(const char *name);

void heft_optimizer_clock_init(struct heft_optimizer_clock *clock);
/* Begins the next step: before its updates. */
void heft_optimizer_clock_advance(struct heft_optimizer_clock *clock, const struct heft_recipe *r);
/* Updates one parameter, whose gradient is looked at on the way; faults of enum heft_update_faults.
 * team NULL: by the caller alone. */
uint32_t heft_optimizer_step(struct heft_team *team, uint32_t cpu_bits, const struct heft_recipe *r,
                             const struct heft_optimizer_clock *clock,
                             const struct heft_parameter_step *p);

#endif
