/* SPDX-License-Identifier: Apache-2.0 */
/* optimizer.c - the list of optimisers, their clock, and a step cut into blocks for a team. */
#include "train/optimizer.h"

#include <stdatomic.h>
#include <string.h>

#define HEFT_OPTIMIZER(name) extern const struct heft_optimizer heft_optimizer_##name;
#include "train/optimizer_list.inc"
#undef HEFT_OPTIMIZER

static const struct heft_optimizer *const optimizers[] = {
#define HEFT_OPTIMIZER(name) &heft_optimizer_##name,
#include "train/optimizer_list.inc"
#undef HEFT_OPTIMIZER
};

/* Elements of a task: 64 KiB of F32 an array, some ten microseconds. */
#define BLOCK 16384

const struct heft_optimizer *heft_optimizer_at(uint32_t i)
{
	return i < sizeof optimizers / sizeof *optimizers ? optimizers[i] : NULL;
}

const struct heft_optimizer *heft_optimizer_find(const char *name)
{
	const struct heft_optimizer *o = NULL;

	for (uint32_t i = 0; (o = heft_optimizer_at(i)) != NULL; i++)
		if (strcmp(o->name, name) == 0)
			break;
	return o;
}

void heft_optimizer_clock_init(struct heft_optimizer_clock *clock)
{
	*clock = (struct heft_optimizer_clock){ .beta1_power = 1, .beta2_power = 1 };
}

void heft_optimizer_clock_advance(struct heft_optimizer_clock *clock, const struct heft_recipe *r)
{
	clock->step++;
	clock->beta1_power *= r->beta1;
	clock->beta2_power *= r->beta2;
}

struct job {
	uint32_t cpu_bits;
	const struct heft_recipe *recipe;
	const struct heft_optimizer_clock *clock;
	const struct heft_parameter_step *p;
	atomic_uint faults;
};

static void run_block(void *ctx, uint64_t task, uint32_t worker)
{
	struct job *job = ctx;
	const uint64_t first = task * BLOCK;
	const uint64_t left = job->p->n - first;
	const uint32_t faults = job->recipe->optimizer->update(job->cpu_bits, job->recipe,
	                                                       job->clock, job->p, first,
	                                                       left < BLOCK ? left : BLOCK);

	(void)worker;
	if (faults)
		atomic_fetch_or(&job->faults, faults);
}

uint32_t heft_optimizer_step(struct heft_team *team, uint32_t cpu_bits, const struct heft_recipe *r,
                             const struct heft_optimizer_clock *clock,
                             const struct heft_parameter_step *p)
{
	struct job job = { .cpu_bits = cpu_bits, .recipe = r, .clock = clock, .p = p };

	heft_team_run(team, p->n / BLOCK + (p->n % BLOCK != 0), run_block, &job);
	return atomic_load(&job.faults);
}
