/* SPDX-License-Identifier: Apache-2.0 */
/* schedule_exponential.c - the rate times gamma, every epoch (spec F7-51). */
#include "train/schedule.h"

static double rate(const struct heft_recipe *r, double lr, const struct heft_schedule_place *at)
{
	return lr * heft_whole_power(r->gamma, at->epoch);
}

const struct heft_schedule heft_schedule_exponential = {
	.name = "exponential",
	.needs_gamma = true,
	.rate = rate,
};
