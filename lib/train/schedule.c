/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.c - the list of schedules, and the warm-up in front of them. */
#include "train/schedule.h"

#include <string.h>

#define HEFT_SCHEDULE(name) extern const struct heft_schedule heft_schedule_##name;
#include "train/schedule_list.inc"
#undef HEFT_SCHEDULE

static const struct heft_schedule *const schedules[] = {
#define HEFT_SCHEDULE(name) &heft_schedule_##name,
#include "train/schedule_list.inc"
#undef HEFT_SCHEDULE
};

const struct heft_schedule *heft_schedule_at(uint32_t i)
{
	return i < sizeof schedules / sizeof *schedules ? schedules[i] : NULL;
}

const struct heft_schedule *heft_schedule_find(const char *name)
{
	const struct heft_schedule *s = NULL;

	for (uint32_t i = 0; (s = heft_schedule_at(i)) != NULL; i++)
		if (strcmp(s->name, name) == 0)
			break;
	return s;
}

double heft_schedule_rate(const struct heft_recipe *r, double lr,
                          const struct heft_schedule_place *at)
{
	if (at->step < r->warmup)
		return lr * (double)(at->step + 1) / (double)r->warmup;
	return r->schedule->rate(r, lr, at);
}

double heft_whole_power(double base, uint64_t n)
{
	double y = 1;

	for (; n > 0; n >>= 1) {
		if (n & 1)
			y *= base;
		base *= base;
	}
	return y;
}

void heft_schedule_progress(const struct heft_recipe *r, const struct heft_schedule_place *at,
                            double *step, double *n_steps)
{
	const uint64_t n = at->n_steps > r->warmup ? at->n_steps - r->warmup : 1;
	const uint64_t i = at->step > r->warmup ? at->step - r->warmup : 0;

	*step = (double)(i < n ? i : n);
	*n_steps = (double)n;
}
