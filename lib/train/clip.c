/* SPDX-License-Identifier: Apache-2.0 */
/* clip.c - the norm of all gradients together. */
#include "train/clip.h"

#include <math.h>

#include "kernel/meet.h"
#include "kernel/sum.h"
#include "kernel/update.h"

/* Blocks of F3-1 in a task. */
#define N_BLOCKS 4

struct job {
	uint32_t cpu_bits;
	const struct heft_gradient_values *gradient;
	struct heft_update_gradient taken;
	double *sums; /* one a block */
};

static uint64_t n_blocks_of(const struct heft_gradient_values *g)
{
	return g->n / HEFT_SUM_BLOCK + (g->n % HEFT_SUM_BLOCK != 0);
}

static double block_sum(const struct job *job, uint64_t first, size_t n)
{
	const struct heft_gradient_values *g = job->gradient;

	if (g->dtype == HEFT_DTYPE_F64) {
		double taken[HEFT_SUM_BLOCK];

		heft_update_take_f64_by(job->cpu_bits, &job->taken, taken,
		                        (const double *)g->values + first, n);
		return heft_sum_f64_by(job->cpu_bits, HEFT_TERM_SQUARE, 0, taken, n);
	} else {
		float taken[HEFT_SUM_BLOCK];

		heft_update_take_f32_by(job->cpu_bits, &job->taken, taken,
		                        (const float *)g->values + first, n);
		return heft_total_f32_by(job->cpu_bits, HEFT_TERM_SQUARE, 0, taken, n);
	}
}

static void sum_blocks(void *ctx, uint64_t task, uint32_t worker)
{
	const struct job *job = ctx;
	const uint64_t n_blocks = n_blocks_of(job->gradient);

	(void)worker;
	for (uint64_t b = task * N_BLOCKS; b < (task + 1) * N_BLOCKS && b < n_blocks; b++) {
		const uint64_t left = job->gradient->n - b * HEFT_SUM_BLOCK;

		job->sums[b] = block_sum(job, b * HEFT_SUM_BLOCK,
		                         (size_t)(left < HEFT_SUM_BLOCK ? left : HEFT_SUM_BLOCK));
	}
}

uint64_t heft_gradients_room(const struct heft_gradient_values *gradients, uint64_t n_gradients)
{
	uint64_t most = 1;

	for (uint64_t i = 0; i < n_gradients; i++)
		if (n_blocks_of(&gradients[i]) > most)
			most = n_blocks_of(&gradients[i]);
	return most;
}

double heft_gradients_norm(struct heft_team *team, uint32_t cpu_bits,
                           const struct heft_gradient_values *gradients, uint64_t n_gradients,
                           double scale, double *room)
{
	struct job job = { .cpu_bits = cpu_bits,
		           .taken = { .scale = scale, .coefficient = 1 },
		           .sums = room };
	double sum = 0;

	for (uint64_t i = 0; i < n_gradients; i++) {
		const uint64_t n_blocks = n_blocks_of(&gradients[i]);

		job.gradient = &gradients[i];
		heft_team_run(team, n_blocks / N_BLOCKS + (n_blocks % N_BLOCKS != 0), sum_blocks,
		              &job);
		sum += heft_meet_f64(room, n_blocks);
	}
	return sqrt(sum);
}

double heft_clip_coefficient(double norm, double most)
{
	const double coefficient = most / (norm + 1e-6);

	return coefficient > 1 ? 1 : coefficient;
}
