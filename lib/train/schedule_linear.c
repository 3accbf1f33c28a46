/* SPDX-License-Identifier: Apache-2.0 */
/* schedule_linear.c - the rate falls to min_lr along a line, step by step (spec F7-53). */
#include "train/schedule.h"

static double rate(const struct heft_recipe *r, double lr, const struct heft_schedule_place *at)
{
	double step;
	double n_steps;

	heft_schedule_progress(r, at, &step, &n_steps);
	return lr + (r->min_lr - lr) * (step / n_steps);
}

const struct heft_schedule heft_schedule_linear = { .name = "linear", .rate = rate };
