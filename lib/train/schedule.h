/* SPDX-License-Identifier: Apache-2.0 */
/* train/schedule.h - how the learning rate goes, step by step, in binary64 (spec F7-50 to F7-53).
 * A new one is one new file schedule_<name>.c, with a `const struct heft_schedule
 * heft_schedule_<name>`, and one word in lib/train/meson.build. */
#ifndef TRAIN_SCHEDULE_H
#define TRAIN_SCHEDULE_H

#include "train/recipe.h"

/* Where a run is: all numbers from 0. */
struct heft_schedule_place {
	uint64_t step;    /* of the run */
	uint64_t n_steps; /* of the whole run */
	uint64_t epoch;
};

struct heft_schedule {
	const char *name;
	bool needs_step_size;
	bool needs_gamma; /* it has no default here */
	/* What becomes of the rate `lr`, behind the warm-up; r is resolved. */
	double (*rate)(const struct heft_recipe *r, double lr,
	               const struct heft_schedule_place *at);
};

const struct heft_schedule *heft_schedule_at(uint32_t i); /* NULL past the last */
const struct heft_schedule *heft_schedule_find(const char *name);

/* The rate of a step for parameters whose own rate is lr: r->lr, or that of their group. */
double heft_schedule_rate(const struct heft_recipe *r, double lr,
                          const struct heft_schedule_place *at);

/* base^n by squares (spec F7-51). */
double heft_whole_power(double base, uint64_t n);
/* How far a run is behind the warm-up: steps, and how many there are; at least 1. */
void heft_schedule_progress(const struct heft_recipe *r, const struct heft_schedule_place *at,
                            double *step, double *n_steps);

#endif
