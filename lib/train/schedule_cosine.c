/* SPDX-License-Identifier: Apache-2.0 */
/* schedule_cosine.c - the rate falls to min_lr along half a turn of a cosine, step by step (spec
 * F7-52). */
#include "kernel/elementary.h"
#include "train/schedule.h"

#define PI 0x1.921fb54442d18p1

static double rate(const struct heft_recipe *r, double lr, const struct heft_schedule_place *at)
{
	double step;
	double n_steps;
	double angle;
	double cosine;

	heft_schedule_progress(r, at, &step, &n_steps);
	angle = PI * step / n_steps;
	heft_cos_f64(&cosine, &angle, 1);
	return r->min_lr + (lr - r->min_lr) * (1 + cosine) * 0.5;
}

const struct heft_schedule heft_schedule_cosine = { .name = "cosine", .rate = rate };
