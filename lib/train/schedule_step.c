/* SPDX-License-Identifier: Apache-2.0 */
/* schedule_step.c - the rate times gamma, every step_size epochs (spec F7-51). */
#include "train/schedule.h"

static double rate(const struct heft_recipe *r, double lr, const struct heft_schedule_place *at)
{
	return lr * heft_whole_power(r->gamma, at->epoch / r->step_size);
}

const struct heft_schedule heft_schedule_step = {
	.name = "step",
	.needs_step_size = true,
	.rate = rate,
};
